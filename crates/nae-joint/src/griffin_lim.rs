//! The fast Griffin–Lim algorithm: a signal from magnitudes alone (Perraudin, Balazs & Søndergaard, *A
//! fast Griffin–Lim algorithm*, WASPAA 2013).
//!
//! Mixtures of spectra with random phases interfere as no real mixture does. Consistent phases make
//! training on latent caches nearly as good as on clips.

use std::f32::consts::TAU;

use nae_audio::{Complex32, Magnitude, Spectrogram, Stft};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::error::JointError;

/// Iterations, each a projection onto the consistent spectrograms.
const ITERATIONS: usize = 24;

/// The paper's α: how far an iteration extrapolates beyond the projection.
const MOMENTUM: f32 = 0.99;

/// A signal whose spectrogram has nearly these magnitudes; none if it were shorter than a window.
///
/// - `magnitude`: `frames × bins`, at the transform's settings
/// - `rng`: of the initial phases
///
/// # Errors
/// [`JointError::Audio`] from the transform.
pub fn griffin_lim(
    magnitude: &Magnitude,
    stft: &Stft,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Vec<f32>>, JointError> {
    let config = stft.config();
    let (bins, frames) = (magnitude.bins(), magnitude.frames());
    let edge_frames = config.frames(1) - 1;
    if frames <= edge_frames {
        return Ok(None);
    }
    let samples = (frames - edge_frames) * config.hop;
    let mut phases: Vec<Complex32> = (0..bins * frames)
        .map(|_| Complex32::from_polar(1.0, rng.random_range(0.0..TAU)))
        .collect();
    let mut previous: Option<Spectrogram> = None;
    let with_phases = |phases: &[Complex32]| {
        let data = phases.iter().zip(magnitude.data());
        Spectrogram::new(bins, frames, data.map(|(z, m)| z * m).collect())
    };
    for _ in 0..ITERATIONS {
        let projected = stft.analyze(&stft.synthesize(&with_phases(&phases)?, samples)?)?;
        for (i, phase) in phases.iter_mut().enumerate() {
            let current = projected.data()[i];
            let extrapolated = match &previous {
                None => current,
                Some(previous) => current + (current - previous.data()[i]) * MOMENTUM,
            };
            let length = extrapolated.norm();
            if length > 0.0 {
                *phase = extrapolated / length;
            }
        }
        previous = Some(projected);
    }
    Ok(Some(stft.synthesize(&with_phases(&phases)?, samples)?))
}
