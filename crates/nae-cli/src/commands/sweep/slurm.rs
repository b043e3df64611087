//! `nae sweep slurm`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nae_files::create_folder;
use nae_sweep::slurm::{self, Layout};
use nae_sweep::status::status;
use nae_sweep::{Manifest, Store};

use crate::arguments::{SweepSlurm, Terminal};
use crate::console::{log_line, print};

/// Seconds of work for one task of an array.
const TASK_S: f64 = 600.0;
/// Tasks of an array at most, unless `--tasks` says otherwise.
const MAX_TASKS: usize = 64;

pub fn run(command: &SweepSlurm, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let tasks = match command.tasks {
        Some(tasks) => tasks.max(1),
        None => estimated_tasks(&store, &manifest)?,
    };
    let layout = Layout {
        tasks,
        throttle: command.throttle.clamp(1, tasks),
        cores: command.cores.max(1),
        nae: std::env::current_exe().context("cannot find the path of this program")?,
        sbatch: command.sbatch.clone(),
        arguments: match command.retry_failed {
            true => vec!["--retry-failed".into()],
            false => Vec::new(),
        },
    };
    let open = slurm::open_tasks(&store, &manifest, tasks)?;
    if open.is_empty() {
        log_line(terminal, "every cell is finished; nothing to submit");
        return Ok(());
    }
    let run = absolute(&command.run)?;
    let scripts = slurm::scripts(&run, &manifest.name, &layout, &open)?;
    let folder = run.join("slurm");
    create_folder(&folder)?;
    let (array, collect) = (folder.join("array.sh"), folder.join("collect.sh"));
    nae_files::write_atomically(&array, scripts.array.as_bytes())?;
    nae_files::write_atomically(&collect, scripts.collect.as_bytes())?;
    print(&format!("{}\n{}", array.display(), collect.display()))?;
    if command.submit {
        let (job, collector) = slurm::submit(&array, &collect)?;
        return print(&format!(
            "submitted {} of {tasks} tasks as job {job}, collecting as job {collector}",
            open.len()
        ));
    }
    log_line(
        terminal,
        format_args!(
            "submit both with --submit, or yourself: {}",
            slurm::submission(&array, &collect)
        ),
    );
    Ok(())
}

/// Tasks that take about [`TASK_S`] each.
fn estimated_tasks(store: &Store, manifest: &Manifest) -> Result<usize> {
    let leaves = manifest.separations.len().max(manifest.trainings.len());
    let tasks = (status(store, manifest)?.left_s / TASK_S).ceil() as usize;
    Ok(tasks.clamp(1, MAX_TASKS).min(leaves.max(1)))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}
