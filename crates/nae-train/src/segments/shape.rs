//! How many frames of a segment count, and how many are context.

use nae_model::Architecture;
use nae_model::architecture::Context;

/// Frames of context where an estimate depends on all frames before it: a state has settled by then.
const WARM_UP: usize = 8;

/// A segment's frames: context, frames that count, context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentShape {
    /// Frames of context before those that count.
    pub before: usize,
    /// Frames that count.
    pub core: usize,
    /// Frames of context after those that count.
    pub after: usize,
}

impl SegmentShape {
    /// Segments of `core` frames with all the context that a kind needs; `None` for one that sees
    /// every frame by itself.
    pub fn new(architecture: &Architecture, core: usize) -> Option<Self> {
        let context = architecture.encoder_context().then(architecture.context());
        let (before, after) = match (context, architecture.encoder_context()) {
            (Context::NONE, _) => return None,
            (Context::Frames { before, after }, _) => (before, after),
            (Context::Whole, Context::Frames { before, after }) => (WARM_UP + before, after),
            (Context::Whole, Context::Whole) => (WARM_UP, 0),
        };
        Some(Self {
            before,
            core,
            after,
        })
    }

    /// Frames of a segment, context included.
    pub fn frames(&self) -> usize {
        self.before + self.core + self.after
    }

    /// Places of the frames that count in a segment.
    pub fn places(&self) -> std::ops::Range<usize> {
        self.before..self.before + self.core
    }
}
