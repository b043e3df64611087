//! The L1 penalty.

use burn::backend::Dispatch;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Tensor};
use rayon::prelude::*;

use crate::is_fused;
use crate::lanes::{LANES, Work, chunk, sum, vectorised};
use crate::ops::{Kernels, Passes};
use crate::slices::{FlexTensor, contiguous, values, values_mut};

/// Mean of `|x|` over every scene's elements; where `x` is zero the gradient is zero.
///
/// # Shapes
/// - input: `[scenes, …]`, not empty; output: `[scenes]`
pub fn mean_abs<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if is_fused(&x) {
        Tensor::from_dispatch(<Dispatch as Kernels>::mean_abs(x.into_dispatch()))
    } else {
        composite(x)
    }
}

/// [`mean_abs`] made of Burn's own operations.
pub fn composite<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let scenes = x.dims()[0];
    x.abs()
        .reshape([scenes as i32, -1])
        .mean_dim(1)
        .reshape([scenes])
}

/// Number of scenes and of one scene's elements.
fn scenes_of(x: &FlexTensor) -> (usize, usize) {
    let scenes = x.layout().shape().as_slice().first().copied().unwrap_or(1);
    (scenes, x.layout().num_elements() / scenes.max(1))
}

/// The means, `[scenes]`.
pub(crate) fn forward(x: &FlexTensor) -> FlexTensor {
    let x = contiguous(x.clone());
    let (scenes, count) = scenes_of(&x);
    let mut means = FlexTensor::empty([scenes].into(), DType::F32);
    let planes = values(&x).chunks(count.max(1));
    for (mean, plane) in values_mut(&mut means).iter_mut().zip(planes) {
        let pieces = plane.chunks(chunk(count)).map(Total).collect();
        *mean = (sum(pieces, vectorised) / count as f64) as f32;
    }
    means
}

/// Sign of `x` times its scene's factor over the number of the scene's elements.
pub(crate) fn backward(x: FlexTensor, factors: &FlexTensor) -> FlexTensor {
    let mut x = contiguous(x);
    let (_, count) = scenes_of(&x);
    let factors = contiguous(factors.clone());
    let planes = values_mut(&mut x).chunks_mut(count.max(1));
    for (plane, factor) in planes.zip(values(&factors)) {
        let size = factor / count as f32;
        plane
            .par_chunks_mut(chunk(count))
            .for_each(|values| vectorised(Signs { values, size }));
    }
    x
}

struct Total<'a>(&'a [f32]);

impl Work for Total<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
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

struct Signs<'a> {
    values: &'a mut [f32],
    size: f32,
}

impl Work for Signs<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
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

/// [`Kernels::mean_abs`] on the tape.
pub(crate) fn tracked<B: Kernels + Passes, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    #[derive(Debug)]
    struct MeanAbs;

    impl<B: Kernels + Passes> Backward<B, 1> for MeanAbs {
        type State = FloatTensor<B>;

        fn backward(
            self,
            ops: Ops<Self::State, 1>,
            gradients: &mut Gradients,
            _: &mut Checkpointer,
        ) {
            let x = ops.state;
            unary::<B, _>(ops.parents, ops.node, gradients, |factor| {
                B::mean_abs_gradient(x, factor)
            });
        }
    }

    let guard = x.node();
    let x = x.into_primitive();
    let mean = B::mean_abs(x.clone());
    match MeanAbs.prepare::<C>([guard]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(x, mean),
        OpsKind::UnTracked(prep) => prep.finish(mean),
    }
}
