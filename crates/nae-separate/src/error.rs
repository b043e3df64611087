//! Errors of separation.

use nae_audio::AudioError;
use nae_model::ModelError;
use nae_model::optim::OptimizationError;

/// Errors of separation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeparateError {
    /// No source was given.
    #[error(
        "a separation needs at least one model, and none was given. Give `--model FILE` once for every source."
    )]
    NoSources,
    /// Two sources would write to the same stem.
    #[error(
        "two sources are called `{name}`, so their stems would overwrite each other. Name one of them: `--model OTHER=FILE`; several models of one source go into one `--model A.safetensors,B.safetensors`."
    )]
    SameName {
        /// The name.
        name: String,
    },
    /// Negative activations would be outside the decoder's range.
    #[error(
        "`separate.activations = \"free\"` allows negative activations, and the model `{name}` has a linear decoder with a non-negative basis, whose spectra would become negative. Use \"nonnegative\" or \"preactivation\"."
    )]
    FreeActivations {
        /// The model's source.
        name: String,
    },
    /// The error that ended a whole batch of mixtures.
    #[error("{0}")]
    Batch(String),
    /// Models, settings, devices.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Files and transforms.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The optimisation.
    #[error(transparent)]
    Optimization(#[from] OptimizationError),
}
