//! The loss of a training, window by window.

use std::path::Path;

use anyhow::{Context, Result};
use nae_model::optim::Progress;
use serde::Serialize;

/// One line of the log.
#[derive(Clone, Debug, Serialize)]
pub struct LossRecord {
    /// Member of an ensemble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<&'static str>,
    /// Stage of the training.
    pub stage: &'static str,
    /// Steps of this stage so far.
    pub step: usize,
    /// Loss at this step.
    pub loss: f64,
}

impl From<&Progress> for LossRecord {
    fn from(progress: &Progress) -> Self {
        Self {
            member: None,
            stage: progress.stage,
            step: progress.step,
            loss: progress.loss,
        }
    }
}

/// Writes one JSON object a line, once what was trained is in place.
///
/// - `trained`: file of what was trained
pub fn write_loss_log(path: &Path, records: &[LossRecord], trained: &Path) -> Result<()> {
    let lines = records
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    let text = lines.join("\n") + "\n";
    nae_files::write_atomically(path, text.as_bytes())
        .with_context(|| format!("{} was written, but its log was not", trained.display()))
}
