//! Slurm: a job array that works on a run, and a job that collects when it is done.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cell::CellKind;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::store::Store;

/// How the array is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Tasks of the array; task `i` takes share `i` of as many.
    pub tasks: usize,
    /// Tasks that run at a time at most.
    pub throttle: usize,
    /// Cores of a task.
    pub cores: usize,
    /// The command that runs `nae`.
    pub nae: PathBuf,
    /// More lines for the head of both scripts, such as `--partition=short --time=2:00:00`.
    pub sbatch: Vec<String>,
    /// More arguments for `nae sweep run`.
    pub arguments: Vec<String>,
}

/// The two scripts of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripts {
    /// Text of the array's script.
    pub array: String,
    /// Text of the collecting job's script.
    pub collect: String,
}

/// Tasks whose share holds a cell that is not finished.
///
/// # Errors
/// [`SweepError::Damaged`] if the manifest cannot be read.
pub fn open_tasks(store: &Store, manifest: &Manifest, tasks: usize) -> Vec<usize> {
    let leaves: Vec<(CellKind, &str)> = match manifest.separations.is_empty() {
        true => manifest
            .trainings
            .iter()
            .map(|cell| (CellKind::Model, cell.id.as_str()))
            .collect(),
        false => {
            let mut seen = HashSet::new();
            let cells = manifest
                .separations
                .iter()
                .map(|cell| (CellKind::Scores, cell.id.as_str()));
            cells.filter(|(_, id)| seen.insert(*id)).collect()
        }
    };
    let is_open = |task: &usize| {
        leaves
            .iter()
            .skip(*task)
            .step_by(tasks)
            .any(|(kind, id)| !store.is_finished(*kind, id))
    };
    (0..tasks).filter(is_open).collect()
}

/// Writes both scripts as text.
///
/// - `run`: the run folder, absolute
/// - `open`: the tasks to submit
pub fn scripts(run: &Path, name: &str, layout: &Layout, open: &[usize]) -> Scripts {
    let head = |job: &str, log: &str, more: &[String]| {
        let mut lines = vec![
            "#!/bin/bash".to_owned(),
            format!(
                "#SBATCH --job-name=nae-{}{job}",
                name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
            ),
            format!("#SBATCH --output={}", run.join("slurm").join(log).display()),
        ];
        lines.extend(
            more.iter()
                .chain(&layout.sbatch)
                .map(|line| format!("#SBATCH {line}")),
        );
        lines.join("\n")
    };
    let (nae, folder) = (quoted(&layout.nae), quoted(run));
    let array = [
        format!("--array={}%{}", ranges(open), layout.throttle),
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={}", layout.cores),
    ];
    let arguments: String = layout
        .arguments
        .iter()
        .map(|argument| format!(" {argument}"))
        .collect();
    Scripts {
        array: format!(
            "{}\n# the number of shares is fixed, so that single tasks can be submitted again\nexec {nae} sweep run {folder} --index \"$SLURM_ARRAY_TASK_ID\" --of {} --jobs {}{arguments}\n",
            head("", "task-%a.log", &array),
            layout.tasks,
            layout.cores,
        ),
        collect: format!(
            "{}\nexec {nae} sweep collect {folder}\n",
            head("-collect", "collect.log", &["--ntasks=1".to_owned()])
        ),
    }
}

/// `0-3,7` for 0 1 2 3 7.
fn ranges(tasks: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &task in tasks {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == task => *last = task,
            _ => runs.push((task, task)),
        }
    }
    let words = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(",")
}

/// Text that a shell takes as one word.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Submits the array, and the collecting job to run after it however it ends. Returns both jobs' ids.
///
/// # Errors
/// [`SweepError::Io`] without `sbatch`, [`SweepError::Value`] with its words if it refuses.
pub fn submit(array: &Path, collect: &Path) -> Result<(String, String), SweepError> {
    let job = sbatch(&[array.as_os_str()])?;
    let after = format!("--dependency=afterany:{job}");
    let collector = sbatch(&[after.as_ref(), collect.as_os_str()])?;
    Ok((job, collector))
}

fn sbatch(arguments: &[&std::ffi::OsStr]) -> Result<String, SweepError> {
    let output = Command::new("sbatch")
        .arg("--parsable")
        .args(arguments)
        .output()
        .map_err(SweepError::io("run (is this a Slurm machine?)", "sbatch"))?;
    if !output.status.success() {
        return Err(SweepError::Value {
            place: "sbatch".into(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    // JOB or JOB;CLUSTER
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().split(';').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout {
            tasks: 8,
            throttle: 3,
            cores: 2,
            nae: "/opt/it's/nae".into(),
            sbatch: vec!["--partition=short".into()],
            arguments: vec!["--retry-failed".into()],
        }
    }

    #[test]
    fn the_array_names_its_tasks_and_keeps_the_number_of_shares() {
        let scripts = scripts(
            Path::new("/data/run 1"),
            "deck, long",
            &layout(),
            &[0, 1, 2, 5],
        );
        for line in [
            "#SBATCH --array=0-2,5%3",
            "#SBATCH --cpus-per-task=2",
            "#SBATCH --partition=short",
            "#SBATCH --job-name=nae-deck--long",
            r#"exec '/opt/it'\''s/nae' sweep run '/data/run 1' --index "$SLURM_ARRAY_TASK_ID" --of 8 --jobs 2 --retry-failed"#,
        ] {
            assert!(
                scripts.array.lines().any(|found| found == line),
                "{line}\n{}",
                scripts.array
            );
        }
        assert!(
            scripts.collect.ends_with("sweep collect '/data/run 1'\n"),
            "{}",
            scripts.collect
        );
    }

    #[test]
    fn ranges_join_neighbours() {
        assert_eq!(ranges(&[4]), "4");
        assert_eq!(ranges(&[0, 1, 2, 4, 6, 7]), "0-2,4,6-7");
    }
}
