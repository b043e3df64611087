//! `[data]`: whose sound, in which pairs, how much of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nae_config::{ConfigError, OutOfRange, Range};
use serde::{Deserialize, Serialize};

use crate::error::SweepError;
use crate::lists::Pairs;
use crate::pool::Pool;
use crate::repeat::Repeat;
use crate::system_config::MixSpec;
use crate::unknown_sources::UnknownSources;

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
    /// What it belongs to; without it, the speakers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// Files and folders to train on.
    pub train: Vec<PathBuf>,
    /// Files and folders to make mixtures of.
    pub test: Vec<PathBuf>,
}

impl SourceFiles {
    /// What it belongs to.
    pub(crate) fn pool(&self) -> Pool {
        self.pool.unwrap_or_default()
    }
}

/// `[data]`: whose sound, in which pairs, how much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Folder with a folder for every speaker, each with `train/` and `test/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speakers: Option<PathBuf>,
    /// Folder of noises: a folder for each with `train.wav` and `test.wav` (or folders of these names), and
    /// sound files, which have no training sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noises: Option<PathBuf>,
    /// TOML file of more sources: tables as in `sources`, its paths counted from its own folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<PathBuf>,
    /// More sources, by their files: `[data.sources.NAME]`.
    pub sources: BTreeMap<String, SourceFiles>,
    /// Who is mixed with whom: `"mixed-sex"`, `"all"`, `"none"` (train only), or a list such as
    /// `["alice+bob", "alice+fan+rain"]`; or a rule about pools, such as
    /// `{ of = ["speakers", "noises"], each = "noises" }` ([`PairRule`](crate::pair_rule::PairRule)).
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
    /// A level for every source of a mixture, in dB, in its order; added to `level_db`.
    pub levels_db: Vec<f64>,
    /// Whether test sound that is too short is repeated.
    #[serde(rename = "loop")]
    pub repeat: Repeat,
    /// Shortest mixture in seconds: where the sources' test sound is shorter than `mixture_s`, the mixture is
    /// as long as the shortest of them. 0: mixtures are `mixture_s` long.
    pub min_mixture_s: f64,
    /// Which sources of a mixture have no model.
    pub unknown: UnknownSources,
}

impl Default for Data {
    fn default() -> Self {
        let MixSpec {
            train_s,
            mixture_s,
            level_db,
            levels_db,
            repeat,
            min_mixture_s,
            unknown,
        } = MixSpec::default();
        Self {
            speakers: None,
            noises: None,
            manifest: None,
            sources: BTreeMap::new(),
            pairs: Pairs::MixedSex,
            mixtures: 3,
            min_train_s: 10.0,
            train_s,
            mixture_s,
            level_db,
            levels_db,
            repeat,
            min_mixture_s,
            unknown,
        }
    }
}

impl Data {
    /// The part of it that a grid may vary.
    pub(crate) fn mix(&self) -> MixSpec {
        MixSpec {
            train_s: self.train_s,
            mixture_s: self.mixture_s,
            level_db: self.level_db,
            levels_db: self.levels_db.clone(),
            repeat: self.repeat,
            min_mixture_s: self.min_mixture_s,
            unknown: self.unknown.clone(),
        }
    }

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
