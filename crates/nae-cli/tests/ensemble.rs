//! Ensembles through the command line: one file of several models.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::Path;

use burn::tensor::Device;
use common::folder::Folder;
use common::small::{MOMENT, SMALL, golden};
use common::{failure, on_one_thread, stderr, stdout};
use nae_model::{Ensemble, Model};
use serde_json::Value;

impl Folder {
    /// Arguments that train a model of the clip.
    fn train(&self, out: &str, more: &[&str]) -> Vec<String> {
        let (clip, out) = (self.at("clip.wav"), self.at(out));
        let start = ["train", &clip, "--out", &out, "--force"];
        let all = [&start[..], &SMALL, &MOMENT, more].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    /// Separates the golden mixture, and gives the stems' samples.
    fn separate(&self, models: &[String], more: &[&str]) -> Vec<Vec<f32>> {
        let (mixture, out) = (golden("mixture.wav"), self.at("stems"));
        let mut arguments = vec!["separate", &mixture, "--out", &out, "--force"];
        for model in models {
            arguments.extend(["--model", model]);
        }
        let quick = [
            "--device",
            "cpu",
            "--set",
            "separate.max_steps=20",
            "--json",
        ];
        let summary = stdout(&[&arguments[..], &quick, more].concat());
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert!(summary["null_db"].as_f64().unwrap() < -100.0);
        let stems = summary["stems"].as_array().unwrap().iter();
        let read = |path: &Value| nae_audio::read(Path::new(path.as_str().unwrap())).unwrap();
        stems.map(|path| read(path).mixdown()).collect()
    }
}

fn load(path: &Path) -> Ensemble {
    Ensemble::load(path, &Device::flex()).unwrap()
}

/// Format version in a file's metadata.
fn version(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    header.metadata().clone().unwrap()["format_version"].clone()
}

#[test]
fn by_default_one_file_has_two_models_and_says_so() {
    let folder = Folder::new();
    let log = folder.at("log.jsonl");
    let arguments = folder.train("a", &["--json", "--log", &log]);
    let report: Value = serde_json::from_str(&stdout(&arguments)).unwrap();
    let members = report["members"].as_array().unwrap();
    let kinds: Vec<&str> = members
        .iter()
        .map(|m| m["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["dense", "nmf"]);
    assert_eq!(report["loss"], members[0]["loss"]);
    let sum = |key: &str| members.iter().filter_map(|m| m[key].as_u64()).sum::<u64>();
    for key in ["steps", "hidden_units", "dead_units"] {
        assert_eq!(report[key].as_u64().unwrap(), sum(key), "{key}");
    }
    assert!(members[1]["description"].as_str().unwrap().contains("NMF"));
    assert!(members[1]["hidden_units"].is_null());

    let ensemble = load(&folder.path("a"));
    let cached = ensemble.members().iter();
    let cached: Vec<bool> = cached.map(|m| m.latent_cache.is_some()).collect();
    assert_eq!(cached, [true, false], "only the first can be joined");
    assert_eq!(version(&folder.path("a")), "3");
    let log = std::fs::read_to_string(log).unwrap();
    for kind in kinds {
        assert!(log.contains(&format!("\"member\":\"{kind}\"")), "{log}");
    }
    let said = stderr(&folder.train("a", &[]));
    for words in [
        "dense, nmf; their masks are averaged",
        "nmf: NMF with 2 bases",
    ] {
        assert!(said.contains(words), "{said}");
    }

    stdout(&folder.train("b", &["--no-memory"]));
    let without = load(&folder.path("b"));
    assert!(without.members().iter().all(|m| m.latent_cache.is_none()));
}

#[test]
fn a_single_model_is_trained_on_request_and_where_settings_describe_one() {
    let folder = Folder::new();
    for (more, kind) in [
        (&["--ensemble", "none"][..], "nae"),
        (&["--set", "train.ensemble=[]"], "nae"),
        (&["--ensemble", "dense"], "dense"),
        (
            &["--ensemble", "none", "--set", "train.ensemble=[\"nmf\"]"],
            "nae",
        ),
        (&["--set", "model.layers=2"], "nae"),
        (&["--set", "model.kind=nmf"], "nmf"),
        (&["--set", "model.widths=[3,2,3]"], "nae"),
    ] {
        let log = folder.at("log.jsonl");
        let more = [more, &["--json", "--log", &log]].concat();
        let report: Value = serde_json::from_str(&stdout(&folder.train("a", &more))).unwrap();
        let members = report["members"].as_array().unwrap();
        assert_eq!(members.len(), 1, "{more:?}");
        assert_eq!(members[0]["kind"], kind, "{more:?}");
        assert_eq!(members[0]["steps"], report["steps"]);
        assert_eq!(version(&folder.path("a")), "1");
        Model::load(&folder.path("a"), &Device::flex()).unwrap();
        assert!(!std::fs::read_to_string(log).unwrap().contains("member"));
    }
}

#[test]
fn an_ensemble_separates_as_its_members_given_one_by_one() {
    let folder = Folder::new();
    on_one_thread(&folder.train("all", &["--ensemble", "dense,shallow,nmf,conv,recurrent"]));
    for (name, settings) in [
        ("dense", &[][..]),
        ("shallow", &["model.layers=2"]),
        ("nmf", &["model.kind=nmf", "model.basis_norm=l2"]),
        (
            "conv",
            &[
                "model.layers=2",
                "model.rank=1",
                "model.span=4",
                "model.hidden=softplus",
            ],
        ),
        ("recurrent", &["model.cell=rnn"]),
    ] {
        let sets = settings.iter().flat_map(|setting| ["--set", setting]);
        let more: Vec<&str> = ["--ensemble", "none"].into_iter().chain(sets).collect();
        on_one_thread(&folder.train(name, &more));
    }
    let other = format!("low={}", golden("low.safetensors"));
    let at = |names: &[&str]| {
        let paths: Vec<String> = names.iter().map(|name| folder.at(name)).collect();
        format!("voice={}", paths.join(","))
    };
    let ensemble = folder.separate(&[at(&["all"]), other.clone()], &[]);
    let kinds = ["dense", "shallow", "nmf", "conv", "recurrent"];
    let listed = folder.separate(&[at(&kinds), other.clone()], &[]);
    assert_eq!(ensemble, listed);
    let alone = folder.separate(&[at(&["dense"]), other.clone()], &[]);
    assert_ne!(ensemble, alone);
    // ensembles within a list, beside one of another length
    stdout(&folder.train("pair", &["--ensemble", "nmf,nmf", "--seed", "3"]));
    let pair = format!("other={}", folder.at("pair"));
    let stems = folder.separate(&[at(&["all", "dense"]), other, pair], &[]);
    assert_eq!(stems.len(), 3);
    let repeated = load(&folder.path("pair"));
    let fingerprints = repeated.members().iter().map(|m| m.fingerprint().unwrap());
    let fingerprints: Vec<String> = fingerprints.collect();
    assert_ne!(fingerprints[0], fingerprints[1], "another seed");
}

#[test]
fn a_joint_encoder_is_for_the_first_members_and_says_so() {
    let folder = Folder::new();
    stdout(&folder.train("a", &["--name", "a"]));
    stdout(&folder.train("b", &["--name", "b", "--seed", "1", "--ensemble", "none"]));
    let (a, b, joint) = (folder.at("a"), folder.at("b"), folder.at("joint"));
    let small = [
        "--set",
        "joint.width=8",
        "--set",
        "joint.steps=3",
        "--set",
        "joint.frames=40",
        "--device",
        "cpu",
    ];
    let join = ["join", "--model", &a, "--model", &b, "--out", &joint];
    let said = stderr(&[&join[..], &small].concat());
    assert!(
        said.contains("a: a joint encoder takes one model per source")
            && said.contains("NAE with 4 layers and rank 2")
            && said.contains("the other one is left out"),
        "{said}"
    );
    assert!(!said.contains("b: a joint"), "{said}");
    // models given as well are those it was made for
    let models = [a.clone(), b.clone()];
    assert_eq!(folder.separate(&models, &["--joint", &joint]).len(), 2);
    let pretrained = folder.at("start");
    let pretrain = [
        "pretrain",
        "--model",
        &a,
        "--model",
        &b,
        "--out",
        &pretrained,
    ];
    stdout(&[&pretrain[..], &small, &["--rounds", "1"]].concat());
    stdout(&folder.train("c", &["--name", "a", "--ensemble", "nmf,dense"]));
    let other = ["separate", &golden("mixture.wav"), "--out", &folder.at("x")].map(str::to_owned);
    let other = [
        &other[..],
        &["--joint".into(), joint, "--model".into(), folder.at("c")],
    ]
    .concat();
    let message = failure(&other);
    assert!(message.contains("made for other models"), "{message}");
    let several = format!("a={a},{b}");
    let join = [
        "join",
        "--model",
        &several,
        "--model",
        &b,
        "--out",
        &pretrained,
        "--force",
    ];
    let message = failure(&join);
    assert!(
        message.contains("several models; a joint encoder takes one model per source"),
        "{message}"
    );
}

#[test]
fn a_wrong_ensemble_is_named_with_what_to_try_and_nothing_is_written() {
    let folder = Folder::new();
    for (more, words) in [
        (
            &["--ensemble", "dense,lstm"][..],
            &["`lstm`", "recurrent", "none"][..],
        ),
        (&["--ensemble", ""], &["recurrent"]),
        (&["--ensemble", "auto,nmf"], &["train.ensemble", "alone"]),
        (
            &["--set", "train.ensemble=[\"lstm\"]"],
            &["lstm", "recurrent"],
        ),
        (&["--set", "train.ensemble=3"], &["train.ensemble"]),
        (
            &[
                "--ensemble",
                "nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf,nmf",
            ],
            &["train.ensemble", "at most 16", "17"],
        ),
    ] {
        let message = failure(&folder.train("a", more));
        for word in words {
            assert!(message.contains(word), "{more:?}: {message}");
        }
        assert!(!folder.path("a").exists());
    }
}
