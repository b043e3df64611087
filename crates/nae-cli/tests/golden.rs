//! Files that earlier builds wrote stay readable and mean the same, for good.
//!
//! `tests/golden` was made by `scripts/golden/make NAE tests/golden` with the build of commit a91d812 (format version 1),
//! `tests/golden/later` by `scripts/golden/make NAE tests/golden/later --later` with the build that brought ensembles
//! (format versions 2 and 3), and `tests/golden/against` by `scripts/golden/make NAE tests/golden/against --against` with the build
//! that brought training against a bank (format version 5 of joint files).
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::Device;
use nae_joint::{JointEncoder, MaterialRecord, PretrainedWeights};
use nae_model::{Ensemble, Model};
use nae_testing::compare::largest_difference;
use nae_testing::folders::package_file;

const MODELS: [&str; 4] = [
    "low.safetensors",
    "high.safetensors",
    "low-softplus.safetensors",
    "high-nmf.safetensors",
];

fn golden(path: &str) -> PathBuf {
    package_file(&format!("tests/golden/{path}"))
}

fn load(name: &str) -> Model {
    Model::load(&golden(name), &Device::flex()).unwrap()
}

#[test]
fn models_keep_their_fingerprints() {
    let text = std::fs::read_to_string(golden("fingerprints.json")).unwrap();
    let expected: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), MODELS.len());
    for name in MODELS {
        assert_eq!(load(name).fingerprint().unwrap(), expected[name], "{name}");
    }
}

#[test]
fn models_saved_again_keep_their_fingerprints() {
    for name in MODELS {
        let model = load(name);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        model.save(&path).unwrap();
        let again = Model::load(&path, &Device::flex()).unwrap();
        assert_eq!(again.fingerprint().unwrap(), model.fingerprint().unwrap());
    }
}

#[test]
fn models_of_later_versions_keep_their_fingerprints_and_their_bytes() {
    let text = std::fs::read_to_string(golden("later/fingerprints.json")).unwrap();
    let expected: BTreeMap<String, Vec<String>> = serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), 6);
    for (name, expected) in expected {
        let path = golden(&format!("later/{name}"));
        let ensemble = Ensemble::load(&path, &Device::flex()).unwrap();
        let members = ensemble.members().iter();
        let fingerprints = members.map(|model| model.fingerprint().unwrap());
        assert_eq!(fingerprints.collect::<Vec<_>>(), expected, "{name}");
        let bytes = std::fs::read(&path).unwrap();
        assert!(ensemble.to_bytes().unwrap() == bytes, "{name}");
    }
}

#[test]
fn a_joint_encoder_still_knows_its_models() {
    let joint = JointEncoder::load(&golden("joint.safetensors"), &Device::flex()).unwrap();
    for name in ["low", "high"] {
        joint
            .check_model(name, &load(&format!("{name}.safetensors")))
            .unwrap();
    }
    let other = load("high-nmf.safetensors");
    assert!(joint.check_model("high", &other).is_err());
}

#[test]
fn a_joint_encoder_against_a_bank_keeps_its_models_and_its_bytes() {
    let path = golden("against/joint.safetensors");
    let joint = JointEncoder::load(&path, &Device::flex()).unwrap();
    assert!(joint.to_bytes().unwrap() == std::fs::read(&path).unwrap());
    let models = Ensemble::load(&golden("later/low-all.safetensors"), &Device::flex()).unwrap();
    let fingerprints = |models: &[Model]| -> Vec<String> {
        let models = models.iter();
        models.map(|model| model.fingerprint().unwrap()).collect()
    };
    let known = joint.known_sources();
    assert_eq!(
        fingerprints(&known[0].models),
        fingerprints(models.members())
    );
    let MaterialRecord::Bank(records) = &joint.rest().unwrap().material else {
        panic!("the rest is a bank's");
    };
    let names: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["0.wav", "1.wav"]);
}

#[test]
fn a_pretrained_start_loads() {
    PretrainedWeights::load(&golden("start.safetensors"), &Device::flex()).unwrap();
}

fn samples(path: &Path) -> Vec<f32> {
    nae_audio::read(path).unwrap().mixdown()
}

/// Whether products are summed in the order of the processor that the stems were made on: with
/// AVX-512 vectors are twice as wide, and sums of single precision end a few bits off.
fn sums_in_the_same_order() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx2")
            && !std::arch::is_x86_feature_detected!("avx512f")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

#[test]
fn stems_are_the_same_on_one_thread() {
    let file = |name: &str| golden(name).into_os_string().into_string().unwrap();
    // defaults of the build that made the stems
    let of_then = || {
        let settings = [
            "separate.max_steps=60",
            "separate.mask_exponent=2",
            "separate.solver=gradient",
        ];
        let settings = settings.into_iter().flat_map(|setting| ["--set", setting]);
        settings.map(str::to_owned)
    };
    let later = |name: &str| file(&format!("later/{name}.safetensors"));
    let encoded = |low: &str, high: &str| -> Vec<String> {
        let models = ["--model".into(), later(low), "--model".into(), later(high)];
        let settings = ["separate.max_steps=0", "separate.mask_exponent=2"];
        let settings = settings.into_iter().flat_map(|setting| ["--set", setting]);
        models
            .into_iter()
            .chain(settings.map(str::to_owned))
            .collect()
    };
    let systems: [(&str, Vec<String>); 7] = [
        (
            "optimised",
            vec![
                "--model".into(),
                file("low.safetensors"),
                "--model".into(),
                file("high.safetensors"),
            ]
            .into_iter()
            .chain(of_then())
            .collect(),
        ),
        (
            "mixed",
            vec![
                "--model".into(),
                format!("low={}", file("low-softplus.safetensors")),
                "--model".into(),
                format!("high={}", file("high-nmf.safetensors")),
            ]
            .into_iter()
            .chain(of_then())
            .collect(),
        ),
        ("joint", vec!["--joint".into(), file("joint.safetensors")]),
        ("later/conv-rnn", encoded("low-conv", "high-rnn")),
        ("later/nmfd-lstm", encoded("low-nmfd", "high-lstm")),
        ("later/all-auto", encoded("low-all", "high-auto")),
        ("later/all-rnn", encoded("low-all", "high-rnn")),
    ];
    let against = file("against/joint.safetensors");
    let against = vec!["--joint".into(), against, "--one-pass".into()];
    let systems = systems.into_iter().chain([("against/stems", against)]);
    for (system, models) in systems {
        let out = tempfile::tempdir().unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_nae"))
            .arg("separate")
            .arg(golden("mixture.wav"))
            .args(models)
            .args(["-q", "--device", "cpu", "--out"])
            .arg(out.path())
            .env("RAYON_NUM_THREADS", "1")
            .status()
            .unwrap();
        assert!(status.success(), "{system}");
        let second = match system {
            "against/stems" => "noise.wav",
            _ => "high.wav",
        };
        for source in ["low.wav", second] {
            let came = samples(&out.path().join(source));
            let expected = samples(&golden(&format!("{system}/{source}")));
            let furthest = largest_difference(&came, &expected);
            if system.starts_with("later/") || system.starts_with("against/") {
                // fused operations round in their own way; one pass through a network, peaks of 0.3
                assert!(furthest < 1e-5, "{system} {source}: {furthest}");
            } else if sums_in_the_same_order() {
                assert_eq!(furthest, 0.0, "{system} {source}");
            } else {
                // 60 steps of Adam from sums that differ in their last bits; stems peak at 0.3
                assert!(furthest < 1e-3, "{system} {source}: {furthest}");
            }
        }
    }
}
