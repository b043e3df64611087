//! Taking cells: models, then joint encoders, then mixtures, each once, whoever else is at work on the
//! run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use burn::tensor::Device;

use crate::bench::Bench;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::queue::{Cell, Next, Queue};
use crate::store::{Desk, Failure, Kind, Store};
use nae_files::FileLock;

/// How long a lane waits before it looks again at cells that others work on.
const PAUSE: Duration = Duration::from_millis(100);

/// Which part of a run a worker takes: separations (where there are none, models) number `index`,
/// `index + of`, … with all the models and joint encoders they need.
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
}

/// How cells go through the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// This many at a time, each on one thread: small models gain little from more, and the
    /// numbers do not depend on how many cores there are.
    SideBySide(usize),
    /// One group after another, for a device that is parallel inside: models of one recipe, and
    /// mixtures with models of one shape, go through as stacks of tensors; joint encoders one by one. The
    /// numbers then differ by rounding with what happens to be left.
    Batched,
}

/// What happens after a cell fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The others go on.
    KeepGoing,
    /// Nothing more is begun.
    Stop,
}

/// What happens to cells that failed in an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedBefore {
    /// They stay failed.
    Skip,
    /// They are tried again.
    Retry,
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which cells.
    pub share: Share,
    /// How many at a time.
    pub lanes: Lanes,
    /// After a failure.
    pub on_failure: OnFailure,
    /// Earlier failures.
    pub failed_before: FailedBefore,
}

/// What happened, told as it happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// The share was looked at.
    Begun {
        /// Its cells.
        cells: usize,
    },
    /// A cell was worked on and landed.
    Finished {
        /// The cell in words.
        label: String,
        /// Seconds it took.
        seconds: f64,
    },
    /// A cell was finished before, by whomever.
    Found,
    /// A cell failed, now or in an earlier run that is not retried, or cannot be because one it needs did.
    Failed(Failure),
}

/// How a run of a share ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Models trained by this worker.
    pub trained: usize,
    /// Joint encoders trained by this worker.
    pub joined: usize,
    /// Mixtures separated by this worker.
    pub separated: usize,
    /// Cells that were finished before or by another worker.
    pub found: usize,
    /// Cells that failed.
    pub failed: usize,
    /// Cells without a model or a joint encoder, since that failed.
    pub blocked: usize,
    /// Cells not begun: the run was stopped.
    pub left: usize,
}

/// Works on a share until all its cells are finished or failed.
///
/// Any number of workers, on this machine or on others that see the folder, may run at once: a cell
/// is claimed by a lock before it is worked on, and a worker that dies loses its locks.
///
/// - `stop`: asked often; `true` ends the run, and unfinished cells are dropped
/// - `watch`: called from all lanes
///
/// # Errors
/// [`SweepError`] if the run folder cannot be used. Cells that fail are no error of the run: they are
/// counted.
pub fn run(
    store: &Store,
    options: &Options,
    device: &Device,
    stop: &(dyn Fn() -> bool + Sync),
    watch: &(dyn Fn(&Event) + Sync),
) -> Result<Tally, SweepError> {
    let manifest = store.manifest()?;
    store.tidy()?;
    let desk = store.desk()?;
    let queue = Queue::new(store, &manifest, options.share)?;
    if options.failed_before == FailedBefore::Retry {
        queue.forgive()?;
    }
    watch(&Event::Begun { cells: queue.len() });
    let halted = AtomicBool::new(false);
    let stop = || stop() || halted.load(Ordering::SeqCst);
    let worker = Worker {
        store,
        manifest: &manifest,
        bench: Bench::new(store, &manifest, device, &stop),
        desk,
        queue: Mutex::new(queue),
        group: match options.lanes {
            Lanes::SideBySide(_) => 1,
            Lanes::Batched => GROUP,
        },
        on_failure: options.on_failure,
        halted: &halted,
        stop: &stop,
        watch,
    };
    match options.lanes {
        Lanes::Batched => worker.lane()?,
        Lanes::SideBySide(lanes) => worker.lanes(lanes.max(1))?,
    }
    let tally = worker.queue().tally();
    drop(worker);
    store.tidy()?;
    Ok(tally)
}

/// Cells handed over together at most.
const GROUP: usize = 64;

struct Worker<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    bench: Bench<'a>,
    desk: Desk,
    queue: Mutex<Queue<'a>>,
    group: usize,
    on_failure: OnFailure,
    halted: &'a AtomicBool,
    stop: &'a (dyn Fn() -> bool + Sync),
    watch: &'a (dyn Fn(&Event) + Sync),
}

impl<'a> Worker<'a> {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue<'a>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Several lanes, each inside a thread pool of its own with a single thread.
    fn lanes(&self, count: usize) -> Result<(), SweepError> {
        let pool = || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            pool.map_err(|error| SweepError::Threads(error.to_string()))
        };
        let pools = (0..count).map(|_| pool()).collect::<Result<Vec<_>, _>>()?;
        std::thread::scope(|scope| {
            let start =
                |pool| scope.spawn(move || rayon::ThreadPool::install(pool, || self.lane()));
            let lanes: Vec<_> = pools.iter().map(start).collect();
            let ends = lanes.into_iter().map(|lane| {
                lane.join()
                    .unwrap_or_else(|_| Err(SweepError::Threads("one of them panicked".into())))
            });
            // all are waited for, then the first error counts
            ends.collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn lane(&self) -> Result<(), SweepError> {
        let end = self.take_cells();
        if end.is_err() {
            self.halted.store(true, Ordering::SeqCst);
        }
        end
    }

    fn take_cells(&self) -> Result<(), SweepError> {
        while !(self.stop)() {
            let mut told = Vec::new();
            let next = self.queue().next(self.group, &mut told)?;
            for event in told {
                self.tell(&event);
            }
            match next {
                Next::Done => return Ok(()),
                Next::Wait => std::thread::sleep(PAUSE),
                Next::Work(kind, places, claims) => self.work(kind, &places, claims)?,
            }
        }
        Ok(())
    }

    fn work(&self, kind: Kind, places: &[usize], claims: Vec<FileLock>) -> Result<(), SweepError> {
        let (manifest, store, desk) = (self.manifest, self.store, &self.desk);
        let places_and_claims = places.iter().copied().zip(claims);
        match kind {
            Kind::Model => {
                let cells: Vec<_> = places.iter().map(|&i| &manifest.trainings[i]).collect();
                let done = guarded(cells.len(), || self.bench.train(&cells));
                let land = |id: &str, model| store.finish_training(desk, id, &model);
                self.land(kind, places_and_claims, done, land)
            }
            Kind::Joint => {
                let cells = places.iter().map(|&i| &manifest.joinings[i]);
                let join = || cells.map(|cell| self.bench.join(cell)).collect();
                let done = guarded(places.len(), join);
                let land = |id: &str, joint| store.finish_joining(desk, id, &joint);
                self.land(kind, places_and_claims, done, land)
            }
            Kind::Scores => {
                let cells: Vec<_> = places.iter().map(|&i| &manifest.separations[i]).collect();
                let done = guarded(cells.len(), || self.bench.separate(&cells));
                let land = |id: &str, outcome| store.finish_separation(desk, id, &outcome);
                self.land(kind, places_and_claims, done, land)
            }
        }
    }

    /// Lands what came of cells, or keeps why nothing did, and lets go of them.
    fn land<T>(
        &self,
        kind: Kind,
        cells: impl Iterator<Item = (usize, FileLock)>,
        (outcomes, each): (Vec<Result<T, SweepError>>, Duration),
        land: impl Fn(&str, T) -> Result<(), SweepError>,
    ) -> Result<(), SweepError> {
        for ((index, claim), outcome) in cells.zip(outcomes) {
            let (id, label) = (
                self.manifest.id(kind, index),
                self.manifest.label(kind, index),
            );
            match outcome {
                Ok(outcome) => {
                    land(id, outcome)?;
                    self.finished(kind, id, label, each);
                }
                Err(error) => self.failed(Cell { kind, index }, id, label, &error)?,
            }
            drop(claim);
        }
        Ok(())
    }

    fn finished(&self, kind: Kind, id: &str, label: String, took: Duration) {
        self.queue().finished(kind, id);
        self.tell(&Event::Finished {
            label,
            seconds: took.as_secs_f64(),
        });
    }

    fn failed(
        &self,
        cell: Cell,
        id: &str,
        label: String,
        error: &SweepError,
    ) -> Result<(), SweepError> {
        if matches!(error, SweepError::Stopped) {
            self.queue().put_back(cell);
            return Ok(());
        }
        let failure = Failure {
            label,
            error: error.to_string(),
        };
        self.store.fail(&self.desk, id, &failure)?;
        self.queue().failed();
        self.tell(&Event::Failed(failure));
        Ok(())
    }

    fn tell(&self, event: &Event) {
        if self.on_failure == OnFailure::Stop && matches!(event, Event::Failed(_)) {
            self.halted.store(true, Ordering::SeqCst);
        }
        (self.watch)(event);
    }
}

/// Outcomes of several cells, and the time each took; a panic of the computation is a failure of all.
fn guarded<T>(
    cells: usize,
    work: impl FnOnce() -> Vec<Result<T, SweepError>>,
) -> (Vec<Result<T, SweepError>>, Duration) {
    let started = Instant::now();
    let outcomes = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcomes) => outcomes,
        Err(panic) => (0..cells).map(|_| Err(panicked(panic.as_ref()))).collect(),
    };
    (outcomes, started.elapsed() / cells.max(1) as u32)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> SweepError {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    SweepError::Panicked(text.unwrap_or("no message").to_owned())
}
