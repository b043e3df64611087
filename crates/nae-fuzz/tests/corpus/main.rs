//! The stand-in for fuzzing in ordinary tests: every input that is kept, and a bounded number of
//! mutations of each kind.
//!
//! `corpus/TARGET` holds inputs that fuzzers found to reach different code, and every input that once
//! broke a promise; `corpus/folders.txt` names folders with more. What breaks a promise is written to
//! a file, which its message names: mend nae, and put the file into `corpus/TARGET`.
#![allow(clippy::unwrap_used, clippy::panic)] // tests may panic

mod mutation;

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nae_fuzz::{TARGETS, Target};
use nae_testing::folders::{files, package_file};

/// Time that one input may take, on a machine that does other things as well.
const LONGEST: Duration = Duration::from_secs(10);

/// Mutations of every kind of file.
const MUTATIONS: u64 = 400;

/// Longest input that is mutated, in bytes.
const LONGEST_SEED: usize = 20_000;

/// The inputs of a target: those that are kept, then those elsewhere in the repository.
fn inputs(target: &Target) -> Vec<PathBuf> {
    let corpus = package_file("corpus");
    let mut inputs = files(&corpus.join(target.name));
    let folders = std::fs::read_to_string(corpus.join("folders.txt")).unwrap();
    for line in folders.lines() {
        if let Some(folder) = line.strip_prefix(&format!("{} ", target.name)) {
            let found = files(&package_file("../..").join(folder));
            assert!(!found.is_empty(), "{folder} is empty");
            inputs.extend(found);
        }
    }
    inputs
}

/// Checks one input, and keeps it if a promise is broken.
fn check(target: &Target, bytes: &[u8], came_from: &str) {
    let begin = Instant::now();
    let checked = catch_unwind(|| target.check(bytes));
    let took = begin.elapsed();
    if checked.is_ok() && took <= LONGEST {
        return;
    }
    let kept = std::env::temp_dir().join(format!("nae-broken-{}", target.name));
    std::fs::write(&kept, bytes).unwrap();
    let kept = kept.display();
    panic!(
        "{}: {came_from} broke a promise, after {took:?}; its bytes are in {kept}",
        target.name
    );
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let mut seeds = Vec::new();
    for path in inputs(target) {
        let bytes = std::fs::read(&path).unwrap();
        check(target, &bytes, &shown(&path));
        if bytes.len() <= LONGEST_SEED {
            seeds.push(bytes);
        }
    }
    assert!(!seeds.is_empty());
    for number in 0..MUTATIONS {
        let bytes = mutation::of(&seeds, number);
        check(target, &bytes, &format!("mutation {number}"));
    }
    nae_fuzz::clean();
}

/// The end of a path, from the repository's root.
fn shown(path: &Path) -> String {
    let root = package_file("../..");
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// One test for every target.
macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            assert_eq!(TARGETS.map(|target| target.name), [$(stringify!($name)),*]);
        }
    };
}

replays!(wav compressed model joint start configuration manifest score);
