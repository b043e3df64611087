//! What estimates the masks of one frame after the other.

use crate::error::SeparateError;

/// Estimates the sources' masks frame by frame, with whatever it remembers of earlier frames.
pub trait FrameEstimator: Send {
    /// Number of sources.
    fn sources(&self) -> usize;

    /// Later frames that a frame's masks depend on.
    fn look_ahead(&self) -> usize;

    /// Takes frame `t` and gives the masks of frame `t − look_ahead`, which sum to one at every bin.
    /// Those of frames before the first are not used.
    ///
    /// - `magnitude`: of the mixture at the models' sample rate; `None` after the last frame
    /// - `gain`: linear factor that brings the mixture to the level the models were trained at
    ///
    /// # Shapes
    /// - `magnitude`: `bins`; `masks`: `[sources, bins]`, a source's bins together
    ///
    /// # Errors
    /// [`SeparateError`] for whatever keeps it from giving masks.
    fn estimate(
        &mut self,
        magnitude: Option<&[f32]>,
        gain: f64,
        masks: &mut [f32],
    ) -> Result<(), SeparateError>;
}
