//! A worker: it trains models, then joint encoders, then separates mixtures, each once, however
//! many workers share the run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use nae_files::FileLock;

use crate::cell::{CellKind, SCHEMA};
use crate::error::SweepError;
use crate::event::Event;
use crate::executor::Executor;
use crate::manifest::Manifest;
use crate::options::{OnFailure, Options, Parallelism, RetryPolicy};
use crate::queue::Queue;
use crate::records::Failure;
use crate::scratch_directory::ScratchDirectory;
use crate::store::{MANIFEST, Store};
use crate::tally::Tally;

/// Works on a share until all its cells are finished or failed.
///
/// Any number of workers, on this machine or on others that see the folder, may run at once: a cell
/// is claimed by a lock before it is worked on, and the locks of a worker that is killed are
/// released ([`FileLock`]): another takes its cell over within five seconds. Results that cannot be
/// read are made again ([`store`](crate::store)).
///
/// - `stop`: asked often; `true` ends the run, and unfinished cells are dropped
/// - `emit`: called with every event, from all threads
///
/// # Errors
/// [`SweepError`] if the run folder cannot be used. Cells that fail are no error of the run: they are
/// counted.
pub fn run(
    store: &Store,
    options: &Options,
    device: &Device,
    stop: &(dyn Fn() -> bool + Sync),
    emit: &(dyn Fn(&Event) + Sync),
) -> Result<Tally, SweepError> {
    let manifest = store.manifest()?;
    if manifest.schema != SCHEMA {
        return Err(SweepError::Damaged {
            path: store.root().join(MANIFEST),
            message: format!(
                "its identities are of version {}, this nae computes version {SCHEMA}",
                manifest.schema
            ),
        });
    }
    store.prepare()?;
    store.collect_garbage();
    let scratch = store.scratch_directory()?;
    let queue = Queue::new(store, &manifest, options.share)?;
    if options.retry_policy == RetryPolicy::Retry {
        queue.clear_failures()?;
    }
    emit(&Event::Started { cells: queue.len() });
    let halted = AtomicBool::new(false);
    let stop = || stop() || halted.load(Ordering::SeqCst);
    let worker = Worker {
        store,
        manifest: &manifest,
        executor: Executor::new(store, &manifest, device, &stop),
        scratch,
        queue,
        group: match options.parallelism {
            Parallelism::Cells(_) => 1,
            Parallelism::Batched => GROUP,
        },
        on_failure: options.on_failure,
        halted: &halted,
        stop: &stop,
        emit,
    };
    match options.parallelism {
        Parallelism::Batched => worker.take_cells()?,
        Parallelism::Cells(threads) => worker.take_cells_on_threads(threads.max(1))?,
    }
    let tally = worker.queue.tally();
    drop(worker);
    store.collect_garbage();
    Ok(tally)
}

/// Cells handed over together at most.
const GROUP: usize = 64;

struct Worker<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    executor: Executor<'a>,
    scratch: ScratchDirectory,
    queue: Queue<'a>,
    group: usize,
    on_failure: OnFailure,
    halted: &'a AtomicBool,
    stop: &'a (dyn Fn() -> bool + Sync),
    emit: &'a (dyn Fn(&Event) + Sync),
}

impl<'a> Worker<'a> {
    /// Several threads, each a thread pool of its own with a single thread.
    fn take_cells_on_threads(&self, count: usize) -> Result<(), SweepError> {
        let pool = || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            pool.map_err(|error| SweepError::Threads(error.to_string()))
        };
        let pools = (0..count).map(|_| pool()).collect::<Result<Vec<_>, _>>()?;
        std::thread::scope(|scope| {
            let start =
                |pool| scope.spawn(move || rayon::ThreadPool::install(pool, || self.take_cells()));
            let threads: Vec<_> = pools.iter().map(start).collect();
            let ends = threads.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(SweepError::Threads("one of them panicked".into())))
            });
            // all are waited for, then the first error counts
            ends.collect::<Vec<_>>().into_iter().collect()
        })
    }

    /// Takes cells until none is left; an error ends the other threads too.
    fn take_cells(&self) -> Result<(), SweepError> {
        let end = self.take_cells_until_stopped();
        if end.is_err() {
            self.halted.store(true, Ordering::SeqCst);
        }
        end
    }

    fn take_cells_until_stopped(&self) -> Result<(), SweepError> {
        let emit = |event: &Event| self.emit(event);
        while let Some((kind, places, locks)) = self.queue.wait(self.group, self.stop, &emit)? {
            self.work(kind, &places, locks)?;
        }
        Ok(())
    }

    fn work(
        &self,
        kind: CellKind,
        places: &[usize],
        locks: Vec<FileLock>,
    ) -> Result<(), SweepError> {
        let (manifest, store, scratch) = (self.manifest, self.store, &self.scratch);
        let locked = places.iter().copied().zip(locks);
        match kind {
            CellKind::Model => {
                let cells: Vec<_> = places.iter().map(|&i| &manifest.trainings[i]).collect();
                let done = guarded(cells.len(), || self.executor.train(&cells));
                let publish = |id: &str, (models, made_from)| {
                    store.finish_training(scratch, id, &models, made_from)
                };
                self.publish(kind, locked, done, publish)
            }
            CellKind::Joint => {
                let cells = places.iter().map(|&i| &manifest.joinings[i]);
                let join = || cells.map(|cell| self.executor.join(cell)).collect();
                let done = guarded(places.len(), join);
                let publish = |id: &str, (joint, made_from)| {
                    store.finish_joining(scratch, id, &joint, made_from)
                };
                self.publish(kind, locked, done, publish)
            }
            CellKind::Scores => {
                let cells: Vec<_> = places.iter().map(|&i| &manifest.separations[i]).collect();
                let done = guarded(cells.len(), || self.executor.separate(&cells));
                let publish = |id: &str, outcome| store.finish_separation(scratch, id, outcome);
                self.publish(kind, locked, done, publish)
            }
        }
    }

    /// Publishes the results of cells, or records why they failed, and releases them.
    fn publish<T>(
        &self,
        kind: CellKind,
        cells: impl Iterator<Item = (usize, FileLock)>,
        (outcomes, each): (Vec<Result<T, SweepError>>, Duration),
        publish: impl Fn(&str, T) -> Result<(), SweepError>,
    ) -> Result<(), SweepError> {
        for ((index, lock), outcome) in cells.zip(outcomes) {
            let (id, label) = (
                self.manifest.id(kind, index),
                self.manifest.label(kind, index),
            );
            match outcome {
                Ok(outcome) => {
                    publish(id, outcome)?;
                    self.finished(kind, id, label, each);
                }
                Err(error) => self.failed(id, label, &error)?,
            }
            drop(lock);
        }
        Ok(())
    }

    fn finished(&self, kind: CellKind, id: &str, label: String, took: Duration) {
        self.queue.finished(kind, id);
        self.emit(&Event::Finished {
            label,
            seconds: took.as_secs_f64(),
        });
    }

    fn failed(&self, id: &str, label: String, error: &SweepError) -> Result<(), SweepError> {
        if matches!(error, SweepError::Stopped) {
            self.queue.put_back(id);
            return Ok(());
        }
        let failure = Failure {
            label,
            error: error.to_string(),
        };
        self.store.fail(&self.scratch, id, &failure)?;
        self.queue.failed(id, &failure);
        self.emit(&Event::Failed(failure));
        Ok(())
    }

    fn emit(&self, event: &Event) {
        if self.on_failure == OnFailure::Stop && matches!(event, Event::Failed(_)) {
            self.halted.store(true, Ordering::SeqCst);
        }
        (self.emit)(event);
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
