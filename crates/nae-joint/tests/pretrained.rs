//! Networks that start from pretrained weights.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use burn::tensor::Device;
use nae_joint::{
    JointConfig, JointEncoder, JointError, PretrainedWeights, StartKind, TrainingSource, join_from,
};
use nae_model::AudioConfig;
use nae_model::optim::Flow;
use nae_model::spectra::read;

use common::{SEED, joined, pair, small, source};

fn pretrained(config: &JointConfig) -> PretrainedWeights {
    let sources = [source("a", 250.0), source("b", 700.0), source("c", 1900.0)];
    PretrainedWeights::train(&sources, 2, config, SEED + 1, &Device::flex(), &mut |_| {
        Flow::Continue
    })
    .unwrap()
}

fn from(
    weights: &PretrainedWeights,
    sources: &[TrainingSource],
    config: &JointConfig,
    seed: u64,
) -> Result<JointEncoder, JointError> {
    join_from(
        Some(weights),
        sources,
        config,
        seed,
        &Device::flex(),
        &mut |_| Flow::Continue,
    )
}

#[test]
fn weights_trained_on_some_sources_help_others() {
    let weights = pretrained(&small());
    let short = JointConfig {
        steps: 20,
        window: 10,
        ..small()
    };
    let pair = pair();
    // a single network of this size may do as well from random weights; over three the loss is a sixth lower
    let (mut with, mut without) = (0.0, 0.0);
    for seed in SEED..SEED + 3 {
        let (started, random) = (
            from(&weights, &pair, &short, seed).unwrap(),
            joined(&pair, &short, seed),
        );
        assert!(started.metadata.training.pretrained && !random.metadata.training.pretrained);
        with += started.metadata.training.loss;
        without += random.metadata.training.loss;
    }
    assert!(with < 0.95 * without, "{with} {without}");
}

#[test]
fn weights_survive_their_file_and_networks_start_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("start.safetensors");
    let config = JointConfig {
        steps: 1,
        learning_rate: 1e-12,
        weight_decay: 0.0,
        ..small()
    };
    let weights = pretrained(&config);
    weights.save(&path).unwrap();
    let loaded = PretrainedWeights::load(&path, &Device::flex()).unwrap();
    let trained = |weights: &PretrainedWeights| {
        let joint = from(weights, &pair(), &config, SEED).unwrap();
        let network = &joint.networks[0];
        let output = read(network.output.weight.val()).unwrap();
        (read(network.input.weight.val()).unwrap(), output)
    };
    let ((input, output), (again, same_output)) = (trained(&weights), trained(&loaded));
    let random = joined(&pair(), &config, SEED);
    let random = read(random.networks[0].input.weight.val()).unwrap();
    assert_eq!(output, same_output);
    // 16 bits
    for (a, b) in input.iter().zip(&again) {
        assert!((a - b).abs() <= 1e-3 * a.abs().max(1e-3), "{a} {b}");
    }
    assert!(input.iter().zip(&random).any(|(a, b)| (a - b).abs() > 1e-2));
}

#[test]
fn weights_of_another_architecture_are_refused() {
    let weights = pretrained(&JointConfig {
        steps: 2,
        ..small()
    });
    let wider = JointConfig {
        width: 24,
        ..small()
    };
    let message = from(&weights, &pair(), &wider, SEED)
        .unwrap_err()
        .to_string();
    for word in ["`joint.width` is 16 there and 24 here", "--start"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn default_settings_start_from_pretrained_weights_and_others_at_random() {
    let (device, audio) = (Device::flex(), AudioConfig::default());
    let is_pretrained = |config: &JointConfig, audio: &AudioConfig| {
        PretrainedWeights::load_default(config, audio, &device)
            .unwrap()
            .is_some()
    };
    let default = JointConfig::default();
    assert!(is_pretrained(&default, &audio));
    let random = JointConfig {
        start: StartKind::Random,
        ..default.clone()
    };
    assert!(!is_pretrained(&random, &audio));
    let causal = JointConfig {
        context: nae_joint::TemporalContext::Causal,
        ..default.clone()
    };
    assert!(!is_pretrained(&causal, &audio));
    let finer = AudioConfig { hop: 128, ..audio };
    assert!(!is_pretrained(&default, &finer));
}
