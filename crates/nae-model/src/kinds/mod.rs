//! The kinds of models, one file each: its architecture, its network, its frozen decoder. This file is
//! the one place where they are listed.
//!
//! # One kind more
//!
//! A kind is three types: what a file keeps of it ([`ArchitectureKind`]), the network that learns
//! ([`NetworkKind`]) and the frozen decoder that separation, joint encoders, latent caches and reports
//! work with ([`DecoderKind`]). It touches two files: its own beside [`dense`] and [`nmf`], and the list
//! in this one. Training by gradients, several models at once, model and joint files, fingerprints, separation and
//! figures take it from there. (A third is `config.rs`, where the kind is to be asked for by a setting
//! that does not exist yet, and [`FORMAT_VERSION`](crate::file::FORMAT_VERSION) goes up by one.)
//!
//! Here it is projective factorisation, whose encoder is the decoder turned round,
//! `X̂ = |W|·|W|ᵀ·X` (Yuan & Oja, *Projective nonnegative matrix factorization*, SCIA 2005). Its own
//! file, `projective.rs`:
//!
//! ```
//! use burn::module::{Module, Param};
//! use burn::tensor::{Device, Tensor};
//! use nae_model::architecture::{ArchitectureKind, Context, Cost, TensorSpec, TrainingMethod};
//! use nae_model::decoder::DecoderKind;
//! use nae_model::error::setting;
//! use nae_model::init::glorot_uniform;
//! use nae_model::network::{Decoding, Encoding, Extent, NetworkKind};
//! use nae_model::{Latent, ModelConfig, ModelError};
//! use rand::rngs::ChaCha8Rng;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! #[serde(deny_unknown_fields)]
//! pub struct ProjectiveArchitecture {
//!     rank: usize,
//!     compression: f64,
//! }
//!
//! impl ArchitectureKind for ProjectiveArchitecture {
//!     type Network = ProjectiveNetwork;
//!
//!     fn claims(_settings: &ModelConfig) -> bool {
//!         false // settings have no key for it here: `settings.kind == ModelKind::Projective`
//!     }
//!
//!     fn from_settings(settings: &ModelConfig) -> Self {
//!         Self { rank: settings.rank, compression: settings.compression }
//!     }
//!
//!     fn settings(&self) -> ModelConfig {
//!         ModelConfig { rank: self.rank, compression: self.compression, ..Default::default() }
//!     }
//!
//!     fn validate(&self) -> Result<(), ModelError> {
//!         match self.rank {
//!             1..=100_000 => Ok(()),
//!             came => Err(setting("model.rank", "1 to 100000", came, "20 or 100")),
//!         }
//!     }
//!
//!     fn name(&self) -> &'static str { "PNMF" }
//!     fn describe(&self) -> String { format!("PNMF with {} bases", self.rank) }
//!     fn rank(&self) -> usize { self.rank }
//!     fn compression(&self) -> f64 { self.compression }
//!     fn depth(&self) -> usize { 2 }
//!     fn has_encoder(&self) -> bool { true }
//!     fn context(&self) -> Context { Context::NONE }
//!     fn training_method(&self) -> TrainingMethod { TrainingMethod::Gradients }
//!
//!     fn tensors(&self, bins: usize) -> Vec<TensorSpec> {
//!         vec![TensorSpec { name: "decoder.bases".into(), shape: vec![bins, self.rank] }]
//!     }
//!
//!     fn cost(&self, bins: usize) -> Cost {
//!         let weights = bins * self.rank;
//!         Cost { weights: 2 * weights, decoder_weights: weights, units: 2 * bins + self.rank }
//!     }
//!
//!     fn format_version(&self) -> u32 { 4 }
//! }
//!
//! /// A parameter's path is its name in files.
//! #[derive(Module, Debug)]
//! pub struct ProjectiveNetwork {
//!     decoder: Bases,
//! }
//!
//! #[derive(Module, Debug)]
//! pub struct Bases {
//!     /// `W`, `[models, bins, rank]`, sign free.
//!     bases: Param<Tensor<3>>,
//! }
//!
//! fn network(weight: Tensor<3>) -> ProjectiveNetwork {
//!     // off the graph: a parameter is not the result of an operation
//!     let weight = match weight.device().is_autodiff() {
//!         true => Tensor::from_inner(weight.inner()),
//!         false => weight,
//!     };
//!     ProjectiveNetwork { decoder: Bases { bases: Param::from_tensor(weight) } }
//! }
//!
//! impl ProjectiveNetwork {
//!     fn weight(&self) -> Tensor<3> { self.decoder.bases.val() }
//! }
//!
//! impl NetworkKind for ProjectiveNetwork {
//!     type Architecture = ProjectiveArchitecture;
//!     type Decoder = ProjectiveDecoder;
//!
//!     fn new(
//!         architecture: &ProjectiveArchitecture,
//!         bins: usize,
//!         _extent: Extent,
//!         rng: &mut ChaCha8Rng,
//!         device: &Device,
//!     ) -> Self {
//!         network(glorot_uniform(bins, architecture.rank, rng, device))
//!     }
//!
//!     fn encode(&self, x: Tensor<3>) -> Encoding {
//!         Encoding { hidden: Vec::new(), latent: self.weight().abs().transpose().matmul(x) }
//!     }
//!
//!     fn decode(&self, latent: Tensor<3>) -> Decoding {
//!         Decoding { hidden: Vec::new(), estimate: self.weight().abs().matmul(latent).into() }
//!     }
//!
//!     fn decoder(&self, _latent: Latent, device: &Device) -> ProjectiveDecoder {
//!         let bases = self.weight().abs(); // once, not at every step
//!         let options = (device, bases.dtype());
//!         let bases = Param::from_tensor(Tensor::from_data(bases.into_data(), options));
//!         ProjectiveDecoder { bases }.no_grad()
//!     }
//!
//!     fn stack(networks: &[&Self]) -> Option<Self> {
//!         let weights: Vec<_> = networks.iter().map(|own| own.weight()).collect();
//!         (!weights.is_empty()).then(|| network(Tensor::cat(weights, 0)))
//!     }
//!
//!     fn select(&self, model: usize) -> Self { network(self.weight().narrow(0, model, 1)) }
//!     fn without_encoder(&self) -> Self { self.clone() }
//!     fn with_encoder_of(self, _other: &Self) -> Self { self }
//!     fn bases(&self) -> Option<Tensor<4>> { Some(self.weight().abs().unsqueeze_dim(1)) }
//!     fn with_bases(self, bases: Tensor<4>) -> Self { network(bases.squeeze_dim(1)) }
//! }
//!
//! #[derive(Module, Debug)]
//! pub struct ProjectiveDecoder {
//!     /// `|W|`, `[models, bins, rank]`.
//!     bases: Param<Tensor<3>>,
//! }
//!
//! impl DecoderKind for ProjectiveDecoder {
//!     fn rank(&self) -> usize { self.bases.dims()[2] }
//!     fn encode(&self, x: Tensor<3>) -> Tensor<3> { self.bases.val().transpose().matmul(x) }
//!     fn decode(&self, h: Tensor<3>) -> Tensor<3> { self.bases.val().matmul(h) }
//!     fn needs_nonnegative_activations(&self) -> bool { true }
//!
//!     fn batchable(&self, other: &Self) -> bool {
//!         self.bases.dims()[1..] == other.bases.dims()[1..]
//!     }
//!
//!     fn stack(decoders: &[&Self]) -> Option<Self> {
//!         let bases: Vec<_> = decoders.iter().map(|own| own.bases.val()).collect();
//!         let stacked = (!bases.is_empty()).then(|| Tensor::cat(bases, 0))?;
//!         Some(Self { bases: Param::from_tensor(stacked) }.no_grad())
//!     }
//! }
//!
//! // the list in `kinds/mod.rs`, with one line more
//! use nae_model::kinds::dense::{DenseArchitecture, DenseDecoder, DenseNetwork};
//! use nae_model::kinds::nmf::{NmfArchitecture, NmfDecoder, NmfNetwork};
//!
//! nae_model::kinds! {
//!     /// Non-negative autoencoder of dense layers.
//!     Dense = "nae": DenseArchitecture, DenseNetwork, DenseDecoder;
//!     /// Non-negative matrix factorisation.
//!     Nmf = "nmf": NmfArchitecture, NmfNetwork, NmfDecoder;
//!     /// Projective non-negative matrix factorisation.
//!     Projective = "pnmf": ProjectiveArchitecture, ProjectiveNetwork, ProjectiveDecoder;
//! }
//!
//! // that is all: it learns, freezes, decodes and has a text for files as the others do
//! use burn::optim::GradientsParams;
//! use nae_model::loss::{DEFAULT_EPS, Target, objective};
//! use nae_model::optim::{Flow, OptimizerKind, Plan, optimize};
//! use nae_model::random::generator;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let own = ProjectiveArchitecture { rank: 2, compression: 0.5 };
//! let architecture = Architecture::Projective(own);
//! architecture.validate()?;
//! let text = architecture.canonical()?;
//! assert_eq!(text, r#"{"kind":"pnmf","rank":2,"compression":0.5}"#);
//! assert_eq!(serde_json::from_str::<Architecture>(&text)?, architecture);
//!
//! let device = Device::flex().autodiff();
//! let (bins, frames) = (9, 40);
//! let x = glorot_uniform(bins, frames, &mut generator(0, "spectrum"), &device).abs();
//! let target = Target::new(x.clone(), DEFAULT_EPS);
//! let mut optimizer = OptimizerKind::Adam.build(&Default::default());
//! let (mut losses, rate) = (Vec::new(), 1e-2);
//! let plan = Plan { stage: "example", max_steps: 60, window: 10, evaluated: 1, tolerance: 0.0 };
//! let run = optimize(
//!     plan,
//!     1,
//!     architecture.network(bins, &mut generator(0, "weights"), &device),
//!     |network: Network, step| {
//!         let latent = network.encode(x.clone()).latent;
//!         let estimate = network.decode(latent).estimate;
//!         let loss = objective(&target, estimate, &[], &[0.0], step.loss_output());
//!         let gradients = GradientsParams::from_grads(loss.clone().sum().backward(), &network);
//!         (optimizer.step(rate, network, gradients), Some(loss.inner()))
//!     },
//!     &mut |progress| {
//!         losses.push(progress.loss);
//!         Flow::Continue
//!     },
//! )?
//! .remove(0)?;
//! assert!(run.loss < 0.9 * losses[0]);
//!
//! let decoder: Decoder = run.best.decoder(Latent::Bottleneck, &Device::flex());
//! let h = decoder.encode(x.inner());
//! assert_eq!(h.dims(), [1, 2, frames]);
//! assert_eq!(decoder.decode(h).dims(), [1, bins, frames]);
//! let names: Vec<String> = run.best.valid().values()?.into_keys().collect();
//! assert_eq!(names, ["decoder.bases"]); // as `tensors` lists them
//! # Ok(())
//! # }
//! ```
//!
//! [`ArchitectureKind`]: crate::architecture::ArchitectureKind
//! [`NetworkKind`]: crate::network::NetworkKind
//! [`DecoderKind`]: crate::decoder::DecoderKind

pub mod dense;
mod list;
pub mod nmf;
pub mod stack;

use dense::{DenseArchitecture, DenseDecoder, DenseNetwork};
use nmf::{NmfArchitecture, NmfDecoder, NmfNetwork};
use stack::{StackArchitecture, StackDecoder, StackNetwork};

use crate::config::ModelConfig;

crate::kinds! {
    /// Non-negative autoencoder of dense layers.
    Dense = "nae": DenseArchitecture, DenseNetwork, DenseDecoder;
    /// Non-negative matrix factorisation.
    Nmf = "nmf": NmfArchitecture, NmfNetwork, NmfDecoder;
    /// Non-negative autoencoder of layers that may see several frames.
    Stack = "stack": StackArchitecture, StackNetwork, StackDecoder;
}

impl ModelConfig {
    /// The architecture that these settings, which have passed [`validate`](Self::validate), lead to.
    pub fn architecture(&self) -> Architecture {
        Architecture::from_settings(self)
    }
}
