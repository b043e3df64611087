//! Outputs: checked before any work, different from inputs and from each other, written as a whole
//! or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::Path;
use std::process::Command;

use common::background::{Background, unfinished, wait_until};
use common::folder::Folder;
use common::small::{ENDLESS, MOMENT, SMALL, golden};
#[cfg(unix)]
use common::with_little_space;
use common::{failure, stdout};
use nae_audio::{BitDepth, Clip};

/// Arguments that train on the folder's clip.
fn train(folder: &Folder, steps: &[&str], more: &[&str]) -> Vec<String> {
    let clip = folder.at("clip.wav");
    let arguments = [&["train", &clip][..], &SMALL, steps, more].concat();
    arguments.into_iter().map(str::to_owned).collect()
}

/// Arguments that separate the golden mixture with the golden models.
fn separate(mixture: &str, out: &str, more: &[&str]) -> Vec<String> {
    let (low, high) = (golden("low.safetensors"), golden("high.safetensors"));
    let quick = ["--set", "separate.max_steps=20", "--device", "cpu"];
    let arguments = [
        &["separate", mixture, "--out", out][..],
        &["--model", &low, "--model", &high],
        &quick,
        more,
    ];
    arguments.concat().into_iter().map(str::to_owned).collect()
}

#[test]
fn what_cannot_be_written_is_refused_before_any_work() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("taken")).unwrap();
    let (model, long) = (folder.at("new/m.safetensors"), "n".repeat(252));
    let log = |path: &str| {
        vec![
            "--out".to_owned(),
            model.clone(),
            "--log".to_owned(),
            path.to_owned(),
        ]
    };
    let out = |path: &str| vec!["--out".to_owned(), folder.at(path)];
    for (more, word) in [
        (out("taken"), "is a folder"),
        (out("taken/"), "add the file's name"),
        (out("new/"), "add the file's name"),
        (out("new/."), "add the file's name"),
        (out("clip.wav/m"), "clip.wav"),
        (out(&format!("{long}.safetensors")), "shorter"),
        (log(&folder.at("no/log")), "does not exist"),
        (log(&folder.at("taken")), "is a folder"),
        (log(&folder.at(&long.repeat(2))), "shorter"),
        (log("/dev/null"), "/dev/null"),
        (log(&model), "is the same file as the output"),
        (
            log(&folder.at("new/../new/m.safetensors")),
            "is the same file as the output",
        ),
    ] {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        // work without end: whoever finds the fault only after it never returns
        let more = [&more[..], &["--force", "--name", "x"]].concat();
        let text = failure(&train(&folder, &ENDLESS, &more));
        assert!(text.contains(word), "{more:?}: {text}");
        assert_eq!(folder.names(), ["clip.wav"], "{more:?}");
        assert!(!folder.path("new").exists(), "{more:?}");
    }
}

#[test]
fn joining_and_pretraining_prove_their_outputs_first() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("taken")).unwrap();
    let models = ["low.safetensors", "high.safetensors"].map(golden);
    let models = ["--model", &models[0], "--model", &models[1]];
    for command in ["join", "pretrain"] {
        for (out, word) in [
            ("taken", "is a folder"),
            ("new/", "add the file's name"),
            ("clip.wav/j", "clip.wav"),
        ] {
            let out = folder.at(out);
            let endless = ["--set", "joint.steps=1000000", "--out", &out, "--force"];
            let text = failure(&[&[command], &models[..], &endless].concat());
            assert!(text.contains(word), "{text}");
        }
    }
    assert_eq!(folder.names(), ["clip.wav"]);
}

#[test]
fn an_input_is_never_written_over() {
    let folder = Folder::new();
    let precious = std::fs::read(folder.path("clip.wav")).unwrap();
    std::fs::create_dir(folder.path("x")).unwrap();
    std::fs::hard_link(folder.path("clip.wav"), folder.path("x/hard")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../clip.wav", folder.path("x/soft")).unwrap();
    let mut same = vec!["clip.wav", "x/../clip.wav", "x/hard"];
    if cfg!(unix) {
        same.push("x/soft");
    }
    let (model, settings) = (folder.at("x/m"), folder.at("settings.toml"));
    std::fs::write(&settings, "[model]\nrank = 3\n").unwrap();
    for path in &same {
        let path = folder.at(path);
        for more in [
            &["--out", &path, "--force", "--name", "x"][..],
            &["--out", &model, "--log", &path, "--force", "--name", "x"],
        ] {
            let text = failure(&train(&folder, &ENDLESS, more));
            assert!(text.contains("is the same file as the input"), "{text}");
        }
    }
    let more = ["--out", &settings, "--config", &settings, "--force"];
    let text = failure(&train(&folder, &ENDLESS, &more));
    assert!(text.contains("settings.toml: is the same file"), "{text}");
    // a folder of clips is made of inputs too
    let arguments = ["train", folder.root().to_str().unwrap(), "--force"];
    let out = ["--out", &folder.at("clip.wav"), "--name", "x"];
    failure(&[&arguments[..], &out, &SMALL, &ENDLESS].concat());
    assert_eq!(std::fs::read(folder.path("clip.wav")).unwrap(), precious);
    assert_eq!(
        std::fs::read_to_string(&settings).unwrap(),
        "[model]\nrank = 3\n"
    );
}

#[test]
fn neither_mixture_nor_models_nor_joint_file_are_written_over() {
    let folder = Folder::new();
    let copy = |from: &str, to: &str| {
        std::fs::copy(golden(from), folder.path(to)).unwrap();
        folder.at(to)
    };
    let mixture = copy("mixture.wav", "low.wav");
    let out = folder.root().to_str().unwrap();
    let text = failure(&separate(&mixture, out, &["--force"]));
    assert!(
        text.contains("low.wav: is the same file as the input"),
        "{text}"
    );

    let (model, start) = (copy("low.safetensors", "m"), copy("start.safetensors", "s"));
    let joint = copy("joint.safetensors", "high.wav");
    let named = format!("low={model}");
    let models = ["--model", &named, "--model", &golden("high.safetensors")];
    for (command, more) in [
        ("join", &["--out", &model, "--force"][..]),
        ("join", &["--out", &start, "--start", &start, "--force"]),
        ("pretrain", &["--out", &model, "--force"]),
    ] {
        let text = failure(&[&[command], &models[..], more].concat());
        assert!(text.contains("is the same file as the input"), "{text}");
    }
    let mixture = golden("mixture.wav");
    let by_joint = [
        "separate", &mixture, "--joint", &joint, "--out", out, "--force",
    ];
    let text = failure(&by_joint);
    assert!(
        text.contains("high.wav: is the same file as the input"),
        "{text}"
    );
    for (from, to) in [
        ("mixture.wav", "low.wav"),
        ("low.safetensors", "m"),
        ("start.safetensors", "s"),
        ("joint.safetensors", "high.wav"),
    ] {
        let (whole, kept) = (std::fs::read(golden(from)), std::fs::read(folder.path(to)));
        assert_eq!(whole.unwrap(), kept.unwrap(), "{from}");
    }
}

#[test]
fn a_second_run_with_the_same_output_is_refused() {
    let folder = Folder::new();
    let model = folder.at("m.safetensors");
    let mut first = Background::start(&train(&folder, &ENDLESS, &["--out", &model]));
    wait_until("the first run has begun", || {
        !unfinished(folder.root()).is_empty()
    });
    // the trial file goes, the lock stays
    wait_until("its output is reserved", || {
        let left = unfinished(folder.root());
        left.len() == 1 && left[0].extension().is_some_and(|ending| ending == "lock")
    });
    for force in [&[][..], &["--force"]] {
        let more = [&["--out", &model], force].concat();
        let text = failure(&train(&folder, &MOMENT, &more));
        assert!(text.contains("another run"), "{text}");
    }
    assert!(first.is_running());
    drop(first);
    // killed, it holds nothing any more
    stdout(&train(&folder, &MOMENT, &["--out", &model]));
    assert_eq!(folder.names(), ["clip.wav", "m.safetensors"]);
}

#[cfg(unix)]
#[test]
fn a_log_that_cannot_be_written_does_not_cost_the_model() {
    let folder = Folder::new();
    let (model, log) = (folder.at("m.safetensors"), folder.at("log.jsonl"));
    let steps = [
        "--set",
        "train.max_steps=3000",
        "--set",
        "train.window=1",
        "--no-memory",
    ];
    let more = [&["--set", "train.tolerance=0", "--out", &model, "--log", &log][..]].concat();
    let output = with_little_space(64, &train(&folder, &steps, &more));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("m.safetensors was written") && text.contains("log.jsonl"),
        "{text}"
    );
    assert_eq!(folder.names(), ["clip.wav", "m.safetensors"]);
    // no room for a log at all is found before the training
    let more = ["--out", &folder.at("n"), "--log", &folder.at("n.jsonl")];
    let output = with_little_space(4, &train(&folder, &ENDLESS, &more));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(folder.names(), ["clip.wav", "m.safetensors"]);
}

#[cfg(unix)]
#[test]
fn stems_without_room_leave_nothing_behind() {
    let folder = Folder::new();
    let out = folder.at("new/stems");
    for bits in ["32", "16"] {
        let arguments = separate(&golden("mixture.wav"), &out, &["--bits", bits]);
        // enough for the trial, and not for the samples
        let output = with_little_space(9, &arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert_eq!(folder.names(), ["clip.wav"]);
        assert!(!folder.path("new").exists());
    }
}

#[test]
fn an_empty_folder_of_a_failed_run_goes_away_and_one_that_was_there_stays() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("there")).unwrap();
    let silence = Clip::mono(vec![0.0; 8000], 8000);
    nae_audio::write(&folder.path("silence.wav"), &silence, BitDepth::Float32).unwrap();
    for out in ["there/a/b", "new/a"] {
        let out = folder.at(&format!("{out}/m"));
        let silence = folder.at("silence.wav");
        let text = failure(&[&["train", &silence, "--out", &out][..], &SMALL].concat());
        assert!(text.contains("silent"), "{text}");
    }
    assert!(folder.path("there").exists() && !folder.path("there/a").exists());
    assert!(!folder.path("new").exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let folder = Folder::new();
    let out = folder.at("stems");
    let small = ["width=8", "blocks=1", "steps=5", "mixtures=2", "frames=40"];
    let mut arguments = separate(&golden("mixture.wav"), &out, &["--join"]);
    arguments.extend(
        small
            .iter()
            .flat_map(|set| ["--set".into(), format!("joint.{set}")]),
    );
    let output = Command::new(env!("CARGO_BIN_EXE_nae"))
        .args(&arguments)
        // a file where the folder should be
        .env("XDG_CACHE_HOME", folder.path("clip.wav"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    let warning = text.find("is not kept").expect(&text);
    assert!(
        warning < text.find("training a joint encoder").unwrap(),
        "{text}"
    );
    assert!(Path::new(&out).join("low.wav").exists());
}

#[test]
fn stems_are_not_reserved_longer_than_they_are_written() {
    let folder = Folder::new();
    let out = folder.at("stems");
    let mixture = golden("mixture.wav");
    stdout(&separate(&mixture, &out, &[]));
    assert!(failure(&separate(&mixture, &out, &[])).contains("--force"));
    stdout(&separate(&mixture, &out, &["--force"]));
    assert_eq!(
        folder.names(),
        ["clip.wav", "stems/high.wav", "stems/low.wav"]
    );
}
