//! Separates a mixture into its sources with frozen models of them.
//!
//! A [`Separator`] has one model, or several, of each source ([`Source`]). It optimises the sources'
//! activations until their decoded spectra sum to the mixture's ([`activation_solver`]), turns the
//! decoded spectra into ratio masks ([`mask`]) and applies these to the mixture's complex
//! spectrogram ([`stems`]). What resampling removes is added back ([`residual`]), so the stems sum
//! to the mixture at its own rate. Long recordings are processed in overlapping blocks
//! ([`blocks`]). Sources without a model are learnt on the mixture first ([`unknown`]). This crate does not depend on how models are trained.
//!
//! # Example
//!
//! Two files that `nae train` wrote, each of one or more models, and a recording of both sources:
//!
//! ```no_run
//! use burn::tensor::Device;
//! use nae_model::Ensemble;
//! use nae_model::optim::Flow;
//! use nae_separate::{SeparateConfig, Separator, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::flex();
//! let source = |name: &str| -> Result<Source, nae_model::ModelError> {
//!     let ensemble = Ensemble::load(format!("{name}.safetensors").as_ref(), &device)?;
//!     Ok(Source::new(name, ensemble.into_members()))
//! };
//! let separator =
//!     Separator::new(&[source("voice")?, source("fan")?], SeparateConfig::default(), 0, &device)?;
//! let mixture = nae_audio::read("call.wav".as_ref())?;
//! let separated = separator.separate(&mixture, &mut |_| Flow::Continue)?;
//! assert_eq!(separated.stems[0].samples(), mixture.samples());
//! # Ok(())
//! # }
//! ```
//!
//! # Other mask estimators
//!
//! Anything that implements [`MaskEstimator`] can take the place of optimised activations; levels,
//! channels, rates and blocks are taken care of. Here, a crossover at an eighth of the bins:
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use nae_audio::{Clip, Magnitude};
//! use nae_model::AudioConfig;
//! use nae_model::optim::{Flow, Progress};
//! use nae_separate::{MaskEstimate, MaskEstimator, SeparateConfig, SeparateError, Separator};
//!
//! #[derive(Debug)]
//! struct Crossover(Device);
//!
//! impl MaskEstimator for Crossover {
//!     fn estimate_masks(
//!         &self,
//!         mixture: &Magnitude,
//!         _gain: f64,
//!         _observe: &mut dyn FnMut(&Progress) -> Flow,
//!     ) -> Result<MaskEstimate, SeparateError> {
//!         let (bins, frames) = (mixture.bins(), mixture.frames());
//!         let low = Tensor::<2>::ones([bins / 8, frames], &self.0);
//!         let low = Tensor::cat(vec![low, Tensor::zeros([bins - bins / 8, frames], &self.0)], 0);
//!         let high = low.clone().neg().add_scalar(1.0);
//!         let masks = vec![low, high];
//!         Ok(MaskEstimate { masks, activations: vec![], loss: 0.0, steps: 0, is_interrupted: false })
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let separator = Separator::with_estimator(
//!     vec!["low".into(), "high".into()],
//!     AudioConfig::default(),
//!     SeparateConfig::default(),
//!     Box::new(Crossover(Device::flex())),
//! )?;
//! let tones = |n: usize| (0.1 * n as f32).sin() + (2.0 * n as f32).sin();
//! let mixture = Clip::mono((0..16_000).map(tones).collect(), 16_000);
//! let stems = separator.separate(&mixture, &mut |_| Flow::Continue)?.stems;
//! for n in 4000..12_000 {
//!     let low = (0.1 * n as f32).sin();
//!     assert!((stems[0].channels()[0][n] - low).abs() < 0.01);
//! }
//! # Ok(())
//! # }
//! ```

pub mod activation_solver;
pub mod blocks;
pub mod empty_band;
pub mod error;
pub mod ideal_ratio_mask;
pub mod live;
pub mod mask;
pub mod mask_estimator;
mod mean_masks;
pub mod residual;
mod separate_many;
pub mod separator;
pub mod settings;
pub mod sources;
pub mod stems;
pub mod unknown;

pub use activation_solver::{ActivationSolver, BatchItem};
pub use blocks::SeparationSummary;
pub use empty_band::EmptyBand;
pub use error::SeparateError;
pub use ideal_ratio_mask::ideal_ratio_mask;
pub use live::{FrameEstimator, FrameSolver, Live, LiveConfig, LiveLevel};
pub use mask_estimator::{MaskEstimate, MaskEstimator};
pub use nae_kernels::Parallelism;
pub use residual::ResidualLevel;
pub use separate_many::separate_many;
pub use separator::Separator;
pub use settings::{SeparateConfig, UnknownConfig};
pub use sources::{Source, check_names};
pub use stems::Separated;
