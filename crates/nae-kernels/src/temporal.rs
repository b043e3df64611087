//! Convolution along time, every channel by itself.

use burn::backend::Dispatch;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, binary};
use burn::backend::tensor::FloatTensor;
use burn::tensor::module::conv1d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Tensor};
use rayon::prelude::*;

use crate::is_fused;
use crate::lanes::{LANES, Work, vectorised};
use crate::ops::{Kernels, Passes};
use crate::slices::{FlexTensor, contiguous, values, values_mut};

/// Where a channel's taps lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// Frames of one sequence; a channel's row holds sequences one after the other, and none hears
    /// its neighbours.
    pub frames: usize,
    /// Distance of two taps in frames, at least 1.
    pub dilation: usize,
    /// How many frames before the present one the first tap lies.
    pub before: usize,
}

impl Taps {
    /// Where tap `k` lies, in frames from the present one.
    fn shift(self, k: usize) -> isize {
        (k * self.dilation) as isize - self.before as isize
    }
}

/// Convolution along time, every channel with taps of its own:
/// `y[t] = Σₖ w[k]·x[t + k·dilation − before]`, silent outside a sequence.
///
/// # Shapes
/// - `x`: `[channels, sequences·frames]`; `taps`: `[channels, kernel]`
/// - output: `[channels, sequences·frames]`
///
/// # Panics
/// If rows are no whole number of sequences or the channels differ.
pub fn temporal(x: Tensor<2>, taps: Tensor<2>, places: Taps) -> Tensor<2> {
    let ([channels, columns], [of_taps, _]) = (x.dims(), taps.dims());
    assert!(
        channels == of_taps && places.frames > 0 && columns.is_multiple_of(places.frames),
        "[{channels}, {columns}] are no sequences of {} frames with {of_taps} channels",
        places.frames
    );
    if is_fused(&x) && is_fused(&taps) {
        let (x, taps) = (x.into_dispatch(), taps.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Kernels>::temporal(x, taps, places))
    } else {
        composite(x, taps, places)
    }
}

/// [`temporal`] made of Burn's own operations.
pub fn composite(x: Tensor<2>, taps: Tensor<2>, places: Taps) -> Tensor<2> {
    let ([channels, columns], [_, kernel]) = (x.dims(), taps.dims());
    let sequences = columns / places.frames;
    let after = (kernel - 1) * places.dilation - places.before;
    let options =
        ConvOptions::new_with_padding([1], [(places.before, after)], [places.dilation], channels);
    let x = x
        .reshape([channels, sequences, places.frames])
        .swap_dims(0, 1);
    conv1d(x, taps.reshape([channels, 1, kernel]), None, options)
        .swap_dims(0, 1)
        .reshape([channels, columns])
}

/// Columns below which one thread does it all.
const PARALLEL: usize = 1 << 18;

/// Which way taps point: as they are, or mirrored for the gradient with respect to the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Mirrored,
}

/// Every channel's row through its taps.
pub(crate) fn filter(x: FlexTensor, taps: FlexTensor, places: Taps, way: Way) -> FlexTensor {
    let (x, taps) = (contiguous(x), contiguous(taps));
    let (channels, columns, kernel) = sizes(&x, &taps);
    let mut y = FlexTensor::empty([channels, columns].into(), DType::F32);
    let rows = values_mut(&mut y)
        .par_chunks_mut(columns.max(1))
        .zip(values(&x).par_chunks(columns.max(1)))
        .zip(values(&taps).par_chunks(kernel.max(1)));
    let least = (PARALLEL / columns.max(1)).max(1);
    rows.with_min_len(least).for_each(|((y, x), taps)| {
        vectorised(Filter {
            x,
            y,
            taps,
            places,
            way,
        });
    });
    y
}

/// Gradient with respect to the taps.
pub(crate) fn tap_gradient(
    x: FlexTensor,
    gradient: FlexTensor,
    kernel: usize,
    places: Taps,
) -> FlexTensor {
    let (x, gradient) = (contiguous(x), contiguous(gradient));
    let (channels, columns, _) = sizes(&x, &gradient);
    let mut taps = FlexTensor::empty([channels, kernel].into(), DType::F32);
    let rows = values_mut(&mut taps)
        .par_chunks_mut(kernel.max(1))
        .zip(values(&x).par_chunks(columns.max(1)))
        .zip(values(&gradient).par_chunks(columns.max(1)));
    let least = (PARALLEL / columns.max(1)).max(1);
    rows.with_min_len(least).for_each(|((taps, x), gradient)| {
        vectorised(Correlate {
            x,
            gradient,
            taps,
            places,
        });
    });
    taps
}

/// Rows and columns of `x`, columns of `other`.
fn sizes(x: &FlexTensor, other: &FlexTensor) -> (usize, usize, usize) {
    let columns = |tensor: &FlexTensor| tensor.layout().shape().as_slice()[1];
    (x.layout().shape().as_slice()[0], columns(x), columns(other))
}

/// The frames of a sequence for which `t + shift` is inside it, too, and the first such `t + shift`.
#[inline(always)]
fn inside(frames: usize, shift: isize) -> (std::ops::Range<usize>, usize) {
    let start = (-shift).clamp(0, frames as isize) as usize;
    let end = (frames as isize - shift).clamp(0, frames as isize) as usize;
    let from = shift.clamp(0, frames as isize) as usize;
    (start..end.max(start), from)
}

struct Filter<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    taps: &'a [f32],
    places: Taps,
    way: Way,
}

impl Work for Filter<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let frames = self.places.frames;
        let sequences = self.y.chunks_exact_mut(frames);
        for (y, x) in sequences.zip(self.x.chunks_exact(frames)) {
            y.fill(0.0);
            for (k, &tap) in self.taps.iter().enumerate() {
                let shift = match self.way {
                    Way::Forward => self.places.shift(k),
                    Way::Mirrored => -self.places.shift(k),
                };
                let (range, from) = inside(frames, shift);
                let x = &x[from..][..range.len()];
                for (y, x) in y[range].iter_mut().zip(x) {
                    *y += tap * x;
                }
            }
        }
    }
}

struct Correlate<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    taps: &'a mut [f32],
    places: Taps,
}

impl Work for Correlate<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let frames = self.places.frames;
        for (k, tap) in self.taps.iter_mut().enumerate() {
            let shift = self.places.shift(k);
            let (range, from) = inside(frames, shift);
            let sequences = self.x.chunks_exact(frames);
            *tap = sequences
                .zip(self.gradient.chunks_exact(frames))
                .map(|(x, g)| dot(&x[from..][..range.len()], &g[range.clone()]))
                .sum();
        }
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let ((a_blocks, a_rest), (b_blocks, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// [`Kernels::temporal`] on the tape.
pub(crate) fn tracked<B: Kernels + Passes, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    taps: FloatTensor<Autodiff<B, C>>,
    places: Taps,
) -> FloatTensor<Autodiff<B, C>> {
    #[derive(Debug)]
    struct Temporal;

    impl<B: Kernels + Passes> Backward<B, 2> for Temporal {
        type State = (FloatTensor<B>, FloatTensor<B>, Taps);

        fn backward(
            self,
            ops: Ops<Self::State, 2>,
            gradients: &mut Gradients,
            _: &mut Checkpointer,
        ) {
            let (x, taps, places) = ops.state;
            let like = taps.clone();
            binary::<B, _, _>(
                ops.parents,
                ops.node,
                gradients,
                |gradient| B::temporal_input_gradient(gradient, taps, places),
                |gradient| B::temporal_tap_gradient(x, gradient, like, places),
            );
        }
    }

    let guards = [x.node(), taps.node()];
    let (x, taps) = (x.into_primitive(), taps.into_primitive());
    let y = B::temporal(x.clone(), taps.clone(), places);
    match Temporal.prepare::<C>(guards).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((x, taps, places), y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}
