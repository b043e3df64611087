//! `nae sweep`

use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use nae_sweep::slurm::{self, Layout};
use nae_sweep::status::{Status, status};
use nae_sweep::worker::{Event, FailedBefore, Lanes, OnFailure, Options, Share, Tally};
use nae_sweep::{Experiment, Manifest, Store};
use serde_json::json;

use super::{make_folder, print, sweep_report};
use crate::arguments::{
    Sweep, SweepCommand, SweepFolder, SweepPlan, SweepRun, SweepSlurm, Terminal,
};
use crate::progress::{catch_interrupt, draw_target, is_interrupted, say};

/// Seconds of work that an array's task is given.
const TASK_S: f64 = 600.0;
/// Tasks of an array at most, unless told otherwise.
const MOST_TASKS: usize = 64;

pub fn run(command: &Sweep, terminal: &Terminal) -> Result<()> {
    match &command.command {
        SweepCommand::Plan(command) => plan(command),
        SweepCommand::Run(command) => work(command, terminal),
        SweepCommand::Status(command) => show_status(command),
        SweepCommand::Collect(command) => collect(command, terminal),
        SweepCommand::Report(command) => sweep_report::run(command, terminal),
        SweepCommand::Slurm(command) => batch(command, terminal),
    }
}

fn plan(command: &SweepPlan) -> Result<()> {
    let experiment = Experiment::load(&command.experiment, &command.set)?;
    let manifest = Manifest::plan(&experiment)?;
    make_folder(&command.out)?;
    let store = Store::create(&command.out, &experiment.to_toml()?, &manifest)?;
    let status = status(&store, &manifest)?;
    let cores = cores();
    let mut lines = vec![
        format!("experiment  {} in {}", manifest.name, command.out.display()),
        format!(
            "speakers    {} in {} pairs, {} mixtures each",
            manifest.speakers.len(),
            manifest.pairs.len(),
            manifest.mixtures
        ),
        format!(
            "systems     {}, {} with their grids",
            experiment.systems.len(),
            manifest.variants.len()
        ),
        format!("seeds       {:?}", experiment.seeds),
        format!("cells       {}", cells(&status)),
        format!(
            "time        about {} on {cores} cores",
            duration(status.left_s / cores as f64)
        ),
        format!("disk        about {:.1} MB", status.bytes as f64 / 1e6),
    ];
    lines.extend(failure_lines(&status));
    lines.push(format!(
        "next        nae sweep run {}",
        command.out.display()
    ));
    print(&lines.join("\n"))
}

/// Counts of cells in words.
fn cells(status: &Status) -> String {
    let counts = [
        ("models", status.trainings, status.trained),
        ("joint encoders", status.joinings, status.joined),
        ("separations", status.separations, status.separated),
    ];
    // most runs join nothing
    let counts = counts
        .iter()
        .filter(|(what, count, _)| *count > 0 || *what != "joint encoders");
    let words = counts.map(|(what, count, done)| format!("{count} {what} ({done} done)"));
    words.collect::<Vec<_>>().join(", ")
}

fn work(command: &SweepRun, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let share = share(command, &store.manifest()?)?;
    let device = command.device.open()?;
    let lanes = match device.is_cpu {
        true => Lanes::SideBySide(command.jobs.unwrap_or_else(cores)),
        false => Lanes::Batched,
    };
    let options = Options {
        share,
        lanes,
        on_failure: match command.fail_fast {
            true => OnFailure::Stop,
            false => OnFailure::KeepGoing,
        },
        failed_before: match command.retry_failed {
            true => FailedBefore::Retry,
            false => FailedBefore::Skip,
        },
    };
    say(
        terminal,
        &format!("share {} of {} on {device}", share.index, share.of),
    );
    catch_interrupt()?;
    let bar = ProgressBar::with_draw_target(Some(0), draw_target(terminal.quiet));
    bar.set_style(ProgressStyle::with_template(
        "{bar:32} {pos}/{len} cells {msg} ETA {eta}",
    )?);
    let watch = |event: &Event| match event {
        Event::Begun { cells } => bar.set_length(*cells as u64),
        Event::Found => bar.inc(1),
        Event::Finished { label, seconds } => {
            bar.set_message(format!("{label} ({seconds:.1} s)"));
            bar.inc(1);
        }
        Event::Failed(failure) => {
            bar.inc(1);
            // at once, and also without a terminal or with -q: it is an error
            bar.suspend(|| eprintln!("failed: {}: {}", failure.label, failure.error));
        }
    };
    let tally = nae_sweep::run(&store, &options, &device.device, &is_interrupted, &watch)?;
    bar.finish_and_clear();
    if command.json {
        print(
            &json!({
                "trained": tally.trained, "joined": tally.joined, "separated": tally.separated,
                "found": tally.found, "failed": tally.failed, "blocked": tally.blocked,
                "left": tally.left,
            })
            .to_string(),
        )?;
    }
    ended(command, terminal, &tally)
}

fn ended(command: &SweepRun, terminal: &Terminal, tally: &Tally) -> Result<()> {
    let Tally {
        trained,
        joined,
        separated,
        found,
        failed,
        blocked,
        left,
    } = *tally;
    let joined = match joined {
        0 => String::new(),
        joined => format!("{joined} joint encoders trained, "),
    };
    say(
        terminal,
        &format!(
            "{trained} models trained, {joined}{separated} mixtures separated and scored, {found} cells found finished"
        ),
    );
    let run = command.run.display();
    if failed + blocked > 0 {
        bail!(
            "{failed} cells failed and {blocked} more cannot be without them; `nae sweep status {run}` lists them, and `nae sweep run {run} --retry-failed` tries them again"
        );
    }
    if left > 0 {
        bail!("stopped with {left} cells left; `nae sweep run {run}` goes on");
    }
    Ok(())
}

/// The share asked for, or that of a Slurm array's task, or everything.
fn share(command: &SweepRun, manifest: &Manifest) -> Result<Share> {
    let leaves = match manifest.separations.len() {
        0 => manifest.trainings.len(),
        separations => separations,
    };
    if let Some(index) = command.index {
        let of = match command.of {
            Some(of) => of,
            None => slurm("COUNT")?.unwrap_or(leaves),
        };
        return Ok(Share { index, of });
    }
    let Some(task) = slurm("ID")? else {
        return Ok(Share::ALL);
    };
    let (first, step) = (slurm("MIN")?.unwrap_or(0), slurm("STEP")?.unwrap_or(1));
    Ok(Share {
        index: task.saturating_sub(first) / step.max(1),
        of: slurm("COUNT")?.unwrap_or(1),
    })
}

/// One of Slurm's `SLURM_ARRAY_TASK_…`.
fn slurm(name: &str) -> Result<Option<usize>> {
    let name = format!("SLURM_ARRAY_TASK_{name}");
    let Some(text) = std::env::var_os(&name) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    let number = text.parse();
    number
        .map(Some)
        .with_context(|| format!("{name} is `{text}`, and a whole number was expected"))
}

fn show_status(command: &SweepFolder) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let status = status(&store, &manifest)?;
    let cores = cores();
    let mut lines = vec![format!(
        "models       {}/{}",
        status.trained, status.trainings
    )];
    if status.joinings > 0 {
        let Status {
            joined, joinings, ..
        } = status;
        lines.push(format!("joint        {joined}/{joinings}"));
    }
    lines.extend([
        format!("separations  {}/{}", status.separated, status.separations),
        format!("running      {}", status.running),
        format!(
            "left         about {} on {cores} cores",
            duration(status.left_s / cores as f64)
        ),
    ]);
    lines.extend(failure_lines(&status));
    print(&lines.join("\n"))
}

fn failure_lines(status: &Status) -> Vec<String> {
    let line = |failure: &nae_sweep::store::Failure| {
        format!("failed       {}: {}", failure.label, failure.error)
    };
    status.failures.iter().map(line).collect()
}

fn collect(command: &SweepFolder, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let table = nae_sweep::collect::table(&store)?;
    let status = status(&store, &manifest)?;
    for (name, bytes) in [
        ("results.csv", table.to_csv()?),
        ("results.parquet", table.to_parquet()?),
    ] {
        let path = command.run.join(name);
        nae_audio::write_atomically(&path, &bytes)?;
        say(
            terminal,
            &format!("{}: {} rows", path.display(), table.rows().len()),
        );
    }
    let missing = status.open();
    if missing > 0 {
        say(
            terminal,
            &format!(
                "{missing} cells are not finished ({} failed) and are not in the rows",
                status.failures.len()
            ),
        );
    }
    Ok(())
}

fn batch(command: &SweepSlurm, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let leaves = manifest
        .separations
        .len()
        .max(manifest.trainings.len())
        .max(1);
    let estimated = || {
        (status(&store, &manifest).map(|status| status.left_s))
            .map(|left_s| (left_s / TASK_S).ceil() as usize)
    };
    let tasks = match command.tasks {
        Some(tasks) => tasks.max(1),
        None => estimated()?.clamp(1, MOST_TASKS).min(leaves),
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
    let open = slurm::open_tasks(&store, &manifest, tasks);
    if open.is_empty() {
        say(
            terminal,
            "every cell is finished; there is nothing to submit",
        );
        return Ok(());
    }
    let run = absolute(&command.run)?;
    let scripts = slurm::scripts(&run, &manifest.name, &layout, &open);
    let folder = run.join("slurm");
    make_folder(&folder)?;
    let (array, collect) = (folder.join("array.sh"), folder.join("collect.sh"));
    nae_audio::write_atomically(&array, scripts.array.as_bytes())?;
    nae_audio::write_atomically(&collect, scripts.collect.as_bytes())?;
    print(&format!("{}\n{}", array.display(), collect.display()))?;
    if command.submit {
        let (job, collector) = slurm::submit(&array, &collect)?;
        return print(&format!(
            "submitted {} of {tasks} tasks as job {job}, collecting as job {collector}",
            open.len()
        ));
    }
    say(
        terminal,
        "submit them with --submit, or by hand with sbatch (the second with --dependency=afterany:JOB)",
    );
    Ok(())
}

fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

/// Cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds in words.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
