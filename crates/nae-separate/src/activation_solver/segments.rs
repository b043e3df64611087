//! Which frames each thread optimises, and what it needs of their neighbours.
//!
//! Places count from the first frame of activations: decoders that see frames before their own need
//! activations before the mixture begins (`lead`), so that place `lead` is the mixture's first frame.

use std::ops::Range;

use burn::tensor::Device;
use nae_kernels::Parallelism;
use nae_model::architecture::Context;

/// Frames of a segment whose activations are kept, where an estimate depends on all frames before it.
const CORE: usize = 64;

/// Frames of context there: a state has settled by then.
const WARM_UP: usize = 8;

/// Successive frames that are optimised together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// All its frames; the first and last ones may be in other segments, too.
    pub places: Range<usize>,
    /// Those whose activations are kept. Every place is kept in one segment.
    pub kept: Range<usize>,
    /// Those whose estimates are in the objective: what others depend on lies within the segment.
    pub counted: Range<usize>,
}

/// Segments of one length for one thread.
pub(super) type Share = Vec<Segment>;

/// Frames of activations before the mixture's first.
pub(super) fn lead(context: Context) -> usize {
    match context {
        Context::Frames { before, .. } => before,
        Context::Whole => WARM_UP,
    }
}

/// What each thread optimises of a mixture of `frames` frames.
pub(super) fn shares(
    context: Context,
    frames: usize,
    parallelism: Parallelism,
    device: &Device,
) -> Vec<Share> {
    let lead = lead(context);
    let total = lead + frames;
    match context {
        Context::Frames { before, after } => {
            let parts = parallelism.parts(frames, 1, device).into_iter();
            let share = |part: Range<usize>| {
                let kept = match part.start {
                    0 => 0..lead + part.end,
                    start => lead + start..lead + part.end,
                };
                vec![segment(kept, before, after, lead..total)]
            };
            parts.map(share).collect()
        }
        Context::Whole => {
            let length = (2 * WARM_UP + CORE + WARM_UP).min(total);
            let cores = (0..total.div_ceil(CORE)).map(|i| i * CORE..((i + 1) * CORE).min(total));
            let of_core = |kept: Range<usize>| {
                let first = kept.start.saturating_sub(2 * WARM_UP).min(total - length);
                let places = first..first + length;
                let warm_up = match first {
                    0 => lead,
                    _ => first + WARM_UP,
                };
                Segment {
                    counted: warm_up..places.end,
                    places,
                    kept,
                }
            };
            let segments: Vec<Segment> = cores.map(of_core).collect();
            let parts = parallelism.parts(segments.len() * length, length, device);
            let share =
                |part: &Range<usize>| segments[part.start / length..part.end / length].to_vec();
            parts.iter().map(share).collect()
        }
    }
}

/// The segment in which some places are kept. Frames after them depend on them, and are in the
/// objective for that; to estimate these as well as those that are kept, frames before them are there.
fn segment(kept: Range<usize>, before: usize, after: usize, mixture: Range<usize>) -> Segment {
    let reach = before + after;
    let first = kept.start.saturating_sub(reach + before);
    let places = first..(kept.end + reach).min(mixture.end);
    let counted = match first {
        0 => mixture.start,
        first => first + before,
    };
    Segment {
        counted: counted..places.end,
        places,
        kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_kept_once_and_every_frame_counts() {
        let contexts = [
            Context::NONE,
            Context::Frames {
                before: 3,
                after: 0,
            },
            Context::Frames {
                before: 2,
                after: 5,
            },
            Context::Whole,
        ];
        for context in contexts {
            for frames in [1, 7, 64, 130, 313] {
                let device = Device::flex();
                let shares = shares(context, frames, Parallelism::Frames, &device);
                let (lead, segments) = (lead(context), shares.concat());
                let kept: Vec<usize> = segments.iter().flat_map(|s| s.kept.clone()).collect();
                assert_eq!(kept, (0..lead + frames).collect::<Vec<_>>(), "{context:?}");
                for segment in &segments {
                    assert!(segment.places.start <= segment.kept.start);
                    assert!(segment.kept.end <= segment.places.end);
                    assert!(segment.places.end <= lead + frames);
                    for place in segment.kept.clone().filter(|place| *place >= lead) {
                        assert!(segment.counted.contains(&place), "{context:?} {segment:?}");
                    }
                }
                for share in shares {
                    let lengths: Vec<usize> = share.iter().map(|s| s.places.len()).collect();
                    assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]));
                }
            }
        }
    }

    #[test]
    fn decoders_of_single_frames_need_no_neighbours() {
        for parallelism in [Parallelism::Frames, Parallelism::Batch] {
            let device = Device::flex();
            let shares = shares(Context::NONE, 500, parallelism, &device);
            let parts = parallelism.parts(500, 1, &device);
            for (share, part) in shares.iter().zip(parts) {
                let expected = Segment {
                    places: part.clone(),
                    kept: part.clone(),
                    counted: part,
                };
                assert_eq!(share, &[expected]);
            }
        }
    }
}
