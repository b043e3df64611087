//! Signals, and terminals that go away: nothing finished is lost, nothing unfinished stays, and the
//! exit status says what happened.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::background::{Background, unfinished, wait_until};
use common::small::{ENDLESS, MOMENT, SMALL, clip, golden, hours};
use common::{nae, stdout};
use nae_testing::folders::files;

/// A stop "soon", on a busy machine.
const SOON: Duration = Duration::from_secs(10);

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Separates hours by a joint file, or by optimised activations.
fn separate(folder: &Path, is_joint: bool) -> Background {
    let (hours, out) = (hours(&folder.join("hours.wav")), folder.join("new/stems"));
    let (joint, low, high) = (
        golden("joint.safetensors"),
        golden("low.safetensors"),
        golden("high.safetensors"),
    );
    let method = match is_joint {
        true => vec!["--joint", &joint],
        false => vec!["--model", &low, "--model", &high],
    };
    let arguments = [
        "separate",
        text(&hours),
        "--out",
        text(&out),
        "--device",
        "cpu",
    ];
    let running = Background::start(&[&arguments[..], &method].concat());
    let has_begun = || {
        let parts = unfinished(&out).into_iter();
        let parts = parts.filter(|path| path.extension().is_some_and(|ending| ending == "part"));
        parts.count() == 2
    };
    wait_until("the stems are begun", has_begun);
    running
}

#[test]
fn a_separation_stops_at_the_first_signal_and_leaves_nothing() {
    for is_joint in [true, false] {
        for (signal, status, word) in [
            ("INT", 130, "Ctrl-C"),
            ("TERM", 143, "SIGTERM"),
            ("HUP", 129, "SIGHUP"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut running = separate(folder.path(), is_joint);
            running.signal(signal);
            let (ended, said) = running.end(SOON);
            assert_eq!(ended.code(), Some(status), "{said}");
            assert!(
                said.contains(word) && said.contains("no stem was written"),
                "{said}"
            );
            assert_eq!(files(folder.path()).len(), 1);
            assert!(!folder.path().join("new").exists());
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (first, second, statuses) in [("INT", "INT", [130, 130]), ("TERM", "INT", [143, 130])] {
        let mut running = separate(folder.path(), false);
        running.signal(first);
        running.signal(second);
        // it may have stopped by itself between the two
        let (ended, _) = running.end(SOON);
        assert!(statuses.contains(&ended.code().unwrap()), "{ended}");
        assert_eq!(files(folder.path()).len(), 1);
        assert!(!folder.path().join("new").exists());
    }
}

#[test]
fn what_a_killed_run_left_goes_with_the_next_and_what_a_living_one_works_on_stays() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/stems");
    let mut killed = separate(folder.path(), true);
    killed.signal("KILL");
    killed.end(SOON);
    assert!(!unfinished(&out).is_empty());
    // another run into the same folder, while one is living
    let joint = golden("joint.safetensors");
    let mixture = golden("mixture.wav");
    let quick = ["separate", &mixture, "--out", text(&out), "--joint", &joint];
    stdout(&[&quick[..], &["--device", "cpu"]].concat());
    let names: Vec<String> = files(&out)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["high.wav", "low.wav"]);

    let model = out.join("m.safetensors");
    let sound = clip(&folder.path().join("clip.wav"));
    let train = ["train", text(&sound), "--out", text(&model)];
    let mut living = Background::start(&[&train[..], &SMALL, &ENDLESS].concat());
    wait_until("its output is reserved", || !unfinished(&out).is_empty());
    stdout(&[&quick[..], &["--device", "cpu", "--force"]].concat());
    assert_eq!(
        unfinished(&out).len(),
        1,
        "the reservation of the living run"
    );
    assert!(living.is_running());
}

#[test]
fn a_stopped_training_keeps_the_best_so_far_and_says_so_by_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let sound = clip(&folder.path().join("clip.wav"));
    let (low, high) = (golden("low.safetensors"), golden("high.safetensors"));
    let train = ["train", text(&sound)];
    let train = [&train[..], &SMALL, &ENDLESS].concat();
    let models = ["--model", &low, "--model", &high];
    let small = [
        "--set",
        "joint.width=8",
        "--set",
        "joint.blocks=1",
        "--set",
        "joint.mixtures=2",
    ];
    let endless = ["--set", "joint.steps=1000000", "--set", "joint.frames=40"];
    let join = [&["join"], &models[..], &small, &endless].concat();
    for (name, arguments, signal, status, word) in [
        ("t", &train, "INT", 130, "Ctrl-C"),
        ("u", &train, "TERM", 143, "SIGTERM"),
        ("j", &join, "INT", 130, "Ctrl-C"),
        ("k", &join, "TERM", 143, "SIGTERM"),
    ] {
        let out = folder.path().join(name);
        let log = folder.path().join(format!("{name}.jsonl"));
        let outputs = ["--out", text(&out), "--log", text(&log), "--json"];
        let mut running = Background::start(&[&arguments[..], &outputs].concat());
        wait_until("both outputs are reserved", || {
            unfinished(folder.path()).len() == 2
        });
        // well into the steps
        std::thread::sleep(Duration::from_millis(1500));
        running.signal(signal);
        let (ended, said) = running.end(SOON);
        assert_eq!(ended.code(), Some(status), "{said}");
        assert!(said.contains(word) && said.contains("was saved"), "{said}");
        assert!(out.exists() && log.exists());
        assert_eq!(unfinished(folder.path()).len(), 0);
    }
}

#[test]
fn a_signal_before_the_work_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // hours to read before anything is trained
    let sound = hours(&folder.path().join("hours.wav"));
    let out = folder.path().join("new/m.safetensors");
    let train = ["train", text(&sound), "--out", text(&out)];
    let mut running = Background::start(&train);
    wait_until("the output is reserved", || {
        !unfinished(folder.path()).is_empty()
    });
    running.signal("TERM");
    let (ended, _) = running.end(SOON);
    assert_eq!(ended.code(), Some(143));
    assert!(!folder.path().join("new").exists());
}

#[test]
fn what_nohup_started_stays_when_its_terminal_goes() {
    let folder = tempfile::tempdir().unwrap();
    let sound = clip(&folder.path().join("clip.wav"));
    let out = folder.path().join("m.safetensors");
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "trap '' HUP; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_nae"),
    ]);
    command.args(["train", text(&sound), "--out", text(&out)]);
    command.args([&SMALL[..], &ENDLESS].concat());
    let mut running = Background::spawn(command);
    wait_until("the output is reserved", || {
        !unfinished(folder.path()).is_empty()
    });
    running.signal("HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert!(running.is_running());
    running.signal("TERM");
    assert_eq!(running.end(SOON).0.code(), Some(143));
}

/// A pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A disk without room.
fn full() -> Option<Stdio> {
    let file = std::fs::OpenOptions::new().write(true).open("/dev/full");
    file.ok().map(Into::into)
}

#[test]
fn standard_error_that_is_closed_or_full_costs_no_work() {
    let folder = tempfile::tempdir().unwrap();
    let sound = clip(&folder.path().join("clip.wav"));
    let (mixture, joint) = (golden("mixture.wav"), golden("joint.safetensors"));
    let (low, high) = (golden("low.safetensors"), golden("high.safetensors"));
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (model, stems, both) = (at("m"), at("stems"), at("j"));
    let train = ["train", text(&sound), "--out", &model, "--force"];
    let train = [&train[..], &SMALL, &MOMENT].concat();
    let separate = ["separate", &mixture, "--joint", &joint, "--out", &stems];
    let join = ["join", "--model", &low, "--model", &high, "--out", &both];
    let small = [
        "--force",
        "--set",
        "joint.width=8",
        "--set",
        "joint.steps=3",
    ];
    let join = [&join[..], &small, &["--set", "joint.frames=40"]].concat();
    let separate = [&separate[..], &["--force", "-vv"]].concat();
    for (arguments, made) in [
        (&train, at("m")),
        (&separate, at("stems/low.wav")),
        (&join, at("j")),
    ] {
        for stderr in [Some(unread()), full()].into_iter().flatten() {
            let status = Command::new(env!("CARGO_BIN_EXE_nae"))
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(stderr)
                .status()
                .unwrap();
            assert!(status.success(), "{arguments:?}: {status}");
            assert!(Path::new(&made).exists());
            std::fs::remove_file(&made).unwrap();
        }
    }
    assert!(unfinished(folder.path()).is_empty());
    let closed = Command::new("sh")
        .args(["-c", "exec \"$@\" 2>&-", "sh", env!("CARGO_BIN_EXE_nae")])
        .args(&train)
        .status();
    assert!(closed.unwrap().success());
    assert!(Path::new(&model).exists());
    // errors have their status all the same
    assert_eq!(
        nae(&["train", "no/such.wav", "--out", &model])
            .status
            .code(),
        Some(1)
    );
}
