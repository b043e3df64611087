//! What a run records of its cells besides models and joint encoders.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cell::{CellKind, Id};

/// What tells a result from a damaged one, from that of another cell, and from one whose models have
/// changed since. Records of earlier versions have none of it, and are taken as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seal {
    /// Identity of the cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<Id>,
    /// Bytes of the file of weights that belongs to the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-256 of the weights in it, without what depends on the clock: the same training gives the
    /// same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// The `weights` of the models, or of the joint encoder, that the result was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<Vec<String>>,
}

/// A result that is there and cannot be used: it counts as not done, and is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What it should be.
    pub kind: CellKind,
    /// The file.
    pub path: PathBuf,
    /// Why, to follow the path and a colon.
    pub reason: String,
}

/// Record of a training, beside the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Final loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Frames trained on.
    pub frames: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Version of nae.
    pub tool_version: String,
    /// What its files must agree with.
    #[serde(default)]
    pub seal: Seal,
}

/// Record of training a joint encoder, beside its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// Final loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Version of nae.
    pub tool_version: String,
    /// What its files must agree with.
    #[serde(default)]
    pub seal: Seal,
}

/// Scores by name; `null` where one does not exist.
pub type ScoreMap = BTreeMap<String, Option<f64>>;

/// A separated and scored mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Scores of every source, in the pair's order, under the names of the results' columns.
    pub sources: Vec<ScoreMap>,
    /// Final loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Seconds of separation, scoring not counted.
    pub seconds: f64,
    /// Seconds of scoring.
    pub scoring_s: f64,
    /// Version of nae.
    pub tool_version: String,
    /// What its files must agree with.
    #[serde(default)]
    pub seal: Seal,
}

/// Why a cell failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The cell in words.
    pub label: String,
    /// The error in words.
    pub error: String,
}
