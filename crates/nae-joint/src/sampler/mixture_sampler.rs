//! Draws mixtures at random.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use nae_audio::{AudioError, Stft, resample};
use nae_model::AudioConfig;
use nae_model::init::from_host;
use nae_model::random::generator;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::excerpt::{Excerpt, Split};
use super::mix::Magnitudes;
use super::shifted_sound::ShiftedSound;
use crate::error::JointError;
use crate::settings::JointConfig;

/// Mixtures that a network's input normalisation is measured on.
const EXAMPLES: usize = 24;

/// The rate that stands for the original speed: with thousandths, resampling ratios stay simple.
const UNIT_RATE: f64 = 1000.0;

/// Frames of a source that are used at most (80 s at the default hop): their sound is kept in memory at
/// every speed.
pub const MAX_FRAMES: usize = 5000;

/// Positions of the frames within a hop at which sounds are transformed. With one only, the same few
/// spectra would recur.
const SHIFTS: usize = 4;

/// One source's sound at every speed and shift.
struct SourceSounds {
    sounds: Vec<ShiftedSound>,
    /// Brings the source to unit level.
    gain: f32,
}

/// Several mixtures, one after the other.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The network's input, `[bins, mixtures·frames]`.
    pub input: Tensor<2>,
    /// Magnitudes at the models' level, `[bins, mixtures·frames]`.
    pub mixture: Tensor<2>,
    /// Of every source the part in phase with the mixture, `clamp(|S|·cos Δφ, 0, |X|)`,
    /// `[sources, bins, mixtures·frames]`.
    pub targets: Tensor<3>,
}

/// Draws mixtures of random excerpts of all sources.
pub struct MixtureSampler {
    sources: Vec<Arc<SourceSounds>>,
    stft: Stft,
    config: JointConfig,
    key: [u8; 32],
}

impl MixtureSampler {
    /// Resamples the sources' clips to every speed.
    ///
    /// - `clips`: name and clips of every source, mono at the models' rate; what goes beyond
    ///   [`MAX_FRAMES`] is left out
    ///
    /// # Errors
    /// [`JointError::TooShort`], or [`JointError::Audio`] from resampling and transforms.
    pub fn new(
        clips: &[(String, Vec<Vec<f32>>)],
        audio: &AudioConfig,
        config: &JointConfig,
        seed: u64,
    ) -> Result<Self, JointError> {
        let stft = Stft::new(audio.stft())?;
        let sources = clips.par_iter().map(|(name, clips)| {
            let source = SourceSounds::new(name, clips, &stft, config)?;
            Ok(Arc::new(source))
        });
        Ok(Self {
            sources: sources.collect::<Result<_, JointError>>()?,
            stft,
            config: config.clone(),
            key: generator(seed, "mixtures").random(),
        })
    }

    /// What a network's input normalisation is measured on, `[bins, frames]`.
    pub(crate) fn examples(&self, device: &Device) -> Tensor<2> {
        self.draw(0, 0..EXAMPLES, Split::Train, device).input
    }

    /// A sampler of some of the sources, by their indices.
    pub fn select(&self, sources: &[usize]) -> Self {
        let sources = sources.iter().filter_map(|&i| self.sources.get(i));
        Self {
            sources: sources.cloned().collect(),
            stft: self.stft.clone(),
            config: self.config.clone(),
            key: self.key,
        }
    }

    /// Mixtures number `mixtures` of step number `step`; the same numbers give the same mixtures.
    pub fn draw(
        &self,
        step: usize,
        mixtures: Range<usize>,
        split: Split,
        device: &Device,
    ) -> Batch {
        let frames = self.config.frames;
        let columns = mixtures.len() * frames;
        let (bins, sources) = (self.stft.config().bins(), self.sources.len());
        let mut magnitudes = Magnitudes::new(sources, bins, columns);
        for (i, number) in mixtures.enumerate() {
            let mut rng = ChaCha8Rng::from_seed(self.key);
            let split_bit = u64::from(split == Split::Validation) << 63;
            rng.set_stream(split_bit | (step as u64) << 24 | number as u64);
            let excerpts = self.excerpts(&mut rng, split).into_iter();
            let excerpts: Vec<_> = excerpts
                .map(|excerpt| excerpt.spectra(&self.stft, frames))
                .collect();
            let silence_db = self.config.silence_db as f32;
            magnitudes.mix(&excerpts, i * frames, frames, silence_db);
        }
        let Magnitudes {
            mixture, targets, ..
        } = magnitudes;
        let scale = 1.0 / (bins.max(2) - 1) as f32;
        let input = mixture
            .iter()
            .map(|x| compress(x * scale.sqrt(), self.config.compression as f32))
            .collect();
        Batch {
            input: from_host(input, [bins, columns], device),
            mixture: from_host(mixture, [bins, columns], device),
            targets: from_host(targets, [sources, bins, columns], device),
        }
    }

    /// Of every source an excerpt with random speed, shift, position and level.
    fn excerpts(&self, rng: &mut ChaCha8Rng, split: Split) -> Vec<Excerpt<'_>> {
        let excerpts = self.sources.iter().map(|source| {
            let sound = &source.sounds[rng.random_range(0..source.sounds.len())];
            let held_back = (sound.frames() as f64 * self.config.held_back).round() as usize;
            // something to draw from, however short the sound
            let held_back = held_back.max(usize::from(self.config.held_back > 0.0));
            let range = split.range(sound.frames(), held_back);
            // a source shorter than a mixture is repeated
            let last = range.len().saturating_sub(self.config.frames);
            let start = range.start + rng.random_range(0..=last);
            let db = self.config.level_db * rng.random_range(-1.0..=1.0f64);
            Excerpt {
                sound,
                start,
                range,
                gain: source.gain * 10f32.powf(db as f32 / 20.0),
            }
        });
        excerpts.collect()
    }
}

impl SourceSounds {
    fn new(
        name: &str,
        clips: &[Vec<f32>],
        stft: &Stft,
        config: &JointConfig,
    ) -> Result<Self, JointError> {
        let hop = stft.config().hop;
        let clips = first_samples(clips, MAX_FRAMES * hop);
        let mut gain = 0.0;
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
                    gain = sound.gain(name, stft, config)?;
                }
                sounds.push(sound);
            }
        }
        // of very short clips the later shifts have nothing left, and a split needs a frame a part
        sounds.retain(|sound| sound.frames() >= 2);
        Ok(Self { sounds, gain })
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

/// `x^exponent`, with square roots for the usual exponents.
fn compress(x: f32, exponent: f32) -> f32 {
    if exponent == 0.5 {
        x.sqrt()
    } else if exponent == 0.25 {
        x.sqrt().sqrt()
    } else {
        x.powf(exponent)
    }
}
