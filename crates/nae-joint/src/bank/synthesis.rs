//! Sound drawn from bases.

use std::ops::Range;

use nae_audio::{Complex32, Magnitude, Spectrogram, Stft};
use nae_model::Model;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::error::JointError;
use crate::griffin_lim::griffin_lim;

/// Clips of a sound, each with its own kind of activations.
const CLIPS: usize = 8;

/// Length of a clip, in seconds.
const CLIP_S: f64 = 4.0;

/// Time constants of activations, in seconds: from rattling to slowly swelling.
const TIMES_S: Range<f64> = 0.02..1.0;

/// Standard deviations of an activation's natural logarithm along time.
const SWINGS: Range<f64> = 0.1..2.0;

/// Standard deviation of the natural logarithm of the bases' levels.
const LEVELS: f64 = 1.0;

/// Clips of the sound of some bases with random activations: each basis swings by itself around its own
/// level. Every other clip is noise of that spectrum, the others have phases from the Griffin–Lim
/// algorithm, as tones need.
///
/// - `bases`: `[bins, rank]`, of the model's compressed spectra
/// - `columns`: the bases that are used
pub fn synthesize(
    model: &Model,
    bases: &[f32],
    columns: Range<usize>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Vec<f32>>, JointError> {
    let audio = model.metadata.audio;
    let stft = Stft::new(audio.stft())?;
    let (bins, rank) = (audio.stft().bins(), model.metadata.architecture.rank());
    let frames_a_second = f64::from(audio.sample_rate) / audio.hop as f64;
    let frames = stft
        .config()
        .frames((CLIP_S * f64::from(audio.sample_rate)) as usize);
    let power = 1.0 / model.metadata.architecture.compression() as f32;
    let mut clips = Vec::with_capacity(CLIPS);
    for number in 0..CLIPS {
        let activations = activations(columns.len(), frames, frames_a_second, rng);
        let mut data = vec![0.0f32; bins * frames];
        for (t, frame) in data.chunks_exact_mut(bins).enumerate() {
            for (bin, value) in frame.iter_mut().enumerate() {
                let row = &bases[bin * rank..][columns.clone()];
                let sum: f32 = row
                    .iter()
                    .zip(&activations)
                    .map(|(w, h)| w.abs() * h[t])
                    .sum();
                *value = sum.powf(power);
            }
        }
        let magnitude = Magnitude::new(bins, frames, data)?;
        match number % 2 {
            0 => clips.push(noise(&magnitude, &stft, rng)?),
            _ => clips.extend(griffin_lim(&magnitude, &stft, rng)?),
        }
    }
    Ok(clips)
}

/// `count` random activations of `frames` frames: exponentials of autoregressive processes.
fn activations(
    count: usize,
    frames: usize,
    frames_a_second: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<f32>> {
    let logarithmic = |range: &Range<f64>, rng: &mut ChaCha8Rng| {
        (rng.random_range(range.start.ln()..range.end.ln())).exp()
    };
    let (time, swing) = (logarithmic(&TIMES_S, rng), logarithmic(&SWINGS, rng));
    let pole = (-1.0 / (time * frames_a_second)).exp();
    let innovation = (1.0 - pole * pole).sqrt();
    let one = |_| {
        let level = LEVELS * normal(rng);
        let mut state = normal(rng);
        let values = (0..frames).map(|_| {
            let value = (level + swing * state).exp();
            state = pole * state + innovation * normal(rng);
            value as f32
        });
        values.collect()
    };
    (0..count).map(one).collect()
}

/// Noise with these magnitudes in the mean: they shape the spectrum of white noise.
fn noise(magnitude: &Magnitude, stft: &Stft, rng: &mut ChaCha8Rng) -> Result<Vec<f32>, JointError> {
    let config = stft.config();
    let edge_frames = config.frames(1) - 1;
    let samples = magnitude.frames().saturating_sub(edge_frames) * config.hop;
    let white: Vec<f32> = (0..samples).map(|_| normal(rng) as f32).collect();
    let white = stft.analyze(&white)?;
    let shaped: Vec<Complex32> = (0..white.frames())
        .flat_map(|t| {
            white
                .frame(t)
                .iter()
                .zip(magnitude.frame(t))
                .map(|(z, m)| z * *m)
        })
        .collect();
    let shaped = Spectrogram::new(magnitude.bins(), white.frames(), shaped)?;
    Ok(stft.synthesize(&shaped, samples)?)
}

/// A number from the standard normal distribution (Box–Muller).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0..1.0f64)).ln()).sqrt();
    radius * (rng.random_range(0.0..std::f64::consts::TAU)).cos()
}
