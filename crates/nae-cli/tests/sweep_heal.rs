//! Experiments with damaged results, killed workers and run folders of any name, through the command
//! line; every command that is advised is followed.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::background::{Background, wait_until};
use common::sweeps::{self, rows, run_json, sweep, words, write_experiment};
use common::{failure, nae, stdout};
use nae_testing::folders::files;

/// Two systems, a pair, two mixtures: 4 models, 4 mixtures.
fn experiment(folder: &Path) -> PathBuf {
    let rest = r#"
pairs = ["allison_en_f+librivox_en_m"]
mixtures = 2
mixture_s = 1
train_s = 5
[scores]
families = ["scale_invariant"]
[model]
rank = 4
[train]
max_steps = 5
refine = { passes = 2 }
nmf = { updates = 5 }
[[system]]
name = "NMF"
model = { kind = "nmf" }
[[system]]
name = "NAE"
model = { layers = 2 }
"#;
    write_experiment(folder, rest)
}

/// Plans into a run folder; what is said.
fn plan(run: &Path, more: &[&str]) -> String {
    sweeps::plan(&experiment(run.parent().unwrap()), run, more)
}

/// Runs a line in a shell that finds `nae`, and what else `programs` holds, in a folder.
fn shell(line: &str, programs: &Path, folder: &Path) -> Output {
    let nae = programs.join("nae");
    if !nae.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_nae"), nae).unwrap();
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", line])
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{line}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The command at the end of a line, such as that of `next` in a plan.
fn command_of_a_line(text: &str) -> &str {
    let line = text
        .lines()
        .rfind(|line| line.contains("nae sweep "))
        .unwrap();
    &line[line.find("nae sweep ").unwrap()..]
}

/// The first command in backticks.
fn command_in_backticks(text: &str) -> &str {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .into_iter()
        .find(|text| text.starts_with("nae "))
        .unwrap()
}

/// Names that shells, Slurm's patterns and option parsers read otherwise.
const NAMES: [&str; 8] = [
    "run two",
    "100%a",
    "it's",
    "$HOME `id` $(id)",
    "\"quoted\" #1;x&y",
    "-dash",
    "Zoë 鳥",
    "*?[a]~!",
];

#[test]
fn advice_can_be_copied_whatever_the_folder_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    for name in NAMES {
        let run = folder.path().join(name);
        // from within the folder, so that a leading dash comes first
        let said = Command::new(env!("CARGO_BIN_EXE_nae"))
            .args(["sweep", "plan"])
            .arg(experiment(folder.path()))
            .arg(format!("--out={name}"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            said.status.success(),
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
        let said = String::from_utf8(said.stdout).unwrap();
        shell(command_of_a_line(&said), programs.path(), folder.path());
        assert!(
            sweep("status", &run, &[]).contains("separations  4/4"),
            "{name}"
        );
        // a result that cannot be read says how it is made again
        let score = files(&run.join("scores")).remove(0);
        std::fs::write(&score, b"").unwrap();
        let status = sweep("status", &run, &[]);
        assert!(
            status.contains("separations  3/4") && status.contains("is empty"),
            "{status}"
        );
        shell(command_of_a_line(&status), programs.path(), folder.path());
        assert!(
            sweep("status", &run, &[]).contains("separations  4/4"),
            "{name}"
        );
        // a manifest that cannot be read says how it is planned again
        std::fs::write(run.join("manifest.json"), b"{").unwrap();
        for command in ["run", "status", "collect", "report", "slurm"] {
            let text = failure(&["sweep".as_ref(), command.as_ref(), run.as_os_str()]);
            assert!(text.contains("manifest.json"), "{text}");
            // names with a backtick of their own are not found by the test
            if command == "run" && !name.contains('`') {
                shell(command_in_backticks(&text), programs.path(), folder.path());
                assert_eq!(run_json(&run, &[])["found"], 8, "{name}");
                std::fs::write(run.join("manifest.json"), b"{").unwrap();
            }
        }
        std::fs::remove_dir_all(&run).unwrap();
    }
}

#[test]
fn a_run_folder_with_a_line_break_in_its_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = experiment(folder.path());
    for name in ["a\nb", "a\tb", "a\u{1b}[2Jb"] {
        let run = folder.path().join(name);
        let arguments = ["sweep".as_ref(), "plan".as_ref(), experiment.as_os_str()];
        let out = ["--out".as_ref(), run.as_os_str()];
        let text = failure(&[&arguments[..], &out[..]].concat());
        assert!(text.contains("control characters"), "{text}");
        assert!(!run.exists());
    }
}

/// A stand-in for Slurm's `sbatch`: takes the options of a script as Slurm does, and runs its tasks one
/// after another, each writing to the log of its pattern.
const SBATCH: &str = r##"#!/bin/bash
script=${!#}
args=()
while read -r line; do
  # quotes as in a shell
  eval "args+=($line)" || exit 3
done < <(sed -n 's/^#SBATCH //p' "$script")
tasks=0
for arg in "${args[@]}"; do
  case $arg in
    --output=*) pattern=${arg#--output=} ;;
    --array=*) IFS=- read -r from to <<<"${arg#--array=}"; to=${to%\%*}; tasks=$(seq "$from" "$to") ;;
    --*=*) ;;
    *) echo "sbatch: error: invalid directive: $arg" >&2; exit 1 ;;
  esac
done
for task in $tasks; do
  log=${pattern//%%/$'\x01'}; log=${log//%a/$task}; log=${log//$'\x01'/%}
  SLURM_ARRAY_TASK_ID=$task bash "$script" >"$log" 2>&1 || exit 4
done
echo '123;cluster'
"##;

#[test]
fn the_scripts_of_slurm_work_whatever_the_folder_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    let sbatch = programs.path().join("sbatch");
    std::fs::write(&sbatch, SBATCH).unwrap();
    std::fs::set_permissions(&sbatch, std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in NAMES {
        let run = folder.path().join(name);
        plan(&run, &[]);
        // with a log line that says how to submit
        let mut command = Command::new(env!("CARGO_BIN_EXE_nae"));
        command
            .args(["sweep", "slurm", "--tasks=2", "--throttle=1"])
            .arg(&run);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = String::from_utf8(output.stderr).unwrap();
        let line = said
            .lines()
            .find_map(|line| line.split_once("yourself: "))
            .unwrap()
            .1;
        shell(line, programs.path(), folder.path());
        assert!(
            sweep("status", &run, &[]).contains("separations  4/4"),
            "{name}"
        );
        for log in ["task-0.log", "task-1.log", "collect.log"] {
            assert!(run.join("slurm").join(log).is_file(), "{name}: {log}");
        }
        assert!(run.join("results.csv").is_file(), "{name}");
        std::fs::remove_dir_all(&run).unwrap();
    }
    for name in ["back\\slash", "tab\tbed"] {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        let moved = place.join("run");
        let planned = folder.path().join("run");
        plan(&planned, &[]);
        std::fs::rename(&planned, &moved).unwrap();
        let text = failure(&["sweep".as_ref(), "slurm".as_ref(), moved.as_os_str()]);
        assert!(text.contains("Slurm"), "{text}");
    }
}

#[test]
fn a_task_whose_only_fault_is_a_model_that_cannot_be_read_is_submitted_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    plan(&run, &[]);
    run_json(&run, &[]);
    assert!(sweep("slurm", &run, &["--tasks=2"]).is_empty());
    let is_weights = |path: &PathBuf| path.extension().unwrap() == "safetensors";
    let model = files(&run.join("models"))
        .into_iter()
        .find(is_weights)
        .unwrap();
    std::fs::write(model, b"cut").unwrap();
    let scripts = sweep("slurm", &run, &["--tasks=2"]);
    assert!(scripts.contains("array.sh"), "{scripts}");
}

#[test]
fn a_killed_workers_cell_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // minutes of work in one cell
    plan(
        &run,
        &[
            "--set",
            "train.max_steps=2000000",
            "--set",
            "train.refine.passes=0",
        ],
    );
    let arguments = |more: &[&str]| {
        let mut arguments = words(&["sweep", "run", "--device=cpu", "--jobs=1"]);
        arguments.push(run.as_os_str());
        arguments.extend(words(more));
        arguments
            .into_iter()
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    };
    let claims = || files(&run.join("claims"));
    let is_nae = |path: &PathBuf| path.extension().is_some_and(|e| e == "lock");
    let mut first = Background::start(&arguments(&[]));
    wait_until("a claim", || claims().iter().any(is_nae));
    wait_until("the long cell", || {
        std::thread::sleep(Duration::from_millis(500));
        sweep("status", &run, &[]).contains("running      1")
    });
    let held = claims();
    first.signal("KILL");
    first.end(Duration::from_secs(10));
    assert_eq!(claims(), held, "the file stays");
    assert!(
        sweep("status", &run, &[]).contains("running      0"),
        "the lock does not"
    );
    // its age and content are nobody's business: clocks differ
    for path in &held {
        std::fs::write(path, b"until 2099").unwrap();
    }
    let second = Background::start(&arguments(&[]));
    let started = Instant::now();
    wait_until("the claim is taken over", || {
        sweep("status", &run, &[]).contains("running      1")
    });
    assert!(started.elapsed() < Duration::from_secs(10));
    drop(second);
    // planned with less work, the run ends and leaves nothing
    plan(&run, &[]);
    run_json(&run, &[]);
    assert_eq!(rows(&run).len(), 8);
    assert!(claims().is_empty() && files(&run.join("workers")).is_empty());
}

#[test]
fn damage_is_said_by_every_command_and_stops_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    plan(&run, &[]);
    run_json(&run, &[]);
    let expected = rows(&run);
    let score = files(&run.join("scores")).remove(0);
    let damage = || std::fs::write(&score, b"{\"sources\":").unwrap();
    damage();
    for command in ["collect", "report"] {
        let output = nae(&["sweep".as_ref(), command.as_ref(), run.as_os_str()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let name = score.file_name().unwrap().to_string_lossy();
        for part in [
            "1 score could not be read and left out",
            &name,
            "nae sweep run",
        ] {
            assert!(said.contains(part), "{command}: {said}");
        }
    }
    assert_eq!(rows(&run).len(), expected.len() - 2);
    let planned = plan(&run, &[]);
    assert!(planned.contains("unreadable  1 score"), "{planned}");
    let output = nae(&["sweep".as_ref(), "run".as_ref(), run.as_os_str()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 result could not be read"), "{said}");
    assert_eq!(rows(&run), expected);
    // everything at once, and with no sub-folder left
    for part in ["claims", "workers", "failed", "scores", "joints"] {
        std::fs::remove_dir_all(run.join(part)).unwrap();
    }
    for command in ["status", "collect", "run", "status", "collect", "report"] {
        stdout(&["sweep".as_ref(), command.as_ref(), run.as_os_str()]);
    }
    assert_eq!(rows(&run), expected);
}

#[test]
fn a_plan_with_many_seeds_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let said = plan(&run, &["--set", "seeds=0..=399"]);
    assert!(said.contains("seeds       0–399 (400 values)"), "{said}");
    assert!(said.lines().all(|line| line.len() < 300), "{said}");
}
