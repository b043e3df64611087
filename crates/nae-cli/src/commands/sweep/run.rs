//! `nae sweep run`

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use nae_sweep::Store;
use nae_sweep::{Event, OnFailure, Options, Parallelism, RetryPolicy, Tally};
use serde_json::json;

use super::share::share;
use crate::arguments::{SweepRun, Terminal};
use crate::console::{error_line, log_line, print_json};
use crate::device::cores;
use crate::interrupt::{bail_if_interrupted, is_interrupted, stop_gracefully};
use crate::progress::draw_target;
use nae_files::count;

pub fn run(command: &SweepRun, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let share = share(command, &store.manifest()?)?;
    let device = command.device.open()?;
    let parallelism = match device.is_cpu {
        true => Parallelism::Cells(command.jobs.unwrap_or_else(cores)),
        false => Parallelism::Batched,
    };
    let options = Options {
        share,
        parallelism,
        on_failure: match command.fail_fast {
            true => OnFailure::Stop,
            false => OnFailure::KeepGoing,
        },
        retry_policy: match command.retry_failed {
            true => RetryPolicy::Retry,
            false => RetryPolicy::Skip,
        },
    };
    log_line(
        terminal,
        format_args!("share {} of {} on {device}", share.index, share.of),
    );
    stop_gracefully();
    let bar = ProgressBar::with_draw_target(Some(0), draw_target(terminal.quiet));
    bar.set_style(ProgressStyle::with_template(
        "{bar:32} {pos}/{len} cells {msg} ETA {eta}",
    )?);
    let on_event = |event: &Event| match event {
        Event::Started { cells } => bar.set_length(*cells as u64),
        Event::AlreadyFinished => bar.inc(1),
        Event::Unreadable(found) => bar.suspend(|| {
            let (path, reason) = (found.path.display(), &found.reason);
            error_line(format_args!("made again: {path}: {reason}"));
        }),
        Event::Finished { label, seconds } => {
            bar.set_message(format!("{label} ({seconds:.1} s)"));
            bar.inc(1);
        }
        Event::Failed(failure) => {
            bar.inc(1);
            // immediately, and also without a terminal or with -q: it is an error
            bar.suspend(|| {
                error_line(format_args!("failed: {}: {}", failure.label, failure.error))
            });
        }
    };
    let tally = nae_sweep::run(&store, &options, &device.device, &is_interrupted, &on_event)
        .with_context(|| {
            let again = nae_files::command("sweep run", &command.run, "");
            format!("the run stopped, with its finished cells kept; mend this, then go on with `{again}`")
        })?;
    bar.finish_and_clear();
    if command.json {
        print_json(
            &json!({
                "trained": tally.trained, "joined": tally.joined, "separated": tally.separated,
                "found": tally.found, "failed": tally.failed, "blocked": tally.blocked,
                "left": tally.left, "unreadable": tally.unreadable,
            })
            .to_string(),
        )?;
    }
    report(command, terminal, &tally)
}

/// Writes a log line of what was done. An error if cells failed or are left.
fn report(command: &SweepRun, terminal: &Terminal, tally: &Tally) -> Result<()> {
    let Tally {
        trained,
        joined,
        separated,
        found,
        failed,
        blocked,
        unreadable,
        left,
    } = *tally;
    let joined = match joined {
        0 => String::new(),
        joined => format!("{} trained, ", count(joined, "joint encoder")),
    };
    log_line(
        terminal,
        format_args!(
            "{} trained, {joined}{} separated and scored, {} already finished",
            count(trained, "model"),
            count(separated, "mixture"),
            count(found, "cell")
        ),
    );
    if unreadable > 0 {
        error_line(format_args!(
            "{} could not be read and counted as not done",
            count(unreadable, "result")
        ));
    }
    let advice = |name, more| nae_files::command(name, &command.run, more);
    if failed + blocked > 0 {
        bail!(
            "{} failed; {blocked} skipped because they depend on failed cells. `{}` lists the failures, `{}` retries them",
            count(failed, "cell"),
            advice("sweep status", ""),
            advice("sweep run", "--retry-failed")
        );
    }
    if left > 0 {
        let rest = format!(
            "{} left; `{}` resumes the run",
            count(left, "cell"),
            advice("sweep run", "")
        );
        bail_if_interrupted(&rest)?;
        bail!("stopped with {rest}");
    }
    Ok(())
}
