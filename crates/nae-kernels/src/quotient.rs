//! Quotients that stay finite.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::is_fused_off_tape;
use crate::lanes::{Work, chunk, vectorised};
use crate::ops::Updates;
use crate::slices::{FlexTensor, contiguous, values, values_mut};

/// `x / max(y, floor)`, element by element; fused off the tape only.
///
/// # Shapes
/// - both inputs and the output: the same
pub fn quotient<const D: usize>(x: Tensor<D>, y: Tensor<D>, floor: f64) -> Tensor<D> {
    if is_fused_off_tape(&x) && x.dims() == y.dims() {
        let (x, y) = (x.into_dispatch(), y.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Updates>::quotient(x, y, floor))
    } else {
        composite(x, y, floor)
    }
}

/// [`quotient`] made of Burn's own operations.
pub fn composite<const D: usize>(x: Tensor<D>, y: Tensor<D>, floor: f64) -> Tensor<D> {
    x / y.clamp_min(floor)
}

/// The quotient, in the place of `y`.
pub(crate) fn divide(x: FlexTensor, y: FlexTensor, floor: f64) -> FlexTensor {
    let (x, mut y) = (contiguous(x), contiguous(y));
    let x = values(&x);
    let chunk = chunk(x.len());
    let pieces = values_mut(&mut y)
        .par_chunks_mut(chunk)
        .zip(x.par_chunks(chunk));
    pieces.for_each(|(y, x)| {
        vectorised(Divide {
            x,
            y,
            floor: floor as f32,
        });
    });
    y
}

struct Divide<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    floor: f32,
}

impl Work for Divide<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y = x / y.max(self.floor);
        }
    }
}
