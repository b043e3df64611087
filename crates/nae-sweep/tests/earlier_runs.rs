//! Runs of earlier builds stay valid: their cells are not done again, and their rows are the same.
//!
//! `earlier_run/` was made by the build before settings had a crate of their own, from two speakers of
//! tones: `nae sweep plan`, `run --device cpu --jobs 1`, `collect`; paths were shortened afterwards.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::{Path, PathBuf};

use nae_files::sha256_hex;
use nae_sweep::cell::{self, CellKind, Place};
use nae_sweep::{Experiment, Manifest, Store, collect};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn earlier() -> Store {
    Store::open(&here("tests/earlier_run")).unwrap()
}

#[test]
fn an_earlier_run_is_finished_and_its_rows_are_the_same() {
    let store = earlier();
    let manifest = store.manifest().unwrap();
    for cell in &manifest.trainings {
        assert!(store.is_finished(CellKind::Model, &cell.id));
    }
    for cell in &manifest.joinings {
        assert!(store.is_finished(CellKind::Joint, &cell.id));
    }
    for cell in &manifest.separations {
        assert!(store.is_finished(CellKind::Scores, &cell.id));
    }
    let rows = collect::table(&store).unwrap().to_csv().unwrap();
    let before = std::fs::read(here("tests/earlier_run/results.csv")).unwrap();
    assert_eq!(
        String::from_utf8(rows).unwrap(),
        String::from_utf8(before).unwrap()
    );
}

#[test]
fn cells_of_an_earlier_run_keep_their_identities() {
    let manifest = earlier().manifest().unwrap();
    for cell in &manifest.trainings {
        let config = &manifest.variants[cell.variant].config;
        let speaker = &manifest.speakers[cell.speaker];
        assert_eq!(cell::training(config, speaker, cell.seed).unwrap(), cell.id);
    }
    assert!(!manifest.joinings.is_empty());
    for cell in &manifest.joinings {
        let config = &manifest.variants[cell.variant].config;
        let speakers = manifest.members(cell.pair);
        // other pretrained weights give another joint encoder: where those change, this changes
        let id = cell::joining(config, &cell.models, &speakers, cell.seed).unwrap();
        assert_eq!(id, cell.id);
    }
    for cell in &manifest.separations {
        let config = &manifest.variants[cell.variant].config;
        let speakers = manifest.members(cell.pair);
        let place = Place {
            index: cell.mixture,
            of: manifest.mixtures,
        };
        let joint = cell.joint.as_ref().map(std::slice::from_ref);
        let models = joint.unwrap_or(&cell.models);
        let groups = manifest.metric_groups();
        let id = cell::separation(config, models, &speakers, place, cell.seed, &groups).unwrap();
        assert_eq!(id, cell.id);
    }
}

#[test]
fn an_earlier_experiment_is_read_as_it_was_written() {
    let path = here("tests/earlier_run/experiment.toml");
    let experiment = Experiment::load(&path, &[]).unwrap();
    let variants = experiment.variants().unwrap();
    assert_eq!(variants, earlier().manifest().unwrap().variants);
}

#[test]
fn every_experiment_that_comes_with_nae_can_be_read() {
    for entry in std::fs::read_dir(here("../../configs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // these are settings of one model
        if ["default.toml", "live.toml", "paper.toml"].contains(&name.as_str()) {
            continue;
        }
        let experiment = Experiment::load(&path, &[]).unwrap();
        assert!(!experiment.variants().unwrap().is_empty(), "{name}");
        // and what is written of it means the same
        let folder = tempfile::tempdir().unwrap();
        let resolved = folder.path().join(&name);
        std::fs::write(&resolved, experiment.to_toml().unwrap()).unwrap();
        let again = Experiment::load(&resolved, &[]).unwrap();
        assert_eq!(again.variants().unwrap(), experiment.variants().unwrap());
        assert_eq!(again.scenarios, experiment.scenarios, "{name}");
    }
}

/// Identities of all cells of `configs/smoke.toml`, one after another, as the earlier build planned
/// them. A change here makes every finished cell foreign: raise `cell::SCHEMA` if results changed, and
/// declare what an added setting meant before (`was`) if they did not.
#[test]
fn the_cells_of_the_smoke_experiment_keep_their_identities() {
    let experiment = Experiment::load(&here("../../configs/smoke.toml"), &[]).unwrap();
    let manifest = Manifest::plan(&experiment).unwrap();
    let digest = |ids: Vec<&str>| (ids.len(), sha256_hex(ids.concat().as_bytes()));
    let trainings = manifest.trainings.iter().map(|cell| cell.id.as_str());
    let joinings = manifest.joinings.iter().map(|cell| cell.id.as_str());
    let separations = manifest.separations.iter().map(|cell| cell.id.as_str());
    for (ids, count, expected) in [
        (
            trainings.collect(),
            24,
            "56969d2c1ebd80bf18382af463db8607f01b3e63c8199c42dc9cc48500d58f5b",
        ),
        (
            joinings.collect(),
            4,
            "42ae9685ec336b0383a10eab7b49aede3ee7bb952611c5101a371bbbf17f9ff8",
        ),
        (
            separations.collect(),
            32,
            "c1cc9be7b4a507f4f5a8e8ab9fcf5f29d222aa68ff2b06a9ecd9568cbbfc2606",
        ),
    ] {
        assert_eq!(digest(ids), (count, expected.to_owned()));
    }
    assert_eq!(
        manifest.trainings[0].id,
        "4504fb1794e881e2c1b1879cc05c85a487e84655b36d33f486d4174bbb494e38"
    );
}
