//! Draws mixtures at random.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use nae_audio::Stft;
use nae_model::AudioConfig;
use nae_model::init::from_host;
use nae_model::random::generator;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::bank_sounds::BankSounds;
use super::excerpt::{Excerpt, ExcerptSpectra, Split};
use super::mix::Magnitudes;
use super::source_sounds::SourceSounds;
use crate::bank::Bank;
use crate::error::JointError;
use crate::settings::JointConfig;

/// Mixtures that a network's input normalisation is measured on.
const EXAMPLES: usize = 24;

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
    /// Sounds of one more source, the last one.
    bank: Option<BankSounds>,
    stft: Stft,
    config: JointConfig,
    key: [u8; 32],
}

impl MixtureSampler {
    /// Resamples the sources' clips to every speed.
    ///
    /// - `clips`: name and clips of every source, mono at the models' rate; what goes beyond
    ///   [`MAX_FRAMES`](super::MAX_FRAMES) is left out
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
            let source = SourceSounds::new(clips, &stft, config)?;
            Ok(Arc::new(source.with_enough_sound(name)?))
        });
        Ok(Self {
            sources: sources.collect::<Result<_, JointError>>()?,
            bank: None,
            stft,
            config: config.clone(),
            key: generator(seed, "mixtures").random(),
        })
    }

    /// What a network's input normalisation is measured on, `[bins, frames]`.
    pub(crate) fn examples(&self, device: &Device) -> Tensor<2> {
        self.draw(0, 0..EXAMPLES, Split::Train, device).input
    }

    /// Adds one more source, the last one, of which every mixture has one or two sounds of a bank.
    ///
    /// # Errors
    /// [`JointError::EmptyBank`] for a bank without sound, and as [`new`](Self::new).
    pub fn with_bank(mut self, bank: &Bank) -> Result<Self, JointError> {
        self.bank = Some(BankSounds::new(bank, &self.stft, &self.config)?);
        Ok(self)
    }

    /// Sources of a mixture, a bank included.
    fn source_count(&self) -> usize {
        self.sources.len() + usize::from(self.bank.is_some())
    }

    /// A sampler of some of the sources, by their indices, and no bank.
    pub fn select(&self, sources: &[usize]) -> Self {
        let sources = sources.iter().filter_map(|&i| self.sources.get(i));
        Self {
            sources: sources.cloned().collect(),
            bank: None,
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
        let (bins, sources) = (self.stft.config().bins(), self.source_count());
        let mut magnitudes = Magnitudes::new(sources, bins, columns);
        for (i, number) in mixtures.enumerate() {
            let mut rng = ChaCha8Rng::from_seed(self.key);
            let split_bit = u64::from(split == Split::Validation) << 63;
            rng.set_stream(split_bit | (step as u64) << 24 | number as u64);
            let excerpts = self.spectra(&mut rng, split);
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

    /// Of every source the spectra of an excerpt with random speed, shift, position and level; of a
    /// bank those of one or two of its sounds.
    fn spectra(&self, rng: &mut ChaCha8Rng, split: Split) -> Vec<ExcerptSpectra> {
        let config = &self.config;
        let sources = self.sources.iter();
        let excerpts: Vec<Excerpt<'_>> = sources
            .map(|source| source.excerpt(rng, split, config))
            .collect();
        let of_bank = self.bank.as_ref();
        let of_bank = of_bank.map(|bank| bank.spectra(&self.stft, rng, split, config));
        let spectra = excerpts.iter();
        let spectra = spectra.map(|excerpt| excerpt.spectra(&self.stft, config.frames));
        spectra.chain(of_bank).collect()
    }
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
