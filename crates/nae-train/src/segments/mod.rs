//! Training of kinds that see several frames at a time: segments of training sound with true context.
//!
//! A step takes a few segments. Each is a number of frames that count with as many before and after
//! them as their estimate depends on; frames of context, and silent ones, are outside the objective.

mod batch;
mod collector;
mod fit;
mod refine;
mod sampler;
mod shape;
mod sound;

pub(crate) use collector::SegmentCollector;
pub(crate) use fit::fit;
pub(crate) use refine::{Division, refine};
pub use shape::SegmentShape;
pub(crate) use sound::{Sound, mask_of};
