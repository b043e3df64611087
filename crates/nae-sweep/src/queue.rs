//! The cells of one share, and which of them can be worked on now.

use std::collections::{HashSet, VecDeque};

use nae_files::FileLock;

use crate::cell::CellKind;
use crate::error::SweepError;
use crate::event::Event;
use crate::manifest::Manifest;
use crate::records::Failure;
use crate::share::Share;
use crate::store::Store;
use crate::tally::Tally;

/// A cell by its place in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub kind: CellKind,
    pub index: usize,
}

/// What a worker thread is to do.
#[derive(Debug)]
pub(crate) enum Next {
    /// Train these models, all of one recipe; join these models; or separate and score these
    /// mixtures, all with models of one variant.
    Work(CellKind, Vec<usize>, Vec<FileLock>),
    /// Other workers hold everything that is left; look again soon.
    Wait,
    /// Nothing is left.
    Done,
}

/// Cells of one share that are not finished yet: models, joint encoders, mixtures.
#[derive(Debug)]
pub(crate) struct Queue<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    // a long queue is mostly shortened at its front
    pending: VecDeque<Cell>,
    finished: HashSet<String>,
    tally: Tally,
}

impl<'a> Queue<'a> {
    pub fn new(store: &'a Store, manifest: &'a Manifest, share: Share) -> Result<Self, SweepError> {
        let Share { index, of } = share;
        if index >= of {
            return Err(SweepError::Share { index, of });
        }
        let is_own = |position: usize| position % of == index;
        let separations = once(manifest.separations.iter().map(|cell| cell.id.as_str()));
        let separations: Vec<usize> = separations
            .into_iter()
            .enumerate()
            .filter(|(i, _)| is_own(*i))
            .map(|(_, cell)| cell)
            .collect();
        let own = || separations.iter().map(|&i| &manifest.separations[i]);
        let models: HashSet<&str> = own()
            .flat_map(|cell| &cell.models)
            .map(String::as_str)
            .collect();
        let joints: HashSet<&str> = own().filter_map(|cell| cell.joint.as_deref()).collect();
        let is_trained_only = manifest.separations.is_empty();
        let cells = |kind, count| (0..count).map(move |index| Cell { kind, index });
        let mut pending = VecDeque::new();
        for (kind, count, needed) in [
            (CellKind::Model, manifest.trainings.len(), models),
            (CellKind::Joint, manifest.joinings.len(), joints),
        ] {
            let is_needed = |cell: &Cell| {
                needed.contains(manifest.id(kind, cell.index))
                    || is_trained_only && is_own(cell.index)
            };
            let needed = cells(kind, count).filter(is_needed);
            // one's own first, so that several workers begin with different ones
            let (own, others): (Vec<_>, Vec<_>) = needed.partition(|cell| is_own(cell.index));
            pending.extend(own.into_iter().chain(others));
        }
        pending.extend(separations.into_iter().map(|index| Cell {
            kind: CellKind::Scores,
            index,
        }));
        Ok(Self {
            store,
            manifest,
            pending,
            finished: HashSet::new(),
            tally: Tally::default(),
        })
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn tally(&self) -> Tally {
        Tally {
            left: self.pending.len(),
            ..self.tally
        }
    }

    /// Removes the records of earlier failures in this share.
    pub fn clear_failures(&self) -> Result<(), SweepError> {
        self.pending
            .iter()
            .try_for_each(|cell| self.store.clear_failure(self.id(*cell)))
    }

    pub fn finished(&mut self, kind: CellKind, id: &str) {
        self.finished.insert(id.to_owned());
        match kind {
            CellKind::Model => self.tally.trained += 1,
            CellKind::Joint => self.tally.joined += 1,
            CellKind::Scores => self.tally.separated += 1,
        }
    }

    pub fn failed(&mut self) {
        self.tally.failed += 1;
    }

    /// A cell that was taken and stopped.
    pub fn put_back(&mut self, cell: Cell) {
        self.pending.push_back(cell);
    }

    /// Finds what to do next; what was noticed on the way is added to `events`.
    pub fn next(&mut self, group: usize, events: &mut Vec<Event>) -> Result<Next, SweepError> {
        let mut i = 0;
        while i < self.pending.len() {
            let cell = self.pending[i];
            if self.is_settled(cell, events) {
                self.pending.remove(i);
                continue;
            }
            if self.is_ready(cell)
                && let Some(claim) = self.claim(cell)?
            {
                self.pending.remove(i);
                let (cells, claims) = self.group(cell, claim, i, group)?;
                return Ok(Next::Work(cell.kind, cells, claims));
            }
            i += 1;
        }
        Ok(match self.pending.is_empty() {
            true => Next::Done,
            false => Next::Wait,
        })
    }

    /// Adds cells that can be worked on together, from place `i` on, to one that is claimed.
    fn group(
        &mut self,
        first: Cell,
        claim: FileLock,
        mut i: usize,
        most: usize,
    ) -> Result<(Vec<usize>, Vec<FileLock>), SweepError> {
        let (mut cells, mut claims) = (vec![first.index], vec![claim]);
        while cells.len() < most && i < self.pending.len() {
            let cell = self.pending[i];
            if self.go_together(first, cell)
                && self.is_ready(cell)
                && let Some(claim) = self.claim(cell)?
            {
                self.pending.remove(i);
                cells.push(cell.index);
                claims.push(claim);
            } else {
                i += 1;
            }
        }
        Ok((cells, claims))
    }

    /// Whether two cells have tensors of one shape and the same settings, and gain by it: joint
    /// encoders are trained one by one.
    fn go_together(&self, one: Cell, other: Cell) -> bool {
        let variant = |cell: Cell| match cell.kind {
            CellKind::Model => Some(self.manifest.trainings[cell.index].variant),
            CellKind::Joint => None,
            CellKind::Scores => Some(self.manifest.separations[cell.index].variant),
        };
        one.kind == other.kind && variant(one).is_some() && variant(one) == variant(other)
    }

    /// A claim on a cell that is still unfinished once it is claimed.
    fn claim(&self, cell: Cell) -> Result<Option<FileLock>, SweepError> {
        let id = self.id(cell);
        let claim = self.store.claim(id)?;
        // the worker that held it last may have finished it
        Ok(claim.filter(|_| !self.store.is_finished(cell.kind, id)))
    }

    fn id(&self, cell: Cell) -> &'a str {
        self.manifest.id(cell.kind, cell.index)
    }

    /// What a cell cannot begin without.
    fn needs(&self, cell: Cell) -> Vec<(CellKind, &'a str)> {
        let (models, joint) = match cell.kind {
            CellKind::Model => return Vec::new(),
            CellKind::Joint => (&self.manifest.joinings[cell.index].models, None),
            CellKind::Scores => {
                let separation = &self.manifest.separations[cell.index];
                (&separation.models, separation.joint.as_deref())
            }
        };
        let models = models.iter().map(|id| (CellKind::Model, id.as_str()));
        models
            .chain(joint.map(|id| (CellKind::Joint, id)))
            .collect()
    }

    /// Whether there is nothing more to do for a cell: it is finished, failed, or can never begin.
    fn is_settled(&mut self, cell: Cell, events: &mut Vec<Event>) -> bool {
        let id = self.id(cell);
        if self.store.is_finished(cell.kind, id) {
            self.finished.insert(id.to_owned());
            self.tally.found += 1;
            events.push(Event::AlreadyFinished);
            return true;
        }
        if let Some(failure) = self.store.failure(id) {
            self.tally.failed += 1;
            events.push(Event::Failed(failure));
            return true;
        }
        let needs = self.needs(cell).into_iter();
        let broken = needs
            .filter(|(_, id)| !self.finished.contains(*id))
            .find_map(|(_, id)| self.store.failure(id));
        let Some(failure) = broken else {
            return false;
        };
        self.tally.blocked += 1;
        events.push(Event::Failed(Failure {
            label: self.manifest.label(cell.kind, cell.index),
            error: format!(
                "skipped because it depends on the {}, which failed: {}",
                failure.label, failure.error
            ),
        }));
        true
    }

    fn is_ready(&mut self, cell: Cell) -> bool {
        self.needs(cell).into_iter().all(|(kind, id)| {
            let is_there = self.finished.contains(id) || self.store.is_finished(kind, id);
            if is_there {
                self.finished.insert(id.to_owned());
            }
            is_there
        })
    }
}

/// Places of the first of each identity.
fn once<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut seen = HashSet::new();
    ids.enumerate()
        .filter(|(_, id)| seen.insert(*id))
        .map(|(i, _)| i)
        .collect()
}

#[cfg(test)]
mod tests;
