//! Settings files and experiments, with `--set`.
//!
//! Lines that begin with `--set ` are assignments; all others are the file.

use std::path::Path;

use nae_config::{Assignment, Canonical, Keys, Settings as _, canonical, document, known, put};
use nae_sweep::{Experiment, SweepError, SystemConfig};
use serde::Deserialize;
use toml::Value;

use crate::{message, scratch};

/// Variants of an experiment up to which checking them takes no time.
const MOST_VARIANTS: usize = 300;

/// What stands before an assignment.
const SET: &str = "--set ";

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let path = scratch::file("settings.toml", bytes);
        return message::check_naming(&settings(&path, &[]).expect_err("it is no text"), &path);
    };
    let (set, file): (Vec<&str>, Vec<&str>) = text
        .split_inclusive('\n')
        .partition(|line| line.starts_with(SET));
    let set: Vec<String> = set
        .iter()
        .map(|line| line.trim_end_matches('\n')[SET.len()..].to_owned())
        .collect();
    let path = scratch::file("settings.toml", file.concat().as_bytes());
    match settings(&path, &set) {
        Ok(config) => check_settings(&config),
        Err(error) => message::check(&nae_files::printable(&error)),
    }
    match Experiment::load(&path, &set) {
        Ok(experiment) => check_experiment(&experiment),
        Err(error) => message::check(&nae_files::printable(&error.to_string())),
    }
}

/// Reads settings as every command does.
fn settings(path: &Path, set: &[String]) -> Result<SystemConfig, String> {
    let keys = Keys {
        known: known(&SystemConfig::default().fields()),
        hint: "`nae settings` prints all of them.",
    };
    let mut table = nae_config::read::<SystemConfig>(path, &keys)
        .map_err(|error| error.to_string())?
        .1;
    for text in set {
        let assignment = Assignment::parse(text, &keys, "model.rank=40");
        let Assignment { key, value } = assignment.map_err(|error| error.to_string())?;
        put(&mut table, &key, value);
    }
    let config = SystemConfig::deserialize(Value::Table(table));
    let config = config.map_err(|error| error.message().to_owned())?;
    config.validate().map_err(|error| error.to_string())?;
    Ok(config)
}

/// Checks settings that were accepted: their three texts mean the same.
fn check_settings(config: &SystemConfig) {
    let plain = toml::to_string(config).unwrap();
    assert_eq!(&toml::from_str::<SystemConfig>(&plain).unwrap(), config);
    let commented = document(&config.fields());
    assert_eq!(&toml::from_str::<SystemConfig>(&commented).unwrap(), config);
    let stored = serde_json::to_string(&Canonical(config)).unwrap();
    let again: SystemConfig = canonical::from_json(&stored).unwrap();
    assert_eq!(&again, config);
    let architecture = config.model.architecture();
    architecture
        .validate()
        .expect("settings lead to an architecture in range");
    assert_eq!(architecture.rank(), config.model.rank);
}

/// Checks an experiment that was accepted: its resolved form gives the same cells.
fn check_experiment(experiment: &Experiment) {
    let texts = variants(experiment).expect("they were resolved before");
    if texts.len() > MOST_VARIANTS {
        return;
    }
    let text = experiment.to_toml().unwrap();
    let path = scratch::file("resolved.toml", text.as_bytes());
    let again = Experiment::load(&path, &[]).expect("what was written is read");
    assert_eq!(again.name.trim(), experiment.name.trim());
    assert_eq!(again.seeds, experiment.seeds);
    assert_eq!(again.groups, experiment.groups);
    assert_eq!(again.data, experiment.data);
    assert_eq!(variants(&again).unwrap(), texts);
}

/// The settings of all variants, in the order of their text: that of the axes may be another.
fn variants(experiment: &Experiment) -> Result<Vec<String>, SweepError> {
    let variants = experiment.variants()?;
    let mut texts: Vec<String> = variants
        .iter()
        .map(|variant| {
            variant.config.validate().expect("in range");
            format!(
                "{} {}",
                variant.system,
                serde_json::to_string(&Canonical(&variant.config)).unwrap()
            )
        })
        .collect();
    texts.sort();
    Ok(texts)
}
