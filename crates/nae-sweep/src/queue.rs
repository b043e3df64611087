//! The cells of one share, and which of them can be worked on now.

use std::collections::{HashSet, VecDeque};

use crate::claim::Claim;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::store::{Failure, Kind, Store};
use crate::worker::{Event, Share, Tally};

/// A cell by its index in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Train(usize),
    Separate(usize),
}

impl Cell {
    fn index(self) -> usize {
        match self {
            Self::Train(index) | Self::Separate(index) => index,
        }
    }
}

/// What a lane is to do.
#[derive(Debug)]
pub(crate) enum Next {
    /// Train these models, all of one recipe.
    Train(Vec<usize>, Vec<Claim>),
    /// Separate and score these mixtures, all with models of one variant.
    Separate(Vec<usize>, Vec<Claim>),
    /// Everything left is in other hands; look again soon.
    Wait,
    /// Nothing is left.
    Done,
}

/// Cells of one share that are not finished yet, models first.
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
        let needed: HashSet<&str> = separations
            .iter()
            .flat_map(|&i| &manifest.separations[i].models)
            .map(String::as_str)
            .collect();
        let is_trained_only = manifest.separations.is_empty();
        // one's own models first, so that several workers begin with different ones
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (i, training) in manifest.trainings.iter().enumerate() {
            if is_own(i) && (is_trained_only || needed.contains(training.id.as_str())) {
                own.push(Cell::Train(i));
            } else if needed.contains(training.id.as_str()) {
                others.push(Cell::Train(i));
            }
        }
        let pending = own
            .into_iter()
            .chain(others)
            .chain(separations.into_iter().map(Cell::Separate))
            .collect();
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

    /// Forgets earlier failures of this share.
    pub fn forgive(&self) -> Result<(), SweepError> {
        self.pending
            .iter()
            .try_for_each(|cell| self.store.forgive(self.kind_and_id(*cell).1))
    }

    pub fn finished(&mut self, kind: Kind, id: &str) {
        self.finished.insert(id.to_owned());
        match kind {
            Kind::Model => self.tally.trained += 1,
            Kind::Scores => self.tally.separated += 1,
        }
    }

    pub fn failed(&mut self) {
        self.tally.failed += 1;
    }

    /// A cell that was taken and stopped.
    pub fn put_back(&mut self, cell: Cell) {
        self.pending.push_back(cell);
    }

    /// Finds what to do next; `told` gets what was noticed on the way.
    pub fn next(&mut self, group: usize, told: &mut Vec<Event>) -> Result<Next, SweepError> {
        let mut i = 0;
        while i < self.pending.len() {
            let cell = self.pending[i];
            if self.is_settled(cell, told) {
                self.pending.remove(i);
                continue;
            }
            if self.is_ready(cell)
                && let Some(claim) = self.claim(cell)?
            {
                self.pending.remove(i);
                let (cells, claims) = self.group(cell, claim, i, group)?;
                return Ok(match cell {
                    Cell::Train(_) => Next::Train(cells, claims),
                    Cell::Separate(_) => Next::Separate(cells, claims),
                });
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
        claim: Claim,
        mut i: usize,
        most: usize,
    ) -> Result<(Vec<usize>, Vec<Claim>), SweepError> {
        let (mut cells, mut claims) = (vec![first.index()], vec![claim]);
        while cells.len() < most && i < self.pending.len() {
            let cell = self.pending[i];
            if self.go_together(first, cell)
                && self.is_ready(cell)
                && let Some(claim) = self.claim(cell)?
            {
                self.pending.remove(i);
                cells.push(cell.index());
                claims.push(claim);
            } else {
                i += 1;
            }
        }
        Ok((cells, claims))
    }

    /// Whether two cells have tensors of one shape and the same settings.
    fn go_together(&self, one: Cell, other: Cell) -> bool {
        match (one, other) {
            (Cell::Train(one), Cell::Train(other)) => {
                let trainings = &self.manifest.trainings;
                trainings[one].variant == trainings[other].variant
            }
            (Cell::Separate(one), Cell::Separate(other)) => {
                let separations = &self.manifest.separations;
                separations[one].variant == separations[other].variant
            }
            _ => false,
        }
    }

    /// A claim on a cell that is still unfinished once it is claimed.
    fn claim(&self, cell: Cell) -> Result<Option<Claim>, SweepError> {
        let (kind, id) = self.kind_and_id(cell);
        let claim = self.store.claim(id)?;
        // whoever held it last may just have finished it
        Ok(claim.filter(|_| !self.store.is_finished(kind, id)))
    }

    fn kind_and_id(&self, cell: Cell) -> (Kind, &'a str) {
        match cell {
            Cell::Train(i) => (Kind::Model, &self.manifest.trainings[i].id),
            Cell::Separate(i) => (Kind::Scores, &self.manifest.separations[i].id),
        }
    }

    /// Whether there is nothing more to do for a cell: it is finished, failed, or can never begin.
    fn is_settled(&mut self, cell: Cell, told: &mut Vec<Event>) -> bool {
        let (kind, id) = self.kind_and_id(cell);
        if self.store.is_finished(kind, id) {
            self.finished.insert(id.to_owned());
            self.tally.found += 1;
            told.push(Event::Found);
            return true;
        }
        if let Some(failure) = self.store.failure(id) {
            self.tally.failed += 1;
            told.push(Event::Failed(failure));
            return true;
        }
        let Cell::Separate(i) = cell else {
            return false;
        };
        let models = &self.manifest.separations[i].models;
        let broken = models
            .iter()
            .filter(|id| !self.finished.contains(*id))
            .find_map(|id| self.store.failure(id));
        let Some(failure) = broken else {
            return false;
        };
        self.tally.blocked += 1;
        told.push(Event::Failed(Failure {
            label: self
                .manifest
                .separation_label(&self.manifest.separations[i]),
            error: format!(
                "there is no {}, which failed: {}",
                failure.label, failure.error
            ),
        }));
        true
    }

    fn is_ready(&mut self, cell: Cell) -> bool {
        let Cell::Separate(i) = cell else {
            return true;
        };
        self.manifest.separations[i].models.iter().all(|id| {
            let is_there = self.finished.contains(id) || self.store.is_finished(Kind::Model, id);
            if is_there {
                self.finished.insert(id.clone());
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
