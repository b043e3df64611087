//! How far a run is.

use crate::cell::CellKind;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::{Failure, Unreadable};
use crate::store::Store;
use crate::survey::{Content, Depth, Survey};

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
    /// Results that cannot be read: their cells count as not finished.
    pub unreadable: Vec<Unreadable>,
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
    let mut survey = Survey::new(store, manifest, Depth::Header);
    // estimated and true seconds of what is done, for each kind of cell
    for kind in [CellKind::Model, CellKind::Joint, CellKind::Scores] {
        let mut rate = Rate::default();
        let (mut all, mut done) = (0, 0);
        for cell in manifest.cells(kind) {
            let (look, estimate) = (survey.look(cell), manifest.seconds(cell));
            all += 1;
            match look.content.filter(|_| look.is_finished) {
                Some(content) => {
                    done += 1;
                    rate.done(estimate, seconds(&content));
                }
                None => {
                    rate.left += estimate;
                    let id = manifest.id(cell.kind, cell.index);
                    status.failures.extend(store.failure(id));
                }
            }
            status.unreadable.extend(look.unreadable);
        }
        status.left_s += rate.left_s();
        let (count, finished) = match kind {
            CellKind::Model => (&mut status.trainings, &mut status.trained),
            CellKind::Joint => (&mut status.joinings, &mut status.joined),
            CellKind::Scores => (&mut status.separations, &mut status.separated),
        };
        (*count, *finished) = (all, done);
    }
    status.running = store.claims_held()?;
    Ok(status)
}

/// Seconds that a result took.
fn seconds(content: &Content) -> f64 {
    match content {
        Content::Model(trained) => trained.seconds,
        Content::Joint(joined) => joined.seconds,
        Content::Scores(outcome) => outcome.seconds + outcome.scoring_s,
    }
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
