//! What `nae sweep plan` and `nae sweep status` both print.

use std::path::Path;

use nae_files::command;
use nae_files::count;
use nae_sweep::cell::CellKind;
use nae_sweep::status::Status;
use nae_sweep::{Failure, Unreadable};

use crate::console::error_line;
use crate::device::cores;

/// Time left, in words.
pub fn time_left(status: &Status) -> String {
    let cores = cores();
    let seconds = match status.left_s / cores as f64 {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    };
    format!("about {seconds} on {cores} cores")
}

/// Lines listed of one kind at most.
const MOST: usize = 20;

/// A line for every failed cell, as far as they are few.
pub fn failures(status: &Status) -> Vec<String> {
    let line = |failure: &Failure| format!("failed       {}: {}", failure.label, failure.error);
    let mut lines: Vec<String> = status.failures.iter().take(MOST).map(line).collect();
    if let more @ 1.. = status.failures.len().saturating_sub(MOST) {
        lines.push(format!(
            "             … and {} more",
            count(more, "failed cell")
        ));
    }
    lines
}

/// How many results of each kind: `2 scores, 1 model`.
pub fn counts(unreadable: &[Unreadable]) -> String {
    let kinds = [
        (CellKind::Scores, "score"),
        (CellKind::Model, "model"),
        (CellKind::Joint, "joint encoder"),
    ];
    let of = |kind| unreadable.iter().filter(|found| found.kind == kind).count();
    let counts = kinds.iter().map(|(kind, noun)| (of(*kind), noun));
    let words = counts.filter(|(number, _)| *number > 0);
    let words = words.map(|(number, noun)| count(number, noun));
    words.collect::<Vec<_>>().join(", ")
}

/// A line for every result that cannot be read, as far as they are few.
pub fn paths(unreadable: &[Unreadable]) -> Vec<String> {
    let line = |found: &Unreadable| format!("{}: {}", found.path.display(), found.reason);
    let mut lines: Vec<String> = unreadable.iter().take(MOST).map(line).collect();
    if let more @ 1.. = unreadable.len().saturating_sub(MOST) {
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// Says what rows leave out because it cannot be read.
pub fn say_left_out(unreadable: &[Unreadable], run: &Path) {
    if unreadable.is_empty() {
        return;
    }
    error_line(format_args!(
        "{} could not be read and left out; made again by: {}",
        counts(unreadable),
        command("sweep run", run, "")
    ));
    for line in paths(unreadable) {
        error_line(format_args!("  {line}"));
    }
}
