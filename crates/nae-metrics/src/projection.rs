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
//! precision, `T` has no Cholesky factor, or one that is made of rounding. Then `T + λ I` takes its
//! place, with the least `λ` (rounding times powers of [`LOADING_GROWTH`]) that makes it positive
//! definite. A direction with the eigenvalue `σ` of `T` then lacks the share `(λ / (σ + λ))²` of its
//! energy: next to nothing where the references differ by 10⁻⁴ of their amplitude or more, all where
//! they differ by no more than rounding. mir_eval meets the same case with the LU factor of the
//! nearly singular matrix, and with least squares should that fail. Both agree where that is accurate
//! (golden cases "nearly collinear", and a reference given twice); past a condition of about 10¹³,
//! as with references that are silent in most of the band, its solution is rounding noise, which
//! shows as an SAR below the SDR. No exact projection has that, and none found here.

use crate::simd::dot;
use crate::toeplitz::{BlockToeplitz, ToeplitzFactor, ToeplitzProduct};

/// The missing share of the projected energy at which a solution is taken as exact.
const TOLERANCE: f64 = 1e-26;

/// How much more is added to the diagonal from one attempt to the next.
const LOADING_GROWTH: f64 = 8.0;

/// How often loading is raised before the matrix is given up.
const LOADING_ATTEMPTS: i32 = 12;

/// The most steps: enough for a preconditioner far from the matrix, a stop for a hopeless one.
const MAX_STEPS: usize = 60;

/// How much the missing energy must shrink in a step for another one to be worth it.
const PROGRESS: f64 = 0.5;

/// A Gram matrix, factored once for all projections.
pub(crate) struct Projector {
    product: ToeplitzProduct,
    factor: ToeplitzFactor,
    /// What is added to the diagonal, in the product as in the factor.
    loading: f64,
}

impl Projector {
    /// Factors `gram`, whose diagonal is 1; `None` when no loading makes it positive definite.
    pub(crate) fn new(gram: &BlockToeplitz) -> Option<Self> {
        let product = gram.product();
        let rounding = gram.rounding();
        let exact = gram
            .factor(0.0)
            .filter(|factor| is_independent(factor, &product, rounding));
        let loaded = || {
            (1..=LOADING_ATTEMPTS).find_map(|attempt| {
                let loading = rounding * LOADING_GROWTH.powi(attempt);
                Some((gram.factor(loading)?, loading))
            })
        };
        let (factor, loading) = exact.map(|factor| (factor, 0.0)).or_else(loaded)?;
        Some(Self {
            product,
            factor,
            loading,
        })
    }

    /// The projections of signals with the correlations `b`, in the same order. Several at once cost
    /// little more than one: the factor is read from memory once for all.
    pub(crate) fn project(&self, correlations: Vec<Vec<f64>>) -> Vec<Projection> {
        let given = correlations.clone();
        let mut solvers: Vec<ConjugateGradient> = correlations
            .into_iter()
            .map(ConjugateGradient::new)
            .collect();
        let mut active: Vec<&mut ConjugateGradient> = solvers.iter_mut().collect();
        for _ in 0..MAX_STEPS {
            let mut halves: Vec<Vec<f64>> = active.iter().map(|d| d.residual.clone()).collect();
            self.factor.solve_lower(&mut halves);
            let mut vectors;
            (active, vectors) = active
                .into_iter()
                .zip(halves)
                .filter_map(|(solver, half)| {
                    let goes_on = solver.goes_on(dot(&half, &half));
                    goes_on.then_some((solver, half))
                })
                .unzip::<_, _, Vec<_>, Vec<_>>();
            if active.is_empty() {
                break;
            }
            self.factor.solve_upper(&mut vectors);
            active = active
                .into_iter()
                .zip(vectors)
                .filter_map(|(solver, z)| {
                    solver
                        .step(&z, &self.product, self.loading)
                        .then_some(solver)
                })
                .collect();
        }
        solvers
            .into_iter()
            .zip(given)
            .map(|(solver, correlations)| Projection {
                energy: (self.loading == 0.0)
                    .then(|| Energy::of_form(&solver.filters, &correlations, &solver.residual)),
                filters: solver.filters,
            })
            .collect()
    }
}

/// One signal's projection.
pub(crate) struct Projection {
    /// The filters `x`.
    pub(crate) filters: Vec<f64>,
    /// The energy of `P e`; none where loading makes it no exact projection.
    pub(crate) energy: Option<Energy>,
}

/// An energy and what rounding may have done to it.
#[derive(Clone, Copy)]
pub(crate) struct Energy {
    pub(crate) value: f64,
    /// A bound on the error, absolute.
    pub(crate) error: f64,
}

impl Energy {
    /// `‖P e‖² = xᵀ T x = xᵀ(b − r)`: no signal need be filtered for it.
    fn of_form(filters: &[f64], correlations: &[f64], residual: &[f64]) -> Self {
        let (mut value, mut size) = (0.0, 0.0);
        for ((x, b), r) in filters.iter().zip(correlations).zip(residual) {
            value += x * (b - r);
            size += (x * b).abs();
        }
        // the correlations come from transforms, which lose a digit or two
        let error = 100.0 * f64::EPSILON * size;
        Self { value, error }
    }
}

/// Whether the least eigenvalue of a matrix is more than `rounding`, by one step of inverse iteration
/// with its factor: from a vector in no direction in particular, that ends in the direction that the
/// matrix shortens most.
fn is_independent(factor: &ToeplitzFactor, product: &ToeplitzProduct, rounding: f64) -> bool {
    let mut state = 1_u32;
    let signs = (0..factor.order()).map(|_| {
        // A linear congruential generator, whose top bit is as good as random.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state >> 31 == 0 { 1.0 } else { -1.0 }
    });
    let mut vectors = [signs.collect::<Vec<f64>>()];
    factor.solve_lower(&mut vectors);
    factor.solve_upper(&mut vectors);
    let [direction] = &vectors;
    dot(direction, &product.times(direction)) > rounding * dot(direction, direction)
}

/// The conjugate gradients of one right-hand side.
struct ConjugateGradient {
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

impl ConjugateGradient {
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
    fn step(&mut self, preconditioned: &[f64], product: &ToeplitzProduct, loading: f64) -> bool {
        for (d, z) in self.direction.iter_mut().zip(preconditioned) {
            *d = z + self.conjugate * *d;
        }
        let mut image = product.times(&self.direction);
        add_scaled(&mut image, loading, &self.direction);
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
