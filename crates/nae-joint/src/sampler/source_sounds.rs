//! One source's sound at every speed and shift.

use std::sync::Arc;

use nae_audio::{AudioError, Stft, resample};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::excerpt::{Excerpt, Split};
use super::shifted_sound::{MIN_FRAMES, ShiftedSound};
use crate::error::JointError;
use crate::settings::JointConfig;

/// The rate that stands for the original speed: with thousandths, resampling ratios stay simple.
const UNIT_RATE: f64 = 1000.0;

/// Frames of a source that are used at most (80 s at the default hop): their sound is kept in memory at
/// every speed.
pub const MAX_FRAMES: usize = 5000;

/// Positions of the frames within a hop at which sounds are transformed. With one only, the same few
/// spectra would recur.
const SHIFTS: usize = 4;

/// One source's sound at every speed and shift.
pub(super) struct SourceSounds {
    sounds: Vec<ShiftedSound>,
    /// Brings the source to unit level; 0 for silence.
    gain: f32,
    /// Frames that are not silent.
    active: usize,
}

impl SourceSounds {
    /// Resamples clips to every speed.
    ///
    /// - `clips`: what goes beyond [`MAX_FRAMES`] is left out
    ///
    /// # Errors
    /// [`JointError::Audio`] from resampling and transforms.
    pub fn new(clips: &[Vec<f32>], stft: &Stft, config: &JointConfig) -> Result<Self, JointError> {
        let hop = stft.config().hop;
        let clips = first_samples(clips, MAX_FRAMES * hop);
        let (mut gain, mut active) = (0.0, 0);
        let mut sounds = Vec::with_capacity(config.speed_perturbation.len() * SHIFTS);
        for speed in &config.speed_perturbation {
            let rate = (UNIT_RATE * speed).round() as u32;
            let clips = clips
                .iter()
                .map(|clip| finite(resample(clip, rate, UNIT_RATE as u32)?))
                .collect::<Result<Vec<_>, AudioError>>()?;
            let clips = Arc::new(clips);
            for shift in 0..SHIFTS {
                let sound = ShiftedSound::new(Arc::clone(&clips), hop * shift / SHIFTS, stft);
                if sounds.is_empty() {
                    (gain, active) = sound.level(stft, config)?;
                }
                sounds.push(sound);
            }
        }
        // of very short clips the later shifts have nothing left, and a split needs a frame a part
        sounds.retain(|sound| sound.frames() >= 2);
        Ok(Self {
            sounds,
            gain,
            active,
        })
    }

    /// Frames that are not silent.
    pub fn active(&self) -> usize {
        match self.sounds.is_empty() {
            true => 0,
            false => self.active,
        }
    }

    /// Itself, if it has enough sound.
    ///
    /// # Errors
    /// [`JointError::TooShort`] for fewer than [`MIN_FRAMES`] frames that are not silent.
    pub fn with_enough_sound(self, name: &str) -> Result<Self, JointError> {
        match self.active {
            MIN_FRAMES.. => Ok(self),
            frames => Err(JointError::TooShort {
                name: name.into(),
                frames,
                needed: MIN_FRAMES,
            }),
        }
    }

    /// An excerpt with random speed, shift, position and level.
    pub fn excerpt(&self, rng: &mut ChaCha8Rng, split: Split, config: &JointConfig) -> Excerpt<'_> {
        let sound = &self.sounds[rng.random_range(0..self.sounds.len())];
        let held_back = (sound.frames() as f64 * config.held_back).round() as usize;
        // something to draw from, however short the sound
        let held_back = held_back.max(usize::from(config.held_back > 0.0));
        let range = split.range(sound.frames(), held_back);
        // a source shorter than a mixture is repeated
        let last = range.len().saturating_sub(config.frames);
        let start = range.start + rng.random_range(0..=last);
        let db = config.level_db * rng.random_range(-1.0..=1.0f64);
        Excerpt {
            sound,
            start,
            range,
            gain: self.gain * 10f32.powf(db as f32 / 20.0),
        }
    }
}

/// Refuses a sound with samples that are not finite: it could not be transformed later.
fn finite(samples: Vec<f32>) -> Result<Vec<f32>, AudioError> {
    match samples.iter().position(|x| !x.is_finite()) {
        None => Ok(samples),
        Some(sample) => Err(AudioError::NonFiniteSample {
            what: "training material",
            sample,
            value: samples[sample],
        }),
    }
}

/// Clips of `samples` samples in all, the last one cut short.
fn first_samples(clips: &[Vec<f32>], samples: usize) -> Vec<&[f32]> {
    let mut left = samples;
    let cut = clips.iter().map(|clip| {
        let kept = &clip[..clip.len().min(left)];
        left -= kept.len();
        kept
    });
    cut.filter(|kept| !kept.is_empty()).collect()
}
