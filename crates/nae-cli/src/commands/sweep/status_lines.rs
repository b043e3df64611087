//! What `nae sweep plan` and `nae sweep status` both print.

use nae_sweep::Failure;
use nae_sweep::status::Status;

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

/// One line a failed cell.
pub fn failures(status: &Status) -> Vec<String> {
    let line = |failure: &Failure| format!("failed       {}: {}", failure.label, failure.error);
    status.failures.iter().map(line).collect()
}
