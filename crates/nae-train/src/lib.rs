//! Learning one model from clean clips of one source.
//!
//! [`train`] takes clips at the model's sample rate and returns a finished
//! [`nae_model::Model`]: spectra of the frames that are not silent ([`frames`]), an autoencoder
//! fitted to them ([`fit`]), and a refining stage in which the decoder and the training frames'
//! own activations are optimised together ([`refine`]). Nothing here knows separation.
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
//! assert_eq!(model.card.name, "tone");
//! # Ok(())
//! # }
//! ```

pub mod batches;
pub mod error;
pub mod fit;
pub mod frames;
pub mod memory;
pub mod nmf;
mod nndsvd;
pub mod refine;
pub mod settings;

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use fit::Fitted;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::{AudioConfig, Card, Model, ModelConfig, ModelKind, Nae, TrainingSummary};

pub use error::TrainError;
pub use frames::{Frames, TrainingClip};
pub use memory::remember;
pub use settings::TrainConfig;

/// All that decides what a training run does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// How sound becomes spectra.
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
        self.train.validate()
    }
}

/// Trains one model.
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
    recipe.validate()?;
    let frames = Frames::from_clips(clips, &recipe.audio, recipe.train.silence_db)?;
    let started = Instant::now();
    let tape = device.clone().autodiff();
    let spectrum = nae_model::spectra::upload(
        &frames.magnitude,
        frames.gain,
        recipe.model.compression,
        &tape,
    );
    let network = Nae::new(
        &recipe.model,
        recipe.audio.stft().bins(),
        &mut generator(seed, "weights"),
        &tape,
    );

    let run = match recipe.model.kind {
        ModelKind::Nmf => nmf::fit(
            network,
            &spectrum,
            &recipe.model,
            &recipe.train,
            seed,
            observe,
        )?,
        ModelKind::Nae => autoencoder(network, &spectrum, &recipe.train, seed, observe)?,
    };
    let card = Card {
        name: name.into(),
        audio: recipe.audio,
        model: recipe.model.clone(),
        gain: frames.gain,
        training: TrainingSummary {
            clips: clips.iter().map(|clip| clip.record.clone()).collect(),
            duration_s: frames.duration_s,
            frames: frames.magnitude.frames(),
            loss: run.loss,
            steps: run.steps,
            seed,
            seconds: started.elapsed().as_secs_f64(),
            interrupted: run.is_interrupted,
            tool_version: env!("CARGO_PKG_VERSION").into(),
        },
    };
    Ok(Model {
        card,
        network: run.best,
        memory: None,
    })
}

/// Fits the autoencoder, then refines its decoder.
fn autoencoder(
    network: Nae,
    spectrum: &Tensor<2>,
    config: &TrainConfig,
    seed: u64,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let fitted = fit::fit(network, spectrum, config, seed, observe)?;
    if config.refine.steps == 0 || fitted.is_interrupted {
        return Ok(fitted);
    }
    let refined = refine::refine(fitted.best, spectrum, config, seed, observe)?;
    Ok(Fitted {
        steps: fitted.steps + refined.steps,
        ..refined
    })
}
