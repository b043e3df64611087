//! Clips to train on.

use nae_model::ClipRecord;
use nae_train::TrainingClip;

/// A clip of `samples` at `rate` samples per second that comes from no file.
pub fn clip(name: &str, samples: Vec<f32>, rate: u32) -> TrainingClip {
    TrainingClip {
        record: ClipRecord {
            name: name.into(),
            sha256: String::new(),
            duration_s: samples.len() as f64 / f64::from(rate),
        },
        samples,
    }
}
