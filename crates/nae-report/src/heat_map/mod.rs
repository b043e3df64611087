//! Heat maps: spectrograms, bases, activations.

mod colour_scale;
mod html;
mod map;
mod matrix;
pub(crate) mod palette;

pub use colour_scale::ColourScale;
pub use map::HeatMap;
pub use matrix::Matrix;

#[cfg(test)]
mod tests;
