//! A model for another room or microphone: its decoder's bases with a gain in every frequency bin.
//!
//! A room and a microphone colour a voice: in the mean over time, `|X| ≈ g·|X_dry|` in every bin. With
//! activations `H` of the frozen decoder, the gains of least divergence `D(X‖g·X̂)` are
//! `g_f = Σ_t X_ft / Σ_t X̂_ft` (the sums at which its derivative is zero). Activations and gains are
//! found in turn. Gains are smoothed over neighbouring bins: a few seconds do not tell what is between
//! the voice's partials. They go into the bases of the decoder's last layer. The encoder stays as it is: some
//! of a gain is what the model had not fitted before, and the encoder sees the sound as it came.

use burn::tensor::{Device, Tensor};
use nae_model::loss::{DEFAULT_EPS, Target};
use nae_model::parameters::NamedValues;
use nae_model::spectra::read;
use nae_model::{Latent, Model, Network};

use crate::error::TrainError;
use crate::free_activations::fitted;

/// How often activations and gains are found in turn.
const ROUNDS: usize = 2;

/// Frames at most that gains are found on (about half a minute).
const FRAMES: usize = 2048;

/// Gains are smoothed over this part of their frequency to both sides, a third of an octave in all.
const WIDTH: f64 = 0.12;

/// Bins to both sides that they are smoothed over at least.
const LEAST_WIDTH: usize = 2;

/// Part of the mean over all bins that is added to both sums, so that bins without sound stay as they are.
const FLOOR: f64 = 1e-2;

/// Gains of a round lie between this and its reciprocal.
const MOST: f32 = 2.0;

/// The parent's weights, with the gains of the spectrum's room in its bases.
///
/// - `network`: of the parent's architecture; its place takes the weights
///
/// # Shapes
/// - `x`: `[1, bins, frames]`, compressed magnitudes
pub(crate) fn equalized(
    network: Network,
    parent: &Model,
    x: &Tensor<3>,
    device: &Device,
) -> Result<Network, TrainError> {
    let [_, _, frames] = x.dims();
    let x = x.clone().narrow(2, 0, frames.min(FRAMES));
    let autodiff_device = device.clone().autodiff();
    let target = Target::new(Tensor::from_inner(x.clone()), DEFAULT_EPS);
    let observed = sums(&x)?;
    let mut values = parent.network.values()?;
    let mut own = parent.network.clone();
    for _ in 0..ROUNDS {
        let decoder = own.decoder(Latent::Bottleneck, &autodiff_device);
        let activations = fitted(&decoder, &target)?;
        let decoded = decoder.decode(Tensor::from_inner(activations)).inner();
        let gains = gains(&observed, &sums(&decoded)?);
        apply(&mut values, &gains);
        own = with(own, &values)?;
    }
    with(network, &values)
}

/// A network with these values, which are of its architecture.
fn with(network: Network, values: &NamedValues) -> Result<Network, TrainError> {
    let missing = |name: &str| TrainError::Stack(format!("the model to go on from lacks `{name}`"));
    network.with_values(|name, shape| match values.get(name) {
        Some((own, values)) if own == shape => Ok(values.clone()),
        _ => Err(missing(name)),
    })
}

/// Sums over all frames, one for every bin.
fn sums(x: &Tensor<3>) -> Result<Vec<f64>, TrainError> {
    let sums = read(x.clone().sum_dim(2))?;
    Ok(sums.into_iter().map(f64::from).collect())
}

/// Smoothed quotients of two spectra.
fn gains(observed: &[f64], decoded: &[f64]) -> Vec<f32> {
    let bins = observed.len();
    let mean = |sums: &[f64]| sums.iter().sum::<f64>() / bins.max(1) as f64;
    // so that a model of another level is none of another colour
    let (of_observed, of_decoded) = (mean(observed), mean(decoded));
    if of_observed <= 0.0 || of_decoded <= 0.0 {
        return vec![1.0; bins];
    }
    let near = |bin: usize, sums: &[f64], mean: f64| {
        let width = LEAST_WIDTH.max((WIDTH * bin as f64) as usize);
        let range = bin.saturating_sub(width)..(bin + width + 1).min(bins);
        let count = range.len() as f64;
        sums[range].iter().sum::<f64>() / count / mean + FLOOR
    };
    let of_bin = |bin: usize| {
        let gain = near(bin, observed, of_observed) / near(bin, decoded, of_decoded);
        (gain as f32).clamp(1.0 / MOST, MOST)
    };
    (0..bins).map(of_bin).collect()
}

/// Puts gains into the decoder's last layer.
fn apply(values: &mut NamedValues, gains: &[f32]) {
    let number = |name: &str| {
        name.strip_prefix("decoder.")?
            .split('.')
            .next()?
            .parse()
            .ok()
    };
    let last: Option<usize> = values.keys().filter_map(|name| number(name)).max();
    for (name, (shape, values)) in values {
        let columns = shape.get(1).copied().unwrap_or(1).max(1);
        if number(name) == last && shape.first() == Some(&gains.len()) {
            let rows = values.chunks_exact_mut(columns).zip(gains);
            rows.for_each(|(row, gain)| row.iter_mut().for_each(|x| *x *= gain));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_the_quotient_of_the_spectra_within_bounds() {
        let decoded: Vec<f64> = vec![1.0; 200];
        let coloured: Vec<f64> = (0..200)
            .map(|bin| if bin < 100 { 1.0 } else { 2.0 })
            .collect();
        let found = gains(&coloured, &decoded);
        // their level is none of the room's
        assert!((found[150] / found[20] - 2.0).abs() < 0.05, "{found:?}");
        let cut: Vec<f64> = (0..200)
            .map(|bin| if bin < 100 { 1.0 } else { 0.0 })
            .collect();
        let found = gains(&cut, &decoded);
        assert!(
            found.iter().all(|gain| (1.0 / MOST..=MOST).contains(gain)),
            "{found:?}"
        );
        assert!(gains(&[0.0; 3], &[1.0; 3]) == [1.0; 3]);
    }
}
