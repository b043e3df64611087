//! One real transform length, both ways, with the scratch memory it needs.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::simd::vectorised;

/// A bin of a spectrum.
pub(crate) type Bin = Complex<f64>;

/// Plans for real transforms of `len` samples, and room for one at a time.
#[derive(Clone)]
pub(crate) struct RealFft {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    scratch: Vec<Bin>,
}

impl RealFft {
    /// Plans transforms of `len` samples; `len` is even.
    pub(crate) fn new(len: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(len);
        let inverse = planner.plan_fft_inverse(len);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            scratch: vec![Bin::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Samples of a transform.
    pub(crate) fn len(&self) -> usize {
        self.forward.len()
    }

    /// Bins of a transform.
    pub(crate) fn bins(&self) -> usize {
        self.len() / 2 + 1
    }

    /// The spectrum of `samples`, which are used up.
    pub(crate) fn forward(&mut self, samples: &mut [f64], spectrum: &mut [Bin]) {
        let done = self
            .forward
            .process_with_scratch(samples, spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "buffers fit the plan");
    }

    /// The samples of `spectrum`, which is used up, scaled so that it undoes [`RealFft::forward`].
    pub(crate) fn inverse(&mut self, spectrum: &mut [Bin], samples: &mut [f64]) {
        let done = self
            .inverse
            .process_with_scratch(spectrum, samples, &mut self.scratch);
        debug_assert!(done.is_ok(), "buffers fit the plan, ends are real");
        let scale = 1.0 / self.len() as f64;
        for sample in samples {
            *sample *= scale;
        }
    }
}

/// `sum += a · b`, bin by bin.
pub(crate) fn multiply_add(sum: &mut [Bin], a: &[Bin], b: &[Bin]) {
    vectorised(
        #[inline(always)]
        || {
            for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        },
    );
}

/// `sum += conj(a) · b`, bin by bin.
pub(crate) fn conjugate_multiply_add(sum: &mut [Bin], a: &[Bin], b: &[Bin]) {
    vectorised(
        #[inline(always)]
        || {
            for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
                *sum += a.conj() * b;
            }
        },
    );
}
