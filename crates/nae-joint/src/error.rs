//! Errors of joint encoders.

use nae_audio::AudioError;
use nae_files::FileError;
use nae_model::ModelError;
use nae_model::optim::OptimizationError;
use nae_separate::SeparateError;

/// Errors of training and using joint encoders.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JointError {
    /// Too few or too many sources.
    #[error(
        "a joint encoder separates 2 to 6 sources, but {came} were given. Give `--model FILE` once for every source; one alone needs `--against FOLDER`, sounds of everything else."
    )]
    Count {
        /// Number of sources given.
        came: usize,
    },
    /// Two sources would write to the same stem.
    #[error(
        "two of the models to join are called `{name}`, so their stems would overwrite each other. Name one of them: `--model OTHER=FILE`."
    )]
    SameName {
        /// The name.
        name: String,
    },
    /// A source has no training material.
    #[error(
        "there is no training material for `{name}`: expected clips or a model with a latent cache, but this model has none (it was merged, or trained with --no-memory or by an older nae). Give its clips with `--clips {name}=FOLDER`, or train it again."
    )]
    NoMaterial {
        /// The source.
        name: String,
    },
    /// Not enough training material.
    #[error(
        "the training material of `{name}` is too short: expected at least {needed} frames that are not silent, found {frames}. Give more clips with `--clips {name}=FOLDER`."
    )]
    TooShort {
        /// The source.
        name: String,
        /// Frames that are not silent.
        frames: usize,
        /// Frames needed.
        needed: usize,
    },
    /// A bank without sound.
    #[error(
        "there is no sound in the bank that stands for `{name}`: all of its sounds are silent or shorter than a frame. Give other sounds with `--against`."
    )]
    EmptyBank {
        /// The bank's source.
        name: String,
    },
    /// The pretrained weights are for another architecture.
    #[error(
        "the pretrained weights do not fit this joint encoder: {reason}. Use the settings they were trained with, or leave out `--start`."
    )]
    IncompatibleWeights {
        /// What differs.
        reason: String,
    },
    /// Training has driven weights out of what can be stored.
    #[error(
        "the joint encoder's weights `{tensor}` are not finite, so nothing is written. The steps were too large: try a tenth of `joint.learning_rate`, and `joint.weight_decay` at its default."
    )]
    NotFinite {
        /// The weights' name.
        tensor: String,
    },
    /// The joint file belongs to other models.
    #[error(
        "the joint file was made for other models: expected {expected}, but got `{came}` (fingerprint {fingerprint}). Join the models again with `nae join`, or leave out `--model`: a joint file contains all that separation needs."
    )]
    OtherModels {
        /// The file's sources and their fingerprints.
        expected: String,
        /// The model that came.
        came: String,
        /// The first digits of its fingerprint.
        fingerprint: String,
    },
    /// The joint encoder cannot work on sound that is still coming.
    #[error(
        "this joint encoder cannot separate live: {reason}. Join the models again with `nae join --config configs/live.toml`, or separate the finished recording with `nae separate`."
    )]
    NotLive {
        /// What it lacks.
        reason: String,
    },
    /// Models, settings, files, devices.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The joint file or the file of pretrained weights cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Resampling and transforms.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The optimisation.
    #[error(transparent)]
    Optimization(#[from] OptimizationError),
    /// Separation.
    #[error(transparent)]
    Separate(#[from] SeparateError),
}
