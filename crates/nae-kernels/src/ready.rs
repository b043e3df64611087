//! Gradients that are worked out on the way forward.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;

use crate::ops::Passes;

/// Puts an operation on the tape whose `pass` gives one value a scene together with the gradient with
/// respect to `x`: on the way back nothing is left to do but to multiply it with every scene's factor.
pub(crate) fn tracked<B: Passes, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    pass: impl FnOnce(FloatTensor<B>) -> (FloatTensor<B>, FloatTensor<B>),
) -> FloatTensor<Autodiff<B, C>> {
    #[derive(Debug)]
    struct Ready;

    impl<B: Passes> Backward<B, 1> for Ready {
        type State = FloatTensor<B>;

        fn backward(
            self,
            ops: Ops<Self::State, 1>,
            gradients: &mut Gradients,
            _: &mut Checkpointer,
        ) {
            let gradient = ops.state;
            unary::<B, _>(ops.parents, ops.node, gradients, |factors| {
                B::scale_scenes(gradient, factors)
            });
        }
    }

    let guard = x.node();
    let (values, gradient) = pass(x.into_primitive());
    match Ready.prepare::<C>([guard]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(gradient, values),
        OpsKind::UnTracked(prep) => prep.finish(values),
    }
}
