//! Joint encoders against a bank of sounds, through the command line.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod common;

use std::path::Path;

use common::folder::Folder;
use common::small::{MOMENT, SMALL, golden};
use common::{failure, stderr, stdout};
use nae_audio::{BitDepth, Clip};
use serde_json::Value;

/// Settings of a joint encoder that is trained in a moment.
const QUICK: [&str; 8] = [
    "--set",
    "joint.width=16",
    "--set",
    "joint.steps=20",
    "--set",
    "joint.frames=40",
    "--device",
    "cpu",
];

/// A second and a half of a tone with noise at 8 kHz.
fn tone(path: &Path, hertz: f32) {
    let mut state = hertz as u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / u32::MAX as f32 - 0.5
    };
    let sample = |n: usize| {
        let t = n as f32 / 8000.0 * std::f32::consts::TAU;
        0.2 * (t * hertz).sin() * (t * 2.0).cos() + 0.1 * noise()
    };
    let clip = Clip::mono((0..12_000).map(sample).collect(), 8000);
    nae_audio::write(path, &clip, BitDepth::Float32).unwrap();
}

/// A folder with a model of two members of its clip, a folder `bank` of three tones, and a stereo mixture
/// of the clip and a tone that is not among them.
fn folder() -> Folder {
    let folder = Folder::new();
    let (clip, model) = (folder.at("clip.wav"), folder.at("voice.safetensors"));
    let train = ["train", &clip, "--out", &model, "--ensemble", "dense,nmf"];
    stdout(&[&train[..], &SMALL, &MOMENT].concat());
    std::fs::create_dir_all(folder.path("bank/more")).unwrap();
    for (name, hertz) in [
        ("a", 400.0),
        ("b", 900.0),
        ("more/c", 1700.0),
        ("../other", 2500.0),
    ] {
        tone(&folder.path(&format!("bank/{name}.wav")), hertz);
    }
    let read = |name: &str| nae_audio::read(&folder.path(name)).unwrap().mixdown();
    let voice = read("clip.wav").into_iter().cycle();
    let left: Vec<f32> = voice.zip(read("other.wav")).map(|(a, b)| a + b).collect();
    let right = left.iter().map(|x| 0.5 * x).collect();
    let mixture = Clip::new(vec![left, right], 8000).unwrap();
    nae_audio::write(&folder.path("mix.wav"), &mixture, BitDepth::Float32).unwrap();
    folder
}

/// Arguments that join the folder's model.
fn join(folder: &Folder, more: &[&str]) -> Vec<String> {
    let (model, out) = (
        folder.at("voice.safetensors"),
        folder.at("joint.safetensors"),
    );
    let start = ["join", "--model", &model, "--out", &out];
    let all = [&start[..], &QUICK, more].concat();
    all.into_iter().map(str::to_owned).collect()
}

/// What joining against the given places reports.
fn joined(folder: &Folder, places: &[&str], more: &[&str]) -> Value {
    let places = places.iter().flat_map(|place| ["--against", place]);
    let more: Vec<&str> = places.chain(more.iter().copied()).collect();
    let more = [&more[..], &["--force", "--json"]].concat();
    serde_json::from_str(&stdout(&join(folder, &more))).unwrap()
}

/// What joining against the given places fails with.
fn refused(folder: &Folder, places: &[&str], more: &[&str]) -> String {
    let places = places.iter().flat_map(|place| ["--against", place]);
    let more: Vec<&str> = places.chain(more.iter().copied()).collect();
    let message = failure(&join(folder, &more));
    assert!(!folder.path("joint.safetensors").exists(), "{message}");
    message
}

fn count(report: &Value, key: &str) -> usize {
    report["against"][key].as_array().unwrap().len()
}

/// Separates the mixture; the summary, after checks of the stems.
fn separated(folder: &Folder, more: &[&str]) -> Value {
    let (mixture, out) = (folder.at("mix.wav"), folder.at("stems"));
    let joint = folder.at("joint.safetensors");
    let start = ["separate", &mixture, "--joint", &joint, "--out", &out];
    let end = ["--force", "--json", "--device", "cpu"];
    let few = ["--set", "separate.unknown.updates=20"];
    let summary = stdout(&[&start[..], more, &few, &end].concat());
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert!(summary["null_db"].as_f64().unwrap() < -100.0);
    for stem in summary["stems"].as_array().unwrap() {
        let stem = nae_audio::read(Path::new(stem.as_str().unwrap())).unwrap();
        assert_eq!((stem.channel_count(), stem.samples()), (2, 12_000));
    }
    summary
}

#[test]
fn one_voice_is_joined_against_a_folder_and_separated_from_another_noise() {
    let folder = folder();
    let bank = folder.at("bank");
    let report = joined(&folder, &[&bank], &[]);
    assert_eq!(report["sources"], serde_json::json!(["voice", "noise"]));
    assert_eq!(
        (count(&report, "sounds"), count(&report, "left_out")),
        (3, 0)
    );
    // the joint file is all that is needed
    std::fs::remove_dir_all(&bank).unwrap();
    std::fs::rename(
        folder.path("voice.safetensors"),
        folder.path("v.safetensors"),
    )
    .unwrap();
    let one = separated(&folder, &["--one-pass"]);
    assert_eq!(one["steps"], 0);
    let mean = separated(&folder, &[]);
    // both of the voice's models take part beside what is learnt
    assert_eq!(mean["steps"], 40);
    for summary in [one, mean] {
        let names = summary["stems"].as_array().unwrap().iter();
        let names = names.map(|path| Path::new(path.as_str().unwrap()).file_name().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["voice.wav", "noise.wav"]);
    }
    let voice = folder.at("v.safetensors");
    separated(&folder, &["--one-pass", "--model", &voice]);
    let kept = folder.at("kept.safetensors");
    let unknown = ["--unknown", "noise:rank=5", "--keep-unknown", &kept];
    separated(&folder, &unknown);
    assert!(folder.path("kept.safetensors").exists());

    let separate = |more: &[&str]| {
        let (mixture, out) = (folder.at("mix.wav"), folder.at("else"));
        let joint = folder.at("joint.safetensors");
        let start = ["separate", &mixture, "--joint", &joint, "--out", &out];
        [&start[..], more].concat().join("\n")
    };
    let fails = |more: &[&str]| failure(&separate(more).split('\n').collect::<Vec<_>>());
    let message = fails(&["--unknown", "rain"]);
    assert!(
        message.contains("expected `--unknown noise`, once"),
        "{message}"
    );
    let message = fails(&["--unknown", "noise", "--unknown", "noise"]);
    assert!(
        message.contains("two sources are called `noise`"),
        "{message}"
    );
    let message = fails(&["--unknown", "noise", "--one-pass"]);
    assert!(message.contains("cannot be used with"), "{message}");
    assert!(!folder.path("else").exists());
}

#[test]
fn a_mixture_that_teaches_nothing_is_left_to_the_joint_encoder() {
    let folder = folder();
    joined(&folder, &[&folder.at("bank")], &[]);
    let clip = Clip::mono(vec![0.1; 2000], 8000);
    nae_audio::write(&folder.path("mix.wav"), &clip, BitDepth::Float32).unwrap();
    let (mixture, out) = (folder.at("mix.wav"), folder.at("stems"));
    let joint = folder.at("joint.safetensors");
    let separate = ["separate", &mixture, "--joint", &joint, "--out", &out];
    let said = stderr(&separate);
    assert!(
        said.contains("too short to learn") && said.contains("alone"),
        "{said}"
    );
    // but not if it was asked for
    let message = failure(&[&separate[..], &["--force", "--unknown", "noise"]].concat());
    assert!(message.contains("too short to learn"), "{message}");
}

#[test]
fn banks_of_clips_models_and_bases_are_mixed() {
    let folder = folder();
    let models = folder.path("bank/models");
    std::fs::create_dir(&models).unwrap();
    for name in ["a", "b"] {
        let (clip, out) = (
            folder.at(&format!("bank/{name}.wav")),
            folder.at(&format!("bank/models/{name}.safetensors")),
        );
        // of other audio settings
        let rate = ["--set", "audio.sample_rate=4000"];
        stdout(&[&["train", &clip, "--out", &out], &SMALL[..], &MOMENT, &rate].concat());
    }
    let bank = folder.at("bank");
    let report = joined(
        &folder,
        &[&bank, "universal:noise"],
        &["--against-name", "rest"],
    );
    assert_eq!(report["sources"], serde_json::json!(["voice", "rest"]));
    let sounds = report["against"]["sounds"].as_array().unwrap();
    let of = |origin: &str| {
        sounds
            .iter()
            .filter(|sound| sound["origin"] == origin)
            .count()
    };
    assert_eq!((of("clip"), of("memory"), of("bases")), (3, 2, 12));
}

#[test]
fn what_a_bank_cannot_use_is_named_and_left_out() {
    let folder = folder();
    let bank = folder.at("bank");
    // the voice itself, as a clip, as its model, and as another model of the clip
    std::fs::copy(folder.path("clip.wav"), folder.path("bank/self.wav")).unwrap();
    std::fs::copy(
        folder.path("voice.safetensors"),
        folder.path("bank/v.safetensors"),
    )
    .unwrap();
    let (clip, other) = (folder.at("clip.wav"), folder.at("bank/w.safetensors"));
    stdout(
        &[
            &["train", &clip, "--out", &other],
            &SMALL[..],
            &["--seed", "3"],
            &MOMENT,
        ]
        .concat(),
    );
    // no sound, no model
    std::fs::write(folder.path("bank/broken.wav"), b"RIFF").unwrap();
    std::fs::write(folder.path("bank/broken.safetensors"), b"none").unwrap();
    std::fs::write(folder.path("bank/notes.txt"), b"none").unwrap();
    std::fs::copy(
        golden("joint.safetensors"),
        folder.path("bank/j.safetensors"),
    )
    .unwrap();
    let write = |name: &str, samples: Vec<f32>| {
        let clip = Clip::mono(samples, 8000);
        nae_audio::write(&folder.path(name), &clip, BitDepth::Float32).unwrap();
    };
    write("bank/silent.wav", vec![0.0; 8000]);
    write("bank/short.wav", vec![0.1; 20]);
    let deep = folder.at("bank/deep.safetensors");
    let deep = [
        "train",
        &folder.at("bank/a.wav"),
        "--out",
        &deep,
        "--no-memory",
    ];
    stdout(&[&deep[..], &SMALL, &MOMENT, &["--ensemble", "none"]].concat());

    let report = joined(&folder, &[&bank], &[]);
    assert_eq!(count(&report, "sounds"), 3, "{report}");
    let left_out = report["against"]["left_out"].as_array().unwrap();
    let reason = |name: &str| {
        let mut all = left_out.iter();
        let found = all.find(|one| one["from"].as_str().unwrap().ends_with(name));
        found.unwrap()["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(left_out.len(), 9, "{left_out:?}");
    assert!(reason("self.wav").contains("training clip of `voice`"));
    assert!(reason("/v.safetensors").contains("the model of `voice`"));
    assert!(reason("/w.safetensors").contains("trained on a clip of `voice`"));
    assert!(reason("broken.wav").contains("broken.wav"));
    assert!(reason("broken.safetensors").contains("not a safetensors file"));
    assert!(reason("j.safetensors").contains("joint encoder"));
    assert!(reason("silent.wav").contains("silent"));
    assert!(reason("short.wav").contains("shorter than a frame"));
    assert!(reason("deep.safetensors").contains("no latent cache"));
    let said = stderr(&join(&folder, &["--against", &bank, "--force"]));
    assert!(said.contains("broken.wav is left out"), "{said}");

    // a file that is named itself must give something
    std::fs::remove_file(folder.path("joint.safetensors")).unwrap();
    for name in [
        "self.wav",
        "broken.wav",
        "silent.wav",
        "deep.safetensors",
        "none.wav",
    ] {
        let file = folder.at(&format!("bank/{name}"));
        let message = refused(&folder, &[&bank, &file], &[]);
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn banks_that_teach_nothing_are_refused_or_warned_of() {
    let folder = folder();
    std::fs::create_dir(folder.path("empty")).unwrap();
    std::fs::create_dir(folder.path("own")).unwrap();
    std::fs::copy(folder.path("clip.wav"), folder.path("own/clip.wav")).unwrap();
    let (empty, own, bank) = (folder.at("empty"), folder.at("own"), folder.at("bank"));
    let message = refused(&folder, &[&empty], &[]);
    assert!(
        message.contains("nothing to train against in the folder"),
        "{message}"
    );
    let message = refused(&folder, &[&own], &[]);
    assert!(
        message.contains("nothing is left to train against"),
        "{message}"
    );
    let message = refused(&folder, &["universal:rain"], &[]);
    assert!(message.contains("there is no universal:rain"), "{message}");
    for name in ["voice", "a/b"] {
        let message = refused(&folder, &[&bank], &["--against-name", name]);
        assert!(message.contains(name), "{message}");
    }
    let message = refused(&folder, &[], &[]);
    assert!(message.contains("--against FOLDER"), "{message}");
    let message = refused(&folder, &[], &["--against-name", "rest"]);
    assert!(message.contains("--against"), "{message}");
    let one = folder.at("bank/a.wav");
    let said = stderr(&join(&folder, &["--against", &one]));
    assert!(said.contains("one sound to train against"), "{said}");
    // the file is not written over without being asked to
    assert!(failure(&join(&folder, &["--against", &bank])).contains("--force"));
    // and no sound of the bank ever is
    let out = folder.at("bank/a.wav");
    let model = folder.at("voice.safetensors");
    let over = [
        "join",
        "--model",
        &model,
        "--against",
        &bank,
        "--out",
        &out,
        "--force",
    ];
    let before = std::fs::read(&out).unwrap();
    failure(&over);
    assert!(std::fs::read(&out).unwrap() == before);
}

#[test]
fn several_known_sources_stand_against_a_bank() {
    let folder = folder();
    let (clip, second) = (folder.at("other.wav"), folder.at("fan.safetensors"));
    stdout(&[&["train", &clip, "--out", &second], &SMALL[..], &MOMENT].concat());
    let report = joined(&folder, &[&folder.at("bank")], &["--model", &second]);
    assert_eq!(
        report["sources"],
        serde_json::json!(["voice", "fan", "noise"])
    );
    let summary = separated(&folder, &[]);
    assert_eq!(summary["stems"].as_array().unwrap().len(), 3);
    assert_eq!(separated(&folder, &["--one-pass"])["steps"], 0);
}

#[test]
fn joint_files_without_a_bank_take_no_unknown_source() {
    let folder = folder();
    let (mixture, out) = (folder.at("mix.wav"), folder.at("stems"));
    let joint = golden("joint.safetensors");
    let separate = ["separate", &mixture, "--joint", &joint, "--out", &out];
    let message = failure(&[&separate[..], &["--unknown", "noise"]].concat());
    assert!(message.contains("not trained against a bank"), "{message}");
    // for them there is no other way than one pass
    stdout(&[&separate[..], &["--one-pass"]].concat());
}
