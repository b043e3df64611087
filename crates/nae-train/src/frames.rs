//! Training frames from clips.

use std::path::Path;

use nae_audio::{Magnitude, Stft, resample};
use nae_files::sha256_of_file;
use nae_model::spectra::level;
use nae_model::{AudioConfig, ClipRecord};

use crate::error::TrainError;

/// Frames that training needs at least.
pub const MIN_FRAMES: usize = 8;

/// One clip, mixed down and at the model's rate.
#[derive(Clone, Debug)]
pub struct TrainingClip {
    /// What the model file says of the clip.
    pub record: ClipRecord,
    /// Mono samples at the model's rate.
    pub samples: Vec<f32>,
}

impl TrainingClip {
    /// Reads a sound file, mixes it down and brings it to `sample_rate` Hz.
    ///
    /// # Errors
    /// [`TrainError::Audio`] or [`TrainError::File`], naming the file.
    pub fn read(path: &Path, sample_rate: u32) -> Result<Self, TrainError> {
        let clip = nae_audio::read(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            record: ClipRecord {
                name: name.into_owned(),
                sha256: sha256_of_file(path)?,
                duration_s: clip.duration_s(),
            },
            samples: resample(&clip.mixdown(), clip.sample_rate(), sample_rate)?,
        })
    }
}

/// Spectra of the frames that are not silent.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Uncompressed magnitudes.
    pub magnitude: Magnitude,
    /// Factor that brings the sound to unit standard deviation.
    pub gain: f64,
    /// Length of all clips in seconds.
    pub duration_s: f64,
}

impl Frames {
    /// Spectra of all clips, one after another, silent frames left out.
    ///
    /// Every clip is transformed by itself, so that no frame spans two clips.
    ///
    /// # Errors
    /// [`TrainError::NoClips`], [`TrainError::Silent`] or [`TrainError::TooShort`].
    pub fn from_clips(
        clips: &[TrainingClip],
        audio: &AudioConfig,
        silence_db: f64,
    ) -> Result<Self, TrainError> {
        if clips.is_empty() {
            return Err(TrainError::NoClips);
        }
        let stft = Stft::new(audio.stft())?;
        let bins = audio.stft().bins();
        let samples: usize = clips.iter().map(|clip| clip.samples.len()).sum();
        let duration_s = samples as f64 / f64::from(audio.sample_rate);
        let mut values = Vec::new();
        for clip in clips {
            values.extend(stft.analyze(&clip.samples)?.magnitude().into_data());
        }
        let all = Magnitude::new(bins, values.len() / bins, values)?;
        let silence_db = silence_db as f32;
        let level = level(&all, silence_db);
        if level <= 0.0 {
            return Err(TrainError::Silent { duration_s });
        }
        let active = all.active_frames(silence_db);
        if active.len() < MIN_FRAMES {
            return Err(TrainError::TooShort {
                frames: active.len(),
                needed: MIN_FRAMES,
                duration_s,
            });
        }
        Ok(Self {
            magnitude: all.select(&active),
            gain: 1.0 / level,
            duration_s,
        })
    }
}
