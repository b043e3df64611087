//! Work on many items at a time, each on threads of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What `work` makes of every item, as many at a time as there are threads, which they share evenly.
/// Each has a pool of its own, so that nothing within hands parts of its work to the others and waits
/// for them.
pub(crate) fn parallel_map<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let threads = rayon::current_num_threads();
    let lanes = threads.min(items.len());
    let pool = |lane| {
        let own = threads / lanes + usize::from(lane < threads % lanes);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(own);
        pool.build().ok()
    };
    let pools: Vec<_> = match lanes {
        // the threads there are do
        0 | 1 => Vec::new(),
        _ => (0..lanes).filter_map(pool).collect(),
    };
    if pools.len() < 2 {
        return items.iter().map(work).collect();
    }
    let found: Vec<Mutex<Option<T>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let lane = || {
        let take = || {
            let i = next.fetch_add(1, Ordering::Relaxed);
            items.get(i).zip(found.get(i))
        };
        while let Some((item, slot)) = take() {
            let made = work(item);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        }
    };
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| pool.install(lane));
        }
    });
    let taken = |slot: Mutex<Option<T>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.into_iter().filter_map(taken).collect()
}
