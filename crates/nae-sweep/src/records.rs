//! What a run records of its cells besides models and joint encoders.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
}

/// Why a cell failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The cell in words.
    pub label: String,
    /// The error in words.
    pub error: String,
}
