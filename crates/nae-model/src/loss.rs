//! The objective `D(X‖X̂) + λ·|H|₁` (Smaragdis & Venkataramani, ICASSP 2017, and their script).

use burn::tensor::Tensor;

/// Floor ε in both logarithms, relative to spectra whose signal has unit standard deviation:
/// single-precision epsilon, as in the authors' script.
pub const DEFAULT_EPS: f64 = 1.19e-7;

/// A spectrum to be explained, with what the divergence needs of it worked out once.
#[derive(Clone, Debug)]
pub struct Target {
    /// `X`, `[bins, frames]`, non-negative.
    pub spectrum: Tensor<2>,
    /// `ln(X + ε)`, `[bins, frames]`.
    log: Tensor<2>,
    eps: f64,
}

impl Target {
    /// Prepares `spectrum` (`[bins, frames]`, non-negative) for [`generalised_kl`].
    pub fn new(spectrum: Tensor<2>, eps: f64) -> Self {
        let log = spectrum.clone().add_scalar(eps).log();
        Self { spectrum, log, eps }
    }

    /// The frames with the given indices.
    pub fn select(&self, frames: Tensor<1, burn::tensor::Int>) -> Self {
        Self {
            spectrum: self.spectrum.clone().select(1, frames.clone()),
            log: self.log.clone().select(1, frames),
            eps: self.eps,
        }
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.spectrum.dims()[1]
    }
}

/// Generalised Kullback–Leibler divergence, the mean over all bins of
/// `X·(ln(X+ε) − ln(X̂+ε)) − X + X̂`. Zero exactly when `X̂ = X`.
///
/// # Shapes
/// - `estimate`: `[bins, frames]`, non-negative
/// - output: `[1]`
pub fn generalised_kl(target: &Target, estimate: Tensor<2>) -> Tensor<1> {
    let log_ratio = target.log.clone() - estimate.clone().add_scalar(target.eps).log();
    (target.spectrum.clone() * log_ratio - target.spectrum.clone() + estimate).mean()
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
        .map(|h| h.clone().abs().mean().mul_scalar(lambda))
        .reduce(|a, b| a + b)
}

/// The whole objective, [`generalised_kl`] plus [`sparsity`].
///
/// # Shapes
/// - `estimate`: `[bins, frames]`; `hidden`: `[units, frames]` each; all non-negative
/// - output: `[1]`
pub fn objective<'a>(
    target: &Target,
    estimate: Tensor<2>,
    hidden: impl IntoIterator<Item = &'a Tensor<2>>,
    lambda: f64,
) -> Tensor<1> {
    let divergence = generalised_kl(target, estimate);
    match sparsity(hidden, lambda) {
        Some(penalty) => divergence + penalty,
        None => divergence,
    }
}
