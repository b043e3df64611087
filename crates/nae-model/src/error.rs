//! Errors of models and their files.

use std::path::PathBuf;

use nae_audio::AudioError;
use nae_config::OutOfRange;
use nae_files::FileError;

/// Errors of model settings and model files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A setting is outside its range.
    #[error(transparent)]
    Setting(#[from] OutOfRange),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Invalid spectra.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The file is not a model file of nae.
    #[error("{path} is not {expected}: {reason}")]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// What it was taken for, and what writes such files.
        expected: &'static str,
        /// What was found.
        reason: String,
    },
    /// The file was written by a later version.
    #[error(
        "{path} has model format version {came}, but this nae reads versions up to {known}. Update nae, or train the model again."
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version found.
        came: String,
        /// The newest version known here.
        known: u32,
    },
    /// The file holds an ensemble.
    #[error(
        "{path} holds several models of one source, whose masks are averaged, and a single model was expected. Train one with `--ensemble none`, or load the file as an ensemble."
    )]
    Several {
        /// The file.
        path: PathBuf,
    },
    /// Models that make no ensemble.
    #[error("an ensemble has {expected}, but {came}. {advice}")]
    Ensemble {
        /// What it has.
        expected: String,
        /// What came.
        came: String,
        /// What to do.
        advice: &'static str,
    },
    /// A tensor in the file does not fit the architecture in its metadata.
    #[error(
        "the tensor `{tensor}` in {path} is {came}, but the architecture in the file's metadata needs {expected}. The file is damaged or was edited; train the model again."
    )]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// What the architecture needs.
        expected: String,
        /// What the file holds.
        came: String,
    },
    /// Two models have different audio settings.
    #[error(
        "the models `{left}` and `{right}` cannot be used together: `{left}` has {left_audio}, `{right}` has {right_audio}. Train both with the same `[audio]` settings."
    )]
    Mismatch {
        /// Name of the first model.
        left: String,
        /// Its audio settings in words.
        left_audio: String,
        /// Name of the second model.
        right: String,
        /// Its audio settings in words.
        right_audio: String,
    },
    /// Models that cannot be stacked.
    #[error(
        "{count} models cannot be stacked: expected at least one, all of one kind and shape. Use them one by one."
    )]
    Stack {
        /// Number of models.
        count: usize,
    },
    /// The device failed when values were read back.
    #[error("the device failed: {0}. Try `--device cpu`, or a smaller batch.")]
    Device(String),
}

impl ModelError {
    /// Only reached if serialisation itself is broken; still no panic.
    pub(crate) fn unwritable(error: impl std::fmt::Display) -> Self {
        Self::Device(format!("the model could not be serialised: {error}"))
    }
}

/// A setting outside its range.
///
/// - `key`: the full configuration key
pub fn setting(key: &str, expected: &str, came: impl ToString, advice: &str) -> ModelError {
    OutOfRange::new("", key, expected, came, advice).into()
}
