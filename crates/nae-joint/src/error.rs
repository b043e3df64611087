//! What can go wrong with joint encoders.

use nae_audio::AudioError;
use nae_model::ModelError;
use nae_model::optim::DescentError;
use nae_separate::SeparateError;

/// Errors of joining models.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JointError {
    /// Too few or too many sources.
    #[error(
        "{came} models cannot be joined: a joint encoder tells 2 to 6 sources apart. Give `--model FILE` once for every source."
    )]
    Count {
        /// Sources that came.
        came: usize,
    },
    /// Two sources would write to the same stem.
    #[error(
        "two of the models to be joined are called `{name}`, so their stems would overwrite each other. Name one of them: `--model OTHER=FILE`."
    )]
    SameName {
        /// The name.
        name: String,
    },
    /// Nothing to learn a source from.
    #[error(
        "the model `{name}` remembers nothing of its training clips (it was trained with --no-memory or by an older nae), so there is nothing to join it on. Give its clips with `--clips {name}=FOLDER`, or train it again."
    )]
    NoMaterial {
        /// The source.
        name: String,
    },
    /// Not enough sound to learn from.
    #[error(
        "there are {frames} frames of `{name}` to join it on, and it needs at least {needed} that are not silent. Give more clips with `--clips {name}=FOLDER`."
    )]
    TooShort {
        /// The source.
        name: String,
        /// Frames there are.
        frames: usize,
        /// Frames needed.
        needed: usize,
    },
    /// The start is for other networks.
    #[error(
        "this joint encoder cannot start from the one given: {reason}. Join with the same settings, or leave `--start` out."
    )]
    Start {
        /// What differs.
        reason: String,
    },
    /// The joint file belongs to other models.
    #[error(
        "the joint file was made for other models: it has {expected}, and `{came}` is none of them (fingerprint {fingerprint}). Join the models again with `nae join`, or leave `--model` out: a joint file holds all that separation needs."
    )]
    OtherModels {
        /// The file's sources in words.
        expected: String,
        /// The model that came.
        came: String,
        /// The start of its fingerprint.
        fingerprint: String,
    },
    /// Models, settings, files, devices.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Resampling and transforms.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The optimisation.
    #[error(transparent)]
    Descent(#[from] DescentError),
    /// Separation.
    #[error(transparent)]
    Separate(#[from] SeparateError),
}
