//! How work is divided among threads and batches: what threads divide, how many models fit into one
//! batch, how many elements a thread takes at a time.

use std::ops::Range;

use burn::tensor::Device;
use rayon::prelude::*;

use crate::flex::is_flex;

/// Elements that one thread takes at a time.
const CHUNK: usize = 1 << 14;

/// Elements below which handing work over costs more than it saves.
const PARALLEL: usize = 1 << 16;

/// Frames below which a matrix product gets slow.
const MIN_FRAMES: usize = 64;

/// Bytes of one thread's batch of models on the CPU: about what its caches hold.
const CACHE_BYTES: usize = 1 << 22;

/// Bytes of a batch of models elsewhere: well below what a small GPU has.
const DEVICE_BYTES: usize = 2 << 30;

/// What threads divide among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallelism {
    /// The frames of one model or mixture.
    Frames,
    /// Whole batches of models or mixtures, each of which stays on its thread.
    Batch,
}

impl Parallelism {
    /// Ranges of `frames` columns, one for each thread that is worth using. Ranges begin at multiples
    /// of `block`. On the CPU whole steps on a range each are much faster than every operation on all
    /// threads, which then wait for each other each time; other devices get all columns at once.
    pub fn parts(self, frames: usize, block: usize, device: &Device) -> Vec<Range<usize>> {
        let threads = if self == Self::Frames && is_flex(device.as_dispatch()) {
            rayon::current_num_threads().min(frames / MIN_FRAMES).max(1)
        } else {
            1
        };
        let blocks = frames.div_ceil(block);
        let edge = |part: usize| (blocks * part / threads * block).min(frames);
        (0..threads)
            .map(|part| edge(part)..edge(part + 1))
            .filter(|part| !part.is_empty())
            .collect()
    }
}

/// Memory that one batch item (a model, a mixture) takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryCost {
    /// Read and written by one step.
    pub step: usize,
    /// Allocated at most.
    pub total: usize,
}

/// How many of `count` models or mixtures are worked on as one batch, at least 1. On the CPU every
/// thread has batches of its own, whose steps fit into its caches; on other devices all that memory
/// has room for go together.
pub fn batch_size(count: usize, of_one: MemoryCost, device: &Device) -> usize {
    let (limit, bytes, most) = if is_flex(device.as_dispatch()) {
        let most = count.div_ceil(rayon::current_num_threads());
        (CACHE_BYTES, of_one.step, most)
    } else {
        (DEVICE_BYTES, of_one.total, count)
    };
    (limit / bytes.max(1)).clamp(1, most.max(1))
}

/// How many of `elements` a thread takes at a time: all, if they are few.
pub(crate) fn chunk(elements: usize) -> usize {
    if elements < PARALLEL {
        elements.max(1)
    } else {
        CHUNK
    }
}

/// Calls `work` on every item and adds up what it gives; in parallel when there are several.
pub(crate) fn sum<T: Send>(items: Vec<T>, work: impl Fn(T) -> f64 + Sync + Send) -> f64 {
    if items.len() < 2 {
        items.into_iter().map(work).sum()
    } else {
        // collected, so that the order of the sum is always the same
        let parts: Vec<f64> = items.into_par_iter().map(work).collect();
        parts.into_iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_all_frames_once_and_begin_at_blocks() {
        for frames in [1, 31, 64, 128, 129, 1563] {
            let parts = Parallelism::Frames.parts(frames, 32, &Device::flex());
            assert_eq!(parts[0].start, 0);
            assert_eq!(parts[parts.len() - 1].end, frames);
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(parts.iter().all(|part| part.start.is_multiple_of(32)));
        }
        assert!(Parallelism::Frames.parts(0, 32, &Device::flex()).is_empty());
    }
}
