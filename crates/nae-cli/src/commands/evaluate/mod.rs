//! `nae evaluate`

mod example;
mod explain;
mod files;
mod json;
mod order_hint;
mod sounds;
mod table;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use crate::arguments::{Evaluate, Terminal};
use crate::console::{print, print_json};
use crate::progress::draw_target;
use example::{Example, Order, Row};
use files::{ExampleFiles, Found};
use nae_files::count;
use order_hint::order_hint;
use sounds::Sound;

/// Bytes of the files that are scored at once, unless a single mixture has more: with many cores and
/// long sounds memory would otherwise grow with the number of cores.
const BYTES_AT_ONCE: u64 = 256 << 20;

/// Mixtures that are named in an error at most.
const NAMED: usize = 10;

/// All that is printed.
#[derive(Default)]
struct Scored {
    rows: Vec<Row>,
    /// What the scores suggest to look at.
    hints: Vec<String>,
    left_out: Vec<LeftOut>,
}

/// A mixture without scores.
struct LeftOut {
    /// The folder of its references.
    name: String,
    reason: String,
}

pub fn run(command: &Evaluate, terminal: &Terminal) -> Result<()> {
    let found = files::examples(command)?;
    if command.explain {
        let texts = in_turn(found, explained)?;
        return texts
            .iter()
            .try_for_each(|text| print(&format!("{text}\n")));
    }
    let scored = score_all(found, command, terminal)?;
    if command.json {
        return print_json(&json::to_json(&scored).to_string());
    }
    print(&table::table(&scored))
}

/// Scores as many mixtures at a time as there is memory for.
fn score_all(found: Vec<Found>, command: &Evaluate, terminal: &Terminal) -> Result<Scored> {
    let order = if command.permute {
        Order::Best
    } else {
        Order::Given
    };
    let bar = ProgressBar::with_draw_target(
        Some(found.len() as u64),
        draw_target(terminal.quiet || found.len() < 2),
    );
    bar.set_style(ProgressStyle::with_template(
        "{bar:32} {pos}/{len} mixtures ETA {eta}",
    )?);
    let score = |files: &ExampleFiles| -> Result<(Vec<Row>, Vec<String>)> {
        let example = read(files)?;
        let hint = (order == Order::Given).then(|| order_hint(&example));
        let (rows, about_mixture) = example.score(order)?;
        let hints = hint.flatten().into_iter().chain(about_mixture).collect();
        Ok((rows, hints))
    };
    let mut outcomes = Vec::with_capacity(found.len());
    for group in groups(&found) {
        let scored = group.par_iter().map(|found| {
            let outcome = match &found.files {
                Ok(files) => score(files),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            };
            bar.inc(1);
            outcome
        });
        outcomes.extend(scored.collect::<Vec<_>>());
    }
    bar.finish_and_clear();
    let (done, left_out) = divided(found, outcomes)?;
    let (rows, hints): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let scored = Scored {
        rows: rows.into_iter().flatten().collect(),
        hints: hints.into_iter().flatten().collect(),
        left_out,
    };
    // the table says it itself
    if command.json {
        for hint in &scored.hints {
            log::warn!("{hint}");
        }
        warn_of(&scored.left_out);
    }
    Ok(scored)
}

/// Neighbours that are scored together.
fn groups(found: &[Found]) -> Vec<&[Found]> {
    let mut groups = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (i, found_here) in found.iter().enumerate() {
        let here = found_here.files.as_ref().map_or(0, ExampleFiles::bytes);
        if i > start && bytes + here > BYTES_AT_ONCE {
            groups.push(&found[start..i]);
            (start, bytes) = (i, 0);
        }
        bytes += here;
    }
    groups.push(&found[start..]);
    groups
}

fn read(files: &ExampleFiles) -> Result<Example> {
    let all = |paths: &[std::path::PathBuf]| -> Result<Vec<Sound>> {
        paths.iter().map(|path| Sound::read(path)).collect()
    };
    let mixture = files.mixture.as_deref().map(Sound::read).transpose()?;
    Example::new(all(&files.references)?, all(&files.estimates)?, mixture)
}

/// One mixture after the other, and a warning of those that are left out.
fn in_turn<T>(found: Vec<Found>, work: impl Fn(&ExampleFiles) -> Result<T>) -> Result<Vec<T>> {
    let outcome = |found: &Found| match &found.files {
        Ok(files) => work(files),
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    let outcomes = found.iter().map(outcome).collect();
    let (done, left_out) = divided(found, outcomes)?;
    warn_of(&left_out);
    Ok(done)
}

fn explained(files: &ExampleFiles) -> Result<String> {
    let example = read(files)?;
    let mut texts = Vec::new();
    for i in 0..files.references.len() {
        texts.push(explain::explain(&example, i)?);
    }
    texts.extend(order_hint(&example));
    Ok(texts.join("\n\n"))
}

fn warn_of(left_out: &[LeftOut]) {
    for LeftOut { name, reason } in left_out {
        log::warn!("{name} is left out: {reason}");
    }
}

/// What could be done, and what is left out.
///
/// # Errors
/// If nothing could be done: the reasons.
fn divided<T>(found: Vec<Found>, outcomes: Vec<Result<T>>) -> Result<(Vec<T>, Vec<LeftOut>)> {
    let is_alone = outcomes.len() == 1;
    let (mut done, mut left_out) = (Vec::new(), Vec::new());
    for (found, outcome) in found.into_iter().zip(outcomes) {
        match outcome {
            Ok(outcome) => done.push(outcome),
            Err(error) if is_alone => return Err(error),
            Err(error) => left_out.push(LeftOut {
                name: found.name,
                reason: format!("{error:#}"),
            }),
        }
    }
    if done.is_empty() {
        let shown = left_out.iter().take(NAMED);
        let mut lines: Vec<String> = shown
            .map(|LeftOut { name, reason }| format!("  {name}: {reason}"))
            .collect();
        if left_out.len() > NAMED {
            lines.push(format!("  and {} more", left_out.len() - NAMED));
        }
        bail!(
            "none of {} can be scored:\n{}",
            count(left_out.len(), "mixture"),
            lines.join("\n")
        );
    }
    Ok((done, left_out))
}
