//! Mixtures made during training, as spectra.
//!
//! The transform is linear: every source's sound is transformed once (at every speed), and a mixture
//! is a sum of complex spectra, excerpts at random positions and levels.

mod excerpt;
mod mix;
mod mixture_sampler;
mod plane;

pub use excerpt::Split;
pub use mixture_sampler::{Batch, MAX_FRAMES, MixtureSampler};
pub use plane::MIN_FRAMES;
