//! Loops over slices: vector code chosen at run time, on all cores.

use std::ops::Range;

use burn::tensor::Device;
use rayon::prelude::*;

/// Elements that are summed side by side: the compiler does not reorder a sum of floats, so the
/// order must have room for vectors already.
pub(crate) const LANES: usize = 16;

/// Elements that one thread takes at a time.
const CHUNK: usize = 1 << 14;

/// Elements below which handing work over costs more than it saves.
const PARALLEL: usize = 1 << 16;

/// How many of `elements` a thread takes at a time: all, if they are few.
pub(crate) fn chunk(elements: usize) -> usize {
    if elements < PARALLEL {
        elements.max(1)
    } else {
        CHUNK
    }
}

/// Frames below which a matrix product gets slow.
const SHARE: usize = 64;

/// What threads share out among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// The frames of one model or mixture.
    Frames,
    /// Whole stacks of models or mixtures, each of which stays on its thread.
    Stacks,
}

impl Sharing {
    /// Parts of `frames` columns for the threads that are worth it. Parts begin at multiples of
    /// `block`. On the CPU whole steps on a part each are much faster than every operation on all
    /// threads, which then wait for each other each time; other devices get all columns at once.
    pub fn parts(self, frames: usize, block: usize, device: &Device) -> Vec<Range<usize>> {
        let threads = if self == Self::Frames && crate::is_flex(device.as_dispatch()) {
            rayon::current_num_threads().min(frames / SHARE).max(1)
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

/// Bytes of one thread's stack of models on the CPU: about what its caches hold.
const CACHED: usize = 1 << 22;

/// Bytes of a stack of models elsewhere: well below what a small GPU has.
const STACK: usize = 2 << 30;

/// What one model, scene or the like takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// What a step reads and writes.
    pub step: usize,
    /// What lies in memory at most.
    pub whole: usize,
}

/// How many of `count` models, scenes or the like are worked on as one stack of tensors. On the CPU
/// every thread has stacks of its own, whose steps fit into its caches.
pub fn stack_size(count: usize, of_one: Footprint, device: &Device) -> usize {
    let (most, bytes, each) = if crate::is_flex(device.as_dispatch()) {
        let each = count.div_ceil(rayon::current_num_threads());
        (CACHED, of_one.step, each)
    } else {
        (STACK, of_one.whole, count)
    };
    (most / bytes.max(1)).clamp(1, each.max(1))
}

/// A loop to be compiled for several processors. `FUSED`: whether they have fused multiply-add.
pub(crate) trait Work {
    /// What the loop gives.
    type Output;
    /// The loop; mark it and all it calls `inline(always)`.
    fn run<const FUSED: bool>(self) -> Self::Output;
}

/// Runs `work` as compiled for the widest registers that this processor has.
#[inline(always)]
pub(crate) fn vectorised<W: Work>(work: W) -> W::Output {
    struct Runner<W>(W);
    impl<W: Work> pulp::WithSimd for Runner<W> {
        type Output = W::Output;
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> W::Output {
            if S::IS_SCALAR {
                self.0.run::<false>()
            } else {
                self.0.run::<true>()
            }
        }
    }
    pulp::Arch::new().dispatch(Runner(work))
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
            let parts = Sharing::Frames.parts(frames, 32, &Device::flex());
            assert_eq!(parts[0].start, 0);
            assert_eq!(parts[parts.len() - 1].end, frames);
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(parts.iter().all(|part| part.start.is_multiple_of(32)));
        }
        assert!(Sharing::Frames.parts(0, 32, &Device::flex()).is_empty());
    }
}
