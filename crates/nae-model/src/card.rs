//! What a model file says about itself.

use nae_audio::StftConfig;
use serde::{Deserialize, Serialize};

use crate::config::ModelConfig;
use crate::error::{ModelError, setting};

/// The `[audio]` settings: how sound becomes spectra.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AudioConfig {
    /// Sample rate of the model in Hz; sound of any other rate is resampled to it.
    pub sample_rate: u32,
    /// Length of a frame in samples.
    pub n_fft: usize,
    /// Distance of two frames in samples.
    pub hop: usize,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self {
            sample_rate: 16_000,
            n_fft: 1024,
            hop: 256,
        }
    }
}

impl AudioConfig {
    /// The short-time Fourier transform's settings.
    pub fn stft(&self) -> StftConfig {
        StftConfig {
            n_fft: self.n_fft,
            hop: self.hop,
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`ModelError::Setting`] for a rate outside 1 kHz to 768 kHz, [`ModelError::Write`] with the
    /// transform's own words for a pair of `n_fft` and `hop` that cannot reconstruct.
    pub fn validate(&self) -> Result<(), ModelError> {
        if !(1_000..=768_000).contains(&self.sample_rate) {
            return Err(setting(
                "audio.sample_rate",
                "between 1000 and 768000 Hz",
                self.sample_rate,
                "16000",
            ));
        }
        Ok(self.stft().validate()?)
    }
}

impl std::fmt::Display for AudioConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} Hz with frames of {} samples every {}",
            self.sample_rate, self.n_fft, self.hop
        )
    }
}

/// One training clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipRecord {
    /// File name without its folder.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Length in seconds.
    pub duration_s: f64,
}

/// How a model came to be.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// The clips, in the order they were read.
    pub clips: Vec<ClipRecord>,
    /// Length of all clips in seconds.
    pub duration_s: f64,
    /// Frames trained on (silent ones left out).
    pub frames: usize,
    /// Loss that the kept window was judged by.
    pub loss: f64,
    /// Steps taken, refining included.
    pub steps: usize,
    /// Seed of all random draws.
    pub seed: u64,
    /// Seconds of optimisation.
    pub seconds: f64,
    /// Whether training was stopped by hand before its end.
    pub interrupted: bool,
    /// Version of nae.
    pub tool_version: String,
}

/// Everything a model file says besides its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The source's name; its stem is called so.
    pub name: String,
    /// How sound becomes spectra.
    pub audio: AudioConfig,
    /// Architecture.
    pub model: ModelConfig,
    /// Factor that brought the training sound to unit standard deviation.
    pub gain: f64,
    /// How the model came to be.
    pub training: TrainingSummary,
}

impl Card {
    /// Whether both models analyse sound the same way.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] naming both sides.
    pub fn agrees_with(&self, other: &Self) -> Result<(), ModelError> {
        if self.audio == other.audio {
            return Ok(());
        }
        Err(ModelError::Mismatch {
            left: self.name.clone(),
            left_audio: self.audio.to_string(),
            right: other.name.clone(),
            right_audio: other.audio.to_string(),
        })
    }
}
