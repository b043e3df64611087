//! `[data]`: whose sound, in which pairs, how much of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nae_config::{ConfigError, OutOfRange, Range};
use serde::{Deserialize, Serialize};

use crate::error::SweepError;
use crate::lists::Pairs;
use crate::system_config::MixSpec;

/// A speaker's sex, for pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sex {
    /// Female.
    #[serde(rename = "f")]
    Female,
    /// Male.
    #[serde(rename = "m")]
    Male,
}

/// One speaker (or any other source) by its files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceFiles {
    /// Sex; without it the end of the name decides, `_f` or `_m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    /// Files and folders to train on.
    pub train: Vec<PathBuf>,
    /// Files and folders to make mixtures of.
    pub test: Vec<PathBuf>,
}

/// `[data]`: whose sound, in which pairs, how much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Folder with a folder for every speaker, each with `train/` and `test/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speakers: Option<PathBuf>,
    /// TOML file of more sources: tables as in `sources`, its paths counted from its own folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<PathBuf>,
    /// More sources, by their files: `[data.sources.NAME]`.
    pub sources: BTreeMap<String, SourceFiles>,
    /// Who is mixed with whom: `"mixed-sex"`, `"all"`, `"none"` (train only), or a list such as
    /// `["alice+bob", "alice+fan+rain"]`.
    pub pairs: Pairs,
    /// Mixtures of every pair, cut from places spread evenly over the test sound.
    pub mixtures: usize,
    /// Training sound that a speaker must have at least, in seconds.
    pub min_train_s: f64,
    /// Seconds of training sound a speaker at most: the first ones.
    pub train_s: f64,
    /// Length of a mixture in seconds.
    pub mixture_s: f64,
    /// Level of a mixture's first source over each of the others, in dB.
    pub level_db: f64,
}

impl Default for Data {
    fn default() -> Self {
        let MixSpec {
            train_s,
            mixture_s,
            level_db,
        } = MixSpec::default();
        Self {
            speakers: None,
            manifest: None,
            sources: BTreeMap::new(),
            pairs: Pairs::MixedSex,
            mixtures: 3,
            min_train_s: 10.0,
            train_s,
            mixture_s,
            level_db,
        }
    }
}

impl Data {
    /// Checks the numbers that no grid varies; the others are checked with every system.
    ///
    /// # Errors
    /// [`SweepError::Config`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), SweepError> {
        let seconds = Range::from(0.0..=1e6);
        for (name, value, range, advice) in [
            (
                "mixtures",
                self.mixtures as f64,
                Range::from(1..=100_000),
                "3",
            ),
            ("min_train_s", self.min_train_s, seconds, "10"),
        ] {
            if !range.contains(value) {
                let error = OutOfRange::new("data", name, range.to_string(), value, advice);
                return Err(ConfigError::from(error).into());
            }
        }
        Ok(())
    }
}
