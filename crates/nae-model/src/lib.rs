//! Non-negative autoencoders (NAE), the losses they are trained with and the file they live in.
//!
//! A shallow NAE is `H = g(W‡·X)`, `X̂ = g(W·H)`; deeper ones stack dense layers on both sides
//! (Smaragdis & Venkataramani, *A Neural Network Alternative to Non-Negative Audio Models*,
//! ICASSP 2017). The decoder is the reusable model of one source; the encoder stays in the file
//! because it gives separation a good start.
//!
//! # Layout
//!
//! One layout everywhere, the one the maths is written in: spectra are `[models, bins, frames]`,
//! activations `[models, rank, frames]`, a weight is `[models, outputs, inputs]` and a layer is
//! `W·x`. The first dimension stacks models (or mixtures) of one shape that are worked on together;
//! a model file and a single training run have one. Shorter spectra of a stack are filled up with
//! silence, which [`loss::Target::padded`] leaves out. Sound arrives frame by frame (`nae-audio`
//! keeps a frame's bins together); [`spectra`] transposes on the way in and on the way out, nowhere
//! else.
//!
//! # Backends
//!
//! Nothing here names a Burn backend: whoever calls passes a [`burn::tensor::Device`], and
//! [`nae_kernels`] picks the fused form of an operation where that device has one. Initial
//! values are drawn on the host from one seeded generator ([`random`]), so every device starts
//! from the same numbers.
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use nae_model::loss::{DEFAULT_EPS, Target, generalised_kl};
//! use nae_model::random::generator;
//! use nae_model::{ModelConfig, Nae};
//!
//! let device = Device::flex();
//! let config = ModelConfig { layers: 4, rank: 5, ..Default::default() };
//! let network = Nae::new(&config, 9, &mut generator(0, "weights"), &device);
//! let spectrum = Tensor::<3>::ones([1, 9, 3], &device);
//! let latent = network.encode(spectrum.clone()).pop().unwrap(); // [1, rank, frames]
//! let (_, estimate) = network.decode(latent); // [1, bins, frames]
//! let loss = generalised_kl(&Target::new(spectrum, DEFAULT_EPS), estimate);
//! assert!(loss.into_scalar::<f32>() > 0.0);
//! ```

pub mod activations;
pub mod audio;
pub mod card;
pub mod config;
pub mod decoder;
pub mod dense;
pub mod error;
pub mod file;
pub mod init;
pub mod loss;
pub mod memory;
pub mod multiplicative;
pub mod nae;
pub mod nonlinearity;
pub mod optim;
pub mod random;
pub mod spectra;
pub mod stored;

pub use activations::{ActivationForm, Activations};
pub use audio::AudioConfig;
pub use card::{Card, ClipRecord, TrainingSummary};
pub use config::{BasisNorm, Latent, ModelConfig, ModelKind, Output};
pub use decoder::Decoder;
pub use error::ModelError;
pub use file::Model;
pub use memory::Memory;
pub use nae::Nae;
pub use nonlinearity::Nonlinearity;
