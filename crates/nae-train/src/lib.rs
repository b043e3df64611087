//! Trains a model of one source from clean clips.
//!
//! [`train`] takes clips at the model's sample rate and returns a finished
//! [`nae_model::Model`]: spectra of the frames that are not silent ([`frames`]; how much of each clip
//! that is: [`usage`]), an autoencoder fitted to them ([`fit`]), and a refinement stage in which the decoder and the training frames'
//! own activations are optimised together ([`refine`]). [`train_ensemble`] trains the several models of a
//! source that `train.ensemble` asks for ([`ensemble`]). [`train_many`] trains many models at once,
//! those of one shape as one stack of tensors ([`batch_training`]). This crate does not depend on
//! separation.
//!
//! # Memory
//!
//! At most [`frames::MAX_VALUES`] spectral values are trained on, three times that many numbers are held,
//! and files are read in pieces: at the default settings training takes about 1.2 GB at most, however long
//! the clips are. Steps on all frames at once (`train.batch_frames = 0`, factorisations) take several times
//! as much.
//!
//! # Reproducibility
//!
//! On the CPU equal clips, settings, seed and number of threads give equal weights. Threads share the
//! frames of a step and add up their gradients, so another number of threads rounds them in another way,
//! which thousands of steps amplify. Between one thread and two, four models of 25 s of speech at the
//! default settings differed by up to 1.3 % in their losses and 0.3 dB in the SI-SDR of their stems, for the
//! better or the worse; single weights can differ by as much as they are large. Models in a stack differ in
//! the same way from models trained alone. Random numbers do not depend on the number of threads. GPUs round
//! in ways of their own.
//!
//! # Example
//!
//! ```
//! use burn::tensor::Device;
//! use nae_model::optim::Flow;
//! use nae_model::{ClipRecord, ModelConfig};
//! use nae_train::{Recipe, TrainConfig, TrainingClip, train};
//!
//! # fn main() -> Result<(), nae_train::TrainError> {
//! // a second of a tone at 16 kHz stands in for a recording
//! let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.2).sin() * 0.1).collect();
//! let record = ClipRecord { name: "tone.wav".into(), sha256: String::new(), duration_s: 1.0 };
//! let recipe = Recipe {
//!     model: ModelConfig { layers: 2, rank: 4, ..Default::default() },
//!     train: TrainConfig { max_steps: 50, ..Default::default() },
//!     ..Default::default()
//! };
//! let clips = [TrainingClip { record, samples }];
//! let model = train("tone", &clips, &recipe, 0, &Device::flex(), &mut |_| Flow::Continue)?;
//! assert_eq!(model.metadata.name, "tone");
//! # Ok(())
//! # }
//! ```

pub mod alone;
pub mod batch_training;
mod batches;
mod clip;
mod collector;
pub mod continuation;
mod dead_units;
pub mod ensemble;
mod equalize;
pub mod error;
pub mod fit;
mod frame_collector;
mod frame_rows;
pub mod frames;
mod free_activations;
mod job;
pub mod latent_cache;
mod latent_noise;
mod matched;
pub mod member;
pub mod merge;
pub mod nmf;
mod nndsvd;
mod parallel_map;
pub mod refine;
mod refinement;
mod replicas;
pub mod seeds;
pub mod segments;
pub mod settings;
pub mod spectra;
mod stack;
pub mod usage;

use burn::tensor::Device;
use nae_model::error::setting;
use nae_model::optim::{Flow, Progress};
use nae_model::{AudioConfig, Model, ModelConfig, ModelError};

pub use batch_training::train_many;
pub use clip::TrainingClip;
pub use ensemble::{Member, TrainedEnsemble, shapes, train_ensemble, train_ensemble_frames};
pub use error::TrainError;
pub use frames::{Frames, Material};
pub use job::Job;
pub use latent_cache::store_latents;
pub use member::MemberKind;
pub use merge::{Merged, Reduction, merge};
pub use nae_kernels::Parallelism;
pub use segments::SegmentShape;
pub use settings::TrainConfig;
pub use usage::Usage;

/// Weights of a model at most: with gradients and both moments of Adam they take 4 GiB.
const MAX_WEIGHTS: usize = 1 << 28;

/// Frames of a segment that count, in a mini-batch.
const SEGMENT_CORE: usize = 32;

/// All that decides what a training run does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// Sample rate and short-time Fourier transform.
    pub audio: AudioConfig,
    /// Architecture.
    pub model: ModelConfig,
    /// Optimisation.
    pub train: TrainConfig,
}

impl Recipe {
    /// Checks every range.
    ///
    /// # Errors
    /// [`TrainError::Model`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.audio.validate()?;
        self.model.validate()?;
        self.train.validate()?;
        for member in self.members(0) {
            member.recipe.model.validate()?;
            member.recipe.check_size()?;
        }
        Ok(())
    }

    /// Segments that a model is trained on; `None` if it sees every frame by itself.
    pub fn segments(&self) -> Option<SegmentShape> {
        SegmentShape::new(&self.model.architecture(), SEGMENT_CORE)
    }

    /// Keeps a model within [`MAX_WEIGHTS`].
    fn check_size(&self) -> Result<(), ModelError> {
        let bins = self.audio.stft().bins();
        self.model.check_bins(bins)?;
        let architecture = self.model.architecture();
        let weights = architecture.cost(bins).weights;
        if weights <= MAX_WEIGHTS {
            return Ok(());
        }
        let expected = format!(
            "so low that the model has at most {MAX_WEIGHTS} weights with {} layers and {bins} frequency bins",
            architecture.depth()
        );
        let came = format!("{} ({weights} weights)", self.model.rank);
        Err(setting("model.rank", &expected, came, "20 or 100"))
    }
}

/// Trains one model, that of `recipe.model`, whatever ensemble `recipe.train` asks for.
///
/// - `clips`: clean sound of one source at `recipe.audio.sample_rate`
/// - `device`: any device; gradients are recorded on `device.autodiff()`
/// - `observe`: called once a window of steps; [`Flow::Stop`] ends training with the best so far
///
/// # Errors
/// [`TrainError`] for settings out of range, clips without enough sound, or a diverging run.
pub fn train(
    name: &str,
    clips: &[TrainingClip],
    recipe: &Recipe,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Model, TrainError> {
    let job = Job {
        name,
        clips,
        recipe,
        seed,
    };
    train_prepared(&job::prepare(&job)?, device, observe)
}

fn train_prepared(
    prepared: &job::Prepared<'_>,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Model, TrainError> {
    stack::train_stack(&[prepared], Parallelism::Frames, device, observe)
        .pop()
        .unwrap_or(Err(TrainError::NoClips))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_too_large_for_memory_are_refused() {
        let mut recipe = Recipe::default();
        recipe.validate().unwrap();
        recipe.model.rank = 4096;
        recipe.validate().unwrap();
        recipe.model.layers = 64;
        let error = recipe.validate().unwrap_err().to_string();
        assert!(
            error.contains("`model.rank` is 4096") && error.contains("64 layers"),
            "{error}"
        );
    }
}
