//! Mixtures made during training, as spectra.
//!
//! The transform is linear: a mixture is a sum of complex spectra, excerpts of the sources at random
//! positions, speeds and levels, which are transformed as they are drawn.

mod excerpt;
mod mix;
mod mixture_sampler;
mod shifted_sound;

pub use excerpt::Split;
pub use mixture_sampler::{Batch, MAX_FRAMES, MixtureSampler};
pub use shifted_sound::MIN_FRAMES;
