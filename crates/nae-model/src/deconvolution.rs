//! Multiplicative updates of non-negative matrix factor deconvolution, `X ≈ Λ = Σ_τ W_τ·H` shifted by τ
//! (Smaragdis, *Non-negative matrix factor deconvolution*, ICA 2004).
//!
//! With `U(H)` the activations of a window in one column ([`Window::unfold`]) and `W` the bases of all
//! its frames side by side, `Λ = W·U(H)`: the updates are those of [`multiplicative`](crate::multiplicative)
//! with `U(H)` in the place of `H`, and the adjoint of `U` collects what activations answer for:
//!
//! ```text
//! H ← H · (Uᵀ(Wᵀ(X·Λ^{β−2})) / (Uᵀ(Wᵀ Λ^{β−1}) + λ))^γ
//! ```
//!
//! Unit length of a basis is over all its frames and bins. Frames outside the objective count neither
//! in numerators nor in denominators.

use burn::tensor::Tensor;
use nae_kernels::{matmul, safe_divide};

use crate::config::BasisNorm;
use crate::layers::Window;
use crate::multiplicative::{FLOOR, Objective};

/// What the updates go over.
#[derive(Clone, Debug)]
pub struct Deconvolution {
    window: Window,
    segment: usize,
    /// 1 in frames that count, 0 in others, `[models, 1, frames]`; all count without.
    counted: Option<Tensor<3>>,
}

impl Deconvolution {
    /// Segments of `segment` frames, one after the other, all frames of which count.
    pub fn new(window: Window, segment: usize) -> Self {
        Self {
            window,
            segment,
            counted: None,
        }
    }

    /// The same with some frames outside the objective.
    ///
    /// # Shapes
    /// - `counted`: `[models, 1, frames]`, 1 in frames that count and 0 in others
    #[must_use]
    pub fn with_counted(self, counted: Tensor<3>) -> Self {
        Self {
            counted: Some(counted),
            ..self
        }
    }

    /// `Λ`.
    ///
    /// # Shapes
    /// - `w`: `[models, bins, span·rank]`; `h`: `[models, rank, frames]`; output: `[models, bins, frames]`
    pub fn product(&self, w: &Tensor<3>, h: &Tensor<3>) -> Tensor<3> {
        matmul(w.clone(), self.window.unfold(h.clone(), self.segment))
    }

    fn only_counted(&self, x: Tensor<3>) -> Tensor<3> {
        match &self.counted {
            None => x,
            Some(counted) => x * counted.clone(),
        }
    }

    /// `X·Λ^{β−2}` and `Λ^{β−1}`, zero in frames that do not count.
    fn parts(&self, objective: &Objective, x: &Tensor<3>, product: Tensor<3>) -> [Tensor<3>; 2] {
        let (up, down) = objective.parts(x, product);
        let down = down.unwrap_or_else(|| up.ones_like());
        [self.only_counted(up), self.only_counted(down)]
    }

    /// One update of the activations.
    ///
    /// # Shapes
    /// - `w`: `[models, bins, span·rank]`, or one model's for all; `h`: `[models, rank, frames]`;
    ///   `x`: `[models, bins, frames]`; all non-negative
    /// - output: `[models, rank, frames]`
    pub fn update_activations(
        &self,
        objective: &Objective,
        w: &Tensor<3>,
        h: Tensor<3>,
        x: &Tensor<3>,
    ) -> Tensor<3> {
        let [_, bins, _] = w.dims();
        let penalty = objective.sparsity * bins as f64 / h.dims()[1] as f64;
        let transposed = w.clone().transpose();
        let back = |part: Tensor<3>| {
            self.window
                .fold(matmul(transposed.clone(), part), self.segment)
        };
        let [positive, negative] = self.parts(objective, x, self.product(w, &h)).map(back);
        h * objective.ratio(positive, negative.add_scalar(penalty))
    }

    /// One update of the bases.
    ///
    /// # Shapes
    /// - `w`: `[models, bins, span·rank]`; `h`: `[models, rank, frames]`; `x`: `[models, bins, frames]`,
    ///   all non-negative
    /// - output: `[models, bins, span·rank]`
    pub fn update_bases(
        &self,
        objective: &Objective,
        w: Tensor<3>,
        h: &Tensor<3>,
        x: &Tensor<3>,
    ) -> Tensor<3> {
        let unfolded = self.window.unfold(h.clone(), self.segment);
        let product = matmul(w.clone(), unfolded.clone());
        let transposed = unfolded.transpose();
        let parts = self.parts(objective, x, product);
        let [positive, negative] = parts.map(|part| matmul(part, transposed.clone()));
        match objective.basis_norm {
            BasisNorm::None => w * objective.ratio(positive, negative),
            BasisNorm::L2 => {
                let through = |part: &Tensor<3>| w.clone() * self.sums(part.clone() * w.clone());
                let updated = w.clone()
                    * objective.ratio(
                        positive.clone() + through(&negative),
                        negative + through(&positive),
                    );
                self.unit_length(updated)
            }
        }
    }

    /// Sums over every basis's bins and frames, at each of its frames.
    ///
    /// # Shapes
    /// - `x`: `[models, bins, span·rank]`; output: `[models, 1, span·rank]`
    fn sums(&self, x: Tensor<3>) -> Tensor<3> {
        let [models, _, columns] = x.dims();
        let span = self.window.span;
        let by_frame: Tensor<3> = x.sum_dim(1).reshape([models, span, columns / span]);
        by_frame.sum_dim(1).repeat_dim(2, span)
    }

    /// Bases at unit Euclidean length.
    ///
    /// # Shapes
    /// - input and output: `[models, bins, span·rank]`
    pub fn unit_length(&self, w: Tensor<3>) -> Tensor<3> {
        let length = self.sums(w.clone().square()).sqrt().clamp_min(FLOOR);
        w / length
    }

    /// Activations that approximate `x` with fixed bases: `updates` Kullback–Leibler updates from
    /// constant activations. What follows a segment counts as silence, so that the same comes out
    /// where silence follows it.
    ///
    /// # Shapes
    /// - `w`: `[models, bins, span·rank]`, or one model's for all; `x`: `[models, bins, frames]`,
    ///   non-negative
    /// - output: `[models, rank, frames]`, non-negative
    pub fn activations(&self, w: &Tensor<3>, x: &Tensor<3>, updates: usize) -> Tensor<3> {
        let ([_, _, columns], [models, _, frames]) = (w.dims(), x.dims());
        let rank = columns / self.window.span;
        // of the Kullback–Leibler divergence the divisor is one number a basis
        let sums = self.sums(w.clone()).expand(w.dims());
        let scaled = safe_divide(w.clone(), sums, FLOOR).transpose();
        let flat = Tensor::ones([models, rank, frames], (&x.device(), x.dtype()));
        let update = |h: Tensor<3>, _| {
            let quotient = safe_divide(x.clone(), self.product(w, &h), FLOOR);
            let back = matmul(scaled.clone(), quotient);
            h * self.window.fold(back, self.segment)
        };
        (0..updates).fold(flat, update)
    }

    /// Every model's objective, a mean over bins and all frames, of which those that do not count add
    /// nothing (plus `λ·mean|H|`).
    ///
    /// # Shapes
    /// - `product`, `x`: `[models, bins, frames]`; `h`: `[models, rank, frames]`; output: `[models]`
    pub fn value(
        &self,
        objective: &Objective,
        product: Tensor<3>,
        h: &Tensor<3>,
        x: &Tensor<3>,
    ) -> Tensor<1> {
        // equal numbers diverge by nothing
        objective.value(self.only_counted(product), h, &self.only_counted(x.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;
    use burn::tensor::{Device, TensorData};
    use nae_testing::noise;

    const SEED: u64 = 16;
    const SPAN: usize = 3;

    fn uniform(rows: usize, columns: usize, purpose: &str) -> Tensor<3> {
        let mut rng = generator(SEED, purpose);
        let values = noise::uniform(rows * columns, 0.01..1.0f32, &mut rng);
        Tensor::from_data(TensorData::new(values, [1, rows, columns]), &Device::flex())
    }

    #[test]
    fn every_update_lowers_the_objective() {
        for beta in [0.0, 1.0, 2.0] {
            for basis_norm in [BasisNorm::None, BasisNorm::L2] {
                let objective = Objective {
                    beta,
                    sparsity: 0.0,
                    basis_norm,
                };
                let counted: Vec<f32> = (0..30).map(|t| f32::from(t % 10 != 0)).collect();
                let counted = TensorData::new(counted, [1, 1, 30]);
                let deconvolution = Deconvolution::new(Window::past(SPAN), 30)
                    .with_counted(Tensor::from_data(counted, &Device::flex()));
                let x = uniform(20, 30, "x");
                let (mut w, mut h) = (uniform(20, 4 * SPAN, "w"), uniform(4, 30, "h"));
                if basis_norm == BasisNorm::L2 {
                    w = deconvolution.unit_length(w);
                }
                let value = |w: &Tensor<3>, h: &Tensor<3>| {
                    let product = deconvolution.product(w, h);
                    let value = deconvolution.value(&objective, product, h, &x);
                    value.into_scalar::<f32>()
                };
                let first = value(&w, &h);
                let mut last = first;
                for _ in 0..30 {
                    h = deconvolution.update_activations(&objective, &w, h, &x);
                    w = deconvolution.update_bases(&objective, w, &h, &x);
                    let now = value(&w, &h);
                    // as for single frames: the update through the norm is a heuristic
                    let slack = match basis_norm {
                        BasisNorm::L2 => 1e-2,
                        BasisNorm::None => 1e-5,
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

    #[test]
    fn bases_of_one_frame_are_a_factorisation() {
        let x = uniform(9, 12, "x");
        let (w, h) = (uniform(9, 4, "w"), uniform(4, 12, "h"));
        for basis_norm in [BasisNorm::None, BasisNorm::L2] {
            let objective = Objective {
                basis_norm,
                ..Objective::KL
            };
            let one = Deconvolution::new(Window::FRAME, 12);
            let close = |a: Tensor<3>, b: Tensor<3>| {
                // the same sums in another order
                assert!((a - b).abs().max().into_scalar::<f32>() < 1e-5);
            };
            close(
                one.update_activations(&objective, &w, h.clone(), &x),
                objective.update_activations(&w, h.clone(), &x),
            );
            close(
                one.update_bases(&objective, w.clone(), &h, &x),
                objective.update_bases(w.clone(), &h, &x),
            );
        }
    }

    #[test]
    fn activations_of_an_exact_product_are_found_whatever_silence_follows() {
        let w = uniform(20, 3 * SPAN, "w");
        // the last two frames of a product are the ends of bases
        let silence = || Tensor::zeros([1, 3, SPAN - 1], &Device::flex());
        let h = Tensor::cat(vec![uniform(3, 10, "h"), silence()], 2);
        let frames = h.dims()[2];
        let deconvolution = Deconvolution::new(Window::past(SPAN), frames);
        let x = deconvolution.product(&w, &h);
        let found = deconvolution.activations(&w, &x, 1000);
        let error = (deconvolution.product(&w, &found) - x.clone()).abs().max();
        // multiplicative updates converge linearly
        assert!(error.into_scalar::<f32>() < 2e-2);

        let followed = Tensor::cat(
            vec![x.clone(), Tensor::zeros([1, 20, 7], &Device::flex())],
            2,
        );
        let longer = Deconvolution::new(Window::past(SPAN), frames + 7);
        let (short, long) = (
            deconvolution.activations(&w, &x, 10),
            longer.activations(&w, &followed, 10),
        );
        let error = (short - long.narrow(2, 0, frames)).abs().max();
        // products of other widths sum in another order
        assert!(error.into_scalar::<f32>() < 1e-5);
    }
}
