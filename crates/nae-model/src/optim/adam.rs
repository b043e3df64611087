//! Adam.

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use nae_kernels::{AdamStep, adam};

/// Adam (Kingma & Ba, 2015) whose update is one pass. Burn's own takes a dozen, and on models as
/// small as these they cost more than the gradient. Same state as Burn's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adam {
    /// Decoupled weight decay per unit of learning rate (AdamW); 0 for none.
    pub decay: f64,
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (time, moments) = match state {
            Some(AdamState { momentum }) => (momentum.time, [momentum.moment_1, momentum.moment_2]),
            None => (0, [gradient.zeros_like(), gradient.zeros_like()]),
        };
        let time = time + 1;
        let step = AdamStep::new(rate, time).with_decay(rate, self.decay);
        let (parameter, [first, second]) = adam(parameter, gradient, moments, step);
        let momentum = AdaptiveMomentumState::new(time, first, second);
        (parameter, Some(AdamState::new(momentum)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdamState::new(state.momentum.to_device(device))
    }
}
