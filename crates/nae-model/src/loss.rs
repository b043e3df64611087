//! The objective `D(X‖X̂) + λ·|H|₁` (Smaragdis & Venkataramani, ICASSP 2017, and their script).

use burn::tensor::{Tensor, TensorData};
use nae_kernels::{Activation, DivergenceOptions, LossOutput, activate, divergence, l1};

use crate::init::from_host;
use crate::multiplicative::scene_means;

/// Floor ε in both logarithms, relative to spectra whose signal has unit standard deviation:
/// single-precision epsilon, as in the authors' script.
pub const DEFAULT_EPS: f64 = 1.19e-7;

/// The input of a softplus in padding: its value and slope there are zero.
const FAR_BELOW_ZERO: f64 = -1e4;

/// Target spectra, one for every model or mixture.
#[derive(Clone, Debug)]
pub struct Target {
    /// `X`, `[models, bins, frames]`, non-negative.
    pub spectrum: Tensor<3>,
    /// Floor in both logarithms.
    eps: f64,
    /// These frames' share of those that the mean goes over.
    share: f64,
    padding: Option<Padding>,
}

/// Where frames have no part in the objective: where spectra of different lengths were filled up to the
/// longest, and context.
#[derive(Clone, Debug)]
struct Padding {
    /// 1 in frames that count, 0 in others, `[models, 1, frames]`.
    mask: Tensor<3>,
    /// All frames over those that count: a mean over all times this is the mean over these.
    factors: Vec<f64>,
}

impl Target {
    /// Spectra (`[models, bins, frames]`, non-negative) and the floor ε in both logarithms.
    pub fn new(spectrum: Tensor<3>, eps: f64) -> Self {
        Self {
            spectrum,
            eps,
            share: 1.0,
            padding: None,
        }
    }

    /// The same frames as a part of `frames`, the number that the objective's mean goes over: the
    /// objectives of all parts add up to that of the whole.
    pub fn part_of(mut self, frames: usize) -> Self {
        self.share = self.spectrum.dims()[2] as f64 / frames.max(1) as f64;
        self
    }

    /// Spectra of which only the first `frames` (one number for every model, at least 1) are real;
    /// the rest is padding, has no part in the objective and gets no gradient.
    pub fn padded(mut self, frames: &[usize]) -> Self {
        let longest = self.spectrum.dims()[2];
        self.padding = frames.iter().any(|&own| own != longest).then(|| {
            let real = |own: usize| (0..longest).map(move |t| if t < own { 1.0 } else { 0.0 });
            let mask = frames.iter().flat_map(|&own| real(own)).collect();
            let mask = from_host(mask, [frames.len(), 1, longest], &self.spectrum.device());
            self.spectrum = self.spectrum.clone() * mask.clone();
            Padding {
                mask,
                factors: frames
                    .iter()
                    .map(|&own| longest as f64 / own.max(1) as f64)
                    .collect(),
            }
        });
        self
    }

    /// Only some frames count: the others have no part in the objective and get no gradient.
    ///
    /// - `counted`: whether each frame counts, all of a model's one after the other
    /// - `factors`: what every model's mean over all frames is multiplied by; all frames over those
    ///   that count makes it the mean over these
    pub fn counting(mut self, counted: &[bool], factors: Vec<f64>) -> Self {
        let [models, _, frames] = self.spectrum.dims();
        let mask: Vec<f32> = counted.iter().map(|&counts| f32::from(counts)).collect();
        let options = (&self.spectrum.device(), self.spectrum.dtype());
        let mask = Tensor::from_data(TensorData::new(mask, [models, 1, frames]), options);
        self.spectrum = self.spectrum.clone() * mask.clone();
        self.padding = Some(Padding { mask, factors });
        self
    }

    /// Every model's mean of an estimate over the frames that count: the part of the objective that
    /// grows with it.
    ///
    /// # Shapes
    /// - `estimate`: `[models, bins, frames]`, non-negative
    /// - output: `[models]`
    pub fn mean_of(&self, estimate: Tensor<3>) -> Tensor<1> {
        let means = scene_means(self.real(estimate)).mul_scalar(self.share);
        match &self.padding {
            None => means,
            Some(padding) => means.clone() * vector(&padding.factors, &means),
        }
    }

    /// Every model's λ as the factor of its mean, or the one for all.
    fn factors(&self, lambdas: &[f64]) -> Vec<f64> {
        let share = self.share;
        match &self.padding {
            None => lambdas.iter().map(|lambda| lambda * share).collect(),
            Some(padding) => {
                let lambdas = lambdas.iter().cycle();
                let pairs = padding.factors.iter().zip(lambdas);
                pairs
                    .map(|(factor, lambda)| factor * lambda * share)
                    .collect()
            }
        }
    }

    /// Numbers with zeros in frames that do not count.
    fn real(&self, hidden: Tensor<3>) -> Tensor<3> {
        match &self.padding {
            None => hidden,
            Some(padding) => hidden * padding.mask.clone(),
        }
    }
}

/// An estimate `X̂ = g(B)` before its last function, which the divergence applies on the way.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// `B`, `[models, bins, frames]`.
    pub product: Tensor<3>,
    /// `g`.
    pub activation: Activation,
}

impl Estimate {
    /// `X̂`, `[models, bins, frames]`, non-negative.
    pub fn value(self) -> Tensor<3> {
        activate(self.product, self.activation)
    }
}

impl From<Tensor<3>> for Estimate {
    /// An estimate that is non-negative already.
    fn from(product: Tensor<3>) -> Self {
        Self {
            product,
            activation: Activation::Identity,
        }
    }
}

/// Generalised Kullback–Leibler divergence of every model, the mean over all its bins of
/// `X·(ln(X+ε) − ln(X̂+ε)) − X + X̂`. Zero exactly when `X̂ = X`. Of a part of a whole, its share.
///
/// # Shapes
/// - `estimate`: `[models, bins, frames]`, non-negative
/// - output: `[models]`
pub fn generalised_kl(target: &Target, estimate: impl Into<Estimate>) -> Tensor<1> {
    divergence_of(target, estimate.into(), LossOutput::ValueAndGradient)
}

fn divergence_of(target: &Target, estimate: Estimate, output: LossOutput) -> Tensor<1> {
    let Estimate {
        mut product,
        activation,
    } = estimate;
    if let Some(Padding { mask, .. }) = &target.padding {
        product = product * mask.clone();
        if matches!(activation, Activation::Softplus { .. }) {
            product = product + mask.clone().sub_scalar(1.0).mul_scalar(-FAR_BELOW_ZERO);
        }
    }
    let options = DivergenceOptions {
        eps: target.eps,
        weight: target.share,
        output,
    };
    let means = divergence(product, target.spectrum.clone(), activation, options);
    match &target.padding {
        None => means,
        Some(padding) => means.clone() * vector(&padding.factors, &means),
    }
}

/// L1 penalty `λ·mean|H|` of every model, summed over the given hidden layers; `None` when λ is 0.
///
/// The mean, not the sum, so that λ keeps its meaning whatever the rank and length.
///
/// # Shapes
/// - `hidden`: `[models, units, frames]` each
/// - `lambdas`: one for every model, or one for all
/// - output: `[models]`
pub fn sparsity<'a>(
    hidden: impl IntoIterator<Item = &'a Tensor<3>>,
    lambdas: &[f64],
) -> Option<Tensor<1>> {
    if lambdas.iter().all(|&lambda| lambda == 0.0) {
        return None;
    }
    let means = hidden
        .into_iter()
        .map(|h| l1(h.clone()))
        .reduce(|a, b| a + b)?;
    Some(match lambdas {
        [lambda] => means.mul_scalar(*lambda),
        _ => means.clone() * vector(lambdas, &means),
    })
}

/// The whole objective of every model, [`generalised_kl`] plus [`sparsity`]; of a part of a whole,
/// its share.
///
/// - `output`: what is needed; the value may be NaN if only the gradient is
///
/// # Shapes
/// - `estimate`: `[models, bins, frames]`; `hidden`: `[models, units, frames]` each; all non-negative
/// - `lambdas`: one for every model, or one for all
/// - output: `[models]`
pub fn objective<'a>(
    target: &Target,
    estimate: impl Into<Estimate>,
    hidden: impl IntoIterator<Item = &'a Tensor<3>>,
    lambdas: &[f64],
    output: LossOutput,
) -> Tensor<1> {
    let divergence = divergence_of(target, estimate.into(), output);
    if lambdas.iter().all(|&lambda| lambda == 0.0) {
        return divergence;
    }
    let hidden: Vec<_> = hidden.into_iter().map(|h| target.real(h.clone())).collect();
    match sparsity(&hidden, &target.factors(lambdas)) {
        Some(penalty) => divergence + penalty,
        None => divergence,
    }
}

/// The part of [`objective`] that grows with the estimate and with hidden layers: what their
/// multiplicative updates divide by.
///
/// # Shapes
/// - `estimate`: `[models, bins, frames]`; `hidden`: `[models, units, frames]` each; all non-negative
/// - `lambdas`: one for every model, or one for all
/// - output: `[models]`
pub fn growing<'a>(
    target: &Target,
    estimate: Tensor<3>,
    hidden: impl IntoIterator<Item = &'a Tensor<3>>,
    lambdas: &[f64],
) -> Tensor<1> {
    let mean = target.mean_of(estimate);
    let hidden: Vec<_> = hidden.into_iter().map(|h| target.real(h.clone())).collect();
    match sparsity(&hidden, &target.factors(lambdas)) {
        Some(penalty) => mean + penalty,
        None => mean,
    }
}

/// Numbers on the device and in the precision of `like`.
fn vector(values: &[f64], like: &Tensor<1>) -> Tensor<1> {
    Tensor::from_data(values, (&like.device(), like.dtype()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;
    use burn::tensor::Device;
    use nae_testing::noise::uniform;

    const SEED: u64 = 8;
    const FRAMES: [usize; 3] = [5, 9, 2];

    /// Product and spectrum of one model, and the same in a batch, filled up with rubbish.
    fn ragged(longest: usize) -> (Vec<[Tensor<3>; 2]>, [Tensor<3>; 2]) {
        let device = Device::flex().autodiff();
        let mut rng = generator(SEED, "ragged");
        let mut one = |frames: usize, low: f32| {
            let values = uniform(4 * frames, low..2.0, &mut rng);
            from_host(values, [1, 4, frames], &device)
        };
        let alone: Vec<[Tensor<3>; 2]> = FRAMES
            .iter()
            .map(|&n| [one(n, -1.0), one(n, 0.0)])
            .collect();
        let fill = |x: &Tensor<3>, with: Tensor<3>| Tensor::cat(vec![x.clone(), with], 2);
        let batch = [0, 1].map(|which| {
            let filled = alone.iter().map(|pair| {
                let padding = longest - pair[which].dims()[2];
                if padding == 0 {
                    return pair[which].clone();
                }
                // products in padding are whatever the layers before make of silence; spectra are 0
                let scale = if which == 0 { 1.0 } else { 0.0 };
                fill(&pair[which], one(padding, 0.5).mul_scalar(scale))
            });
            Tensor::cat(filled.collect(), 0)
        });
        (alone, batch)
    }

    #[test]
    fn frames_that_do_not_count_change_nothing_wherever_they_are() {
        let (alone, [product, spectrum]) = ragged(9);
        let counted: Vec<bool> = FRAMES
            .iter()
            .flat_map(|&own| (0..9).map(move |t| t < own))
            .collect();
        let factors = FRAMES.map(|own| 9.0 / own as f64).to_vec();
        let target = Target::new(spectrum, DEFAULT_EPS).counting(&counted, factors);
        let estimate = product.abs();
        let values = |tensor: Tensor<1>| -> Vec<f32> { tensor.into_data().try_to_vec().unwrap() };
        let came = values(generalised_kl(&target, estimate.clone()));
        let means = values(target.mean_of(estimate));
        for (i, [product, spectrum]) in alone.into_iter().enumerate() {
            let own = product.abs();
            let expected = generalised_kl(&Target::new(spectrum, DEFAULT_EPS), own.clone());
            let expected = expected.into_scalar::<f32>();
            // single precision
            assert!((came[i] - expected).abs() < 1e-6 * (1.0 + expected.abs()));
            let mean = own.mean().into_scalar::<f32>();
            assert!((means[i] - mean).abs() < 1e-6);
        }
    }

    #[test]
    fn padding_changes_neither_objective_nor_gradient() {
        for activation in [
            Activation::Identity,
            Activation::Relu,
            Activation::Abs,
            Activation::Softplus { sharpness: 3.0 },
        ] {
            let (alone, [product, spectrum]) = ragged(9);
            let lambdas = [0.3, 0.0, 0.7];
            let value =
                |product: &Tensor<3>, spectrum: Tensor<3>, frames: &[usize], lambdas: &[f64]| {
                    let product = match activation {
                        Activation::Identity => product.clone().abs(),
                        _ => product.clone(),
                    };
                    let estimate = Estimate {
                        product: product.clone(),
                        activation,
                    };
                    let target = Target::new(spectrum, DEFAULT_EPS).padded(frames);
                    objective(
                        &target,
                        estimate,
                        [&product],
                        lambdas,
                        LossOutput::ValueAndGradient,
                    )
                };
            let product = product.require_grad();
            let batch = value(&product, spectrum, &FRAMES, &lambdas);
            let gradient = product.grad(&batch.clone().sum().backward()).unwrap();
            let batch: Vec<f32> = batch.into_data().try_to_vec().unwrap();
            for (i, [product, spectrum]) in alone.into_iter().enumerate() {
                let product = product.require_grad();
                let own = value(&product, spectrum, &FRAMES[i..=i], &lambdas[i..=i]);
                let expected = product.grad(&own.clone().sum().backward()).unwrap();
                let came = gradient.clone().narrow(0, i, 1);
                let real = came.clone().narrow(2, 0, FRAMES[i]);
                // single precision
                let own = own.into_scalar::<f32>();
                assert!(
                    (batch[i] - own).abs() < 1e-6 * (1.0 + own.abs()),
                    "{activation:?}"
                );
                let error = (real - expected).abs().max().into_scalar::<f32>();
                assert!(error < 1e-6, "{activation:?} {error}");
                if FRAMES[i] < 9 {
                    let padding = came.narrow(2, FRAMES[i], 9 - FRAMES[i]);
                    assert_eq!(
                        padding.abs().max().into_scalar::<f32>(),
                        0.0,
                        "{activation:?}"
                    );
                }
            }
        }
    }
}
