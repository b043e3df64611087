//! A joint encoder: one network that reads the activations of all sources out of a mixture.
//!
//! Separation by optimised activations looks at one frame at a time and never learns how two
//! sources sound together. Here the models' decoders stay frozen and a network learns to read all
//! their activations at once, in context, from mixtures made on the fly ([`scenes`]); gradients
//! reach it through the decoders ([`fit`]). Separation is then one forward pass.
//!
//! ```text
//! |X| ─▶ dense ─▶ body along time ─▶ dense ─▶ H₁ … H_N ─▶ frozen decoders ─▶ masks X̂ᵢ²/ΣX̂ⱼ²
//! ```
//!
//! Models stay plug-ins: a model remembers the activations of its own training clips
//! ([`nae_model::Memory`]), from which sound is made again ([`phases`]), so any models can be joined
//! later without any audio.
//!
//! # Example
//!
//! ```no_run
//! use burn::tensor::Device;
//! use nae_joint::{JointConfig, Part, join};
//! use nae_model::Model;
//! use nae_model::optim::Flow;
//! use nae_separate::SeparateConfig;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::flex();
//! let part = |name: &str| -> Result<Part, nae_model::ModelError> {
//!     let model = Model::load(format!("{name}.safetensors").as_ref(), &device)?;
//!     Ok(Part { name: name.into(), model, clips: None })
//! };
//! let parts = [part("voice")?, part("fan")?];
//! let joint = join(&parts, &JointConfig::default(), 0, &device, &mut |_| Flow::Continue)?;
//! joint.save("both.joint.safetensors".as_ref())?;
//! let separator = joint.separator(SeparateConfig::default(), &device)?;
//! # Ok(())
//! # }
//! ```

mod conv;
pub mod decoders;
pub mod error;
pub mod file;
pub mod fit;
mod joint;
pub mod network;
pub mod phases;
pub mod scenes;
pub mod settings;
pub mod start;

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use nae_audio::Stft;
use nae_model::dense::Dense;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::spectra::download;
use nae_model::{AudioConfig, ClipRecord, Latent, Memory, Model, ModelConfig};

pub use decoders::Decoders;
pub use error::JointError;
pub use joint::{JoiningSummary, Joint, JointCard, JointSource, Material};
pub use network::Network;
pub use settings::{BodyKind, JointConfig, LossKind, StartKind, TemporalContext};
pub use start::Start;

use scenes::Scenes;

/// Sources that a joint encoder tells apart at most.
pub const MOST_SOURCES: usize = 6;

/// A model to be joined with others.
#[derive(Clone, Debug)]
pub struct Part {
    /// Name of the source and of its stem.
    pub name: String,
    /// Its model.
    pub model: Model,
    /// Sound to learn it from: what a file says of each clip, and mono samples at the model's rate.
    /// Without, the model's memory serves.
    pub clips: Option<Vec<(ClipRecord, Vec<f32>)>>,
}

/// Trains a joint encoder for some models.
///
/// - `device`: any device; gradients are recorded on `device.autodiff()`
/// - `observe`: called once a window of steps; [`Flow::Stop`] ends training with the best so far
///
/// # Errors
/// [`JointError`] for settings out of range, too few or too many models, equal names, models that
/// analyse sound differently, a model with neither memory nor clips, or a diverging run.
pub fn join(
    parts: &[Part],
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Joint, JointError> {
    join_from(None, parts, config, seed, device, observe)
}

/// [`join`], from where another joint encoder is.
///
/// - `start`: what the input layer and the body begin with; none: what the settings say
///
/// # Errors
/// As [`join`], and [`JointError::Start`] if the start is for other networks.
pub fn join_from(
    start: Option<&Start>,
    parts: &[Part],
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Joint, JointError> {
    let started = Instant::now();
    config.validate()?;
    check_names(parts.iter().map(|part| part.name.as_str()))?;
    let audio = shared_audio(parts)?;
    let heard = Heard::new(parts, &audio, seed, device)?;
    let tape = device.clone().autodiff();
    let decoders = Decoders::new(heard.layers.clone(), config.mask_exponent, &tape);
    let scenes = Scenes::new(&heard.clips, &audio, config, seed)?;
    let chosen = match start {
        Some(start) => Some(start.clone()),
        None => Start::chosen(config, &audio, device)?,
    };
    let mut training = JoiningSummary {
        seed,
        started: chosen.is_some(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        ..Default::default()
    };
    let mut networks = Vec::with_capacity(config.ensemble_size);
    for member in 0..config.ensemble_size {
        let mut rng = generator(seed, &format!("joint weights {member}"));
        let bins = audio.stft().bins();
        let mut network = Network::new(config, bins, decoders.rank(), &mut rng, &tape);
        if let Some(start) = &chosen {
            network = start.given_to(network, config, &audio, &tape)?;
        }
        let network = network.standardised(scenes.examples(&tape));
        let seed = seed.wrapping_add((member as u64) << 32);
        let run = fit::fit(network, &decoders, &scenes, config, seed, &tape, observe)?;
        training.loss += run.loss / config.ensemble_size as f64;
        training.steps += run.steps;
        networks.push(run.best.valid());
        if run.is_interrupted {
            training.interrupted = true;
            break;
        }
    }
    training.seconds = started.elapsed().as_secs_f64();
    let config = JointConfig {
        ensemble_size: networks.len(),
        ..config.clone()
    };
    Ok(Joint {
        card: JointCard {
            sources: heard.sources,
            audio,
            config,
            training,
        },
        networks,
        decoders: heard.layers.into_iter().map(|(_, layers)| layers).collect(),
    })
}

/// How all the models analyse sound.
pub(crate) fn shared_audio(parts: &[Part]) -> Result<AudioConfig, JointError> {
    let (Some(first), true) = (parts.first(), parts.len() > 1) else {
        return Err(JointError::Count { came: parts.len() });
    };
    for part in parts {
        first.model.card.agrees_with(&part.model.card)?;
    }
    Ok(first.model.card.audio)
}

/// What is known of the parts: their sound, what a file says of them, and their decoders.
pub(crate) struct Heard {
    pub clips: Vec<(String, Vec<Vec<f32>>)>,
    pub sources: Vec<JointSource>,
    pub layers: Vec<(ModelConfig, Vec<Dense>)>,
}

impl Heard {
    pub fn new(
        parts: &[Part],
        audio: &AudioConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, JointError> {
        let stft = Stft::new(audio.stft())?;
        let mut heard = Self {
            clips: Vec::with_capacity(parts.len()),
            sources: Vec::with_capacity(parts.len()),
            layers: Vec::with_capacity(parts.len()),
        };
        for part in parts {
            let (material, sound) = match (&part.clips, &part.model.memory) {
                (Some(clips), _) => {
                    let records = clips.iter().map(|(record, _)| record.clone()).collect();
                    let sound = clips.iter().map(|(_, samples)| samples.clone());
                    (Material::Clips(records), sound.collect())
                }
                (None, Some(memory)) => {
                    let sound = recalled(part, memory, &stft, seed, device)?;
                    (Material::Memory, sound)
                }
                (None, None) => {
                    return Err(JointError::NoMaterial {
                        name: part.name.clone(),
                    });
                }
            };
            let model = part.model.card.model.clone();
            heard.clips.push((part.name.clone(), sound));
            heard.sources.push(JointSource {
                name: part.name.clone(),
                fingerprint: part.model.fingerprint()?,
                model: model.clone(),
                material,
            });
            let layers = part.model.network.decoder.clone();
            heard.layers.push((model, layers));
        }
        Ok(heard)
    }
}

/// Refuses names that are equal, and too few or too many of them.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), JointError> {
    let names: Vec<&str> = names.collect();
    if !(2..=MOST_SOURCES).contains(&names.len()) {
        return Err(JointError::Count { came: names.len() });
    }
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(JointError::SameName {
                name: (*name).into(),
            });
        }
    }
    Ok(())
}

/// The sound that a model remembers: its memory decoded, brought nearer to what was heard, with
/// phases that belong together.
fn recalled(
    part: &Part,
    memory: &Memory,
    stft: &Stft,
    seed: u64,
    device: &Device,
) -> Result<Vec<Vec<f32>>, JointError> {
    let card = &part.model.card;
    let decoder = part.model.network.decoder_from(Latent::Bottleneck, device);
    let shape = [1, memory.rank(), memory.frames()];
    let rows = nae_model::init::from_host(memory.values(), shape, device);
    let decoded: Tensor<3> = decoder
        .decode(rows)
        .powf_scalar(1.0 / card.model.compression);
    let factors = memory.factors(decoded.dims()[1]);
    let factors = nae_model::init::from_host(factors, decoded.dims(), device);
    let Some(all) = download(decoded * factors, &[memory.frames()])?.pop() else {
        return Ok(Vec::new());
    };
    let mut rng = generator(seed, &format!("phases of {}", part.name));
    let mut sound = Vec::with_capacity(memory.clips().len());
    let mut first = 0;
    for &frames in memory.clips() {
        let clip = all.select(&(first..first + frames).collect::<Vec<_>>());
        first += frames;
        let heard: Option<Vec<f32>> = phases::sound_of(&clip, stft, &mut rng)?;
        sound.extend(heard);
    }
    Ok(sound)
}
