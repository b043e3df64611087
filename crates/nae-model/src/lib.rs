//! Non-negative autoencoders (NAE), the losses they are trained with and their file format.
//!
//! A shallow NAE is `H = g(W‡·X)`, `X̂ = g(W·H)`; deeper ones stack dense layers on both sides
//! (Smaragdis & Venkataramani, *A Neural Network Alternative to Non-Negative Audio Models*,
//! ICASSP 2017). The decoder is the reusable model of one source; the encoder is kept in the file
//! because it initialises separation well.
//!
//! # Layout
//!
//! One layout everywhere, the one the maths is written in: spectra are `[models, bins, frames]`,
//! activations `[models, rank, frames]`, a weight is `[models, outputs, inputs]` and a layer is
//! `W·x`. The first dimension stacks models (or mixtures) of one shape that are worked on together;
//! its size is 1 in a model file and in a single training run. Shorter spectra of a stack are
//! padded with silence, which [`loss::Target::padded`] leaves out. Sound arrives frame by frame
//! (`nae-audio` keeps a frame's bins together); [`spectra`] transposes on the way in and on the way
//! out, nowhere else.
//!
//! # Parts
//!
//! [`ModelConfig`] holds the `[model]` settings; they lead to an [`Architecture`], which is what a model
//! file keeps. It makes a [`Network`], which is trained, and the network makes a frozen
//! [`Decoder`], which is all that separation, joint encoders and reports use. The three are enums
//! with one variant a kind; [`mod@kinds`] has one file for each and shows how one is added.
//!
//! # Backends
//!
//! Nothing here names a Burn backend: the caller passes a [`burn::tensor::Device`], and
//! [`nae_kernels`] picks the fused form of an operation where that device has one. Initial values
//! are drawn on the host from one seeded generator ([`random`]), so every device starts from the
//! same numbers.
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use nae_model::loss::{DEFAULT_EPS, Target, generalised_kl};
//! use nae_model::random::generator;
//! use nae_model::ModelConfig;
//!
//! let device = Device::flex();
//! let settings = ModelConfig { layers: 4, rank: 5, ..Default::default() };
//! let network = settings.architecture().network(9, &mut generator(0, "weights"), &device);
//! let spectrum = Tensor::<3>::ones([1, 9, 3], &device);
//! let latent = network.encode(spectrum.clone()).latent; // [1, rank, frames]
//! let estimate = network.decode(latent).estimate; // [1, bins, frames]
//! let loss = generalised_kl(&Target::new(spectrum, DEFAULT_EPS), estimate);
//! assert!(loss.into_scalar::<f32>() > 0.0);
//! ```

pub mod activations;
pub mod architecture;
pub mod audio;
pub mod config;
pub mod context;
pub mod decoder;
pub mod deconvolution;
pub mod ensemble;
pub mod error;
pub mod file;
pub mod frame;
pub mod init;
pub mod kinds;
pub mod latent_cache;
pub mod layer_list;
pub mod layers;
pub mod loss;
pub mod metadata;
pub mod multiplicative;
pub mod network;
pub mod network_file;
pub mod nonlinearity;
pub mod optim;
pub mod parameters;
pub mod random;
pub mod reconstruct;
pub mod safetensors_bytes;
pub mod safetensors_file;
pub mod spectra;
pub mod stack_layer;
pub mod universal;

pub use activations::{ActivationForm, Activations};
pub use audio::AudioConfig;
pub use config::{BasisNorm, Latent, ModelConfig, ModelKind, Output};
pub use context::Context;
pub use ensemble::Ensemble;
pub use error::ModelError;
pub use file::Model;
pub use kinds::{Architecture, Decoder, Network};
pub use latent_cache::LatentCache;
pub use metadata::{
    ClipRecord, HiddenUnits, MergedSource, Metadata, ParentRecord, TrainingSummary,
};
pub use network::Extent;
pub use nonlinearity::{Hidden, Nonlinearity};
pub use reconstruct::reconstruct;
