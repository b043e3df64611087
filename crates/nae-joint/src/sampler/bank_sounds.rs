//! The sounds of a bank, of which every mixture has one or two.

use nae_audio::Stft;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use super::excerpt::{ExcerptSpectra, Split};
use super::random_filter::random_filter;
use super::source_sounds::SourceSounds;
use crate::bank::Bank;
use crate::error::JointError;
use crate::settings::JointConfig;

/// Frames of all sounds of a folder, which are kept in memory at every speed (27 minutes at the default hop).
pub const MAX_BANK_FRAMES: usize = 100_000;

/// Share of the mixtures that have two sounds.
const TWO: f64 = 0.5;

/// How far the second sound may be below the first, in dB.
const SECOND_DB: f32 = -12.0;

/// Sounds that stand for one source.
pub(super) struct BankSounds {
    sounds: Vec<SourceSounds>,
}

impl BankSounds {
    /// Resamples the sounds to every speed; those that are silent are left out.
    ///
    /// # Errors
    /// [`JointError::EmptyBank`] if there are no others, and [`JointError::Audio`] from resampling and
    /// transforms.
    pub fn new(bank: &Bank, stft: &Stft, config: &JointConfig) -> Result<Self, JointError> {
        let sounds = bank.sounds.par_iter();
        let sounds = sounds.map(|sound| SourceSounds::new(&sound.clips, stft, config));
        let mut sounds = sounds.collect::<Result<Vec<_>, JointError>>()?;
        sounds.retain(|sound| sound.active() > 0);
        if sounds.is_empty() {
            let name = bank.name.clone();
            return Err(JointError::EmptyBank { name });
        }
        Ok(Self { sounds })
    }

    /// Spectra of one sound, or of two with the power of one.
    pub fn spectra(
        &self,
        stft: &Stft,
        rng: &mut ChaCha8Rng,
        split: Split,
        config: &JointConfig,
    ) -> ExcerptSpectra {
        let mut sum = self.filtered(stft, rng, split, config);
        if rng.random_bool(TWO) {
            let second = self.filtered(stft, rng, split, config);
            let gain = 10f32.powf(rng.random_range(SECOND_DB..=0.0) / 20.0);
            sum.add(&second, gain);
            sum.scale(1.0 / (1.0 + gain * gain).sqrt());
        }
        sum
    }

    /// Spectra of an excerpt of a random sound through a random filter, which keeps its power.
    fn filtered(
        &self,
        stft: &Stft,
        rng: &mut ChaCha8Rng,
        split: Split,
        config: &JointConfig,
    ) -> ExcerptSpectra {
        let sound = &self.sounds[rng.random_range(0..self.sounds.len())];
        let excerpt = sound.excerpt(rng, split, config);
        let mut spectra = excerpt.spectra(stft, config.frames);
        let before = spectra.power();
        spectra.filter(&random_filter(stft.config().bins(), rng));
        let after = spectra.power();
        if after > 0.0 {
            spectra.scale((before / after).sqrt());
        }
        spectra
    }
}
