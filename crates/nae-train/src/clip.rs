//! One training clip in memory.

use std::path::Path;

use nae_audio::{MonoReader, edge_samples, resample};
use nae_model::ClipRecord;

use crate::error::TrainError;

/// One clip, mixed down and at the model's rate.
#[derive(Clone, Debug)]
pub struct TrainingClip {
    /// What the model file says of the clip.
    pub record: ClipRecord,
    /// Mono samples at the model's rate.
    pub samples: Vec<f32>,
}

impl TrainingClip {
    /// Reads a sound file, mixes it down without offsets ([`MonoReader`]) and brings it to
    /// `sample_rate` Hz.
    ///
    /// # Errors
    /// [`TrainError::Audio`] or [`TrainError::File`], naming the file.
    pub fn read(path: &Path, sample_rate: u32) -> Result<Self, TrainError> {
        Self::read_beginning(path, sample_rate, usize::MAX)
    }

    /// As [`read`](Self::read), but of the samples at `sample_rate` Hz only the first `limit` are kept,
    /// so that memory does not grow with the file's length. The record is that of the whole file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_beginning(path: &Path, sample_rate: u32, limit: usize) -> Result<Self, TrainError> {
        let mut reader = MonoReader::open(path)?;
        let from = reader.sample_rate();
        // what the last sample kept depends on, and more
        let margin = 4 * (edge_samples(from, sample_rate)? as u128 + 1);
        let needed = limit as u128 * u128::from(from) / u128::from(sample_rate) + margin;
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        let (mut kept, mut count) = (Vec::new(), 0u64);
        while let Some(mut piece) = reader.next_piece()? {
            count += piece.samples.len() as u64;
            piece.samples.truncate(needed - kept.len());
            if kept.is_empty() {
                kept = piece.samples;
            } else {
                kept.extend(piece.samples);
            }
        }
        let mut samples = resample(&kept, from, sample_rate)?;
        samples.truncate(limit);
        let duration_s = count as f64 / f64::from(from);
        let record = ClipRecord::of_file(path, duration_s)?;
        Ok(Self { record, samples })
    }
}
