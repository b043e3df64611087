//! Files of several models: round trip, what is refused, what stands for all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use std::path::Path;

use burn::tensor::Device;
use nae_model::config::Cell;
use nae_model::ensemble::{MOST_MEMBERS, training_of};
use nae_model::file::FORMAT_VERSION;
use nae_model::random::generator;
use nae_model::safetensors_file::SafetensorsFile;
use nae_model::{
    AudioConfig, Ensemble, HiddenUnits, LatentCache, Metadata, Model, ModelConfig, ModelError,
    ModelKind, TrainingSummary,
};

const RANK: usize = 3;

fn audio() -> AudioConfig {
    AudioConfig {
        sample_rate: 8000,
        n_fft: 16,
        hop: 4,
    }
}

fn model(seed: u64, change: impl FnOnce(&mut ModelConfig)) -> Model {
    let mut config = ModelConfig {
        rank: RANK,
        ..ModelConfig::default()
    };
    change(&mut config);
    let architecture = config.architecture();
    let mut rng = generator(seed, "weights");
    let bins = audio().stft().bins();
    Model {
        network: architecture.network(bins, &mut rng, &Device::flex()),
        metadata: Metadata {
            name: "voice".into(),
            audio: audio(),
            architecture,
            gain: 0.3 + seed as f64,
            training: TrainingSummary {
                loss: 0.5 + seed as f64,
                steps: 10,
                frames: 7,
                seed,
                seconds: 0.5,
                units: Some(HiddenUnits { all: 9, dead: 1 }),
                ..TrainingSummary::default()
            },
        },
        latent_cache: None,
    }
}

/// One of each kind; the first has a latent cache.
fn members() -> Vec<Model> {
    let mut first = model(1, |_| {});
    let cache = LatentCache::new(RANK, vec![1, 2], &[0.5; 3 * RANK]).unwrap();
    let observed: Vec<f32> = (0..27).map(|i| i as f32 / 20.0).collect();
    first.latent_cache = Some(cache.with_residual_codes(&[1.0; 27], &observed));
    let mut nmf = model(2, |c| c.kind = ModelKind::Nmf);
    nmf.metadata.training.units = None;
    vec![
        first,
        model(1, |c| c.layers = 2),
        nmf,
        model(3, |c| c.span = 2),
        model(4, |c| c.cell = Cell::Rnn),
    ]
}

fn load(path: &Path) -> Result<Ensemble, ModelError> {
    Ensemble::load(path, &Device::flex())
}

/// The header of a file, as JSON, changed.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let end = 8 + length_of(bytes);
    let mut header = serde_json::from_slice(&bytes[8..end]).unwrap();
    change(&mut header);
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), &bytes[end..]].concat()
}

fn length_of(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

#[test]
fn members_of_all_kinds_survive_their_file_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.safetensors");
    let saved = Ensemble::new(members()).unwrap();
    saved.save(&path).unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.members().len(), 5);
    for (own, again) in saved.members().iter().zip(loaded.members()) {
        assert_eq!(own.metadata, again.metadata);
        assert_eq!(own.latent_cache, again.latent_cache);
        assert_eq!(own.fingerprint().unwrap(), again.fingerprint().unwrap());
    }
    assert_eq!(loaded.to_bytes().unwrap(), std::fs::read(&path).unwrap());
    assert_eq!(loaded.first().metadata, saved.members()[0].metadata);
    assert_eq!(loaded.into_first().metadata, saved.members()[0].metadata);
}

#[test]
fn an_ensemble_of_one_is_the_file_of_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.safetensors");
    for (model, version) in [(model(1, |_| {}), "1"), (model(1, |c| c.span = 2), "2")] {
        let alone = model.to_bytes().unwrap();
        let ensemble = Ensemble::new(vec![model]).unwrap();
        assert_eq!(ensemble.to_bytes().unwrap(), alone);
        std::fs::write(&path, alone).unwrap();
        let file = SafetensorsFile::open(&path, "nae", FORMAT_VERSION).unwrap();
        assert_eq!(file.text("format_version").unwrap(), version);
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.training(), training_of(&file).unwrap());
    }
}

#[test]
fn what_reads_a_model_finds_the_first_where_it_was() {
    let bytes = Ensemble::new(members()).unwrap().to_bytes().unwrap();
    let first = members().remove(0).to_bytes().unwrap();
    let parts = |bytes: &[u8]| {
        let (_, header) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
        header.metadata().clone().unwrap()
    };
    let (all, one) = (parts(&bytes), parts(&first));
    for (key, value) in one {
        if key != "format_version" {
            assert_eq!(all[&key], value, "{key}");
        }
    }
    let all = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for (name, tensor) in safetensors::SafeTensors::deserialize(&first)
        .unwrap()
        .iter()
    {
        assert_eq!(all.tensor(name).unwrap().data(), tensor.data(), "{name}");
    }
}

#[test]
fn an_older_program_refuses_an_ensemble_by_its_version_and_one_for_a_model_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.safetensors");
    Ensemble::new(members()).unwrap().save(&path).unwrap();
    let error = SafetensorsFile::open(&path, "nae", 2).unwrap_err();
    assert!(matches!(error, ModelError::Version { .. }), "{error}");
    let error = Model::load(&path, &Device::flex()).unwrap_err().to_string();
    assert!(
        error.contains("voice.safetensors holds several models"),
        "{error}"
    );
}

#[test]
fn the_training_of_all_is_told_without_their_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.safetensors");
    let mut models = members();
    models[2].metadata.training.interrupted = true;
    models[1].metadata.training.steps = usize::MAX;
    let ensemble = Ensemble::new(models).unwrap();
    ensemble.save(&path).unwrap();
    let file = SafetensorsFile::open(&path, "nae", FORMAT_VERSION).unwrap();
    let training = training_of(&file).unwrap();
    assert_eq!(training, ensemble.training());
    assert_eq!((training.loss, training.seconds), (1.5, 2.5));
    assert_eq!(training.steps, usize::MAX);
    assert_eq!((training.frames, training.seed), (7, 1));
    assert_eq!(training.units, Some(HiddenUnits { all: 36, dead: 4 }));
    assert!(training.interrupted);
}

#[test]
fn models_that_make_no_ensemble_are_refused() {
    let refused = |models: Vec<Model>, words: &[&str]| {
        let error = Ensemble::new(models).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
    };
    refused(Vec::new(), &["1 to 16 models", "0 came"]);
    let many = (0..=MOST_MEMBERS as u64).map(|seed| model(seed, |c| c.layers = 2));
    refused(many.collect(), &["1 to 16 models", "17 came"]);
    let mut other = model(2, |_| {});
    other.metadata.audio.hop = 8;
    refused(vec![model(1, |_| {}), other], &["every 4", "every 8"]);
}

#[test]
fn damaged_ensembles_are_refused_with_their_path_and_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.safetensors");
    let good = Ensemble::new(members()).unwrap().to_bytes().unwrap();
    let members = |header: &serde_json::Value| {
        let text = header["__metadata__"]["members"].as_str().unwrap();
        serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap()
    };
    type Change = fn(&mut Vec<serde_json::Value>);
    let changes: [(Change, &str); 8] = [
        (
            |m| m.clear(),
            "1 to 15 members after the first, and it lists 0 members",
        ),
        (
            |m| *m = vec![m[0].clone(); MOST_MEMBERS],
            "it lists 16 members",
        ),
        // a member more than there are tensors
        (|m| m.push(m[0].clone()), "member.5.encoder.0.weight"),
        (|m| m.swap(0, 1), "member.2.encoder.0.weight"),
        (|m| m[1]["architecture"]["rank"] = 4000.into(), "4000"),
        (|m| m[3]["gain"] = 0.into(), "`gain`"),
        (
            |m| m[0]["memory"] = vec![3].into(),
            "member.1.memory.activations",
        ),
        (
            |m| drop(m[2].as_object_mut().unwrap().remove("architecture")),
            "architecture",
        ),
    ];
    for (change, word) in changes {
        let bytes = with_header(&good, |header| {
            let mut members = members(header);
            change(&mut members);
            let text = serde_json::to_string(&members).unwrap();
            header["__metadata__"]["members"] = text.into();
        });
        std::fs::write(&path, bytes).unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
        assert!(error.contains("voice.safetensors"), "{error}");
    }
    type HeaderChange = fn(&mut serde_json::Value);
    let headers: [(HeaderChange, &str); 6] = [
        (
            |h| h["__metadata__"]["format_version"] = "2".into(),
            "format version 2",
        ),
        (
            |h| h["__metadata__"]["format_version"] = "4".into(),
            "version 4",
        ),
        (|h| h["__metadata__"]["members"] = "{}".into(), "`members`"),
        (|h| h["__metadata__"]["gain"] = "-1".into(), "`gain`"),
        (|h| h["__metadata__"]["audio"] = "{\"hop\":0}".into(), "hop"),
        (
            |h| {
                // the tensors of a member under another prefix
                let header = h.as_object_mut().unwrap();
                let names: Vec<String> = header.keys().cloned().collect();
                for name in names {
                    if let Some(rest) = name.strip_prefix("member.2.") {
                        let tensor = header.remove(&name).unwrap();
                        header.insert(format!("member.02.{rest}"), tensor);
                    }
                }
            },
            "member.2.decoder",
        ),
    ];
    for (change, word) in headers {
        std::fs::write(&path, with_header(&good, change)).unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}
