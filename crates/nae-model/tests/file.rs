//! Model files: round trip, what is refused, what the metadata says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::tensor::{Device, Tensor};
use nae_files::FileError;
use nae_model::config::Bias;
use nae_model::random::generator;
use nae_model::{
    AudioConfig, ClipRecord, LatentCache, Metadata, Model, ModelConfig, ModelError, ModelKind,
    TrainingSummary,
};

const SEED: u64 = 3;

fn model(config: ModelConfig) -> Model {
    let audio = AudioConfig {
        sample_rate: 8000,
        n_fft: 32,
        hop: 8,
    };
    let architecture = config.architecture();
    let bins = audio.stft().bins();
    let mut rng = generator(SEED, "weights");
    let network = architecture.network(bins, &mut rng, &Device::flex());
    let clip = ClipRecord {
        name: "a.wav".into(),
        sha256: "00".into(),
        duration_s: 2.5,
    };
    let training = TrainingSummary {
        clips: vec![clip],
        duration_s: 2.5,
        frames: 100,
        loss: 0.1,
        steps: 10,
        seed: SEED,
        seconds: 1.0,
        interrupted: false,
        tool_version: "0.1.0".into(),
        units: None,
        beside: None,
        merged: Vec::new(),
        parents: Vec::new(),
    };
    Model {
        metadata: Metadata {
            name: "voice".into(),
            audio,
            architecture,
            gain: 0.3,
            training,
        },
        network,
        latent_cache: None,
    }
}

fn estimate(model: &Model) -> Vec<f32> {
    let x = Tensor::<3>::ones([1, 17, 3], &Device::flex());
    let latent = model.network.encode(x).latent;
    model
        .network
        .decode(latent)
        .estimate
        .value()
        .into_data()
        .try_to_vec()
        .unwrap()
}

#[test]
fn a_model_survives_its_file_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    for config in [
        ModelConfig {
            rank: 5,
            ..Default::default()
        },
        ModelConfig {
            layers: 2,
            rank: 4,
            bias: Bias::All,
            ..Default::default()
        },
        ModelConfig {
            layers: 5,
            rank: 4,
            widths: vec![9, 4, 7, 8],
            ..Default::default()
        },
    ] {
        let path = folder.path().join("model.safetensors");
        let mut saved = model(config);
        // read in a hurry, this one comes out a bit smaller
        saved.metadata.gain = 9.195582389831545;
        saved.save(&path).unwrap();
        let loaded = Model::load(&path, &Device::flex()).unwrap();
        assert_eq!(saved.metadata, loaded.metadata);
        assert_eq!(estimate(&saved), estimate(&loaded));
        assert_eq!(saved.fingerprint().unwrap(), loaded.fingerprint().unwrap());
    }
}

#[test]
fn a_latent_cache_survives_the_file_with_residual_codes_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = model(ModelConfig {
        rank: 5,
        ..Default::default()
    });
    // without: as earlier versions wrote it
    let plain = LatentCache::new(5, vec![1, 2], &[0.5; 15]).unwrap();
    let observed: Vec<f32> = (0..17 * 3).map(|i| i as f32 / 20.0).collect();
    let detailed = plain.clone().with_residual_codes(&[1.0; 17 * 3], &observed);
    for memory in [plain, detailed.clone()] {
        model.latent_cache = Some(memory);
        model.save(&path).unwrap();
        let loaded = Model::load(&path, &Device::flex()).unwrap();
        assert_eq!(loaded.latent_cache, model.latent_cache);
    }
    let one_frame = LatentCache::new(5, vec![1], &[0.5; 5]).unwrap();
    model.latent_cache = Some(one_frame.with_residual_codes(&[1.0; 17 * 3], &observed));
    model.save(&path).unwrap();
    let error = Model::load(&path, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("memory.details"), "{error}");
}

#[test]
fn the_metadata_describes_the_model() {
    let bytes = model(ModelConfig {
        rank: 5,
        ..Default::default()
    })
    .to_bytes()
    .unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    for key in [
        "format",
        "format_version",
        "name",
        "architecture",
        "audio",
        "gain",
        "training",
    ] {
        assert!(metadata.contains_key(key), "{key}");
    }
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("decoder.1.weight").unwrap().shape(), [17, 5]);
    assert_eq!(tensors.tensor("encoder.0.weight").unwrap().shape(), [5, 17]);
}

#[test]
fn files_that_are_no_models_are_refused_with_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let good = model(ModelConfig {
        rank: 5,
        ..Default::default()
    })
    .to_bytes()
    .unwrap();
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len(), "the header's length must stay");
        let text: Vec<u8> = good.clone();
        let at = text
            .windows(from.len())
            .position(|w| w == from.as_bytes())
            .expect("the text is in the file");
        let mut text = text;
        text[at..at + from.len()].copy_from_slice(to.as_bytes());
        text
    };
    let mut not_finite = good.clone();
    let end = not_finite.len();
    not_finite[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    for (bytes, word) in [
        (Vec::new(), "not a model as `nae train` writes"),
        (
            b"RIFF this is something else".to_vec(),
            "not a model as `nae train` writes",
        ),
        (
            good[..good.len() / 2].to_vec(),
            "not a model as `nae train` writes",
        ),
        (
            replaced("\"format\":\"nae\"", "\"format\":\"xyz\""),
            "not a model as `nae train` writes",
        ),
        (
            replaced("\"format_version\":\"1\"", "\"format_version\":\"9\""),
            "version",
        ),
        (replaced("\\\"rank\\\":5", "\\\"rank\\\":6"), "needs"),
        (not_finite, "not finite"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = Model::load(&path, &Device::flex()).unwrap_err().to_string();
        assert!(
            error.contains(word) && error.contains("model.safetensors"),
            "{word}: {error}"
        );
    }
    assert!(matches!(
        Model::load(&folder.path().join("none"), &Device::flex()),
        Err(ModelError::File(FileError::NotFound { .. }))
    ));
}

#[test]
fn models_that_hear_differently_name_both_sides() {
    let left = model(ModelConfig {
        rank: 5,
        ..Default::default()
    })
    .metadata;
    let mut right = left.clone();
    right.name = "noise".into();
    right.audio.hop = 16;
    let error = left.agrees_with(&right).unwrap_err().to_string();
    assert!(
        error.contains("voice")
            && error.contains("noise")
            && error.contains("every 8")
            && error.contains("every 16"),
        "{error}"
    );
    assert!(left.agrees_with(&left).is_ok());
}

#[test]
fn a_newer_file_is_refused_by_its_version_before_anything_else_is_read() {
    // what a later nae may write: a kind, fields and tensors that this one knows nothing of
    let metadata = std::collections::HashMap::from(
        [
            ("format", "nae"),
            ("format_version", "4"),
            ("name", "voice"),
            (
                "architecture",
                r#"{"kind":"wavelet","rank":5,"scales":[1,2]}"#,
            ),
            ("audio", r#"{"sample_rate":8000,"bands":12}"#),
            ("gain", "loud"),
            ("training", "[]"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let tensors: [(&str, safetensors::tensor::TensorView<'_>); 0] = [];
    let newer = safetensors::serialize(tensors, Some(metadata)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.safetensors");
    std::fs::write(&path, newer).unwrap();
    let error = Model::load(&path, &Device::flex()).unwrap_err();
    assert!(matches!(error, ModelError::Version { .. }), "{error}");
    let error = error.to_string();
    assert!(
        error.contains("version 4") && error.contains("versions up to 3"),
        "{error}"
    );
}

#[test]
fn todays_models_are_written_in_the_first_version() {
    for kind in [ModelKind::Nae, ModelKind::Nmf] {
        let bytes = model(ModelConfig {
            kind,
            rank: 5,
            ..Default::default()
        })
        .to_bytes()
        .unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap();
        assert_eq!(metadata["format_version"], "1");
    }
}

#[test]
fn a_file_of_large_sizes_is_refused_before_memory_is_taken_for_them() {
    let bytes = model(ModelConfig {
        rank: 5,
        ..Default::default()
    })
    .to_bytes()
    .unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
    let header = header.replace("\\\"rank\\\":5", "\\\"rank\\\":4000");
    let large = [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        &bytes[8 + length..],
    ]
    .concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.safetensors");
    std::fs::write(&path, large).unwrap();
    let error = Model::load(&path, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("needs [4000, 17]"), "{error}");
}

#[test]
fn a_gain_that_f32_does_not_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gain.safetensors");
    for gain in [-1.0, 0.0, 1e-300, 1e300] {
        let mut model = model(ModelConfig {
            rank: 5,
            ..Default::default()
        });
        model.metadata.gain = gain;
        model.save(&path).unwrap();
        let error = Model::load(&path, &Device::flex()).unwrap_err().to_string();
        assert!(
            error.contains("gain.safetensors") && error.contains("`gain`"),
            "{error}"
        );
    }
}

fn small_bytes() -> Vec<u8> {
    let settings = ModelConfig {
        rank: 5,
        ..Default::default()
    };
    model(settings).to_bytes().unwrap()
}

/// The file with another text in its header.
fn with_header(bytes: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (header, tensors) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header = change(String::from_utf8(header.to_vec()).unwrap());
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), tensors].concat()
}

fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let message = Model::load(&path, &Device::flex()).unwrap_err().to_string();
    assert!(message.contains("model.safetensors"), "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
    message
}

#[test]
fn equal_models_have_equal_bytes() {
    let first = small_bytes();
    for _ in 0..10 {
        assert!(small_bytes() == first);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, &first).unwrap();
    let loaded = Model::load(&path, &Device::flex()).unwrap();
    assert!(loaded.to_bytes().unwrap() == first);
    // entries in any order are the same model, as older versions wrote them
    let tensors = safetensors::SafeTensors::deserialize(&first).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&first).unwrap();
    let older = safetensors::serialize(tensors.tensors(), header.metadata().clone()).unwrap();
    std::fs::write(&path, older).unwrap();
    let older = Model::load(&path, &Device::flex()).unwrap();
    assert_eq!(older.fingerprint().unwrap(), loaded.fingerprint().unwrap());
    assert!(older.to_bytes().unwrap() == first);
}

#[test]
fn lengths_that_disagree_with_the_file_are_refused_with_both() {
    let good = small_bytes();
    let mut longer = good.clone();
    longer.extend([0; 40]);
    assert!(refusal(&longer).contains("declares"));
    assert!(refusal(&good[..good.len() - 4]).contains("declares"));
    for length in [0, 1, u64::from(u32::MAX), u64::MAX, good.len() as u64] {
        let mut wrong = good.clone();
        wrong[..8].copy_from_slice(&length.to_le_bytes());
        refusal(&wrong);
    }
    for end in [0, 1, 7, 8, 9, 100] {
        refusal(&good[..end]);
    }
    let huge = with_header(&good, |header| header.replace("[5,17]", "[5,17000000000]"));
    refusal(&huge);
    let overflowing = "[4294967296,4294967296,4294967296]";
    refusal(&with_header(&good, |header| {
        header.replace("[5,17]", overflowing)
    }));
}

#[test]
fn numbers_out_of_range_in_a_file_are_refused() {
    let good = small_bytes();
    for gain in ["-1.0", "0.0", "1e300", "1e-300", "null", "1e999"] {
        let change = |header: String| header.replace("\"0.3\"", &format!("\"{gain}\""));
        let message = refusal(&with_header(&good, change));
        assert!(message.contains("gain"), "{gain}: {message}");
    }
    for weight in [3e38f32, -1e19, f32::NEG_INFINITY] {
        let mut wrong = good.clone();
        let end = wrong.len();
        wrong[end - 4..].copy_from_slice(&weight.to_le_bytes());
        let message = refusal(&wrong);
        for word in ["encoder.1.weight", "train the model again"] {
            assert!(message.contains(word), "{word}: {message}");
        }
    }
    for (from, to) in [
        ("\\\"hop\\\":8", "\\\"hop\\\":0"),
        ("\\\"n_fft\\\":32", "\\\"n_fft\\\":99999999999"),
        ("\\\"compression\\\":0.67", "\\\"compression\\\":1e-300"),
        ("\\\"layers\\\":4", "\\\"layers\\\":400000"),
    ] {
        let bytes = with_header(&good, |header| {
            assert!(header.contains(from), "{header}");
            header.replace(from, to)
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, bytes).unwrap();
        assert!(Model::load(&path, &Device::flex()).is_err(), "{to}");
    }
}

#[test]
fn what_a_file_says_never_commands_the_terminal() {
    let good = small_bytes();
    let escape = "\\u001b[2J";
    for (from, to) in [
        (
            "\"format_version\":\"1\"",
            format!("\"format_version\":\"{escape}\""),
        ),
        ("\"gain\":\"0.3\"", format!("\"gain\":\"{escape}\"")),
        ("\\\"relu\\\"", format!("\\\"{escape}\\\"")),
    ] {
        let bytes = with_header(&good, |header| {
            assert!(header.contains(from), "{header}");
            header.replace(from, &to)
        });
        refusal(&bytes);
    }
}

#[test]
fn only_regular_files_up_to_a_size_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex();
    assert!(matches!(
        Model::load(folder.path(), &device),
        Err(ModelError::File(FileError::IsFolder { .. }))
    ));
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [pipe.as_path(), "/dev/zero".as_ref()] {
            assert!(matches!(
                Model::load(path, &device),
                Err(ModelError::File(FileError::NotRegular { .. }))
            ));
        }
        // holes take no space
        let large = folder.path().join("large");
        let file = std::fs::File::create(&large).unwrap();
        file.set_len((4 << 30) + 1).unwrap();
        let error = Model::load(&large, &device).unwrap_err();
        assert!(
            matches!(error, ModelError::File(FileError::TooLarge { .. })),
            "{error}"
        );
        // within the limit, but no model
        file.set_len(3 << 30).unwrap();
        let error = Model::load(&large, &device).unwrap_err();
        assert!(matches!(error, ModelError::NotAModel { .. }), "{error}");
    }
}
