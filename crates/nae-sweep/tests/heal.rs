//! What cannot be read counts as not done and is made again; folders that are missing too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use burn::tensor::Device;
use common::{options, plan, run};
use nae_files::retry::faults;
use nae_sweep::status::{Status, status};
use nae_sweep::{Event, Parallelism, Store, SweepError, Tally, collect};
use nae_testing::folders::{files, names};

const CELLS: usize = 4 + 1 + 6;

fn copy(from: &Path, to: &Path) -> Store {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    for file in files(from) {
        let place = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(file, place).unwrap();
    }
    Store::open(to).unwrap()
}

/// Rows without what the clock decides.
fn rows(store: &Store) -> Vec<Vec<String>> {
    let table = collect::table(store).unwrap();
    let is_kept: Vec<bool> = table
        .names()
        .iter()
        .map(|name| !name.contains("seconds"))
        .collect();
    let row = |row: &Vec<_>| {
        let kept = row.iter().zip(&is_kept).filter(|(_, kept)| **kept);
        kept.map(|(value, _)| format!("{value:?}")).collect()
    };
    table.rows().iter().map(row).collect()
}

/// Cell, source and a score of every row: columns come and go with rows.
fn scores(store: &Store) -> Vec<String> {
    let table = collect::table(store).unwrap();
    let names = ["cell", "source", "model", "si_sdr", "train_loss"];
    let row = |row: &Vec<_>| format!("{:?}", names.map(|name| table.get(row, name)));
    table.rows().iter().map(row).collect()
}

fn state(store: &Store) -> Status {
    status(store, &store.manifest().unwrap()).unwrap()
}

fn work(store: &Store) -> (Result<Tally, SweepError>, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let emit = |event: &Event| events.lock().unwrap().push(event.clone());
    let options = options(Parallelism::Cells(2));
    let tally = nae_sweep::run(store, &options, &Device::flex(), &|| false, &emit);
    (tally, events.into_inner().unwrap())
}

fn first(store: &Store, part: &str, ending: &str) -> PathBuf {
    let folder = store.root().join(part);
    let name = names(&folder)
        .into_iter()
        .find(|name| name.ends_with(ending));
    folder.join(name.unwrap())
}

/// A way to spoil a file.
type Spoil = (&'static str, fn(&Path));

const SPOILS: [Spoil; 9] = [
    ("empty", |path| std::fs::write(path, b"").unwrap()),
    ("cut", |path| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    }),
    ("one byte short", |path| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    }),
    ("garbage of the same length", |path| {
        let length = std::fs::metadata(path).unwrap().len() as usize;
        std::fs::write(path, vec![0xa5; length]).unwrap();
    }),
    ("zeros of the same length", |path| {
        let length = std::fs::metadata(path).unwrap().len() as usize;
        std::fs::write(path, vec![0; length]).unwrap();
    }),
    ("other JSON", |path| {
        std::fs::write(path, b"[null]").unwrap()
    }),
    ("a folder", |path| {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir(path).unwrap();
        std::fs::write(path.join("notes"), b"somebody's").unwrap();
    }),
    ("another cell's", |path| {
        let folder = path.parent().unwrap();
        let ending = path.extension().unwrap();
        let mut others = files(folder);
        others.retain(|other| other != path && other.extension() == Some(ending));
        match others.last() {
            Some(other) => drop(std::fs::copy(other, path).unwrap()),
            // there is one joint encoder: a model instead
            None => {
                let models = files(&folder.with_file_name("models"));
                let model = models.iter().find(|file| file.extension() == Some(ending));
                std::fs::copy(model.unwrap(), path).unwrap();
            }
        }
    }),
    #[cfg(unix)]
    ("a link to nothing", |path| {
        std::fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("nowhere/at/all", path).unwrap();
    }),
];

#[test]
fn results_that_cannot_be_read_are_said_left_out_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let whole = plan(folder.path(), "whole");
    run(&whole, Parallelism::Cells(2));
    let expected = rows(&whole);
    assert_eq!(expected.len(), 12);
    let targets = [
        ("scores", ".json"),
        ("models", ".json"),
        ("models", ".safetensors"),
        ("joints", ".json"),
        ("joints", ".safetensors"),
    ];
    for (what, spoil) in SPOILS {
        for (part, ending) in targets {
            let store = copy(whole.root(), &folder.path().join("one"));
            let path = first(&store, part, ending);
            spoil(&path);
            let status = state(&store);
            let case = format!("{what} in place of a file of {part}/*{ending}: {status:?}");
            assert_eq!(status.open(), 1, "{case}");
            assert_eq!(status.unreadable.len(), 1, "{case}");
            let found = &status.unreadable[0];
            assert_eq!(found.path.parent(), path.parent(), "{case}");
            assert_eq!(found.path.file_stem(), path.file_stem(), "{case}");
            assert!(
                !found.reason.is_empty() && !found.reason.contains('\n'),
                "{case}"
            );
            // rows without it, and none that is wrong
            let (left, all) = (scores(&store), scores(&whole));
            assert!(left.iter().all(|row| all.contains(row)), "{case}");
        }
        let store = copy(whole.root(), &folder.path().join("all"));
        for (part, ending) in targets {
            spoil(&first(&store, part, ending));
        }
        let (tally, events) = work(&store);
        let tally = tally.unwrap();
        // one model lost its record, another one or the same its weights
        assert_eq!((tally.failed, tally.left), (0, 0), "{what}: {tally:?}");
        assert!(
            tally.trained >= 1 && tally.joined == 1 && tally.separated >= 1,
            "{what}: {tally:?}"
        );
        let said = events
            .iter()
            .filter(|event| matches!(event, Event::Unreadable(_)));
        assert_eq!(said.count(), tally.unreadable, "{what}");
        assert!(tally.unreadable >= 3, "{what}: {tally:?}");
        assert_eq!(
            (state(&store).open(), state(&store).unreadable.len()),
            (0, 0),
            "{what}"
        );
        assert_eq!(rows(&store), expected, "{what}");
        let again = run(&store, Parallelism::Cells(2));
        assert_eq!(again.found, CELLS, "{what}: {again:?}");
    }
}

#[test]
fn damage_among_the_weights_is_found_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), "run");
    run(&store, Parallelism::Cells(2));
    let expected = rows(&store);
    for part in ["models", "joints"] {
        let path = first(&store, part, ".safetensors");
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 0x40;
        std::fs::write(&path, bytes).unwrap();
        let tally = run(&store, Parallelism::Cells(2));
        assert_eq!(
            (tally.unreadable, tally.trained + tally.joined),
            (1, 1),
            "{tally:?}"
        );
        // the same training gives the same weights: the scores stay
        assert_eq!(tally.separated, 0, "{tally:?}");
        assert_eq!(rows(&store), expected);
    }
}

#[test]
fn what_was_made_from_a_model_that_changed_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), "run");
    run(&store, Parallelism::Cells(2));
    let expected = rows(&store);
    for (part, remade) in [("scores", (0, 1)), ("joints", (1, 0))] {
        let path = first(&store, part, ".json");
        let text = std::fs::read_to_string(&path).unwrap();
        let place = text.find("made_from").unwrap() + r#"made_from":[""#.len();
        let mut other = text.clone();
        other.replace_range(place..place + 64, &"0".repeat(64));
        std::fs::write(&path, other).unwrap();
        let status = state(&store);
        assert!(
            status.unreadable[0].reason.contains("changed"),
            "{status:?}"
        );
        let tally = run(&store, Parallelism::Cells(2));
        assert_eq!((tally.joined, tally.separated), remade, "{tally:?}");
        assert_eq!(rows(&store), expected);
    }
}

#[test]
fn results_of_earlier_versions_are_finished_and_heal_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), "run");
    run(&store, Parallelism::Cells(2));
    let expected = rows(&store);
    for part in ["models", "joints", "scores"] {
        for path in files(&store.root().join(part)) {
            if path.extension().unwrap() == "json" {
                let text = std::fs::read_to_string(&path).unwrap();
                let (rest, _) = text.split_once(r#","seal":"#).unwrap();
                std::fs::write(&path, format!("{rest}}}")).unwrap();
            }
        }
    }
    assert_eq!(run(&store, Parallelism::Cells(2)).found, CELLS);
    let path = first(&store, "models", ".safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..100]).unwrap();
    let tally = run(&store, Parallelism::Cells(2));
    assert_eq!(tally.trained, 1, "{tally:?}");
    // nobody knows which model these were made from
    assert!(tally.separated >= 2, "{tally:?}");
    assert_eq!((rows(&store), state(&store).open()), (expected, 0));
    assert_eq!(run(&store, Parallelism::Cells(2)).found, CELLS);
}

#[test]
fn a_folder_that_is_missing_costs_nothing_but_its_cells() {
    let folder = tempfile::tempdir().unwrap();
    let whole = plan(folder.path(), "whole");
    run(&whole, Parallelism::Cells(2));
    let expected = rows(&whole);
    for part in ["models", "joints", "scores", "failed", "claims", "workers"] {
        let store = copy(whole.root(), &folder.path().join("run"));
        drop(std::fs::remove_dir_all(store.root().join(part)));
        state(&store);
        rows(&store);
        let tally = run(&store, Parallelism::Cells(2));
        assert_eq!((tally.failed, tally.left), (0, 0), "{part}: {tally:?}");
        assert_eq!(rows(&store), expected, "{part}");
        assert!(store.root().join(part).is_dir());
    }
}

/// Removes something when the first cell is finished.
fn removing(store: &Store, what: &Path) -> Result<Tally, SweepError> {
    let removed = AtomicBool::new(false);
    let emit = |event: &Event| {
        let is_first = || !removed.swap(true, Ordering::SeqCst);
        if matches!(event, Event::Finished { .. }) && is_first() {
            std::fs::remove_dir_all(what).unwrap();
        }
    };
    let options = options(Parallelism::Cells(1));
    nae_sweep::run(store, &options, &Device::flex(), &|| false, &emit)
}

#[test]
fn folders_that_go_away_under_a_worker_are_made_again_and_the_run_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["joints", "scores", "failed", "claims", "workers"] {
        let store = plan(folder.path(), part);
        let tally = removing(&store, &store.root().join(part)).unwrap();
        assert_eq!((tally.failed, tally.left), (0, 0), "{part}: {tally:?}");
        assert_eq!(rows(&store).len(), 12, "{part}");
        assert_eq!(names(&store.root().join("workers")).len(), 0, "{part}");
    }
    let store = plan(folder.path(), "gone");
    let error = removing(&store, store.root()).unwrap_err();
    assert!(matches!(error, SweepError::RunGone { .. }), "{error}");
    assert!(!store.root().exists(), "nothing is made in its place");
}

#[cfg(target_os = "linux")]
#[test]
fn a_network_that_hiccups_costs_time_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), "run");
    let root = store.root();
    let (stale, input_output, again, denied) = (116, 5, 11, 13);
    faults::inject(root, "claims/", 2, stale);
    faults::inject(root, "workers/", 3, stale);
    faults::inject(root, "models/", 3, input_output);
    faults::inject(root, "scores/", 3, again);
    faults::inject(root, "manifest.json", 1, stale);
    let tally = run(&store, Parallelism::Cells(2));
    assert_eq!(
        (tally.failed, tally.left, tally.separated),
        (0, 0, 6),
        "{tally:?}"
    );
    assert_eq!(faults::take_back(root), 0, "all came");
    // access that is denied is no hiccup
    for part in ["scores/", "models/", "joints/"] {
        faults::inject(root, part, 1, denied);
        let status = state(&store);
        assert_eq!(
            (status.unreadable.len(), status.open()),
            (1, 1),
            "{status:?}"
        );
        assert!(
            status.unreadable[0].reason.contains("permission denied"),
            "{status:?}"
        );
    }
    // a file that stays unreadable for a while counts as not done, and is found again in the end
    faults::inject(root, "scores/", 4, input_output);
    assert_eq!(state(&store).unreadable.len(), 1);
    assert_eq!(state(&store).open(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_worker_with_its_words_and_the_next_run_goes_on() {
    const ENOSPC: i32 = 28;
    let folder = tempfile::tempdir().unwrap();
    // at the first result, and in the middle
    for after in [0, 1, 5] {
        let store = plan(folder.path(), &format!("run-{after}"));
        let finished = AtomicUsize::new(0);
        let fill = || faults::inject(store.root(), "workers/", 1, ENOSPC);
        if after == 0 {
            fill();
        }
        let emit = |event: &Event| {
            let is_finished = matches!(event, Event::Finished { .. });
            if is_finished && finished.fetch_add(1, Ordering::SeqCst) + 1 == after {
                fill();
            }
        };
        let options = options(Parallelism::Cells(2));
        let stopped = nae_sweep::run(&store, &options, &Device::flex(), &|| false, &emit);
        let error = stopped.unwrap_err().to_string();
        assert!(error.contains("No space left"), "{error}");
        assert_eq!(
            names(&store.root().join("workers")).len(),
            0,
            "nothing unfinished"
        );
        assert!(state(&store).unreadable.is_empty(), "nothing half");
        let kept = CELLS - state(&store).open();
        assert!(kept >= after, "{kept}");
        let tally = run(&store, Parallelism::Cells(2));
        assert_eq!((tally.found, tally.left), (kept, 0), "{tally:?}");
        assert_eq!(rows(&store).len(), 12);
    }
}
