//! Losses whose gradient is computed in the forward pass.
//!
//! The derivative of such a loss shares most of its work with the value. One pass gives both, and
//! nothing else has to be kept for the way back.

use burn::backend::Flex;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;

use crate::flex::{FlexTensor, contiguous, values, values_mut};

/// Records an operation whose `forward` gives one value a batch item together with the gradient of
/// that value with respect to `x`: the backward pass only multiplies every item's gradient by the
/// factor that comes in.
pub(crate) fn record<C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<Flex, C>>,
    forward: impl FnOnce(FlexTensor) -> (FlexTensor, FlexTensor),
) -> FloatTensor<Autodiff<Flex, C>> {
    #[derive(Debug)]
    struct ForwardGradient;

    impl Backward<Flex, 1> for ForwardGradient {
        type State = FlexTensor;

        fn backward(
            self,
            ops: Ops<Self::State, 1>,
            gradients: &mut Gradients,
            _: &mut Checkpointer,
        ) {
            let gradient = ops.state;
            unary::<Flex, _>(ops.parents, ops.node, gradients, |factors| {
                scale_items(gradient, &factors)
            });
        }
    }

    let node = x.node();
    let (values, gradient) = forward(x.into_primitive());
    match ForwardGradient
        .prepare::<C>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish(gradient, values),
        OpsKind::UnTracked(prep) => prep.finish(values),
    }
}

/// Every batch item's gradient times that item's factor; untouched where all factors are one.
fn scale_items(gradient: FlexTensor, factors: &FlexTensor) -> FlexTensor {
    let factors = contiguous(factors.clone());
    let factors = values(&factors);
    if factors.iter().all(|&factor| factor == 1.0) {
        return gradient;
    }
    let mut gradient = gradient;
    let count = gradient.layout().num_elements() / factors.len().max(1);
    for (item, factor) in values_mut(&mut gradient)
        .chunks_mut(count.max(1))
        .zip(factors)
    {
        for value in item {
            *value *= factor;
        }
    }
    gradient
}
