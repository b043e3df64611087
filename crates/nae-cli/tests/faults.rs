//! Kills and full disks in the middle of every command that writes: what was finished stays, what
//! has a final name is whole, and after the next run nothing else is left. `scripts/faults/check`
//! does the same at many more moments, with injected failures of single calls.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use common::small::{SMALL, clip, golden};
use common::{stdout, sweeps, with_little_space};
use nae_testing::folders::files;

/// A command that writes, and what belongs to it.
struct Task {
    name: &'static str,
    arguments: Vec<String>,
    /// Where it writes.
    out: PathBuf,
    /// What it starts from, copied to `out` first.
    start: Option<PathBuf>,
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn sets(part: &str, values: &[&str]) -> Vec<String> {
    let sets = values.iter().map(|value| format!("{part}.{value}"));
    sets.flat_map(|set| ["--set".to_owned(), set]).collect()
}

/// All commands that write, each for a few tenths of a second.
fn tasks(folder: &Path) -> Vec<Task> {
    let sound = text(&clip(&folder.join("clip.wav")));
    let (low, high) = (golden("low.safetensors"), golden("high.safetensors"));
    let mixture = golden("mixture.wav");
    let models = ["--model", &low, "--model", &high];
    let joint = ["steps=60", "width=8", "mixtures=2", "frames=40", "blocks=1"];
    let out = |name: &str| folder.join(name);
    let at = |name: &str| text(&folder.join(name));
    let train_steps = sets("train", &["max_steps=1500", "tolerance=0"]);
    let train = [
        words(&["train", &sound, "--out", &at("train/new/m.safetensors")]),
        words(&["--log", &at("train/log.jsonl"), "--force"]),
        words(&SMALL),
        train_steps,
    ];
    let join = [
        words(&["join", "--out", &at("join/new/j.safetensors"), "--force"]),
        words(&models),
        words(&["--log", &at("join/log.jsonl"), "--device", "cpu"]),
        sets("joint", &joint),
    ];
    let separate = |name: &str, bits: &str| {
        let head = ["separate", &mixture, "--out", &at(name), "--bits", bits];
        let more = ["--force", "--device", "cpu"];
        let steps = sets("separate", &["max_steps=1500", "tolerance=0"]);
        [words(&head), words(&models), words(&more), steps].concat()
    };
    let run = ["sweep", "run", &at("run"), "--device", "cpu"];
    let task = |name, arguments, start| Task {
        name,
        arguments,
        out: out(name),
        start,
    };
    vec![
        task("train", train.concat(), None),
        task("join", join.concat(), None),
        task("float", separate("float", "32"), None),
        task("integer", separate("integer", "16"), None),
        task("run", words(&run), Some(planned(folder))),
    ]
}

/// A planned experiment: two models, a joint encoder, two mixtures.
fn planned(folder: &Path) -> PathBuf {
    let rest = r#"
pairs = ["allison_en_f+librivox_en_m"]
mixtures = 2
mixture_s = 1
train_s = 2
[train]
max_steps = 40
refine = { passes = 2 }
[[system]]
name = "joint"
model = { layers = 2, rank = 5 }
join = "memories"
joint = { steps = 5, width = 8, mixtures = 2, frames = 40 }
"#;
    let run = folder.join("planned");
    sweeps::plan(&sweeps::write_experiment(folder, rest), &run, &[]);
    run
}

impl Task {
    fn start_anew(&self) {
        std::fs::remove_dir_all(&self.out).ok();
        std::fs::create_dir(&self.out).unwrap();
        let Some(start) = &self.start else { return };
        for part in ["models", "joints", "scores", "failed", "claims", "workers"] {
            std::fs::create_dir_all(self.out.join(part)).unwrap();
        }
        for file in files(start) {
            let to = self.out.join(file.strip_prefix(start).unwrap());
            std::fs::copy(&file, to).unwrap();
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nae"));
        command.args(&self.arguments).arg("-q");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs it undisturbed. Gives the names of all files at its end, and how long it took.
    fn run(&self) -> (Vec<PathBuf>, Duration) {
        let started = Instant::now();
        stdout(&self.arguments);
        let took = started.elapsed();
        (self.files().into_keys().collect(), took)
    }

    /// All files, by their paths in the folder.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let relative = |path: &Path| path.strip_prefix(&self.out).unwrap().to_owned();
        let files = files(&self.out).into_iter();
        files
            .map(|path| (relative(&path), std::fs::read(&path).unwrap()))
            .collect()
    }

    /// Everything with a final name can be read as a whole, and what was there before is there.
    fn check(&self, before: &BTreeMap<PathBuf, Vec<u8>>) {
        let now = self.files();
        for path in before.keys() {
            assert!(now.contains_key(path), "{} is lost", path.display());
        }
        let changed = now.iter();
        let changed = changed.filter(|(path, content)| before.get(*path) != Some(*content));
        for (path, content) in changed.filter(|(path, _)| !is_unfinished(path)) {
            self.read_whole(path, content);
        }
    }

    fn read_whole(&self, path: &Path, content: &[u8]) {
        let file = self.out.join(path);
        let lines = || content.split_inclusive(|byte| *byte == b'\n');
        match path.extension().unwrap().to_str().unwrap() {
            "wav" => {
                let stem = nae_audio::read(&file).unwrap();
                let mixture = nae_audio::read(golden("mixture.wav").as_ref()).unwrap();
                assert_eq!(stem.samples(), mixture.samples());
            }
            "json" => drop(serde_json::from_slice::<serde_json::Value>(content).unwrap()),
            "jsonl" => {
                assert!(content.ends_with(b"\n"));
                lines().for_each(|line| {
                    drop(serde_json::from_slice::<serde_json::Value>(line).unwrap())
                });
            }
            "safetensors" if path.starts_with("joints") || path.ends_with("j.safetensors") => {
                nae_joint::JointEncoder::load(&file, &Device::flex()).unwrap();
            }
            "safetensors" => drop(nae_model::Ensemble::load(&file, &Device::flex()).unwrap()),
            "toml" => {
                drop(toml::from_str::<toml::Table>(std::str::from_utf8(content).unwrap()).unwrap())
            }
            other => unreachable!("{other}"),
        }
    }
}

/// Files of a run that has not ended.
fn is_unfinished(path: &Path) -> bool {
    let text = path.to_str().unwrap();
    text.contains(".nae-") || text.starts_with("claims/") || text.starts_with("workers/")
}

#[test]
fn a_kill_at_any_moment_costs_nothing_finished_and_the_next_run_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for task in tasks(folder.path()) {
        task.start_anew();
        let (expected, took) = task.run();
        for (moment, is_again) in [(0.1, false), (0.4, true), (0.7, false), (0.95, true)] {
            // over what an earlier run has written, or into a new folder
            if !is_again {
                task.start_anew();
            }
            let before = task.files();
            let mut running = task.command().spawn().unwrap();
            std::thread::sleep(took.mul_f64(moment));
            running.kill().unwrap();
            running.wait().unwrap();
            task.check(&before);
            let (now, _) = task.run();
            assert_eq!(now, expected, "{} killed at {moment}", task.name);
            task.check(&BTreeMap::new());
        }
    }
}

#[test]
fn a_disk_that_is_full_after_any_write_leaves_whole_files_or_none() {
    let folder = tempfile::tempdir().unwrap();
    for task in tasks(folder.path()) {
        task.start_anew();
        let (expected, _) = task.run();
        // a file may have so many blocks of 512 bytes, beginning with less than the trial takes
        for blocks in [0, 8, 9, 16, 40] {
            task.start_anew();
            let before = task.files();
            let output = with_little_space(blocks, &task.arguments);
            let said = String::from_utf8(output.stderr).unwrap();
            let case = format!("{}, {blocks} blocks: {said}", task.name);
            assert!(!said.contains("panicked"), "{case}");
            assert!(
                output.status.success() || output.status.code() == Some(1),
                "{case}"
            );
            assert!(output.status.success() || said.contains("nae: "), "{case}");
            task.check(&before);
            let now = task.files();
            assert!(!now.keys().any(|path| is_unfinished(path)), "{case}");
            if output.status.success() {
                assert!(expected.iter().all(|path| now.contains_key(path)), "{case}");
            }
            assert_eq!(task.run().0, expected, "{case}");
        }
    }
}
