//! Joint encoders as a system of an experiment, through the command line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::{Path, PathBuf};

use common::sweeps::{self, rows, run_json, sweep, write_experiment};
use common::{failure, stdout};
use nae_testing::folders::{data, files};
use serde_json::Value;

/// One kind of model and two pairs that share a voice: searched, joined on memories, and on clips
/// with two bodies. 3 models, 6 joint encoders, 8 mixtures.
fn experiment(folder: &Path) -> PathBuf {
    let rest = r#"
pairs = ["allison_en_f+librivox_en_m", "allison_en_f+carlo_it_m"]
mixtures = 1
mixture_s = 2
train_s = 10
[scores]
families = ["scale_invariant"]
[model]
layers = 2
rank = 5
[train]
max_steps = 10
refine = { passes = 2 }
[joint]
steps = 5
mixtures = 2
width = 16
speeds = [1.0]
[[system]]
name = "searched"
[[system]]
name = "joint"
join = "memories"
[[system]]
name = "joint, clips"
join = "clips"
grid = { joint.body = ["conv", "none"] }
"#;
    write_experiment(folder, rest)
}

/// Plans the experiment into a run folder.
fn plan(folder: &Path, name: &str, more: &[&str]) -> (PathBuf, String) {
    let run = folder.join(name);
    let printed = sweeps::plan(&experiment(folder), &run, more);
    (run, printed)
}

fn counts(count: &Value) -> [u64; 4] {
    ["trained", "joined", "separated", "failed"].map(|key| count[key].as_u64().unwrap())
}

#[test]
fn joint_encoders_are_trained_once_and_separate_like_any_other_system() {
    let folder = tempfile::tempdir().unwrap();
    let (run, printed) = plan(folder.path(), "run", &[]);
    let cells = "3 models (0 done), 6 joint encoders (0 done), 8 separations (0 done)";
    assert!(printed.contains(cells), "{printed}");
    assert_eq!(counts(&run_json(&run, &[])), [3, 6, 8, 0]);
    assert!(sweep("status", &run, &[]).contains("joint        6/6"));

    let before = files(&run);
    assert_eq!(counts(&run_json(&run, &[])), [0; 4]);
    assert_eq!(files(&run), before, "nothing new, nothing left behind");

    let rows = rows(&run);
    assert_eq!(rows.len(), 16, "one for every mixture and source");
    let of = |label: &str| {
        let own: Vec<_> = rows.iter().filter(|row| row["label"] == label).collect();
        assert_eq!(own.len(), 4, "{label}");
        own
    };
    for row in of("searched") {
        for name in ["join", "joint", "joint.body", "join_steps"] {
            assert_eq!(row[name], "", "{name}");
        }
        assert_eq!(row["separate.max_steps"], "60");
    }
    for (label, join, body, kernel) in [
        ("joint", "memories", "conv", "5"),
        ("joint, clips, body conv", "clips", "conv", "5"),
        ("joint, clips, body none", "clips", "none", ""),
    ] {
        for row in of(label) {
            assert_eq!((&*row["join"], &*row["joint.body"]), (join, body));
            assert_eq!((&*row["join_steps"], &*row["joint.kernel"]), ("5", kernel));
            assert_eq!(
                (&*row["separate_steps"], &*row["separate.max_steps"]),
                ("0", "")
            );
            assert!(
                run.join(format!("joints/{}.safetensors", row["joint"]))
                    .is_file()
            );
            assert!(row["si_sdr"].parse::<f64>().unwrap().is_finite());
        }
    }
    let header = std::fs::read_to_string(run.join("results.csv")).unwrap();
    assert!(header.lines().next().unwrap().contains("join_seconds"));

    // a joint file of a run is one like any other
    let joint = run.join(format!("joints/{}.safetensors", of("joint")[0]["joint"]));
    let (_, mixture) = common::mixture_files(folder.path());
    let stems = folder.path().join("stems");
    stdout(&[
        "separate".as_ref(),
        mixture.as_os_str(),
        "--joint".as_ref(),
        joint.as_os_str(),
        "--out".as_ref(),
        stems.as_os_str(),
    ]);
    assert_eq!(files(&stems).len(), 2);

    // the page compares it with what it was made of
    sweep("report", &run, &["--device", "cpu"]);
    let page = std::fs::read_to_string(run.join("report/index.html")).unwrap();
    for expected in [
        "joint NAE, shallow",
        "Differences from the same models unjoined",
        "join a pair (s)",
    ] {
        assert!(page.contains(expected), "{expected}");
    }

    // other settings of it are other joint encoders of the same models
    let (changed, printed) = plan(folder.path(), "run", &["--set", "joint.steps=6"]);
    assert!(
        printed.contains("6 joint encoders (0 done), 8 separations (2 done)"),
        "{printed}"
    );
    assert_eq!(counts(&run_json(&changed, &[])), [0, 6, 6, 0]);
    // and the resolved file says all of it
    let resolved = folder.path().join("again");
    stdout(&[
        "sweep".as_ref(),
        "plan".as_ref(),
        run.join("experiment.toml").as_os_str(),
        "--out".as_ref(),
        resolved.as_os_str(),
    ]);
    let cells = |run: &Path| -> Value {
        serde_json::from_slice(&std::fs::read(run.join("manifest.json")).unwrap()).unwrap()
    };
    for part in ["variants", "trainings", "joinings", "separations"] {
        assert_eq!(cells(&run)[part], cells(&resolved)[part], "{part}");
    }
}

#[test]
fn two_workers_and_shares_join_nothing_twice_and_give_the_rows_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let (alone, _) = plan(folder.path(), "alone", &[]);
    run_json(&alone, &["--jobs", "1"]);

    let (together, _) = plan(folder.path(), "together", &[]);
    let done: Vec<[u64; 4]> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| counts(&run_json(&together, &["--jobs", "2"])));
        let workers = [start(), start()];
        workers.map(|worker| worker.join().unwrap()).into()
    });
    let sum = |i: usize| done.iter().map(|counts| counts[i]).sum::<u64>();
    assert_eq!([sum(0), sum(1), sum(2), sum(3)], [3, 6, 8, 0]);
    assert_eq!(rows(&together), rows(&alone));

    let (shared, _) = plan(folder.path(), "shared", &[]);
    let scripts = sweep("slurm", &shared, &["--tasks", "3"]);
    let array = std::fs::read_to_string(scripts.lines().next().unwrap()).unwrap();
    assert!(array.contains("--array=0-2%"), "{array}");
    for index in ["2", "0", "1"] {
        run_json(&shared, &["--index", index, "--of", "3"]);
    }
    assert_eq!(rows(&shared), rows(&alone));
    assert!(
        sweep("slurm", &shared, &["--tasks", "3"]).is_empty(),
        "nothing is left"
    );
    assert!(files(&shared.join("claims")).is_empty());
}

#[test]
fn mistakes_about_joining_are_explained_in_one_paragraph() {
    let folder = tempfile::tempdir().unwrap();
    let base = std::fs::read_to_string(experiment(folder.path())).unwrap();
    let check = |text: &str, more: &[&str], words: &[&str]| {
        let path = folder.path().join("wrong.toml");
        std::fs::write(&path, text).unwrap();
        let out = folder.path().join("wrong");
        let mut arguments = common::sweeps::words(&["sweep", "plan"]);
        arguments.extend([path.as_os_str(), "--out".as_ref(), out.as_os_str()]);
        arguments.extend(common::sweeps::words(more));
        let text = failure(&arguments);
        for word in words {
            assert!(text.contains(word), "`{word}` is not in: {text}");
        }
        assert!(!out.exists(), "nothing was planned");
    };
    let replaced = |from: &str, to: &str| {
        assert!(base.contains(from), "{from}");
        base.replace(from, to)
    };
    check(
        &replaced("steps = 5", "step = 5"),
        &[],
        &[
            "wrong.toml:18",
            "joint.step`",
            "Did you mean `joint.steps`?",
        ],
    );
    check(
        &replaced("joint.body =", "joint.bdoy ="),
        &[],
        &["joint.bdoy`", "joint.body`?"],
    );
    check(
        &replaced("width = 16", "width = 0"),
        &[],
        &["joint.width", "at least 1 and at most"],
    );
    check(
        &replaced("join = \"memories\"", "join = \"memory\""),
        &[],
        &["wrong.toml", "memory", "memories", "clips"],
    );
    check(
        &base,
        &["--set", "join=yes"],
        &["--set join=yes", "memories"],
    );
    check(
        &replaced("join = \"memories\"", "joint = { steps = 3 }"),
        &[],
        &["`joint`", "join = \"memories\""],
    );
    let crowd = "a+b+c+d+e+f+g";
    let speakers = folder.path().join("speakers");
    for name in crowd.split('+') {
        let place = speakers.join(name);
        for part in ["train", "test"] {
            std::fs::create_dir_all(place.join(part)).unwrap();
            let clip = data(&format!("speech/allison_en_f/{part}/00.wav"));
            std::fs::copy(clip, place.join(part).join("00.wav")).unwrap();
        }
    }
    check(
        &base,
        &[
            "--set",
            &format!("data.speakers={}", speakers.display()),
            "--set",
            "data.min_train_s=1",
            "--set",
            &format!("data.pairs={crowd}"),
        ],
        &["`joint`", crowd, "7 sources", "2 to 6"],
    );
}

#[test]
fn joining_can_be_an_axis_of_the_grid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("axis.toml");
    let base = std::fs::read_to_string(experiment(folder.path())).unwrap();
    let start = base.split("[[system]]").next().unwrap();
    let text = format!(
        "{start}[[system]]\nname = \"NAE\"\ngrid = {{ join = [\"no\", \"memories\"], joint.steps = [5, 6] }}\n"
    );
    std::fs::write(&path, text).unwrap();
    let run = folder.path().join("run");
    let printed = stdout(&[
        "sweep".as_ref(),
        "plan".as_ref(),
        path.as_os_str(),
        "--out".as_ref(),
        run.as_os_str(),
    ]);
    assert!(
        printed.contains("3 models") && printed.contains("4 joint encoders"),
        "{printed}"
    );
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(run.join("manifest.json")).unwrap()).unwrap();
    let variants = manifest["variants"].as_array().unwrap().iter();
    let labels: Vec<&str> = variants.map(|v| v["label"].as_str().unwrap()).collect();
    assert_eq!(
        labels,
        [
            "NAE",
            "NAE, join memories, steps 5",
            "NAE, join memories, steps 6"
        ]
    );
}
