//! How far a run is.

use std::collections::HashSet;

use nae_files::FileLock;

use crate::cell::CellKind;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::Failure;
use crate::store::Store;

/// Counts of cells, and what failed.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Models trained.
    pub trained: usize,
    /// Models in all.
    pub trainings: usize,
    /// Joint encoders trained.
    pub joined: usize,
    /// Joint encoders in all.
    pub joinings: usize,
    /// Mixtures separated and scored.
    pub separated: usize,
    /// Mixtures in all.
    pub separations: usize,
    /// Cells that a worker holds right now.
    pub running: usize,
    /// Cells that failed and were not retried.
    pub failures: Vec<Failure>,
    /// Estimated seconds of one core for what is left; corrected by what is done, where there is any.
    pub left_s: f64,
    /// Estimated bytes of the finished run.
    pub bytes: u64,
}

impl Status {
    /// Cells that are not finished.
    pub fn open(&self) -> usize {
        let all = self.trainings + self.joinings + self.separations;
        all - self.trained - self.joined - self.separated
    }
}

/// Looks at every cell of a run.
///
/// # Errors
/// [`SweepError`] if the folder cannot be read.
pub fn status(store: &Store, manifest: &Manifest) -> Result<Status, SweepError> {
    let mut status = Status {
        bytes: manifest.bytes(),
        ..Status::default()
    };
    // estimated and true seconds of what is done, for each kind of cell
    let (mut trainings, mut joinings) = (Rate::default(), Rate::default());
    let mut separations = Rate::default();
    for cell in &manifest.trainings {
        let estimate = manifest.training_s(cell);
        status.trainings += 1;
        if store.is_finished(CellKind::Model, &cell.id) {
            status.trained += 1;
            trainings.done(estimate, store.trained(&cell.id)?.seconds);
        } else {
            trainings.left += estimate;
            status.failures.extend(store.failure(&cell.id));
        }
    }
    for cell in &manifest.joinings {
        let estimate = manifest.joining_s(cell);
        status.joinings += 1;
        if store.is_finished(CellKind::Joint, &cell.id) {
            status.joined += 1;
            joinings.done(estimate, store.joined(&cell.id)?.seconds);
        } else {
            joinings.left += estimate;
            status.failures.extend(store.failure(&cell.id));
        }
    }
    let mut seen = HashSet::new();
    for cell in manifest
        .separations
        .iter()
        .filter(|cell| seen.insert(&cell.id))
    {
        let estimate = manifest.separation_s(cell);
        status.separations += 1;
        if store.is_finished(CellKind::Scores, &cell.id) {
            status.separated += 1;
            let outcome = store.outcome(&cell.id)?;
            separations.done(estimate, outcome.seconds + outcome.scoring_s);
        } else {
            separations.left += estimate;
            status.failures.extend(store.failure(&cell.id));
        }
    }
    status.left_s = trainings.left_s() + joinings.left_s() + separations.left_s();
    for path in nae_files::sorted_entries(&store.root().join("claims"))? {
        if FileLock::take(&path)?.is_none() {
            status.running += 1;
        }
    }
    Ok(status)
}

/// Estimated seconds against true ones.
#[derive(Default)]
struct Rate {
    estimated: f64,
    took: f64,
    left: f64,
}

impl Rate {
    fn done(&mut self, estimated: f64, took: f64) {
        self.estimated += estimated;
        self.took += took;
    }

    fn left_s(&self) -> f64 {
        match self.estimated > 0.0 {
            true => self.left * self.took / self.estimated,
            false => self.left,
        }
    }
}
