//! Names from untrusted files: none points outside the output folder, none controls the terminal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Output;

use common::small::{MOMENT, SMALL, clip, golden};
use common::{failure, nae, stdout};
use nae_testing::folders::files;
use serde_json::Value;

/// Names that no stem may have.
const BAD: [&str; 22] = [
    "../victim",
    "..",
    ".",
    "",
    " ",
    "/tmp/victim",
    "a/b",
    "a\\b",
    "..\\victim",
    "C:victim",
    ".hidden",
    "a\u{1b}[2Jx",
    "a\u{9b}31mx",
    "a\rb",
    "a\nb",
    "a\u{7f}",
    "a\u{0}b",
    "\u{202e}vaw.x",
    "NUL",
    "com1",
    "aux.left",
    "a,b",
];

/// A copy of a golden file whose metadata is changed.
fn with_metadata(file: &str, to: &Path, change: impl Fn(&mut Value)) {
    let bytes = std::fs::read(golden(file)).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header["__metadata__"]);
    let header = serde_json::to_vec(&header).unwrap();
    let parts = [
        &(header.len() as u64).to_le_bytes()[..],
        &header,
        &bytes[8 + length..],
    ];
    std::fs::write(to, parts.concat()).unwrap();
}

/// A joint file whose first source has this name.
fn joint_named(name: &str, to: &Path) {
    with_metadata("joint.safetensors", to, |metadata| {
        let mut sources: Value =
            serde_json::from_str(metadata["sources"].as_str().unwrap()).unwrap();
        sources[0]["name"] = name.into();
        metadata["sources"] = sources.to_string().into();
    });
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Nothing that was written may steer a terminal.
fn check_printable(output: &Output) -> String {
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        let is_shown = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
        assert!(text.chars().all(is_shown), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn source_names_in_joint_files_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("in");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("victim.wav"), "precious").unwrap();
    let (joint, out) = (inside.join("j.safetensors"), inside.join("stems"));
    let mixture = golden("mixture.wav");
    let separate = [
        "separate",
        &mixture,
        "--joint",
        text(&joint),
        "--out",
        text(&out),
    ];
    let long = "n".repeat(252);
    for name in BAD.into_iter().chain([long.as_str()]) {
        joint_named(name, &joint);
        let output = nae(&[&separate[..], &["--force", "--device", "cpu"]].concat());
        let said = check_printable(&output);
        assert_eq!(output.status.code(), Some(1), "{name:?}: {said}");
        assert!(
            said.contains("j.safetensors") && said.contains("cannot be the name"),
            "{said}"
        );
        assert!(said.len() < 600, "{said}");
        assert_eq!(
            std::fs::read(inside.join("victim.wav")).unwrap(),
            b"precious"
        );
        assert_eq!(files(folder.path()).len(), 2, "{name:?}");
        assert!(!out.exists(), "{name:?}");
    }
    // the longest name that fits, and one in another script
    for name in ["n".repeat(251).as_str(), "鳥"] {
        joint_named(name, &joint);
        stdout(&[&separate[..], &["--force", "--device", "cpu"]].concat());
        assert!(out.join(format!("{name}.wav")).exists());
    }
}

#[test]
fn names_in_model_files_lead_nowhere_and_another_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.safetensors");
    let out = folder.path().join("stems");
    let (mixture, other) = (golden("mixture.wav"), golden("high.safetensors"));
    let separate = |first: &str| -> Vec<String> {
        let words = ["separate", &mixture, "--out", text(&out), "--device", "cpu"];
        let models = ["--model", first, "--model", &other];
        let quick = ["--set", "separate.max_steps=10", "--force"];
        let all = [&words[..], &models, &quick].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    for name in BAD {
        with_metadata("low.safetensors", &model, |metadata| {
            metadata["name"] = name.into();
        });
        let output = nae(&separate(text(&model)));
        let said = check_printable(&output);
        assert_eq!(output.status.code(), Some(1), "{name:?}");
        assert!(
            said.contains("m.safetensors") && said.contains("NAME="),
            "{said}"
        );
        assert!(!out.exists());
    }
    stdout(&separate(&format!("low={}", text(&model))));
    assert!(out.join("low.wav").exists());
}

#[test]
fn names_on_the_command_line_are_checked_alike() {
    let folder = tempfile::tempdir().unwrap();
    let sound = clip(&folder.path().join("clip.wav"));
    let out = folder.path().join("stems");
    let (mixture, low, high) = (
        golden("mixture.wav"),
        golden("low.safetensors"),
        golden("high.safetensors"),
    );
    // a program cannot be given a zero
    for name in BAD.into_iter().filter(|name| !name.contains('\0')) {
        let named = format!("{name}={low}");
        let separate = ["separate", &mixture, "--out", text(&out), "--force"];
        let output = nae(&[&separate[..], &["--model", &named, "--model", &high]].concat());
        let said = check_printable(&output);
        assert_eq!(output.status.code(), Some(1), "{name:?}: {said}");
        assert!(!out.exists());
        let model = folder.path().join("m");
        let train = ["train", text(&sound), "--out", text(&model), "--name", name];
        let said = check_printable(&nae(&[&train[..], &SMALL, &MOMENT].concat()));
        assert!(said.contains("cannot be the name"), "{said}");
    }
    assert_eq!(files(folder.path()).len(), 1);
}

#[cfg(unix)]
#[test]
fn paths_in_messages_and_tables_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let odd = |name: &str| -> PathBuf { folder.path().join(format!("a\u{1b}[2J{name}")) };
    let sound = clip(&odd("clip.wav"));
    let missing = odd("missing.wav");
    let model = golden("low.safetensors");
    for arguments in [
        vec!["train", text(&missing), "--out", "m.safetensors"],
        vec!["separate", text(&missing), "--out", "s", "--model", &model],
        vec![
            "separate",
            text(&sound),
            "--out",
            "s",
            "--model",
            text(&missing),
        ],
        vec![
            "separate",
            text(&sound),
            "--out",
            "s",
            "--joint",
            text(&sound),
        ],
        vec!["settings", "--config", text(&sound)],
        vec!["sweep", "status", text(&missing)],
        vec!["sweep", "plan", text(&sound), "--out", "r"],
    ] {
        let output = nae(&arguments);
        let said = check_printable(&output);
        assert!(!output.status.success());
        assert!(said.contains("\\u{1b}[2J"), "{arguments:?}: {said}");
    }
    // a table, JSON, and what is logged while it works
    let references = ["--reference", text(&sound), "--estimate", text(&sound)];
    for more in [&[][..], &["--json"], &["--explain"]] {
        check_printable(&nae(&[&["evaluate"], &references[..], more].concat()));
    }
    let model = odd("model.safetensors");
    let train = [
        "train",
        text(&sound),
        "--out",
        text(&model),
        "--name",
        "x",
        "--json",
    ];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_nae"))
        .args([&train[..], &SMALL, &MOMENT, &["-vv"]].concat())
        .output()
        .unwrap();
    check_printable(&output);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["model"].as_str().unwrap(), text(&model));
}

#[test]
fn what_the_parser_says_of_arguments_is_escaped() {
    for arguments in [
        vec!["tra\u{1b}[2Jin"],
        vec!["train", "clip.wav", "--wr\u{1b}]0;ong"],
        vec!["train", "clip.wav", "--out", "m", "--seed", "\u{9b}31m"],
        vec!["separate", "a.wav", "b\u{202e}.wav", "--out", "s"],
        vec!["completions", "ba\u{7}sh"],
    ] {
        let output = nae(&arguments);
        let said = check_printable(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("\\u{"), "{arguments:?}: {said}");
        assert!(said.contains("--help"), "{arguments:?}: {said}");
    }
    // as before
    assert!(stdout(&["--help"]).contains("Usage"));
    assert_eq!(nae(&["train"]).status.code(), Some(2));
}

#[test]
fn names_in_experiments_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let sound = clip(&folder.path().join("clip.wav"));
    let experiment = folder.path().join("e.toml");
    for name in ["../victim", "a\\u001b[2J", "NUL", "a/b"] {
        let text = format!(
            "[[system]]\nname = \"s\"\n[data.sources.\"{name}\"]\ntrain = [{sound:?}]\ntest = [{sound:?}]\n[data.sources.b]\ntrain = [{sound:?}]\ntest = [{sound:?}]\n"
        );
        std::fs::write(&experiment, text).unwrap();
        let run = folder.path().join("run");
        let plan = [
            "sweep",
            "plan",
            self::text(&experiment),
            "--out",
            self::text(&run),
        ];
        let said = failure(&plan);
        assert!(said.contains("cannot be the name"), "{said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}
