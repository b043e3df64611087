//! Which part of a run a worker takes.

use std::collections::HashSet;

use crate::cell::{Cell, CellKind};
use crate::error::SweepError;
use crate::manifest::Manifest;

/// Separations (where there are none, models) number `index`, `index + of`, … with all the models and
/// joint encoders they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// From 0.
    pub index: usize,
    /// At least 1.
    pub of: usize,
}

impl Share {
    /// The whole run.
    pub const ALL: Self = Self { index: 0, of: 1 };

    /// Its cells in the order of work: models, joint encoders, mixtures, each identity once.
    pub(crate) fn cells(self, manifest: &Manifest) -> Result<Vec<Cell>, SweepError> {
        let Self { index, of } = self;
        if index >= of {
            return Err(SweepError::Share { index, of });
        }
        let is_own = |position: usize| position % of == index;
        let separations: Vec<Cell> = manifest
            .distinct_separations()
            .enumerate()
            .filter(|(i, _)| is_own(*i))
            .map(|(_, cell)| cell)
            .collect();
        let own = || separations.iter().map(|cell| manifest.needs(*cell));
        let mut needed: HashSet<&str> = own().flatten().map(|(_, id)| id).collect();
        // universal models need others
        for training in &manifest.trainings {
            if needed.contains(training.id.as_str()) {
                needed.extend(training.on.parts().iter().map(String::as_str));
            }
        }
        let is_trained_only = manifest.separations.is_empty();
        let mut cells = Vec::new();
        for (kind, count) in [
            (CellKind::Model, manifest.trainings.len()),
            (CellKind::Joint, manifest.joinings.len()),
        ] {
            let is_needed = |cell: &Cell| {
                needed.contains(manifest.id(kind, cell.index))
                    || is_trained_only && is_own(cell.index)
            };
            let all = (0..count).map(|index| Cell { kind, index });
            // one's own first, so that several workers begin with different ones
            let (own, others): (Vec<_>, Vec<_>) =
                all.filter(is_needed).partition(|cell| is_own(cell.index));
            cells.extend(own.into_iter().chain(others));
        }
        cells.extend(separations);
        Ok(cells)
    }
}
