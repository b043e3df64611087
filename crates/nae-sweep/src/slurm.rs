//! Slurm: a job array that works on a run, and a job that collects when it is done.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use nae_files::shell::quoted;
use nae_files::shell_word;

use crate::cell::{Cell, CellKind};
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::share::Share;
use crate::store::Store;
use crate::survey::{Depth, Survey};

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
/// [`SweepError::Share`] for no task at all.
pub fn open_tasks(
    store: &Store,
    manifest: &Manifest,
    tasks: usize,
) -> Result<Vec<usize>, SweepError> {
    let mut survey = Survey::new(store, manifest, Depth::Header);
    let kinds = [CellKind::Model, CellKind::Joint, CellKind::Scores];
    let all = kinds.into_iter().flat_map(|kind| manifest.cells(kind));
    let id = |cell: &Cell| manifest.id(cell.kind, cell.index);
    let open: HashSet<&str> = all
        .filter(|cell| !survey.look(*cell).is_finished)
        .map(|cell| id(&cell))
        .collect();
    let mut is_open = vec![false; tasks];
    for (index, is_open) in is_open.iter_mut().enumerate() {
        let share = Share { index, of: tasks };
        *is_open = share
            .cells(manifest)?
            .iter()
            .any(|cell| open.contains(id(cell)));
    }
    Ok((0..tasks).filter(|task| is_open[*task]).collect())
}

/// Writes both scripts as text.
///
/// - `run`: the run folder, absolute
/// - `open`: the tasks to submit
///
/// # Errors
/// [`SweepError::SlurmPath`] for paths that Slurm cannot take, [`SweepError::Value`] for options that
/// are none.
pub fn scripts(
    run: &Path,
    name: &str,
    layout: &Layout,
    open: &[usize],
) -> Result<Scripts, SweepError> {
    check_path(run, "a backslash, which turns the task's number off", '\\')?;
    check_path(&layout.nae, "a null character", '\0')?;
    layout
        .sbatch
        .iter()
        .try_for_each(|line| check_option(line))?;
    let head = |job: &str, log: &str, more: &[String]| {
        let mut lines = vec![
            "#!/bin/bash".to_owned(),
            format!(
                "#SBATCH --job-name=nae-{}{job}",
                name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
            ),
            format!("#SBATCH --output={}", output(run, log)),
        ];
        lines.extend(
            more.iter()
                .chain(&layout.sbatch)
                .map(|line| format!("#SBATCH {line}")),
        );
        lines.join("\n")
    };
    let (nae, folder) = (quoted_path(&layout.nae), quoted_path(run));
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
    Ok(Scripts {
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
    })
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

/// A path as one word of the script.
fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A log's pattern as one word of an `#SBATCH` line, whose quotes are those of a shell: a `%` of the
/// path itself is written twice.
fn output(run: &Path, log: &str) -> String {
    let folder = run.join("slurm").to_string_lossy().replace('%', "%%");
    quoted(&format!("{folder}/{log}"))
}

/// Refuses paths that a script or a pattern cannot say.
fn check_path(path: &Path, what: &'static str, bad: char) -> Result<(), SweepError> {
    let refused = |what| SweepError::SlurmPath {
        path: path.to_string_lossy().escape_debug().to_string(),
        what,
    };
    match path.to_str() {
        None => Err(refused("bytes that are not UTF-8")),
        Some(text) if text.contains(char::is_control) => Err(refused("control characters")),
        Some(text) if text.contains(bad) => Err(refused(what)),
        Some(_) => Ok(()),
    }
}

/// Refuses what would not be an option on a line of its own.
fn check_option(line: &str) -> Result<(), SweepError> {
    match line.starts_with('-') && !line.contains(char::is_control) {
        true => Ok(()),
        false => Err(SweepError::Value {
            place: format!("--sbatch={}", line.escape_debug()),
            message: "expected an option of sbatch on one line, such as --sbatch=--partition=short"
                .into(),
        }),
    }
}

/// The commands that submit both jobs, to copy.
pub fn submission(array: &Path, collect: &Path) -> String {
    format!(
        "job=$(sbatch --parsable {}) && sbatch --dependency=afterany:${{job%%;*}} {}",
        shell_word(array),
        shell_word(collect)
    )
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
        )
        .unwrap();
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
    fn the_log_is_one_word_with_one_pattern_in_it() {
        for (run, expected) in [
            ("/data/run 1", "--output='/data/run 1/slurm/task-%a.log'"),
            ("/100%a", "--output='/100%%a/slurm/task-%a.log'"),
            ("/it's", r"--output='/it'\''s/slurm/task-%a.log'"),
            (
                "/Zoë $HOME `id` \"q\" #1",
                "--output='/Zoë $HOME `id` \"q\" #1/slurm/task-%a.log'",
            ),
        ] {
            let scripts = scripts(Path::new(run), "e", &layout(), &[0]).unwrap();
            let line = format!("#SBATCH {expected}");
            assert!(
                scripts.array.lines().any(|found| found == line),
                "{}",
                scripts.array
            );
        }
    }

    #[test]
    fn what_slurm_cannot_take_is_refused() {
        for run in ["/a\nb", "/a\\b", "/a\u{1b}b", "/a\0b"] {
            let error = scripts(Path::new(run), "e", &layout(), &[0]).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("Slurm") && !text.contains(char::is_control),
                "{text}"
            );
        }
        for option in ["partition=short", "", "--time=5\nrm -rf x", "x"] {
            let mut layout = layout();
            layout.sbatch = vec![option.into()];
            let error = scripts(Path::new("/run"), "e", &layout, &[0]).unwrap_err();
            assert!(matches!(error, SweepError::Value { .. }), "{error}");
        }
    }

    #[test]
    fn ranges_join_neighbours() {
        assert_eq!(ranges(&[4]), "4");
        assert_eq!(ranges(&[0, 1, 2, 4, 6, 7]), "0-2,4,6-7");
    }
}
