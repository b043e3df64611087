//! What every kind of frozen decoder does: the reusable half of a model, activations in, spectra out,
//! nothing left to learn. Separation, joint encoders, latent caches and reports see only this.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::context::Context;
use crate::error::ModelError;
use crate::frame::FrameLayers;

/// Frozen decoder of one kind, with what reads activations from a spectrum: all that a basis or a
/// weight needs on the way to its product was worked out once, and no parameter requires a
/// gradient.
pub trait DecoderKind: Module {
    /// Activations that a frame has.
    fn rank(&self) -> usize;

    /// Activations that the model reads from a spectrum: its encoder's, or a few updates' where there
    /// is none.
    ///
    /// # Shapes
    /// - `x`: `[models, bins, frames]`, compressed magnitudes, non-negative
    /// - output: `[models, rank, frames]`, non-negative
    fn encode(&self, x: Tensor<3>) -> Tensor<3>;

    /// Spectrum that the activations stand for.
    ///
    /// # Shapes
    /// - `activations`: `[models, rank, frames]`
    /// - output: `[models, bins, frames]`, compressed magnitudes, non-negative
    fn decode(&self, activations: Tensor<3>) -> Tensor<3>;

    /// [`encode`](Self::encode) of segments of `segment` frames, one after the other, none of which
    /// knows of another. A kind that sees more than a frame at a time must do this itself.
    fn encode_segments(&self, x: Tensor<3>, _segment: usize) -> Tensor<3> {
        self.encode(x)
    }

    /// [`decode`](Self::decode) of segments of `segment` frames, one after the other, none of which
    /// knows of another. A kind that sees more than a frame at a time must do this itself.
    fn decode_segments(&self, activations: Tensor<3>, _segment: usize) -> Tensor<3> {
        self.decode(activations)
    }

    /// [`decode`](Self::decode) of one model, frame by frame; `None` for kinds that cannot, and for a
    /// stack of several.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the numbers cannot be read back.
    fn frame_layers(&self) -> Result<Option<FrameLayers>, ModelError> {
        Ok(None)
    }

    /// Frames of activations that the estimate of one frame depends on.
    fn context(&self) -> Context {
        Context::NONE
    }

    /// Whether activations below zero would give spectra below zero: there is one layer, and it is
    /// linear.
    fn needs_nonnegative_activations(&self) -> bool;

    /// Whether decoders can be stacked: the same layers of the same shapes.
    fn batchable(&self, other: &Self) -> bool;

    /// [`batchable`](Self::batchable) decoders as one, in order: what each does to its part of the
    /// first dimension. `None` without any.
    fn stack(decoders: &[&Self]) -> Option<Self>;
}
