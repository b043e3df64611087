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

    /// The filters `x` of the projections of signals with the correlations `b`, in the same order.
    /// Several at once cost little more than one: the factor is read from memory once for all.
    pub(crate) fn filters(&self, correlations: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        let mut descents: Vec<Descent> = correlations.into_iter().map(Descent::new).collect();
        let mut active: Vec<&mut Descent> = descents.iter_mut().collect();
        for _ in 0..MAX_STEPS {
            let mut halves: Vec<Vec<f64>> = active.iter().map(|d| d.residual.clone()).collect();
            self.factor.solve_lower(&mut halves);
            let mut vectors;
            (active, vectors) = active
                .into_iter()
                .zip(halves)
                .filter_map(|(descent, half)| {
                    let goes_on = descent.goes_on(dot(&half, &half));
                    goes_on.then_some((descent, half))
                })
                .unzip::<_, _, Vec<_>, Vec<_>>();
            if active.is_empty() {
                break;
            }
            self.factor.solve_upper(&mut vectors);
            active = active
                .into_iter()
                .zip(vectors)
                .filter_map(|(descent, z)| descent.step(&z, &self.product).then_some(descent))
                .collect();
        }
        descents
            .into_iter()
            .map(|descent| descent.filters)
            .collect()
    }
}

/// The conjugate gradients of one right-hand side.
struct Descent {
    filters: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
    /// The energy that the filters found so far leave out: `rᵀ T⁻¹ r`.
    missing: f64,
    /// What the new direction keeps of the one before.
    conjugate: f64,
    /// The missing energy at which to stop.
    enough: f64,
}

impl Descent {
    fn new(correlations: Vec<f64>) -> Self {
        let zeros = vec![0.0; correlations.len()];
        Self {
            filters: zeros.clone(),
            direction: zeros,
            residual: correlations,
            missing: f64::INFINITY,
            conjugate: 0.0,
            enough: 0.0,
        }
    }

    /// Whether another step is worth it, with `missing` energy left.
    fn goes_on(&mut self, missing: f64) -> bool {
        // NaN compares false, and stops.
        if !(missing > self.enough && missing < PROGRESS * self.missing) {
            return false;
        }
        // Zero at the first step, where everything is missing.
        self.conjugate = missing / self.missing;
        self.missing = missing;
        if self.enough == 0.0 {
            self.enough = TOLERANCE * missing;
        }
        true
    }

    /// One step, from the preconditioned residual; whether it could be taken.
    fn step(&mut self, preconditioned: &[f64], product: &ToeplitzProduct) -> bool {
        for (d, z) in self.direction.iter_mut().zip(preconditioned) {
            *d = z + self.conjugate * *d;
        }
        let image = product.times(&self.direction);
        let length = self.missing / dot(&self.direction, &image);
        // Rounding has made the matrix indefinite along this direction.
        if !(length > 0.0 && length.is_finite()) {
            return false;
        }
        add_scaled(&mut self.filters, length, &self.direction);
        add_scaled(&mut self.residual, -length, &image);
        true
    }
}

/// `sum += scale · vector`.
fn add_scaled(sum: &mut [f64], scale: f64, vector: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += scale * value;
    }
}
