//! Joint encoders through the command line, on real voices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{QUICK, failure, mixture_files, stdout, train};
use nae_testing::folders::{data, files};
use serde_json::Value;

const VOICES: [&str; 2] = ["allison_en_f", "librivox_en_m"];

/// A small network and few steps.
const SMALL: [&str; 8] = [
    "--set",
    "joint.width=64",
    "--set",
    "joint.steps=120",
    "--set",
    "joint.blocks=3",
    "--device",
    "cpu",
];

#[test]
fn models_are_joined_without_audio_and_separate_in_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let models = VOICES.map(|voice| {
        let model = path(&format!("{voice}.safetensors"));
        train(voice, Path::new(&model));
        model
    });
    let (references, mixture) = mixture_files(folder.path());
    let (mixture, joint) = (mixture.to_str().unwrap(), path("both.joint.safetensors"));
    let pair = ["--model", &models[0], "--model", &models[1]];
    let join = [
        &["join"][..],
        &pair[..],
        &["--out", &joint, "--json"],
        &SMALL[..],
    ]
    .concat();
    let report: Value = serde_json::from_str(&stdout(&join)).unwrap();
    assert_eq!(report["sources"], serde_json::json!(VOICES));
    assert_eq!(report["steps"], 120);
    assert!(failure(&join).contains("--force"));

    // the models are not needed any more
    let stems = path("stems");
    let device = ["--device", "cpu", "--json"];
    let separate = ["separate", mixture, "--joint", &joint, "--out", &stems];
    let report: Value = serde_json::from_str(&stdout(&[&separate[..], &device].concat())).unwrap();
    assert!(report["null_db"].as_f64().unwrap() < -100.0);
    assert_eq!(report["steps"], 0);
    let mut evaluate = vec!["evaluate".to_owned(), "--mixture".into(), mixture.into()];
    for (voice, reference) in VOICES.iter().zip(&references) {
        evaluate.extend(["--reference".into(), reference.to_str().unwrap().into()]);
        evaluate.extend(["--estimate".into(), path(&format!("stems/{voice}.wav"))]);
    }
    evaluate.push("--json".into());
    let scores: Value = serde_json::from_str(&stdout(&evaluate)).unwrap();
    for row in scores["sources"].as_array().unwrap() {
        // a small network and quick models
        assert!(row["si_sdr_improvement"].as_f64().unwrap() > 2.0, "{row}");
    }

    // models given as well must be those it was trained for
    let out = path("again");
    let with = |model: &str| {
        let start = ["separate", mixture, "--joint", &joint, "--model", model];
        [&start[..], &["--out", &out, "--device", "cpu"]]
            .concat()
            .join("\n")
    };
    let arguments = with(&models[1]);
    stdout(&arguments.split('\n').collect::<Vec<_>>());
    let other = path("other.safetensors");
    let clips = data("speech/carlo_it_m/train");
    let train_other = [
        "train",
        clips.to_str().unwrap(),
        "--out",
        &other,
        "--no-memory",
    ];
    stdout(&[&train_other[..], &QUICK[..]].concat());
    let arguments = with(&other);
    let message = failure(&arguments.split('\n').collect::<Vec<_>>());
    assert!(message.contains("made for other models"), "{message}");

    // a model without a latent cache needs clips
    let pair = ["--model", &models[0], "--model", &other];
    let out = path("other.joint.safetensors");
    let join = [&["join"][..], &pair[..], &["--out", &out], &SMALL[..]].concat();
    let message = failure(&join);
    assert!(message.contains("--clips other="), "{message}");
    let named = format!("other={}", clips.to_str().unwrap());
    stdout(&[&join[..], &["--clips", &named, "--set", "joint.steps=2"]].concat());

    a_joint_encoder_is_cached(folder.path(), mixture, &models);
    an_initialisation_is_pretrained_and_used(folder.path(), &models);
}

/// `nae join --start` takes what `nae pretrain` writes, and nothing else.
fn an_initialisation_is_pretrained_and_used(folder: &Path, models: &[String; 2]) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (start, out) = (path("start.safetensors"), path("initialised.safetensors"));
    let pair = ["--model", &models[0], "--model", &models[1]];
    let few = ["--set", "joint.steps=2"];
    let pretrain = ["pretrain", "--rounds", "1", "--out", &start];
    let pretrain = [&pretrain[..], &pair, &SMALL, &few].concat();
    stdout(&pretrain);
    assert!(failure(&pretrain).contains("--force"));
    let join = |start: &str| {
        let join = ["join", "--out", &out, "--start", start];
        [&join[..], &pair, &SMALL, &few].concat().join("\n")
    };
    let arguments = join(&models[0]);
    let message = failure(&arguments.split('\n').collect::<Vec<_>>());
    assert!(message.contains("nae pretrain"), "{message}");
    let arguments = join(&start);
    let wider = [&arguments, "--set", "joint.width=32"].join("\n");
    let message = failure(&wider.split('\n').collect::<Vec<_>>());
    assert!(
        message.contains("`joint.width` is 64 there and 32 here"),
        "{message}"
    );
    stdout(&arguments.split('\n').collect::<Vec<_>>());
}

/// `separate --join` trains once, and uses the cached file the second time.
fn a_joint_encoder_is_cached(folder: &Path, mixture: &str, models: &[String; 2]) {
    let cache = folder.join("cache");
    let run = |out: &str, steps: &str| -> Output {
        let out = folder.join(out);
        let mut command = Command::new(env!("CARGO_BIN_EXE_nae"));
        command
            .env("XDG_CACHE_HOME", &cache)
            .args(["separate", mixture, "--model", &models[0], "--model"])
            .args([&models[1], "--join", "--out", out.to_str().unwrap()])
            .args(SMALL)
            .args(["--set", &format!("joint.steps={steps}")]);
        command.output().unwrap()
    };
    let log = |output: Output| {
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(log(run("first", "4")).contains("cached as"));
    assert_eq!(files(&cache.join("nae")).len(), 1);
    assert!(log(run("second", "4")).contains("using the cached joint encoder"));
    for voice in VOICES {
        let stem =
            |out: &str| std::fs::read(folder.join(out).join(format!("{voice}.wav"))).unwrap();
        assert_eq!(stem("first"), stem("second"));
    }
    // other settings make another file
    assert!(log(run("third", "5")).contains("cached as"));
    assert_eq!(files(&cache.join("nae")).len(), 2);
}
