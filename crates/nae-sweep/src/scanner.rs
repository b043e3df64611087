//! Looking for work in the run folder, as seldom as will do.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use nae_files::FileLock;

use crate::cell::{Cell, CellKind};
use crate::error::SweepError;
use crate::event::Event;
use crate::manifest::Manifest;
use crate::records::{Failure, Unreadable};
use crate::store::Store;
use crate::survey::{Depth, Survey};

/// Bounds of the pause before another look at a cell that another worker holds.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What a look at a cell came to.
pub(crate) enum Attempt {
    /// It is claimed and to be worked on; what could not be read and is made again.
    Taken(FileLock, Option<Unreadable>),
    /// Another worker has it; no further look is worth it before that.
    Held(Instant),
    /// It is finished.
    Finished,
    /// It failed before.
    Failed(Failure),
    /// It is not finished and can never begin.
    Skipped,
}

/// Looks at cells. A cell that another worker holds is looked at again after a quarter of the time
/// that it has been held, so that an idle worker asks little and loses little.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    survey: Survey<'a>,
    held: HashMap<(CellKind, usize), Held>,
}

/// A cell that another worker holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    since: Instant,
    again: Instant,
}

impl<'a> Scanner<'a> {
    pub fn new(store: &'a Store, manifest: &'a Manifest) -> Self {
        Self {
            store,
            manifest,
            survey: Survey::new(store, manifest, Depth::Content),
            held: HashMap::new(),
        }
    }

    /// Looks at a cell, and claims it if there is work to do.
    ///
    /// - `is_blocked`: whether something that it needs failed
    pub fn attempt(&mut self, cell: Cell, is_blocked: bool) -> Result<Attempt, SweepError> {
        let key = (cell.kind, cell.index);
        let held = self.held.get(&key).copied();
        match held {
            Some(held) if Instant::now() < held.again => return Ok(Attempt::Held(held.again)),
            // whoever holds it has not finished it: only the lock is worth a look
            Some(_) => {}
            None => {
                if let ControlFlow::Break(settled) = self.look(cell) {
                    return Ok(settled);
                }
            }
        }
        if is_blocked {
            return Ok(Attempt::Skipped);
        }
        let Some(claim) = self.store.claim(self.manifest.id(cell.kind, cell.index))? else {
            let now = Instant::now();
            let since = held.map_or(now, |held| held.since);
            let again = now + pause(now - since);
            self.held.insert(key, Held { since, again });
            return Ok(Attempt::Held(again));
        };
        self.held.remove(&key);
        // the worker that held it last may have finished it
        Ok(match self.look(cell) {
            ControlFlow::Break(settled) => settled,
            ControlFlow::Continue(unreadable) => Attempt::Taken(claim, unreadable),
        })
    }

    /// What there is to say of a cell that needs no work; of one that does, what of it cannot be read.
    fn look(&mut self, cell: Cell) -> ControlFlow<Attempt, Option<Unreadable>> {
        let look = self.survey.look(cell);
        if look.is_finished {
            return ControlFlow::Break(Attempt::Finished);
        }
        match self.store.failure(self.manifest.id(cell.kind, cell.index)) {
            Some(failure) => ControlFlow::Break(Attempt::Failed(failure)),
            None => ControlFlow::Continue(look.unreadable),
        }
    }
}

/// How long to leave a cell alone that has been held for some time.
fn pause(held: Duration) -> Duration {
    (held / 4).clamp(PAUSES.0, PAUSES.1)
}

/// The event of a look that settles a cell.
pub(crate) fn skipped(label: String, failure: &Failure) -> Event {
    Event::Failed(Failure {
        label,
        error: format!(
            "skipped because it depends on the {}, which failed: {}",
            failure.label, failure.error
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_the_wait_and_are_bounded() {
        let seconds = |s: f64| pause(Duration::from_secs_f64(s)).as_secs_f64();
        assert_eq!(
            [0.0, 0.4, 4.0, 20.0, 3600.0].map(seconds),
            [0.1, 0.1, 1.0, 5.0, 5.0]
        );
    }
}
