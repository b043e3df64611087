//! What decides masks.

use crate::AudioError;

/// What decides the masks of a stream's frames.
pub trait StreamMasks {
    /// Its errors.
    type Error: From<AudioError>;

    /// Number of sources, each with a mask of its own.
    fn sources(&self) -> usize;

    /// Later frames that a frame's masks depend on.
    fn look_ahead(&self) -> usize;

    /// Takes frame `t` and gives the masks of frame `t − look_ahead`; those of frames before the first
    /// are not used.
    ///
    /// - `magnitude`: of frame `t`, the mean over channels; `None` after the last frame
    ///
    /// # Shapes
    /// - `magnitude`: `bins`; `masks`: `sources·bins`, a source's bins together; every bin's masks must
    ///   sum to one
    ///
    /// # Errors
    /// Whatever keeps masks from being made; the stream ends with it.
    fn estimate(&mut self, magnitude: Option<&[f32]>, masks: &mut [f32])
    -> Result<(), Self::Error>;
}
