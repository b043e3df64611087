//! What every kind of network does: the seam between architectures and training.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;

use crate::config::Latent;
use crate::decoder::DecoderKind;
use crate::loss::Estimate;

/// How much of a network there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Encoder, if the kind has one, and decoder.
    Whole,
    /// The decoder alone, which is all that joint files keep.
    Decoder,
}

/// What an encoder makes of a spectrum.
#[derive(Clone, Debug)]
pub struct Encoding {
    /// Outputs of the layers before the latent, `[models, units, frames]` each, non-negative.
    pub hidden: Vec<Tensor<3>>,
    /// Activations, `[models, rank, frames]`, non-negative.
    pub latent: Tensor<3>,
}

impl Encoding {
    /// All layers' outputs in order, the latent last.
    pub fn layers(&self) -> impl Iterator<Item = &Tensor<3>> {
        self.hidden.iter().chain([&self.latent])
    }
}

/// What a decoder makes of activations while it learns.
#[derive(Clone, Debug)]
pub struct Decoding {
    /// Outputs of the hidden layers, `[models, units, frames]` each, non-negative.
    pub hidden: Vec<Tensor<3>>,
    /// `X̂`, `[models, bins, frames]`.
    pub estimate: Estimate,
}

/// Network of one kind: encoder and decoder with their weights, of one model or of several of one
/// shape, stacked along the first dimension of every tensor. Each model sees only its own part.
///
/// Its parameters have paths that begin with `encoder.` and `decoder.` and are exactly those that the
/// architecture's [`tensors`](crate::architecture::ArchitectureKind::tensors) lists.
pub trait NetworkKind: Module {
    /// The kind's architecture.
    type Architecture;
    /// The kind's frozen decoder.
    type Decoder: DecoderKind;

    /// One model's network, or its decoder alone, with weights drawn from `rng` in the order encoder,
    /// decoder.
    fn new(
        architecture: &Self::Architecture,
        bins: usize,
        extent: Extent,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self;

    /// Activations that the encoder reads from a spectrum; without encoder the spectrum itself.
    ///
    /// # Shapes
    /// - `x`: `[models, bins, frames]`, compressed magnitudes, non-negative
    fn encode(&self, x: Tensor<3>) -> Encoding;

    /// What the decoder makes of activations.
    ///
    /// # Shapes
    /// - `latent`: `[models, rank, frames]`, non-negative
    fn decode(&self, latent: Tensor<3>) -> Decoding;

    /// [`encode`](Self::encode) of segments of `segment` frames, one after the other, none of which
    /// knows of another. A kind that sees more than a frame at a time must do this itself.
    fn encode_segments(&self, x: Tensor<3>, _segment: usize) -> Encoding {
        self.encode(x)
    }

    /// [`decode`](Self::decode) of segments of `segment` frames, one after the other, none of which
    /// knows of another. A kind that sees more than a frame at a time must do this itself.
    fn decode_segments(&self, latent: Tensor<3>, _segment: usize) -> Decoding {
        self.decode(latent)
    }

    /// The same network with initial weights that are matched to training sound: rows and bases are
    /// excerpts of it, so that every unit responds to something. Kinds that cannot be matched stay as
    /// they are.
    ///
    /// - `at`: frames to take excerpts at, of which there is at least one
    ///
    /// # Shapes
    /// - `x`: `[1, bins, frames]`, one model's training sound in order
    fn matched(self, _x: &Tensor<3>, _at: &[usize], _rng: &mut ChaCha8Rng) -> Self {
        self
    }

    /// The frozen part that turns activations at `latent` into spectra, on `device`.
    fn decoder(&self, latent: Latent, device: &Device) -> Self::Decoder;

    /// Several networks of one shape as one, in order; `None` without any.
    fn stack(networks: &[&Self]) -> Option<Self>;

    /// Network number `model` of a stack, alone.
    fn select(&self, model: usize) -> Self;

    /// The same decoder without the encoder.
    fn without_encoder(&self) -> Self;

    /// This decoder behind another network's encoder.
    fn with_encoder_of(self, other: &Self) -> Self;

    /// The last layer's bases, spectrograms of `span` frames, as its product sees them; `None` if the
    /// kind has none.
    ///
    /// # Shapes
    /// - output: `[models, span, bins, units]`
    fn bases(&self) -> Option<Tensor<4>>;

    /// The same network with other bases in its last layer.
    ///
    /// # Shapes
    /// - `bases`: `[models, span, bins, units]`
    fn with_bases(self, bases: Tensor<4>) -> Self;
}
