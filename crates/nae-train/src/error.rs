//! Errors of training.

use nae_audio::AudioError;
use nae_files::{FileError, count};
use nae_model::ModelError;
use nae_model::optim::OptimizationError;

/// Errors of training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// No clip was given.
    #[error(
        "there is nothing to train on: expected at least one clip. Give WAV, AIFF, FLAC, MP3, Ogg or AAC files, or a folder of them."
    )]
    NoClips,
    /// The clips are silent.
    #[error("the clips ({duration_s:.2} s) are silent. Check the recording's level and channel.")]
    Silent {
        /// Length of all clips in seconds.
        duration_s: f64,
    },
    /// Too few frames to train on.
    #[error(
        "the clips have only {} that {} not silent ({duration_s:.2} s of sound in all), but a model needs at least {needed}. Give longer clips; about 20 s of clean sound is a good amount.",
        count(*.frames, "frame"),
        if *.frames == 1 { "is" } else { "are" }
    )]
    TooShort {
        /// Frames that are not silent.
        frames: usize,
        /// Frames needed at least.
        needed: usize,
        /// Length of all clips in seconds.
        duration_s: f64,
    },
    /// Bases of more frames than a clip has.
    #[error(
        "`{key}` is {span} frames{}, but the clip `{clip}` has {frames}. Expected bases no longer than the shortest clip: set {} to {frames} or less, or leave that clip out.",
        if *.key == "model.span" { "" } else { " in all" },
        if *.key == "model.span" { "model.span" } else { "the spans in it" }
    )]
    SpanTooLong {
        /// The setting that says so.
        key: &'static str,
        /// Frames of a basis, or those that the layers before or after the bottleneck see together.
        span: usize,
        /// Name of the clip.
        clip: String,
        /// Its frames.
        frames: usize,
    },
    /// A model that can only decode silence.
    #[error(
        "the model `{name}` decodes its own training clips to silence: all its units are dead, so expected at least one that responds. Try another seed (--seed), a higher model.rank, or a smaller train.learning_rate."
    )]
    SilentModel {
        /// Name of the source.
        name: String,
    },
    /// The error of one member of an ensemble.
    #[error(
        "the member `{member}` of the ensemble cannot be trained: {error} Or leave `{member}` out of `train.ensemble`."
    )]
    Member {
        /// Its word in `train.ensemble`.
        member: &'static str,
        /// What went wrong.
        error: Box<TrainError>,
    },
    /// A model that has no bases to merge.
    #[error(
        "`{name}` ({architecture}) has no bases to merge: expected a model with NMF bases of one frame, with two layers and `model.output = \"linear\"`, or with a latent cache. Train one with `nae train --ensemble nmf`, or without --no-memory."
    )]
    NoBases {
        /// Name of its source.
        name: String,
        /// Its models in words.
        architecture: String,
    },
    /// A latent cache of silence.
    #[error(
        "the latent cache of `{name}` is silent, and no bases can be fitted to it. Train the model again on clips with sound."
    )]
    SilentCache {
        /// Name of its source.
        name: String,
    },
    /// Models of different compression.
    #[error(
        "the models `{left}` and `{right}` cannot be merged: `model.compression` is {left_compression} for `{left}` and {right_compression} for `{right}`, and the bases of one model describe spectra of one compression. Train both with the same."
    )]
    Compressions {
        /// Name of the first model.
        left: String,
        /// Its exponent.
        left_compression: f64,
        /// Name of the other model.
        right: String,
        /// Its exponent.
        right_compression: f64,
    },
    /// More bases than a model may have.
    #[error(
        "these models have {came} bases together, but a model has at most {most}. Take fewer of each (--rank-each), or leave some models out."
    )]
    TooManyBases {
        /// Bases of all.
        came: usize,
        /// What a model may have.
        most: usize,
    },
    /// The error that ended a stack of models.
    #[error("{0}")]
    Stack(String),
    /// Settings, devices.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A clip cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The transform.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The optimisation.
    #[error(transparent)]
    Optimization(#[from] OptimizationError),
}
