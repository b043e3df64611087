//! The cells of one share in memory: which of them can begin, which wait for others.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::cell::{Cell, CellKind};
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::Failure;
use crate::share::Share;
use crate::tally::Tally;

/// What is known of a cell.
#[derive(Clone, Debug)]
enum State {
    /// Something that it needs is not finished.
    Waiting,
    /// It can begin, unless it is finished or another worker has it.
    Ready,
    /// Something that it needs failed: it can only be found finished.
    Blocked(Failure),
    /// Somebody here works on it.
    Taken,
    /// It is finished, failed or skipped.
    Settled,
}

/// Cells of one share by their place in the order of work: models, joint encoders, mixtures. Nothing
/// here looks at a file.
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    manifest: &'a Manifest,
    cells: Vec<Cell>,
    states: Vec<State>,
    /// Places of those that are ready or blocked: what is worth a look.
    worth_a_look: BTreeSet<usize>,
    places: HashMap<&'a str, usize>,
    /// Places of the cells that need a cell.
    dependents: HashMap<&'a str, Vec<usize>>,
    finished: HashSet<&'a str>,
    tally: Tally,
    /// Increased whenever a cell that others may need is settled or put back.
    changes: u64,
}

impl<'a> Pending<'a> {
    pub fn new(manifest: &'a Manifest, share: Share) -> Result<Self, SweepError> {
        let cells = share.cells(manifest)?;
        let (mut places, mut dependents) = (HashMap::new(), HashMap::<_, Vec<usize>>::new());
        for (place, cell) in cells.iter().enumerate() {
            places.insert(manifest.id(cell.kind, cell.index), place);
            for (_, need) in manifest.needs(*cell) {
                dependents.entry(need).or_default().push(place);
            }
        }
        let mut pending = Self {
            manifest,
            states: vec![State::Waiting; cells.len()],
            worth_a_look: BTreeSet::new(),
            places,
            dependents,
            finished: HashSet::new(),
            tally: Tally::default(),
            changes: 0,
            cells,
        };
        for place in 0..pending.cells.len() {
            pending.begin_if_ready(place);
        }
        Ok(pending)
    }

    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Counts so far; what is neither taken nor settled is left.
    pub fn tally(&self) -> Tally {
        let is_left = |state: &&State| !matches!(state, State::Taken | State::Settled);
        Tally {
            left: self.states.iter().filter(is_left).count(),
            ..self.tally
        }
    }

    pub fn is_empty(&self) -> bool {
        let is_over = |state: &State| matches!(state, State::Taken | State::Settled);
        self.states.iter().all(is_over)
    }

    /// The first place from `from` on that is worth a look, and what keeps it from being worked on.
    pub fn next_from(&self, from: usize) -> Option<(usize, Cell, Option<Failure>)> {
        let place = *self.worth_a_look.range(from..).next()?;
        let failure = match &self.states[place] {
            State::Blocked(failure) => Some(failure.clone()),
            _ => None,
        };
        Some((place, self.cells[place], failure))
    }

    /// Somebody here begins with a cell.
    pub fn take(&mut self, place: usize, is_remade: bool) {
        self.tally.unreadable += usize::from(is_remade);
        self.set(place, State::Taken);
    }

    /// A cell turned out to be finished.
    pub fn found(&mut self, place: usize) {
        self.tally.found += 1;
        self.set(place, State::Settled);
        self.release(place);
    }

    /// A cell was finished here.
    pub fn finished(&mut self, kind: CellKind, id: &str) {
        let Some(&place) = self.places.get(id) else {
            return;
        };
        match kind {
            CellKind::Model => self.tally.trained += 1,
            CellKind::Joint => self.tally.joined += 1,
            CellKind::Scores => self.tally.separated += 1,
        }
        self.set(place, State::Settled);
        self.release(place);
    }

    /// A cell failed, here or before.
    pub fn failed(&mut self, id: &str, failure: &Failure) {
        if let Some(&place) = self.places.get(id) {
            self.tally.failed += 1;
            self.set(place, State::Settled);
            self.block(place, failure);
        }
    }

    /// A cell is not finished, and can never begin because of a failure.
    pub fn skipped(&mut self, place: usize, failure: &Failure) {
        self.tally.blocked += 1;
        self.set(place, State::Settled);
        self.block(place, failure);
    }

    /// A cell that was taken and stopped.
    pub fn put_back(&mut self, id: &str) {
        if let Some(&place) = self.places.get(id) {
            self.set(place, State::Ready);
        }
    }

    fn id(&self, place: usize) -> &'a str {
        let Cell { kind, index } = self.cells[place];
        self.manifest.id(kind, index)
    }

    fn set(&mut self, place: usize, state: State) {
        match state {
            State::Ready | State::Blocked(_) => self.worth_a_look.insert(place),
            State::Waiting | State::Taken | State::Settled => self.worth_a_look.remove(&place),
        };
        self.states[place] = state;
        self.changes += 1;
    }

    fn begin_if_ready(&mut self, place: usize) {
        let mut needs = self.manifest.needs(self.cells[place]);
        let is_ready = needs.all(|(_, need)| self.finished.contains(need));
        if is_ready && matches!(self.states[place], State::Waiting) {
            self.set(place, State::Ready);
        }
    }

    /// Lets the cells that need a finished one begin.
    fn release(&mut self, place: usize) {
        let id = self.id(place);
        self.finished.insert(id);
        for dependent in self.dependents.remove(id).unwrap_or_default() {
            self.begin_if_ready(dependent);
        }
    }

    fn block(&mut self, place: usize, failure: &Failure) {
        let id = self.id(place);
        for dependent in self.dependents.remove(id).unwrap_or_default() {
            if matches!(self.states[dependent], State::Waiting) {
                self.set(dependent, State::Blocked(failure.clone()));
            }
        }
    }
}
