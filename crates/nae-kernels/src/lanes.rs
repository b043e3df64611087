//! Loops over slices: vector code chosen at run time, on all cores.

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
