//! Joint encoders: one network that maps a mixture to the activations of all its sources.
//!
//! Optimising activations (`nae-separate`) treats each frame of a mixture independently. Here, the
//! models' decoders stay frozen and a network is trained to encode all sources' activations at
//! once, with the context of neighbouring frames, on mixtures made during training ([`sampler`]);
//! gradients reach it through the decoders ([`fit`]). Separation is then one forward pass.
//!
//! ```text
//! |X| ─▶ dense ─▶ temporal model ─▶ dense ─▶ H₁ … H_N ─▶ frozen decoders ─▶ masks X̂ᵢ²/ΣX̂ⱼ²
//! ```
//!
//! Models stay independent of each other: a model's file has a cache of the activations of its training
//! clips ([`nae_model::LatentCache`]), from which their sound is reconstructed ([`griffin_lim`]), so any
//! models can be joined later without audio.
//!
//! # Example
//!
//! Two models of tones, trained for a few steps, are joined and separate a mixture:
//!
//! ```
//! use burn::tensor::Device;
//! use nae_audio::Clip;
//! use nae_joint::{JointConfig, TrainingSource, join};
//! use nae_model::{AudioConfig, ClipRecord, ModelConfig};
//! use nae_model::optim::Flow;
//! use nae_separate::SeparateConfig;
//! use nae_train::{Recipe, TrainConfig, TrainingClip, train};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::flex();
//! let tone = |hertz: f32| -> Vec<f32> {
//!     (0..16_000).map(|n| (hertz * n as f32 / 8000.0 * std::f32::consts::TAU).sin()).collect()
//! };
//! let source = |name: &str, hertz: f32| -> Result<TrainingSource, nae_train::TrainError> {
//!     let record = ClipRecord { name: name.into(), sha256: String::new(), duration_s: 2.0 };
//!     let clips = [TrainingClip { record: record.clone(), samples: tone(hertz) }];
//!     let recipe = Recipe {
//!         audio: AudioConfig { sample_rate: 8000, n_fft: 128, hop: 32 },
//!         model: ModelConfig { rank: 8, ..Default::default() },
//!         train: TrainConfig { max_steps: 20, ..Default::default() },
//!     };
//!     let model = train(name, &clips, &recipe, 0, &device, &mut |_| Flow::Continue)?;
//!     Ok(TrainingSource { name: name.into(), model, clips: Some(vec![(record, tone(hertz))]) })
//! };
//! let sources = [source("low", 300.0)?, source("high", 1100.0)?];
//! let config = JointConfig { width: 8, steps: 20, frames: 32, ..Default::default() };
//! let encoder = join(&sources, &config, 0, &device, &mut |_| Flow::Continue)?;
//!
//! // `encoder.save(path)` would keep it
//! let separator = encoder.separator(SeparateConfig::default(), &device)?;
//! let mixture = tone(300.0).iter().zip(tone(1100.0)).map(|(a, b)| 0.1 * (a + b)).collect();
//! let mixture = Clip::mono(mixture, 8000);
//! let separated = separator.separate(&mixture, &mut |_| Flow::Continue)?;
//! assert_eq!(separated.stems.len(), 2);
//! # Ok(())
//! # }
//! ```

pub mod bank;
pub mod decoders;
mod dropout;
pub mod encoder;
pub mod error;
pub mod file;
pub mod fit;
pub mod griffin_lim;
mod join;
mod known_models;
pub mod live;
mod mask_estimator;
mod material;
pub mod network;
mod parameters;
pub mod pretrained;
pub mod sampler;
pub mod settings;
pub mod sources;

pub use bank::{Bank, BankOrigin, BankRecord, BankSound};
pub use decoders::Decoders;
pub use encoder::{JoiningSummary, JointEncoder, JointMetadata, JointSource, MaterialRecord};
pub use error::JointError;
pub use join::{join, join_against, join_from};
pub use network::EncoderNetwork;
pub use pretrained::PretrainedWeights;
pub use settings::{BodyKind, JointConfig, LossKind, StartKind, TemporalContext};
pub use sources::{MAX_SOURCES, TrainingSource};
