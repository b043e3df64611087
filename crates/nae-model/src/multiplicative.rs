//! Multiplicative updates of non-negative matrix factorisation, `X ≈ W·H`.
//!
//! With `Λ = W·H` and the β-divergence (β = 1: generalised Kullback–Leibler, 0: Itakura–Saito,
//! 2: Euclidean), all products and quotients by element:
//!
//! ```text
//! H ← H · (Wᵀ(X·Λ^{β−2}) / (Wᵀ Λ^{β−1} + λ))^γ          (Févotte & Idier 2011; γ(β) makes every
//! W ← W · ((X·Λ^{β−2})Hᵀ / (Λ^{β−1} Hᵀ))^γ               update descend, γ(1) = 1)
//! ```
//!
//! With unit-length bases inside the objective (Le Roux, Weninger & Hershey, TR2015-023, eq. 13),
//! where `P = (X·Λ^{β−2})Hᵀ`, `N = Λ^{β−1}Hᵀ` and `1` sums over bins:
//!
//! ```text
//! W ← W · (P + W·1(N·W)) / (N + W·1(P·W)),  then columns to unit length
//! ```
//!
//! 1. D. D. Lee, H. S. Seung, "Algorithms for non-negative matrix factorization", NIPS 2000.
//! 2. C. Févotte, J. Idier, "Algorithms for nonnegative matrix factorization with the
//!    β-divergence", Neural Computation 23(9), 2011.
//! 3. J. Le Roux, F. Weninger, J. R. Hershey, "Sparse NMF: half-baked or well done?", 2015.

use burn::tensor::Tensor;
use nae_kernels::{matmul, safe_divide};

use crate::config::BasisNorm;

/// Keeps quotients finite where a spectrum or a product is zero.
pub(crate) const FLOOR: f64 = 1e-10;

/// What the updates minimise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// β of the divergence.
    pub beta: f64,
    /// λ of the L1 penalty on activations, on the scale of the *mean* over bins and frames that
    /// the whole crate uses: `D + λ·mean|H|`.
    pub sparsity: f64,
    /// Whether bases have unit length inside the objective.
    pub basis_norm: BasisNorm,
}

impl Objective {
    /// Generalised Kullback–Leibler without penalty, bases as they are.
    pub const KL: Self = Self {
        beta: 1.0,
        sparsity: 0.0,
        basis_norm: BasisNorm::None,
    };

    /// Exponent under which every update descends (Févotte & Idier, eq. 4.14).
    fn exponent(&self) -> f64 {
        if self.beta < 1.0 {
            1.0 / (2.0 - self.beta)
        } else if self.beta > 2.0 {
            1.0 / (self.beta - 1.0)
        } else {
            1.0
        }
    }

    /// `X·Λ^{β−2}` and `Λ^{β−1}`, the latter `None` where it is one everywhere (β = 1).
    pub(crate) fn parts(
        &self,
        x: &Tensor<3>,
        product: Tensor<3>,
    ) -> (Tensor<3>, Option<Tensor<3>>) {
        if self.beta == 1.0 {
            return (safe_divide(x.clone(), product, FLOOR), None);
        }
        let product = product.clamp_min(FLOOR);
        if self.beta == 2.0 {
            return (x.clone(), Some(product));
        }
        (
            x.clone() * product.clone().powf_scalar(self.beta - 2.0),
            Some(product.powf_scalar(self.beta - 1.0)),
        )
    }

    pub(crate) fn ratio(&self, positive: Tensor<3>, negative: Tensor<3>) -> Tensor<3> {
        let ratio = safe_divide(positive, negative, FLOOR);
        match self.exponent() {
            1.0 => ratio,
            exponent => ratio.powf_scalar(exponent),
        }
    }

    /// One update of the activations.
    ///
    /// # Shapes
    /// - `w`: `[models, bins, rank]`; `h`: `[models, rank, frames]`; `x`: `[models, bins, frames]`,
    ///   all non-negative; `w` may be one model's for all `x`
    /// - output: `[models, rank, frames]`
    pub fn update_activations(&self, w: &Tensor<3>, h: Tensor<3>, x: &Tensor<3>) -> Tensor<3> {
        // the mean over bins and frames against the mean over rank and frames
        let penalty = self.sparsity * w.dims()[1] as f64 / w.dims()[2] as f64;
        let (up, down) = self.parts(x, matmul(w.clone(), h.clone()));
        match down {
            // the divisor is one number a component: the bases are fewer numbers to divide
            None => {
                let sums = w.clone().sum_dim(1).add_scalar(penalty);
                let scaled = safe_divide(w.clone(), sums.expand(w.dims()), FLOOR);
                h * matmul(scaled.transpose(), up)
            }
            Some(down) => {
                let transposed = w.clone().transpose();
                let negative = matmul(transposed.clone(), down).add_scalar(penalty);
                h * self.ratio(matmul(transposed, up), negative)
            }
        }
    }

    /// One update of the bases.
    ///
    /// # Shapes
    /// - `w`: `[models, bins, rank]`; `h`: `[models, rank, frames]`; `x`: `[models, bins, frames]`,
    ///   all non-negative
    /// - output: `[models, bins, rank]`
    pub fn update_bases(&self, w: Tensor<3>, h: &Tensor<3>, x: &Tensor<3>) -> Tensor<3> {
        let (up, down) = self.parts(x, matmul(w.clone(), h.clone()));
        let transposed = h.clone().transpose();
        let positive = matmul(up, transposed.clone());
        let negative = match down {
            None => h.clone().sum_dim(2).transpose().expand(positive.dims()),
            Some(down) => matmul(down, transposed),
        };
        match self.basis_norm {
            BasisNorm::None => w * self.ratio(positive, negative),
            BasisNorm::L2 => {
                let through = |part: &Tensor<3>| w.clone() * (part.clone() * w.clone()).sum_dim(1);
                let updated = w.clone()
                    * self.ratio(
                        positive.clone() + through(&negative),
                        negative + through(&positive),
                    );
                unit_length(updated)
            }
        }
    }

    /// Every model's objective, a mean over bins and frames (plus `λ·mean|H|`).
    ///
    /// # Shapes
    /// - `product`, `x`: `[models, bins, frames]`; `h`: `[models, rank, frames]`; output: `[models]`
    pub fn value(&self, product: Tensor<3>, h: &Tensor<3>, x: &Tensor<3>) -> Tensor<1> {
        let (x, y) = (x.clone().clamp_min(FLOOR), product.clamp_min(FLOOR));
        let beta = self.beta;
        let divergence = if beta == 1.0 {
            x.clone() * (x.clone().log() - y.clone().log()) - x + y
        } else if beta == 0.0 {
            let ratio = x / y;
            ratio.clone() - ratio.log() - 1.0
        } else {
            let cross = x.clone() * y.clone().powf_scalar(beta - 1.0);
            (x.powf_scalar(beta) + y.powf_scalar(beta).mul_scalar(beta - 1.0)
                - cross.mul_scalar(beta))
            .div_scalar(beta * (beta - 1.0))
        };
        scene_means(divergence) + scene_means(h.clone()).mul_scalar(self.sparsity)
    }
}

/// Factor of an update from the gradient `G` of an objective and that of its growing part, `G⁺`:
/// `1 − G/G⁺`, at least 0. Where nothing depends on a number both are zero, and the factor is 1.
///
/// # Shapes
/// - `gradient`, `growing`: `[models, rows, columns]`, outside the graph; output: the same
pub fn factor(gradient: Tensor<3>, growing: Tensor<3>) -> Tensor<3> {
    let ratio = gradient / growing.clamp_min(f64::from(f32::MIN_POSITIVE));
    ratio.neg().add_scalar(1.0).clamp_min(0.0)
}

/// Mean of each model's numbers.
///
/// # Shapes
/// - input: `[models, rows, columns]`; output: `[models]`
pub fn scene_means(x: Tensor<3>) -> Tensor<1> {
    let [models, rows, columns] = x.dims();
    x.reshape([models, rows * columns])
        .mean_dim(1)
        .reshape([models])
}

/// Columns at unit Euclidean length.
///
/// # Shapes
/// - input and output: `[models, rows, columns]`
pub fn unit_length(w: Tensor<3>) -> Tensor<3> {
    let length = w.clone().square().sum_dim(1).sqrt().clamp_min(FLOOR);
    w / length
}

/// Activations that approximate `x` with fixed bases: `updates` Kullback–Leibler updates from
/// constant activations.
///
/// # Shapes
/// - `bases`: `[models, bins, rank]`, or one model's for all; `x`: `[models, bins, frames]`,
///   non-negative
/// - output: `[models, rank, frames]`, non-negative
pub fn activations(bases: &Tensor<3>, x: &Tensor<3>, updates: usize) -> Tensor<3> {
    let ([_, _, rank], [models, _, frames]) = (bases.dims(), x.dims());
    let flat = Tensor::ones([models, rank, frames], (&x.device(), x.dtype()));
    (0..updates).fold(flat, |h, _| Objective::KL.update_activations(bases, h, x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;
    use burn::tensor::{Device, TensorData};
    use nae_testing::noise;

    const SEED: u64 = 6;

    fn uniform(rows: usize, columns: usize, purpose: &str) -> Tensor<3> {
        let mut rng = generator(SEED, purpose);
        let values = noise::uniform(rows * columns, 0.01..1.0f32, &mut rng);
        Tensor::from_data(TensorData::new(values, [1, rows, columns]), &Device::flex())
    }

    #[test]
    fn every_update_lowers_the_objective() {
        for beta in [0.0, 0.5, 1.0, 1.5, 2.0, 3.0] {
            for sparsity in [0.0, 0.1] {
                for basis_norm in [BasisNorm::None, BasisNorm::L2] {
                    let objective = Objective {
                        beta,
                        sparsity,
                        basis_norm,
                    };
                    let x = uniform(20, 30, "x");
                    let (mut w, mut h) = (uniform(20, 4, "w"), uniform(4, 30, "h"));
                    if basis_norm == BasisNorm::L2 {
                        w = unit_length(w);
                    }
                    let value = |w: &Tensor<3>, h: &Tensor<3>| {
                        objective
                            .value(w.clone().matmul(h.clone()), h, &x)
                            .into_scalar::<f32>()
                    };
                    let mut last = value(&w, &h);
                    let first = last;
                    for _ in 0..30 {
                        h = objective.update_activations(&w, h, &x);
                        w = objective.update_bases(w, &h, &x);
                        let now = value(&w, &h);
                        // the update through the norm is a heuristic that may rise a little; plain ones descend up to rounding
                        let slack = if basis_norm == BasisNorm::L2 {
                            1e-2
                        } else {
                            1e-5
                        };
                        assert!(
                            now <= last + slack * last.abs(),
                            "{objective:?}: {last} {now}"
                        );
                        last = now;
                    }
                    assert!(last < 0.8 * first, "{objective:?}: {first} {last}");
                }
            }
        }
    }

    #[test]
    fn activations_of_an_exact_product_are_found() {
        let (w, h) = (uniform(20, 3, "w"), uniform(3, 10, "h"));
        let x = w.clone().matmul(h);
        let found = activations(&w, &x, 500);
        let error = (w.matmul(found) - x).abs().max().into_scalar::<f32>();
        // multiplicative updates converge linearly
        assert!(error < 1e-2, "{error}");
    }
}
