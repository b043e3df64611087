//! Networks that begin with what others know.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use burn::tensor::Device;
use nae_joint::{
    JointConfig, JointEncoder, JointError, PretrainedWeights, StartKind, TrainingSource, join_from,
};
use nae_model::AudioConfig;
use nae_model::optim::Flow;
use nae_model::spectra::read;

use common::{SEED, joined, pair, part, small};

fn learnt(config: &JointConfig) -> PretrainedWeights {
    let parts = [part("a", 250.0), part("b", 700.0), part("c", 1900.0)];
    PretrainedWeights::train(&parts, 2, config, SEED + 1, &Device::flex(), &mut |_| {
        Flow::Continue
    })
    .unwrap()
}

fn from(
    start: &PretrainedWeights,
    parts: &[TrainingSource],
    config: &JointConfig,
    seed: u64,
) -> Result<JointEncoder, JointError> {
    join_from(
        Some(start),
        parts,
        config,
        seed,
        &Device::flex(),
        &mut |_| Flow::Continue,
    )
}

#[test]
fn a_start_learnt_from_some_sources_helps_others() {
    let start = learnt(&small());
    let short = JointConfig {
        steps: 20,
        window: 10,
        ..small()
    };
    let pair = pair();
    // one network of this size may be lucky without it, three are not: a sixth less on the whole
    let (mut with, mut without) = (0.0, 0.0);
    for seed in SEED..SEED + 3 {
        let (started, random) = (
            from(&start, &pair, &short, seed).unwrap(),
            joined(&pair, &short, seed),
        );
        assert!(started.metadata.training.pretrained && !random.metadata.training.pretrained);
        with += started.metadata.training.loss;
        without += random.metadata.training.loss;
    }
    assert!(with < 0.95 * without, "{with} {without}");
}

#[test]
fn a_start_survives_its_file_and_is_where_networks_begin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("start.safetensors");
    let config = JointConfig {
        steps: 1,
        learning_rate: 1e-12,
        weight_decay: 0.0,
        ..small()
    };
    let start = learnt(&config);
    start.save(&path).unwrap();
    let loaded = PretrainedWeights::load(&path, &Device::flex()).unwrap();
    let weights = |start: &PretrainedWeights| {
        let joint = from(start, &pair(), &config, SEED).unwrap();
        let network = &joint.networks[0];
        let output = read(network.output.weight.val()).unwrap();
        (read(network.input.weight.val()).unwrap(), output)
    };
    let ((input, output), (again, same_output)) = (weights(&start), weights(&loaded));
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
fn a_start_for_another_network_is_refused() {
    let start = learnt(&JointConfig {
        steps: 2,
        ..small()
    });
    let wider = JointConfig {
        width: 24,
        ..small()
    };
    let message = from(&start, &pair(), &wider, SEED).unwrap_err().to_string();
    for word in ["width 16", "width 24", "--start"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn default_settings_begin_with_the_voices_and_others_at_random() {
    let (device, audio) = (Device::flex(), AudioConfig::default());
    let chosen = |config: &JointConfig, audio: &AudioConfig| {
        PretrainedWeights::load_default(config, audio, &device)
            .unwrap()
            .is_some()
    };
    let default = JointConfig::default();
    assert!(chosen(&default, &audio));
    let random = JointConfig {
        start: StartKind::Random,
        ..default.clone()
    };
    assert!(!chosen(&random, &audio));
    let causal = JointConfig {
        context: nae_joint::TemporalContext::Causal,
        ..default.clone()
    };
    assert!(!chosen(&causal, &audio));
    let finer = AudioConfig { hop: 128, ..audio };
    assert!(!chosen(&default, &finer));
}
