//! Least-squares projection of a signal on references delayed by `0 … taps − 1` samples.
//!
//! ```text
//! P e = Σᵢ Σₖ xᵢ[k] sᵢ[n − k],    T x = b,    b[k p + i] = Σₙ e[n] sᵢ[n − k]
//! ```
//!
//! with `T` the Gram matrix of [`toeplitz`](crate::toeplitz). References are scaled to unit energy
//! first (which changes no projection), so a quiet source is solved as exactly as a loud one.
//!
//! **Solution.** Conjugate gradients on `T`, preconditioned by its Cholesky factor: the first step
//! is the direct solution, the next ones are its iterative refinement. The residual is measured as
//! `rᵀ T⁻¹ r`, which is the energy still missing from `P e`, and the steps stop when that is below
//! [`TOLERANCE`] of what has been found or shrinks no more.
//!
//! **Correlated references.** When the references, delayed, are linearly dependent to double
//! precision, `T` has no Cholesky factor. Then the least of [`LOADINGS`] that makes `T + λ I`
//! positive definite is used *in the preconditioner only*: the steps still solve the system without
//! it, and conjugate gradients converge on a singular but consistent system, so the projection is
//! that on the space the references do span. mir_eval meets the same case with the LU factor of the
//! nearly singular matrix, and with least squares should that fail.

use crate::simd::dot;
use crate::toeplitz::{BlockToeplitz, ToeplitzFactor, ToeplitzProduct};

/// The missing share of the projected energy at which a solution is taken as exact.
const TOLERANCE: f64 = 1e-26;

/// What is added to the unit diagonal of the preconditioner, tried in this order.
const LOADINGS: [f64; 7] = [0.0, 1e-14, 1e-13, 1e-12, 1e-10, 1e-8, 1e-6];

/// The most steps: enough for a preconditioner far from the matrix, a stop for a hopeless one.
const MAX_STEPS: usize = 60;

/// How much the missing energy must shrink in a step for another one to be worth it.
const PROGRESS: f64 = 0.5;

/// A Gram matrix, factored once for all projections.
pub(crate) struct Projector {
    product: ToeplitzProduct,
    factor: ToeplitzFactor,
}

impl Projector {
    /// Factors `gram`, whose diagonal is 1; `None` when no loading makes it positive definite.
    pub(crate) fn new(gram: &BlockToeplitz) -> Option<Self> {
        let factor = LOADINGS.iter().find_map(|&loading| gram.factor(loading))?;
        Some(Self {
            product: gram.product(),
            factor,
        })
    }

    /// The filters `x` of the projection of a signal with the correlations `b`, in the same order.
    pub(crate) fn filters(&self, correlations: &[f64]) -> Vec<f64> {
        let mut filters = vec![0.0; correlations.len()];
        let mut residual = correlations.to_vec();
        let mut direction = vec![0.0; correlations.len()];
        let mut missing = f64::INFINITY;
        let mut enough = 0.0;
        for step in 0..MAX_STEPS {
            let mut preconditioned = residual.clone();
            self.factor.solve_lower(&mut preconditioned);
            let still_missing = dot(&preconditioned, &preconditioned);
            // Also stops at NaN.
            if !(still_missing > enough && still_missing < PROGRESS * missing) {
                break;
            }
            self.factor.solve_upper(&mut preconditioned);
            let conjugate = if step == 0 {
                0.0
            } else {
                still_missing / missing
            };
            for (d, z) in direction.iter_mut().zip(&preconditioned) {
                *d = z + conjugate * *d;
            }
            missing = still_missing;
            enough = enough.max(TOLERANCE * missing);
            let image = self.product.times(&direction);
            let length = missing / dot(&direction, &image);
            // Rounding has made the matrix indefinite along this direction.
            if !(length > 0.0 && length.is_finite()) {
                break;
            }
            add_scaled(&mut filters, length, &direction);
            add_scaled(&mut residual, -length, &image);
        }
        filters
    }
}

/// `sum += scale · vector`.
fn add_scaled(sum: &mut [f64], scale: f64, vector: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += scale * value;
    }
}
