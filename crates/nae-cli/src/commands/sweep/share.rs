//! The share of a run that one worker computes.

use anyhow::{Context, Result};
use nae_sweep::Manifest;
use nae_sweep::Share;

use crate::arguments::SweepRun;

/// The share asked for, otherwise that of the Slurm array task, otherwise everything.
pub fn share(command: &SweepRun, manifest: &Manifest) -> Result<Share> {
    let leaves = match manifest.separations.len() {
        0 => manifest.trainings.len(),
        separations => separations,
    };
    if let Some(index) = command.index {
        let of = match command.of {
            Some(of) => of,
            None => array_task("COUNT")?.unwrap_or(leaves),
        };
        return Ok(Share { index, of });
    }
    let Some(task) = array_task("ID")? else {
        return Ok(Share::ALL);
    };
    let first = array_task("MIN")?.unwrap_or(0);
    let step = array_task("STEP")?.unwrap_or(1);
    Ok(Share {
        index: task.saturating_sub(first) / step.max(1),
        of: array_task("COUNT")?.unwrap_or(1),
    })
}

/// One of Slurm's `SLURM_ARRAY_TASK_…`.
fn array_task(name: &str) -> Result<Option<usize>> {
    let name = format!("SLURM_ARRAY_TASK_{name}");
    let Some(text) = std::env::var_os(&name) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    let number = text.parse();
    number.map(Some).with_context(|| {
        format!("{name} is `{text}`; expected a whole number, as Slurm sets it for the tasks of an array")
    })
}
