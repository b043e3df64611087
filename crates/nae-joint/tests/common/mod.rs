//! Small models of synthetic sources.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests may panic, and use what they need"
)]

use burn::tensor::Device;
use nae_joint::{JointConfig, JointEncoder, TrainingSource, join};
use nae_model::optim::Flow;
use nae_model::random::generator;
use nae_model::{AudioConfig, Model, ModelConfig, ModelKind};
use nae_testing_models::clips::clip;
pub use nae_testing_models::models::AUDIO;
use nae_testing_models::models::trained;
use nae_train::{Recipe, TrainConfig, TrainingClip, store_latents};

pub const SEED: u64 = 11;
pub const RATE: u32 = AUDIO.sample_rate;

/// Bursts of a tone with harmonics, each at a pitch around `hertz`.
pub fn sound(hertz: f32, seconds: f32, seed: u64) -> Vec<f32> {
    nae_testing::tones::bursts(hertz, RATE, seconds, &mut generator(seed, "sound"))
}

pub fn clips(hertz: f32) -> Vec<TrainingClip> {
    [1, 2]
        .map(|seed| clip(&format!("{seed}.wav"), sound(hertz, 2.0, seed), RATE))
        .to_vec()
}

pub fn model(name: &str, hertz: f32, kind: ModelKind, audio: AudioConfig) -> Model {
    let config = ModelConfig {
        kind,
        layers: 2,
        rank: 6,
        ..Default::default()
    };
    model_of(name, hertz, config, audio)
}

/// A source whose model sees several frames.
pub fn several(kind: ModelKind, hertz: f32) -> TrainingSource {
    let config = ModelConfig {
        kind,
        layers: 2,
        rank: 6,
        span: 3,
        ..Default::default()
    };
    let name = format!("{hertz} Hz");
    TrainingSource {
        model: model_of(&name, hertz, config, AUDIO),
        name,
        clips: None,
    }
}

fn model_of(name: &str, hertz: f32, config: ModelConfig, audio: AudioConfig) -> Model {
    let recipe = Recipe {
        audio,
        model: config,
        train: TrainConfig {
            max_steps: 120,
            ..Default::default()
        },
    };
    let device = Device::flex();
    let clips = clips(hertz);
    let mut model = trained(name, &clips, &recipe, SEED, &device);
    model.latent_cache = store_latents(&model, &clips, &device).unwrap();
    model
}

pub fn source(name: &str, hertz: f32) -> TrainingSource {
    TrainingSource {
        name: name.into(),
        model: model(name, hertz, ModelKind::Nae, AUDIO),
        clips: None,
    }
}

pub fn pair() -> Vec<TrainingSource> {
    vec![source("low", 300.0), source("high", 1100.0)]
}

pub fn small() -> JointConfig {
    JointConfig {
        width: 16,
        blocks: 2,
        kernel: 3,
        steps: 60,
        mixtures: 4,
        frames: 32,
        window: 20,
        ..Default::default()
    }
}

pub fn joined(sources: &[TrainingSource], config: &JointConfig, seed: u64) -> JointEncoder {
    join(sources, config, seed, &Device::flex(), &mut |_| {
        Flow::Continue
    })
    .unwrap()
}
