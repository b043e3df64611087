//! Pulling the sources of a mixture apart with frozen models.
//!
//! The mixture's compressed magnitudes are explained as a sum of what the sources' decoders say,
//! `|X|^γ ≈ Σᵢ gᵢ(Wᵢ·Hᵢ)`: decoders are frozen, activations are leaf tensors, and the training
//! loss is minimised over them ([`fit`]). Each source's share of the sum is its ratio mask
//! ([`mask`]). Anything else that finds masks can take that place ([`explainer`]). Masks filter the
//! complex mixture ([`stems`]); long sounds go through in overlapping blocks ([`stream`]). Nothing
//! here knows training.
//!
//! # Example
//!
//! ```no_run
//! use burn::tensor::Device;
//! use nae_model::Model;
//! use nae_model::optim::Flow;
//! use nae_separate::{SeparateConfig, Separator, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::flex();
//! let source = |name: &str| -> Result<Source, nae_model::ModelError> {
//!     let model = Model::load(format!("{name}.safetensors").as_ref(), &device)?;
//!     Ok(Source { name: name.into(), models: vec![model] })
//! };
//! let separator =
//!     Separator::new(&[source("voice")?, source("fan")?], SeparateConfig::default(), 0, &device)?;
//! let mixture = nae_audio::read("call.wav".as_ref())?;
//! let separated = separator.separate(&mixture, &mut |_| Flow::Continue)?;
//! assert_eq!(separated.stems[0].samples(), mixture.samples());
//! # Ok(())
//! # }
//! ```

pub mod error;
pub mod explainer;
pub mod fit;
pub mod ideal;
pub mod mask;
pub mod residual;
mod runs;
pub mod separator;
pub mod settings;
pub mod sources;
pub mod stems;
pub mod stream;

pub use error::SeparateError;
pub use explainer::{Explained, Explainer};
pub use fit::Scene;
pub use ideal::ideal_ratio_mask;
pub use nae_kernels::Parallelism;
pub use separator::Separator;
pub use settings::SeparateConfig;
pub use sources::{Search, Source};
pub use stems::{Separated, separate_many};
pub use stream::{NullDepth, Summary};
