//! What a run reports while it goes on.

use crate::records::{Failure, Unreadable};

/// Something that happened to a cell or a share.
#[derive(Clone, Debug)]
pub enum Event {
    /// The share was looked at.
    Started {
        /// Its cells.
        cells: usize,
    },
    /// A cell was worked on and its result was published.
    Finished {
        /// The cell in words.
        label: String,
        /// Seconds it took.
        seconds: f64,
    },
    /// A cell was finished before, by this worker or another.
    AlreadyFinished,
    /// A result cannot be read, and is made again.
    Unreadable(Unreadable),
    /// A cell failed, now or in an earlier run that is not retried, or was skipped because one that it
    /// depends on failed.
    Failed(Failure),
}
