//! Mixtures made during training, as spectra.
//!
//! The transform is linear: a mixture is a sum of complex spectra, excerpts of the sources at random
//! positions, speeds and levels, which are transformed as they are drawn.

mod bank_sounds;
mod excerpt;
mod mix;
mod mixture_sampler;
mod random_filter;
mod shifted_sound;
mod source_sounds;

pub use bank_sounds::MAX_BANK_FRAMES;
pub use excerpt::Split;
pub use mixture_sampler::{Batch, MixtureSampler};
pub use shifted_sound::MIN_FRAMES;
pub use source_sounds::MAX_FRAMES;
