//! Joint files from anywhere: what their settings need is held against what they have before any
//! memory is taken, and names and numbers are checked.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_joint::{
    BodyKind, EncoderNetwork, JoiningSummary, JointConfig, JointEncoder, JointError, JointMetadata,
    JointSource, MaterialRecord, PretrainedWeights, TemporalContext,
};
use nae_model::network::Extent;
use nae_model::random::generator;
use nae_model::{AudioConfig, Ensemble, Metadata, Model, ModelConfig, Network, TrainingSummary};
use serde_json::{Value, json};

const RANK: usize = 3;

const AUDIO: AudioConfig = AudioConfig {
    sample_rate: 8000,
    n_fft: 64,
    hop: 16,
};

fn config() -> JointConfig {
    JointConfig {
        width: 8,
        blocks: 2,
        kernel: 3,
        ..Default::default()
    }
}

/// A joint encoder that was never trained.
fn joint(config: JointConfig) -> JointEncoder {
    let device = Device::flex();
    let mut rng = generator(5, "weights");
    let bins = AUDIO.stft().bins();
    let settings = ModelConfig {
        layers: 2,
        rank: RANK,
        ..Default::default()
    };
    let architecture = settings.architecture();
    let source = |name: &str| JointSource {
        name: name.into(),
        fingerprint: String::new(),
        model: architecture.clone(),
        material: MaterialRecord::LatentCache,
    };
    let networks = 0..config.ensemble_size;
    let networks =
        networks.map(|_| EncoderNetwork::new(&config, bins, 2 * RANK, &mut rng, &device));
    let networks = networks.collect();
    let mut decoder = || Network::new(&architecture, bins, Extent::Decoder, &mut rng, &device);
    JointEncoder {
        networks,
        known_models: Vec::new(),
        decoders: vec![decoder(), decoder()],
        metadata: JointMetadata {
            sources: vec![source("low"), source("high")],
            audio: AUDIO,
            config,
            training: JoiningSummary::default(),
        },
    }
}

fn load(bytes: &[u8]) -> Result<JointEncoder, JointError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("joint.safetensors");
    std::fs::write(&path, bytes).unwrap();
    JointEncoder::load(&path, &Device::flex())
}

/// An entry of the metadata and what becomes of it.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Value));

/// The file with entries of its metadata changed, and its tensors as they are.
fn with_entries(file: &[u8], changes: &[Change<'_>]) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk::<8>().unwrap();
    let (header, tensors) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    for (key, change) in changes {
        let entry = &mut header["__metadata__"][*key];
        let mut value: Value = serde_json::from_str(entry.as_str().unwrap()).unwrap();
        change(&mut value);
        *entry = Value::String(value.to_string());
    }
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), tensors].concat()
}

#[test]
fn a_small_file_that_promises_a_huge_network_is_refused_before_memory_is_taken() {
    let bytes = joint(config()).to_bytes().unwrap();
    assert!(load(&bytes).is_ok());
    let huge = json!({"sample_rate": 16_000, "n_fft": 1 << 20, "hop": 1 << 18});
    // 8 GB of input layer; decoders are missing first
    let error = load(&with_entries(
        &bytes,
        &[("audio", &|audio| *audio = huge.clone())],
    ));
    let message = error.unwrap_err().to_string();
    assert!(message.contains("needs [524289, 3]"), "{message}");
    let changes: [(&str, Value); 7] = [
        ("width", json!(4096)),
        ("members", json!(16)),
        ("blocks", json!(32)),
        ("kernel", json!(63)),
        ("body", json!("gru")),
        ("body", json!("lstm")),
        ("body", json!("none")),
    ];
    for (key, value) in changes {
        let change = |joint: &mut Value| {
            joint["width"] = json!(4096);
            joint[key] = value.clone();
        };
        let message = load(&with_entries(&bytes, &[("joint", &change)]));
        let message = message.unwrap_err().to_string();
        for word in ["joint.safetensors", "`network.0.…`", "need", "holds"] {
            assert!(message.contains(word), "{key}: {word}: {message}");
        }
    }
    // one network is there, the second is not
    let change = |joint: &mut Value| joint["members"] = json!(2);
    let message = load(&with_entries(&bytes, &[("joint", &change)]));
    let message = message.unwrap_err().to_string();
    assert!(message.contains("`network.1.…`"), "{message}");
}

#[test]
fn pretrained_weights_are_bounded_by_their_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("start.safetensors");
    let device = Device::flex();
    let own =
        PretrainedWeights::load_default(&JointConfig::default(), &AudioConfig::default(), &device);
    let bytes = own.unwrap().unwrap().to_bytes().unwrap();
    let load = |bytes: &[u8], path: &Path| {
        std::fs::write(path, bytes).unwrap();
        PretrainedWeights::load(path, &device)
    };
    assert!(load(&bytes, &path).is_ok());
    let wide = |joint: &mut Value| joint["width"] = json!(4096);
    let fine = |audio: &mut Value| audio["n_fft"] = json!(1 << 20);
    for bytes in [
        with_entries(&bytes, &[("joint", &wide)]),
        with_entries(&bytes, &[("audio", &fine)]),
    ] {
        let message = load(&bytes, &path).unwrap_err().to_string();
        for word in ["start.safetensors", "`input.…` and `body.…`", "holds"] {
            assert!(message.contains(word), "{word}: {message}");
        }
    }
}

#[test]
fn names_that_would_leave_the_folder_or_command_the_terminal_are_refused() {
    let bytes = joint(config()).to_bytes().unwrap();
    for name in [
        "../victim",
        "/tmp/victim",
        "a\u{1b}[2Jx",
        "",
        ".hidden",
        "a\nb",
        "a/b",
    ] {
        let change = |sources: &mut Value| sources[0]["name"] = json!(name);
        let message = load(&with_entries(&bytes, &[("sources", &change)]));
        let message = message.unwrap_err().to_string();
        assert!(
            message.contains("cannot be the name"),
            "{name:?}: {message}"
        );
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
    let change = |joint: &mut Value| joint["body"] = json!("\u{1b}[2J");
    let message = load(&with_entries(&bytes, &[("joint", &change)]));
    let message = message.unwrap_err().to_string();
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

#[test]
fn numbers_out_of_range_name_the_file_and_those_of_earlier_builds_are_taken() {
    let bytes = joint(config()).to_bytes().unwrap();
    for (entry, key, value) in [
        ("joint", "width", json!(0)),
        ("joint", "compression", json!(1e-300)),
        ("joint", "mask_exponent", json!(1e300)),
        ("joint", "kernel", json!(4)),
        ("audio", "sample_rate", json!(1)),
        ("audio", "n_fft", json!(1)),
        ("audio", "hop", json!(64)),
    ] {
        let change = |settings: &mut Value| settings[key] = value.clone();
        let message = load(&with_entries(&bytes, &[(entry, &change)]));
        let message = message.unwrap_err().to_string();
        assert!(message.contains("joint.safetensors"), "{key}: {message}");
        assert!(
            message.contains("settings cannot be used"),
            "{key}: {message}"
        );
    }
    let change = |sources: &mut Value| sources[1]["model"]["rank"] = json!(0);
    let message = load(&with_entries(&bytes, &[("sources", &change)]));
    let message = message.unwrap_err().to_string();
    assert!(message.contains("joint.safetensors"), "{message}");
    for (key, value) in [
        ("compression", json!(0.005)),
        ("mask_exponent", json!(30.0)),
        ("learning_rate", json!(10.0)),
    ] {
        let change = |joint: &mut Value| joint[key] = value.clone();
        load(&with_entries(&bytes, &[("joint", &change)])).unwrap();
    }
}

#[test]
fn a_network_has_as_many_numbers_as_files_are_held_against() {
    let device = Device::flex();
    for body in [
        BodyKind::None,
        BodyKind::Conv,
        BodyKind::Gru,
        BodyKind::Lstm,
    ] {
        for context in [TemporalContext::Bidirectional, TemporalContext::Causal] {
            let config = JointConfig {
                body,
                context,
                ..config()
            };
            let mut rng = generator(5, "weights");
            let network = EncoderNetwork::new(&config, 33, 7, &mut rng, &device);
            let expected = EncoderNetwork::parameter_count(&config, 33, 7);
            assert_eq!(network.num_params(), expected, "{body:?} {context:?}");
            let bytes = joint(config).to_bytes().unwrap();
            load(&bytes).unwrap();
        }
    }
}

#[test]
fn weights_that_are_not_finite_are_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("joint.safetensors");
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut joint = joint(JointConfig {
            ensemble_size: 2,
            ..config()
        });
        let scale = Tensor::<2>::full([1, 1], wrong, &Device::flex());
        joint.networks[1].scale = Param::from_tensor(scale);
        let error = joint.save(&path).unwrap_err();
        assert!(matches!(error, JointError::NotFinite { .. }), "{error}");
        let message = error.to_string();
        for word in [
            "network.1.scale",
            "nothing is written",
            "joint.learning_rate",
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert!(!path.exists());
    }
}

#[test]
fn equal_joint_encoders_have_equal_bytes() {
    let joint = joint(config());
    let first = joint.to_bytes().unwrap();
    for _ in 0..10 {
        assert!(joint.to_bytes().unwrap() == first);
    }
    assert!(load(&first).unwrap().to_bytes().unwrap() == first);
}

#[test]
fn a_source_for_all_that_is_not_known_stands_last_and_models_are_those_of_the_others() {
    let mut joint = joint(config());
    joint.metadata.sources[1].material = MaterialRecord::Bank(Vec::new());
    let device = Device::flex();
    let mut rng = generator(6, "weights");
    let architecture = joint.metadata.sources[0].model.clone();
    let bins = AUDIO.stft().bins();
    let model = Model {
        metadata: Metadata {
            name: "low".into(),
            audio: AUDIO,
            gain: 1.0,
            training: TrainingSummary::default(),
            architecture: architecture.clone(),
        },
        network: Network::new(&architecture, bins, Extent::Whole, &mut rng, &device),
        latent_cache: None,
    };
    joint.metadata.sources[0].fingerprint = model.fingerprint().unwrap();
    let known = vec![Ensemble::new(vec![model]).unwrap()];
    let bytes = joint.with_known_models(known).unwrap().to_bytes().unwrap();
    assert_eq!(load(&bytes).unwrap().known_models.len(), 1);
    let refused = |changes: &[Change<'_>], expected: &str| {
        let message = load(&with_entries(&bytes, changes))
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    };
    let first = |sources: &mut Value| {
        let sources = sources.as_array_mut().unwrap();
        sources[0]["material"] = json!({"bank": []});
    };
    refused(&[("sources", &first)], "only its last source");
    let none = |sources: &mut Value| sources[1]["material"] = json!("memory");
    refused(&[("sources", &none)], "2 of 2 sources as known");
    let twice = |known: &mut Value| {
        let models = known[0].clone();
        known.as_array_mut().unwrap().push(models);
    };
    refused(&[("known", &twice)], "models of 2 known sources");
    let empty = |known: &mut Value| known[0] = json!([]);
    refused(&[("known", &empty)], "lists 0");
    let gain = |known: &mut Value| known[0][0]["gain"] = json!(-1.0);
    refused(&[("known", &gain)], "gain");
    let missing = |known: &mut Value| known[0][0]["architecture"]["rank"] = json!(4000);
    refused(&[("known", &missing)], "known.0.0.");
    let more = |known: &mut Value| {
        let model = known[0][0].clone();
        known[0].as_array_mut().unwrap().push(model);
    };
    refused(&[("known", &more)], "known.0.1.");
}
