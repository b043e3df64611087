//! The cells of one share, handed out to the threads of a worker.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nae_files::FileLock;

use crate::cell::{Cell, CellKind, TrainedOn};
use crate::error::SweepError;
use crate::event::Event;
use crate::manifest::Manifest;
use crate::pending::Pending;
use crate::records::Failure;
use crate::scanner::{Attempt, Scanner, skipped};
use crate::share::Share;
use crate::store::Store;
use crate::tally::Tally;

/// How often a waiting thread asks whether to stop; no file is looked at.
const SLICE: Duration = Duration::from_millis(100);

/// Cells of one kind by their places in the manifest, with the claims on them.
pub(crate) type Work = (CellKind, Vec<usize>, Vec<FileLock>);

/// What a worker thread is to do.
#[derive(Debug)]
pub(crate) enum Next {
    /// Train these models, all of one recipe; join these models; or separate and score these
    /// mixtures, all with models of one variant.
    Work(CellKind, Vec<usize>, Vec<FileLock>),
    /// Others hold everything that is left: look again once something has changed here, or at this
    /// time.
    Wait(Option<Instant>),
    /// Nothing is left.
    Done,
}

/// Cells of one share that are not finished yet. One thread at a time looks at files, and none while
/// it holds what the others need to report.
#[derive(Debug)]
pub(crate) struct Queue<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    scanner: Mutex<Scanner<'a>>,
    pending: Mutex<Pending<'a>>,
    changed: Condvar,
}

impl<'a> Queue<'a> {
    pub fn new(store: &'a Store, manifest: &'a Manifest, share: Share) -> Result<Self, SweepError> {
        Ok(Self {
            store,
            manifest,
            scanner: Mutex::new(Scanner::new(store, manifest)),
            pending: Mutex::new(Pending::new(manifest, share)?),
            changed: Condvar::new(),
        })
    }

    fn pending(&self) -> MutexGuard<'_, Pending<'a>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn len(&self) -> usize {
        self.pending().cells().len()
    }

    pub fn tally(&self) -> Tally {
        self.pending().tally()
    }

    /// Removes the records of earlier failures in this share.
    pub fn clear_failures(&self) -> Result<(), SweepError> {
        let cells = self.pending().cells().to_vec();
        cells.iter().try_for_each(|cell| {
            let id = self.manifest.id(cell.kind, cell.index);
            self.store.clear_failure(id)
        })
    }

    pub fn finished(&self, kind: CellKind, id: &str) {
        self.pending().finished(kind, id);
        self.changed.notify_all();
    }

    pub fn failed(&self, id: &str, failure: &Failure) {
        self.pending().failed(id, failure);
        self.changed.notify_all();
    }

    /// A cell that was taken and stopped.
    pub fn put_back(&self, id: &str) {
        self.pending().put_back(id);
    }

    /// Waits for work, or for the end: `None`.
    ///
    /// - `emit`: called with what is noticed on the way
    pub fn wait(
        &self,
        group: usize,
        stop: &dyn Fn() -> bool,
        emit: &dyn Fn(&Event),
    ) -> Result<Option<Work>, SweepError> {
        // the other idle threads wait for this lock, so that one looks for all
        let mut scanner = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        while !stop() {
            let seen = self.pending().changes();
            let mut events = Vec::new();
            let next = self.next_by(&mut scanner, group, &mut events);
            events.iter().for_each(emit);
            match next? {
                Next::Done => return Ok(None),
                Next::Work(kind, places, claims) => return Ok(Some((kind, places, claims))),
                // a look may itself have changed what is ready
                Next::Wait(_) if self.pending().changes() != seen => {}
                Next::Wait(until) => self.pause(seen, until, stop),
            }
        }
        Ok(None)
    }

    fn pause(&self, seen: u64, until: Option<Instant>, stop: &dyn Fn() -> bool) {
        let mut pending = self.pending();
        while pending.changes() == seen && !stop() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return;
            }
            let slice = left.map_or(SLICE, |left| left.min(SLICE));
            let waited = self.changed.wait_timeout(pending, slice);
            pending = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Finds what to do next, once; what was noticed on the way is added to `events`.
    #[cfg(test)]
    pub fn next(&self, group: usize, events: &mut Vec<Event>) -> Result<Next, SweepError> {
        let mut scanner = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        self.next_by(&mut scanner, group, events)
    }

    fn next_by(
        &self,
        scanner: &mut Scanner<'a>,
        most: usize,
        events: &mut Vec<Event>,
    ) -> Result<Next, SweepError> {
        let (mut cells, mut claims): (Vec<Cell>, Vec<FileLock>) = Default::default();
        let mut wake: Option<Instant> = None;
        let mut from = 0;
        while let Some((place, cell, blocked)) = self.next_place(from) {
            from = place + 1;
            if cells.len() >= most.max(1) {
                break;
            }
            if cells
                .first()
                .is_some_and(|first| !self.go_together(*first, cell))
            {
                continue;
            }
            let id = self.manifest.id(cell.kind, cell.index);
            match scanner.attempt(cell, blocked.is_some())? {
                Attempt::Held(again) => wake = Some(wake.map_or(again, |wake| wake.min(again))),
                Attempt::Finished => {
                    self.pending().found(place);
                    events.push(Event::AlreadyFinished);
                }
                Attempt::Failed(failure) => {
                    self.pending().failed(id, &failure);
                    events.push(Event::Failed(failure));
                }
                Attempt::Skipped => {
                    if let Some(failure) = &blocked {
                        self.pending().skipped(place, failure);
                        let label = self.manifest.label(cell.kind, cell.index);
                        events.push(skipped(label, failure));
                    }
                }
                Attempt::Taken(claim, unreadable) => {
                    self.pending().take(place, unreadable.is_some());
                    events.extend(unreadable.map(Event::Unreadable));
                    cells.push(cell);
                    claims.push(claim);
                }
            }
        }
        Ok(match cells.first() {
            Some(first) => {
                let places = cells.iter().map(|cell| cell.index).collect();
                Next::Work(first.kind, places, claims)
            }
            None if self.pending().is_empty() => Next::Done,
            None => Next::Wait(wake),
        })
    }

    /// Held only for a moment: others report meanwhile.
    fn next_place(&self, from: usize) -> Option<(usize, Cell, Option<Failure>)> {
        self.pending().next_from(from)
    }

    /// Whether two cells have tensors of one shape and the same settings, and gain by it: joint
    /// encoders are trained one by one.
    fn go_together(&self, one: Cell, other: Cell) -> bool {
        let variant = |cell: Cell| match cell.kind {
            CellKind::Model => {
                let training = &self.manifest.trainings[cell.index];
                let is_part = training.on == TrainedOn::Part;
                // universal models are put together one by one
                training
                    .on
                    .parts()
                    .is_empty()
                    .then_some((training.variant, is_part))
            }
            CellKind::Joint => None,
            CellKind::Scores => Some((self.manifest.separations[cell.index].variant, false)),
        };
        one.kind == other.kind && variant(one).is_some() && variant(one) == variant(other)
    }
}

#[cfg(test)]
mod tests;
