//! Training that goes on from a model, and models that are adapted to recordings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::Path;

use burn::tensor::Device;
use common::background::{Background, unfinished, wait_until};
use common::folder::Folder;
use common::small::{ENDLESS, MOMENT, SMALL, golden};
use common::{failure, stderr, stdout};
use nae_audio::{BitDepth, Clip};
use nae_model::Ensemble;
use nae_testing::folders::files;
use serde_json::Value;

/// Samples a second.
const RATE: usize = 8000;

impl Folder {
    /// Trains a small model of the clip.
    fn parent(&self, out: &str, more: &[&str]) -> Value {
        let (clip, out) = (self.at("clip.wav"), self.at(out));
        let start = ["train", &clip, "--out", &out, "--force", "--json"];
        json(&[&start[..], &SMALL, &MOMENT, more].concat())
    }

    /// Arguments that go on from a model with a clip.
    fn from(&self, parent: &str, out: &str, more: &[&str]) -> Vec<String> {
        let (clip, parent, out) = (self.at("clip.wav"), self.at(parent), self.at(out));
        let start = ["train", &clip, "--from", &parent, "--out", &out];
        words(&[&start[..], &CPU, more].concat())
    }

    /// Arguments that adapt a model to a recording.
    fn adapt(&self, model: &str, recording: &str, more: &[&str]) -> Vec<String> {
        let (model, recording, out) = (self.at(model), self.at(recording), self.at("new"));
        let start = ["adapt", &model, &recording, "--out", &out, "--force"];
        words(&[&start[..], &CPU, more].concat())
    }

    fn write(&self, name: &str, samples: Vec<f32>) {
        let clip = Clip::mono(samples, RATE as u32);
        nae_audio::write(&self.path(name), &clip, BitDepth::Float32).unwrap();
    }
}

const CPU: [&str; 2] = ["--device", "cpu"];

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|word| (*word).to_owned()).collect()
}

fn json<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Value {
    serde_json::from_str(&stdout(arguments)).unwrap()
}

fn load(path: &Path) -> Ensemble {
    Ensemble::load(path, &Device::flex()).unwrap()
}

/// The sound that the clip has, for so long.
fn tones(seconds: f64) -> Vec<f32> {
    let tone = |n: usize| {
        let t = n as f32 / RATE as f32 * std::f32::consts::TAU;
        0.2 * (t * 300.0).sin() * (t * 3.0).cos() + 0.1 * (t * 1100.0).sin()
    };
    (0..(seconds * RATE as f64) as usize).map(tone).collect()
}

/// Noise of every frequency.
fn noise(seconds: f64, gain: f32) -> Vec<f32> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        gain * (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
    };
    (0..(seconds * RATE as f64) as usize).map(next).collect()
}

#[test]
fn every_kind_of_model_goes_on_where_it_was() {
    let folder = Folder::new();
    for (kind, more) in [
        ("dense", &["--ensemble", "none"][..]),
        ("shallow", &["--set", "model.layers=2"]),
        ("nmf", &["--set", "model.kind=nmf"]),
        (
            "nmf l2",
            &["--set", "model.kind=nmf", "--set", "model.basis_norm=l2"],
        ),
        (
            "nmfd",
            &["--set", "model.kind=nmf", "--set", "model.span=3"],
        ),
        (
            "conv",
            &["--set", "model.layers=2", "--set", "model.span=3"],
        ),
        ("recurrent", &["--set", "model.cell=rnn"]),
        ("gated", &["--set", "model.cell=gru"]),
    ] {
        folder.parent("old", more);
        let short = [
            "train.max_steps=5",
            "train.nmf.updates=2",
            "train.window=5",
            "train.refine.passes=0",
        ];
        let short: Vec<&str> = short.iter().flat_map(|set| ["--set", *set]).collect();
        let new = folder.parent("new", &[more, &short].concat());
        let from = folder.from("old", "from", &[&short[..], &["--json"]].concat());
        let from = json(&from);
        let losses = [&from, &new].map(|report| report["loss"].as_f64().unwrap());
        assert!(losses[0] < 0.9 * losses[1], "{kind}: {losses:?}");
        let (old, now) = (load(&folder.path("old")), load(&folder.path("from")));
        let (old, now) = (old.first(), now.first());
        assert_eq!(
            old.metadata.architecture, now.metadata.architecture,
            "{kind}"
        );
        assert_eq!(old.metadata.name, now.metadata.name);
        let parents = &now.metadata.training.parents;
        assert_eq!(parents.len(), 1);
        assert_eq!(parents[0].fingerprint, old.fingerprint().unwrap());
        assert_eq!(parents[0].clips, old.metadata.training.clips);
        assert!(now.latent_cache.is_some(), "{kind}");
        std::fs::remove_file(folder.path("from")).unwrap();
    }
}

#[test]
fn all_members_of_an_ensemble_go_on_and_the_file_says_from_what() {
    let folder = Folder::new();
    folder.parent(
        "old",
        &[
            "--ensemble",
            "dense,shallow,nmf,conv,recurrent",
            "--name",
            "voice",
        ],
    );
    let first = json(&folder.from("old", "a", &["--json"]));
    assert_eq!(first["name"], "voice");
    assert_eq!(first["parents"].as_array().unwrap().len(), 1);
    let kinds = first["members"].as_array().unwrap().iter();
    let kinds: Vec<&str> = kinds
        .map(|member| member["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["dense", "shallow", "nmf", "conv", "recurrent"]);
    let second = json(&folder.from("a", "b", &["--json", "--name", "other", "--no-memory"]));
    assert_eq!(second["name"], "other");
    let (a, b) = (load(&folder.path("a")), load(&folder.path("b")));
    for (old, new) in a.members().iter().zip(b.members()) {
        assert_eq!(old.metadata.architecture, new.metadata.architecture);
        let parents = &new.metadata.training.parents;
        assert_eq!(parents.len(), 2);
        assert_eq!(parents[0].fingerprint, old.fingerprint().unwrap());
        assert_eq!(parents[1..], old.metadata.training.parents[..]);
        assert_ne!(parents[0].fingerprint, new.fingerprint().unwrap());
    }
    assert!(b.first().latent_cache.is_none());
    let said = stderr(&folder.from("a", "c", &[]));
    assert!(said.contains("training voice from voice"), "{said}");
}

#[test]
fn settings_of_training_are_the_users_and_those_of_the_model_its_own() {
    let folder = Folder::new();
    folder.parent("old", &["--ensemble", "none", "--name", "voice"]);
    let steps = |more: &[&str]| {
        let arguments = folder.from("old", "new", &[&["--force", "--json"], more].concat());
        json(&arguments)["steps"].as_u64().unwrap()
    };
    let without = ["--set", "train.refine.passes=0"];
    let default = steps(&without);
    assert!(default < 900, "fewer than a new model takes: {default}");
    let set = ["--set", "train.max_steps=70"];
    assert_eq!(steps(&[&without[..], &set].concat()), 70);
    // a file that says what is so anyway changes nothing
    let config = folder.at("settings.toml");
    std::fs::write(&config, stdout(&["settings"])).unwrap();
    assert_eq!(
        steps(&[&without[..], &["--config", &config]].concat()),
        default
    );
    std::fs::write(&config, "[train]\nmax_steps = 80").unwrap();
    assert_eq!(steps(&[&without[..], &["--config", &config]].concat()), 80);
    // what the model has may be said
    for same in [
        "model.rank=2",
        "audio.sample_rate=8000",
        "model.layers=4",
        "model.hidden=relu",
    ] {
        steps(&["--set", same]);
    }
    for (set, has) in [
        ("model.rank=3", "rank 2"),
        ("model.kind=nmf", "NAE with 4 layers"),
        ("model.layers=2", "4 layers"),
        ("model.span=3", "NAE with 4 layers"),
        ("model.cell=rnn", "NAE with 4 layers"),
        ("model.compression=1", "NAE with 4 layers"),
        ("audio.sample_rate=16000", "8000 Hz"),
        ("audio.hop=32", "every 16"),
        ("train.ensemble=[\"nmf\"]", "NAE with 4 layers"),
    ] {
        let text = failure(&folder.from("old", "refused", &["--set", set]));
        let key = set.split('=').next().unwrap();
        assert!(
            text.contains(&format!("`{key}`")) && text.contains(has),
            "{text}"
        );
        assert!(text.contains("Leave"), "{text}");
        assert!(!folder.path("refused").exists());
    }
    let text = failure(&folder.from("old", "refused", &["--ensemble", "nmf"]));
    assert!(text.contains("--ensemble"), "{text}");
}

#[test]
fn what_is_no_model_or_no_place_for_one_is_refused() {
    let folder = Folder::new();
    folder.parent("old", &["--ensemble", "none"]);
    std::fs::copy(golden("joint.safetensors"), folder.path("joint")).unwrap();
    std::fs::write(folder.path("text"), "no model").unwrap();
    for (parent, word) in [
        ("none", "none"),
        ("joint", "joint encoder"),
        ("text", "text"),
        ("clip.wav", "clip.wav"),
    ] {
        for arguments in [
            folder.from(parent, "new", &[]),
            folder.adapt(parent, "clip.wav", &[]),
        ] {
            let text = failure(&arguments);
            assert!(text.contains(word), "{parent}: {text}");
            assert!(!folder.path("new").exists());
        }
    }
    let before = std::fs::read(folder.path("old")).unwrap();
    let (clip, old) = (folder.at("clip.wav"), folder.at("old"));
    for arguments in [
        vec!["train", &clip, "--from", &old, "--out", &old, "--force"],
        vec!["adapt", &old, &clip, "--out", &old, "--force"],
        vec!["adapt", &old, &clip, "--out", &clip, "--force"],
        vec!["adapt", &old, &clip, "--out", &old],
        vec!["adapt", &old, "--out", "x"],
    ] {
        failure(&arguments);
        assert_eq!(std::fs::read(folder.path("old")).unwrap(), before);
    }
}

#[test]
fn a_model_adapts_to_the_ranges_that_are_given() {
    let folder = Folder::new();
    folder.parent("old", &["--name", "voice"]);
    folder.write("a.wav", [tones(2.0), noise(2.0, 0.5)].concat());
    let report = json(&folder.adapt("old", "a.wav", &["--where", "0.5-1,1.25-2", "--json"]));
    assert_eq!(report["name"], "voice");
    assert_eq!(report["members"].as_array().unwrap().len(), 2);
    let stretches = report["stretches"].as_array().unwrap();
    let times: Vec<[f64; 2]> = stretches
        .iter()
        .map(|s| ["from_seconds", "to_seconds"].map(|key| s[key].as_f64().unwrap()))
        .collect();
    assert_eq!(times, [[0.5, 1.0], [1.25, 2.0]]);
    let model = load(&folder.path("new"));
    let clips = &model.first().metadata.training.clips;
    assert_eq!(clips[1].name, "a.wav (1.25 to 2.00 s)");
    assert_eq!(clips[1].duration_s, 0.75);
    // of several recordings at another rate and with several channels, one by its name
    let stereo = Clip::new(vec![tones(3.0), tones(3.0)], 2 * RATE as u32).unwrap();
    nae_audio::write(&folder.path("b.wav"), &stereo, BitDepth::Float32).unwrap();
    let other = folder.at("b.wav");
    let more = [
        &other,
        "--where",
        "a.wav=0-1",
        "--where",
        "b.wav=0.5-",
        "--json",
    ];
    let report = json(&folder.adapt("old", "a.wav", &more));
    let stretches = report["stretches"].as_array().unwrap();
    assert_eq!(stretches[1]["to_seconds"], 1.5);
    assert_eq!(stretches.len(), 2);
}

#[test]
fn ranges_that_are_not_there_are_refused_with_what_to_try() {
    let folder = Folder::new();
    folder.parent("old", &["--ensemble", "none", "--name", "voice"]);
    folder.write("a.wav", [tones(2.0), vec![0.0; RATE]].concat());
    for (ranges, word) in [
        ("1-9", "3.00 s long"),
        ("3-4", "3.00 s long"),
        ("4-", "3.00 s long"),
        ("2-1", "try 1-2"),
        ("1-1", "is empty"),
        ("0-1,0.5-2", "overlap"),
        ("0-,1-2", "overlap"),
        ("2.2-2.9", "is silent"),
        ("0-0.2", "at least 0.5 s"),
        ("b.wav=0-1", "none of the recordings"),
        ("one-two", "such as 3.2-7.9"),
        ("", "such as 3.2-7.9"),
    ] {
        let text = failure(&folder.adapt("old", "a.wav", &["--where", ranges]));
        assert!(text.contains(word), "{ranges}: {text}");
        assert!(!folder.path("new").exists(), "{ranges}");
    }
    folder.write("empty.wav", Vec::new());
    folder.write("silent.wav", vec![0.0; 2 * RATE]);
    for (recording, more) in [
        ("empty.wav", &[][..]),
        ("empty.wav", &["--where", "0-1"]),
        ("silent.wav", &[]),
        ("silent.wav", &["--where", "0-1"]),
        ("missing.wav", &[]),
        ("old", &[]),
    ] {
        failure(&folder.adapt("old", recording, more));
        assert!(!folder.path("new").exists(), "{recording}");
    }
}

#[test]
fn stretches_where_the_source_sounds_alone_are_found_and_said() {
    let folder = Folder::new();
    folder.parent("old", &["--set", "model.kind=nmf", "--name", "voice"]);
    let both: Vec<f32> = tones(2.0)
        .iter()
        .zip(noise(2.0, 0.5))
        .map(|(a, b)| a + b)
        .collect();
    folder.write("a.wav", [noise(2.0, 0.5), tones(2.0), both].concat());
    let arguments = folder.adapt("old", "a.wav", &["--json"]);
    let report = json(&arguments);
    let stretches = report["stretches"].as_array().unwrap();
    assert!(!stretches.is_empty());
    for stretch in stretches {
        let [from, to] = ["from_seconds", "to_seconds"].map(|key| stretch[key].as_f64().unwrap());
        assert!(from > 1.7 && to < 4.3, "{stretch}");
        assert!(stretch["divergence"].as_f64().unwrap() >= 0.0);
    }
    let said = stderr(&arguments);
    assert!(said.contains("sounds like `voice` alone"), "{said}");
    folder.write("noise.wav", noise(4.0, 0.5));
    let text = failure(&folder.adapt("old", "noise.wav", &[]));
    assert!(text.contains("--where 3.2-7.9"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_stopped_adaptation_keeps_the_best_so_far() {
    let folder = Folder::new();
    folder.parent("old", &["--ensemble", "none", "--name", "voice"]);
    for arguments in [
        folder.from("old", "new", &[&["--force"][..], &ENDLESS].concat()),
        folder.adapt(
            "old",
            "clip.wav",
            &[&["--where", "0-1"][..], &ENDLESS].concat(),
        ),
    ] {
        let mut running = Background::start(&arguments);
        wait_until("its output is reserved", || {
            !unfinished(folder.root()).is_empty()
        });
        // the first window is over long before
        std::thread::sleep(std::time::Duration::from_secs(3));
        running.signal("INT");
        let (ended, said) = running.end(std::time::Duration::from_secs(20));
        assert_eq!(ended.code(), Some(130), "{said}");
        assert!(said.contains("the best model so far"), "{said}");
        assert!(load(&folder.path("new")).training().interrupted);
        assert!(unfinished(folder.root()).is_empty());
        std::fs::remove_file(folder.path("new")).unwrap();
    }
    assert_eq!(files(folder.root()).len(), 2);
}
