//! What can go wrong while separating.

use nae_audio::AudioError;
use nae_model::ModelError;
use nae_model::optim::DescentError;

/// Errors of separation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeparateError {
    /// No source was given.
    #[error(
        "there is nothing to separate with: expected at least one model. Give `--model FILE` once for every source."
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
    /// Free activations would leave the range the decoder is made for.
    #[error(
        "`separate.activations = \"free\"` lets activations become negative, and the model `{name}` decodes them with non-negative bases, so its spectra would become negative. Use \"nonnegative\" or \"preactivation\"."
    )]
    FreeActivations {
        /// The model's source.
        name: String,
    },
    /// What stopped all mixtures that went through together.
    #[error("{0}")]
    Stack(String),
    /// Models, settings, devices.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Files and transforms.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The optimisation.
    #[error(transparent)]
    Descent(#[from] DescentError),
}
