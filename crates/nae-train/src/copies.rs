//! One network as equal copies, one for every thread.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_model::Nae;
use rayon::prelude::*;

/// Lets every copy of a network take the same step, with the sum of all gradients. On the CPU each
/// does so on its own thread: while one thread stepped for all, the others would fall asleep, and
/// waking up takes longer than a small network's step; and a copy stays in its thread's cache.
///
/// - `copies`: networks with the same parameters, of the same values
/// - `optimizers`: one for every copy, which all took the same steps before
/// - `gradients`: any number, which share nothing with the copies but the parameters' identities
/// - `rate`: of learning
///
/// # Panics
/// If there are not as many optimisers as copies.
pub(crate) fn step_copies(
    copies: Vec<Nae>,
    optimizers: &mut [ModuleOptimizer],
    gradients: &[GradientsParams],
    rate: f64,
) -> Vec<Nae> {
    assert_eq!(copies.len(), optimizers.len());
    let own = |copy: Nae| {
        let of_copy = |from: &GradientsParams| {
            let mut handles = Handles {
                from,
                to: GradientsParams::new(),
            };
            copy.visit(&mut handles);
            handles.to
        };
        let gradients: Vec<_> = gradients.iter().map(of_copy).collect();
        (copy, gradients)
    };
    let own: Vec<_> = copies.into_iter().map(own).collect();
    let step = |((copy, gradients), optimizer): ((Nae, Vec<_>), &mut ModuleOptimizer)| {
        let mut sum = GradientsAccumulator::new();
        for gradients in gradients {
            sum.accumulate(&copy, gradients);
        }
        optimizer.step(rate, copy, sum.grads())
    };
    own.into_par_iter().zip(optimizers).map(step).collect()
}

/// One network of the equal copies that threads had, at least one.
pub(crate) fn first(mut copies: Vec<Nae>) -> Nae {
    copies.swap_remove(0)
}

/// Collects handles to a network's gradients.
struct Handles<'a> {
    from: &'a GradientsParams,
    to: GradientsParams,
}

impl ModuleVisitor for Handles<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.get::<D>(parameter.id) {
            self.to.register(parameter.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use nae_model::ModelConfig;
    use nae_model::optim::OptimizerKind;
    use nae_model::random::generator;
    use nae_model::spectra::read;

    const BINS: usize = 9;

    /// Gradients of some sum over what the network makes of a constant.
    fn gradients(network: &Nae, level: f32) -> GradientsParams {
        let network = network.clone();
        let x = Tensor::<3>::ones([1, BINS, 4], &Device::flex().autodiff()) * level;
        let latent = network.encode(x).pop().unwrap();
        let loss = network.decode(latent).1.value().square().sum();
        GradientsParams::from_grads(loss.backward(), &network)
    }

    #[test]
    fn every_copy_comes_out_as_one_network_does() {
        let config = ModelConfig {
            layers: 2,
            rank: 3,
            ..ModelConfig::default()
        };
        let device = Device::flex().autodiff();
        let network = Nae::new(&config, BINS, &mut generator(4, "weights"), &device);
        for kind in [
            OptimizerKind::Adam,
            OptimizerKind::Rmsprop,
            OptimizerKind::Rprop,
        ] {
            let build = |_| kind.build(&Default::default());
            let after = |count: usize| -> Vec<Vec<f32>> {
                let mut copies = vec![network.clone(); count];
                let mut optimizers: Vec<_> = (0..count).map(build).collect();
                for _ in 0..3 {
                    let gradients = [0.5, 2.0].map(|level| gradients(&copies[0], level));
                    copies = step_copies(copies, &mut optimizers, &gradients, 1e-2);
                }
                let basis = |copy: &Nae| read(copy.decoder[0].weight.val().inner()).unwrap();
                copies.iter().map(basis).collect()
            };
            let [alone] = after(1).try_into().unwrap();
            assert_ne!(
                alone,
                read(network.decoder[0].weight.val().inner()).unwrap()
            );
            for copy in after(3) {
                assert_eq!(copy, alone, "{kind:?}");
            }
        }
    }
}
