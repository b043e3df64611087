//! Errors of separation.

use nae_audio::AudioError;
use nae_model::ModelError;
use nae_model::optim::OptimizationError;

/// Largest sample that can be worked with: 240 dB above full scale. The squares of its spectra are
/// within what 32 bits hold at every frame length.
pub const PEAK_LIMIT: f32 = 1e12;

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
        "two sources are called `{name}`, so their stems would overwrite each other. Name one of them otherwise: `--model OTHER=FILE`, `--unknown OTHER`; several models of one source go into one `--model A.safetensors,B.safetensors`."
    )]
    SameName {
        /// The name.
        name: String,
    },
    /// Masks are averaged source by source.
    #[error("masks of different sources cannot be averaged: expected {expected}, got {came}.")]
    OtherSources {
        /// The first separator's sources and spectrogram settings.
        expected: String,
        /// The other's.
        came: String,
    },
    /// Masks that sum to one leave nothing.
    #[error(
        "there is no residual `{name}` here: a joint encoder's masks share all of the mixture among its sources. Separate with `--model` instead of `--joint`, or leave `--residual` out."
    )]
    NoResidual {
        /// The residual's name.
        name: String,
    },
    /// What keeps an unknown source from being learnt.
    #[error("{0}")]
    Unknown(String),
    /// Negative activations would be outside the decoder's range.
    #[error(
        "`separate.activations = \"free\"` allows negative activations, and the model `{name}` has a linear decoder with a non-negative basis, whose spectra would become negative. Use \"nonnegative\" or \"preactivation\"."
    )]
    FreeActivations {
        /// The model's source.
        name: String,
    },
    /// Multiplicative updates need a decoder of one linear layer.
    #[error(
        "`separate.solver` is \"multiplicative\", but the model `{name}` ({architecture}) cannot be solved that way: {reason}. Try `separate.solver = \"auto\"`, which uses multiplicative updates where they help, or \"gradient\"."
    )]
    Multiplicative {
        /// The model's source.
        name: String,
        /// The model, in words.
        architecture: String,
        /// What it lacks.
        reason: String,
    },
    /// A level that spectra cannot be worked out at.
    #[error(
        "the mixture is far too loud: its largest sample is {peak:e}, where full scale is 1 and at most {PEAK_LIMIT:e} can be worked with. Its level is wrong; bring it down, for example to a peak of 1."
    )]
    TooLoud {
        /// Largest absolute sample; NaN or infinite if one is.
        peak: f32,
    },
    /// Spectra that would take too much memory.
    #[error(
        "the spectra of {seconds:.1} s of this mixture would take {gib:.1} GiB, and at most {limit} are taken: the models' frames are {n_fft} samples every {hop}, in {}. Set `separate.block_s` lower, or use models with a larger `audio.hop`.",
        nae_files::count(*.channels, "channel")
    )]
    TooMuchMemory {
        /// Length of what was to be separated at once.
        seconds: f64,
        /// GiB of its complex spectra.
        gib: f64,
        /// GiB that they may take.
        limit: u64,
        /// The models' frame length.
        n_fft: usize,
        /// The models' hop.
        hop: usize,
        /// Channels of the mixture.
        channels: usize,
    },
    /// A model that gives numbers which are not finite.
    #[error(
        "{model} gives numbers that are not finite: its weights are too large. The file is damaged or was edited; train the model again."
    )]
    NotFinite {
        /// The model, in words.
        model: String,
    },
    /// A stem that there is not.
    #[error("there is no stem `{stem}`: expected one of `{names}`")]
    NoSuchStem {
        /// The stem asked for.
        stem: String,
        /// Those that there are.
        names: String,
    },
    /// Models that cannot work on sound that is still coming.
    #[error("the models of `{name}` cannot separate live: {reason}")]
    NotLive {
        /// The source.
        name: String,
        /// What they lack, and what to do.
        reason: String,
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
