//! The objective `D(X‖X̂) + λ·|H|₁` (Smaragdis & Venkataramani, ICASSP 2017, and their script).

use burn::tensor::Tensor;
use nae_kernels::{Activation, Scale, activate, divergence, mean_abs};

/// Floor ε in both logarithms, relative to spectra whose signal has unit standard deviation:
/// single-precision epsilon, as in the authors' script.
pub const DEFAULT_EPS: f64 = 1.19e-7;

/// A spectrum to be explained.
#[derive(Clone, Debug)]
pub struct Target {
    /// `X`, `[bins, frames]`, non-negative.
    pub spectrum: Tensor<2>,
    scale: Scale,
}

impl Target {
    /// A spectrum (`[bins, frames]`, non-negative) and the floor ε in both logarithms.
    pub fn new(spectrum: Tensor<2>, eps: f64) -> Self {
        let scale = Scale { eps, share: 1.0 };
        Self { spectrum, scale }
    }

    /// The same frames as a part of `frames`, the number that the objective's mean goes over: the
    /// objectives of all parts add up to that of the whole.
    pub fn part_of(mut self, frames: usize) -> Self {
        self.scale.share = self.spectrum.dims()[1] as f64 / frames.max(1) as f64;
        self
    }
}

/// An estimate `X̂ = g(B)` before its last function, which the divergence applies on the way.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// `B`, `[bins, frames]`.
    pub product: Tensor<2>,
    /// `g`.
    pub activation: Activation,
}

impl Estimate {
    /// `X̂`, `[bins, frames]`, non-negative.
    pub fn value(self) -> Tensor<2> {
        activate(self.product, self.activation)
    }
}

impl From<Tensor<2>> for Estimate {
    /// An estimate that is non-negative already.
    fn from(product: Tensor<2>) -> Self {
        Self {
            product,
            activation: Activation::Identity,
        }
    }
}

/// Generalised Kullback–Leibler divergence, the mean over all bins of
/// `X·(ln(X+ε) − ln(X̂+ε)) − X + X̂`. Zero exactly when `X̂ = X`. Of a part of a whole, its share.
///
/// # Shapes
/// - `estimate`: `[bins, frames]`, non-negative
/// - output: `[1]`
pub fn generalised_kl(target: &Target, estimate: impl Into<Estimate>) -> Tensor<1> {
    let estimate = estimate.into();
    divergence(
        estimate.product,
        target.spectrum.clone(),
        estimate.activation,
        target.scale,
    )
}

/// L1 penalty `λ·mean|H|`, summed over the given hidden layers; `None` when λ is 0.
///
/// The mean, not the sum, so that λ keeps its meaning whatever the rank and length.
///
/// # Shapes
/// - `hidden`: `[units, frames]` each
/// - output: `[1]`
pub fn sparsity<'a>(
    hidden: impl IntoIterator<Item = &'a Tensor<2>>,
    lambda: f64,
) -> Option<Tensor<1>> {
    if lambda == 0.0 {
        return None;
    }
    hidden
        .into_iter()
        .map(|h| mean_abs(h.clone()).mul_scalar(lambda))
        .reduce(|a, b| a + b)
}

/// The whole objective, [`generalised_kl`] plus [`sparsity`]; of a part of a whole, its share.
///
/// # Shapes
/// - `estimate`: `[bins, frames]`; `hidden`: `[units, frames]` each; all non-negative
/// - output: `[1]`
pub fn objective<'a>(
    target: &Target,
    estimate: impl Into<Estimate>,
    hidden: impl IntoIterator<Item = &'a Tensor<2>>,
    lambda: f64,
) -> Tensor<1> {
    let divergence = generalised_kl(target, estimate);
    match sparsity(hidden, lambda * target.scale.share) {
        Some(penalty) => divergence + penalty,
        None => divergence,
    }
}
