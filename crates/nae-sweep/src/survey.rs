//! Which cells are finished: whole, and made from what is there now.

use std::collections::HashMap;

use crate::cell::{Cell, CellKind};
use crate::manifest::Manifest;
use crate::records::{Joined, Outcome, Seal, Trained, Unreadable};
use crate::results::{Found, Record, unreadable};
use crate::store::Store;

pub(crate) use crate::results::Depth;

/// What can be used of a result.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Model(Trained),
    Joint(Joined),
    Scores(Outcome),
}

/// What there is of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Its record, if that can be used.
    pub content: Option<Content>,
    /// Whether there is nothing left to do.
    pub is_finished: bool,
    /// Why what is there counts as not done.
    pub unreadable: Option<Unreadable>,
}

/// Looks at cells, models before what is made from them.
#[derive(Debug)]
pub(crate) struct Survey<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    depth: Depth,
    /// Checksums of weights that finished results are held against.
    weights: HashMap<&'a str, Option<String>>,
}

impl<'a> Survey<'a> {
    pub fn new(store: &'a Store, manifest: &'a Manifest, depth: Depth) -> Self {
        Self {
            store,
            manifest,
            depth,
            weights: HashMap::new(),
        }
    }

    pub fn look(&mut self, cell: Cell) -> Look {
        let id = self.manifest.id(cell.kind, cell.index);
        let (store, depth) = (self.store, self.depth);
        match cell.kind {
            CellKind::Model => {
                let weights = |record: &Trained| store.weights_of_training(id, record, depth);
                self.checked(cell, store.trained(id), weights, Content::Model)
            }
            CellKind::Joint => {
                let weights = |record: &Joined| store.weights_of_joining(id, record, depth);
                self.checked(cell, store.joined(id), weights, Content::Joint)
            }
            CellKind::Scores => {
                let pair = self.manifest.separations[cell.index].pair;
                let sources = self.manifest.pairs[pair].len();
                let complete = |record: &Outcome| match record.sources.len() {
                    came if came == sources => Found::Whole(()),
                    came => {
                        let path = store.record_path(cell.kind, id);
                        let reason = format!("has scores of {came} sources instead of {sources}");
                        unreadable(cell.kind, &path, reason)
                    }
                };
                self.checked(cell, store.outcome(id), complete, Content::Scores)
            }
        }
    }

    fn checked<T: Record>(
        &mut self,
        cell: Cell,
        found: Found<T>,
        rest: impl Fn(&T) -> Found<()>,
        content: impl Fn(T) -> Content,
    ) -> Look {
        let look = |content, unreadable: Option<Unreadable>, is_finished| Look {
            content,
            is_finished,
            unreadable,
        };
        let record = match found {
            Found::Missing => return look(None, None, false),
            Found::Unreadable(unreadable) => return look(None, Some(unreadable), false),
            Found::Whole(record) => record,
        };
        let rest = match rest(&record) {
            Found::Whole(()) => self.current(cell, record.seal()),
            other => other,
        };
        match rest {
            Found::Whole(()) => look(Some(content(record)), None, true),
            // a worker ended between its two files
            Found::Missing => look(Some(content(record)), None, false),
            Found::Unreadable(unreadable) => {
                // training figures are right, scores may be of other models
                let kept = (cell.kind != CellKind::Scores).then(|| content(record));
                look(kept, Some(unreadable), false)
            }
        }
    }

    /// Whether the weights that a result was made from are those that are there now.
    fn current(&mut self, cell: Cell, seal: &Seal) -> Found<()> {
        for (i, (kind, need)) in self.manifest.made_from(cell).into_iter().enumerate() {
            let now = self.weights(kind, need);
            let then = seal.made_from.as_ref().map(|all| all.get(i));
            let is_same = match (&now, then) {
                // models of earlier versions
                (None, _) => true,
                // the result is of an earlier version, the model is not: it was made again
                (Some(_), None) => false,
                (Some(now), Some(then)) => Some(now) == then,
            };
            if !is_same {
                let path = self
                    .store
                    .record_path(cell.kind, self.manifest.id(cell.kind, cell.index));
                let what = match kind {
                    CellKind::Joint => "joint encoder",
                    _ => "model",
                };
                let reason = format!("was made from a {what} that has changed since");
                return unreadable(cell.kind, &path, reason);
            }
        }
        Found::Whole(())
    }

    /// Checksum of a finished cell's weights, where its record has one.
    fn weights(&mut self, kind: CellKind, id: &'a str) -> Option<String> {
        let store = self.store;
        let read = || match kind {
            CellKind::Model => store.trained(id).whole()?.seal.weights,
            CellKind::Joint => store.joined(id).whole()?.seal.weights,
            CellKind::Scores => None,
        };
        self.weights.entry(id).or_insert_with(read).clone()
    }
}
