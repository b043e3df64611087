//! L1 penalty.
//!
//! One pass for the value, one for the gradient, where Burn makes `|x|`, its mean, an expanded
//! gradient and a tensor of signs. Measured gain (one thread, AVX2,
//! `cargo run --release --example kernels -- l1`): 1.2 to 1.7 times forward, 2.7 to 14 times with its
//! gradient.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Tensor};
use rayon::prelude::*;

use crate::flex::{FlexTensor, contiguous, has_kernels, values, values_mut};
use crate::schedule::{chunk, sum};
use crate::simd::{LANES, SimdLoop, dispatch};

/// Mean of `|x|` over every batch item's elements; where `x` is zero the gradient is zero.
///
/// # Shapes
/// - input: `[batch, …]`, not empty; output: `[batch]`
pub fn l1<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if has_kernels(&x) {
        Tensor::from_dispatch(<Dispatch as L1Ops>::l1(x.into_dispatch()))
    } else {
        composite(x)
    }
}

/// [`l1`] composed of Burn's own operations.
pub fn composite<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let batch = x.dims()[0];
    x.abs()
        .reshape([batch as i32, -1])
        .mean_dim(1)
        .reshape([batch])
}

/// What a backend needs for [`l1`].
#[backend_extension(Flex, Autodiff)]
pub(crate) trait L1Ops: Backend {
    /// See [`l1`].
    fn l1(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl L1Ops for Flex {
    fn l1(x: FlexTensor) -> FlexTensor {
        forward(&x)
    }
}

impl<C: CheckpointStrategy> L1Ops for Autodiff<Flex, C> {
    fn l1(x: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct L1;

        impl Backward<Flex, 1> for L1 {
            type State = FlexTensor;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let x = ops.state;
                unary::<Flex, _>(ops.parents, ops.node, gradients, |factors| {
                    backward(x, &factors)
                });
            }
        }

        let node = x.node();
        let x = x.into_primitive();
        let mean = forward(&x);
        match L1.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(x, mean),
            OpsKind::UnTracked(prep) => prep.finish(mean),
        }
    }
}

/// Size of the batch and number of one item's elements.
fn sizes(x: &FlexTensor) -> (usize, usize) {
    let batch = x.layout().shape().as_slice().first().copied().unwrap_or(1);
    (batch, x.layout().num_elements() / batch.max(1))
}

/// The means, `[batch]`.
fn forward(x: &FlexTensor) -> FlexTensor {
    let x = contiguous(x.clone());
    let (batch, count) = sizes(&x);
    let mut means = FlexTensor::empty([batch].into(), DType::F32);
    let items = values(&x).chunks(count.max(1));
    for (mean, item) in values_mut(&mut means).iter_mut().zip(items) {
        let pieces = item.chunks(chunk(count)).map(SumLoop).collect();
        *mean = (sum(pieces, dispatch) / count as f64) as f32;
    }
    means
}

/// Sign of `x` times its batch item's factor over the number of the item's elements.
fn backward(x: FlexTensor, factors: &FlexTensor) -> FlexTensor {
    let mut x = contiguous(x);
    let (_, count) = sizes(&x);
    let factors = contiguous(factors.clone());
    let items = values_mut(&mut x).chunks_mut(count.max(1));
    for (item, factor) in items.zip(values(&factors)) {
        let size = factor / count as f32;
        item.par_chunks_mut(chunk(count))
            .for_each(|values| dispatch(SignLoop { values, size }));
    }
    x
}

struct SumLoop<'a>(&'a [f32]);

impl SimdLoop for SumLoop<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let mut total = 0.0;
        for block in self.0.chunks(64 * LANES) {
            let (lanes, rest) = block.as_chunks::<LANES>();
            let mut sums = [0.0f32; LANES];
            for values in lanes {
                for lane in 0..LANES {
                    sums[lane] += values[lane].abs();
                }
            }
            let all = sums.iter().chain(rest).map(|&value| f64::from(value.abs()));
            total += all.sum::<f64>();
        }
        total
    }
}

struct SignLoop<'a> {
    values: &'a mut [f32],
    size: f32,
}

impl SimdLoop for SignLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for x in self.values {
            *x = if *x > 0.0 {
                self.size
            } else if *x < 0.0 {
                -self.size
            } else {
                0.0
            };
        }
    }
}
