//! Layers that take one frame at a time, with the state that they carry from frame to frame: what
//! sound that is still coming goes through. They work on slices and take no memory once they are made.

mod dense;
mod layers;
mod recurrent;

pub use dense::FrameDense;
pub use layers::{FrameLayer, FrameLayers};
pub use recurrent::FrameRecurrent;
