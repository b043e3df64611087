//! Joint encoders on sound that is still coming.
//!
//! Every layer takes one frame at a time and carries what it needs of the frames before: convolutions
//! their inputs, recurrent layers their state. Where the temporal model reads later frames
//! (`joint.hearing = "both"`), frames are that much later. The numbers are those of the whole sound.

mod conv;
mod estimator;
mod network;
mod recurrent;
mod step;

pub use estimator::{JointFrames, LookAhead};
