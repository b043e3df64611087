//! Sound from magnitudes alone.
//!
//! Mixtures of spectra with random phases interfere as no sound does; phases that belong together
//! make training from memories nearly as good as from clips. The fast Griffin–Lim algorithm
//! (Perraudin, Balazs & Søndergaard, *A fast Griffin–Lim algorithm*, WASPAA 2013) finds some.

use std::f32::consts::TAU;

use nae_audio::{Complex32, Magnitude, Spectrogram, Stft};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::error::JointError;

/// Projections onto spectrograms that a sound can have.
const ROUNDS: usize = 24;
/// How far each goes beyond the last.
const MOMENTUM: f32 = 0.99;

/// A sound whose spectrogram has nearly these magnitudes; none if it were shorter than a window.
///
/// # Errors
/// [`JointError::Audio`] from the transform.
pub fn sound_of(
    magnitude: &Magnitude,
    stft: &Stft,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Vec<f32>>, JointError> {
    let config = stft.config();
    let (bins, frames) = (magnitude.bins(), magnitude.frames());
    let before = config.frames(1) - 1;
    if frames <= before {
        return Ok(None);
    }
    let samples = (frames - before) * config.hop;
    let mut phases: Vec<Complex32> = (0..bins * frames)
        .map(|_| Complex32::from_polar(1.0, rng.random_range(0.0..TAU)))
        .collect();
    let mut last: Option<Spectrogram> = None;
    let with = |phases: &[Complex32]| {
        let data = phases.iter().zip(magnitude.data());
        Spectrogram::new(bins, frames, data.map(|(z, m)| z * m).collect())
    };
    for _ in 0..ROUNDS {
        let found = stft.analyze(&stft.synthesize(&with(&phases)?, samples)?)?;
        for (i, phase) in phases.iter_mut().enumerate() {
            let now = found.data()[i];
            let ahead = match &last {
                None => now,
                Some(last) => now + (now - last.data()[i]) * MOMENTUM,
            };
            let length = ahead.norm();
            if length > 0.0 {
                *phase = ahead / length;
            }
        }
        last = Some(found);
    }
    Ok(Some(stft.synthesize(&with(&phases)?, samples)?))
}
