//! The reusable half of a model: activations in, spectra out, nothing left to learn.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::dense::Dense;
use crate::multiplicative;
use crate::nae::run;

/// Multiplicative updates with which an NMF reads a spectrum.
const READ_UPDATES: usize = 10;

/// Frozen layers after a chosen latent, with the layers before it as an encoder.
///
/// Separation, refining and reports see only this: a new architecture is one more way to make one.
#[derive(Module, Debug)]
pub struct Decoder {
    before: Vec<Dense>,
    after: Vec<Dense>,
}

impl Decoder {
    /// Splits a stack of frozen layers at the latent.
    pub fn new(before: Vec<Dense>, after: Vec<Dense>) -> Self {
        Self { before, after }
    }

    /// Number of activations a frame has at the latent.
    pub fn rank(&self) -> usize {
        self.after.first().map_or(0, |layer| layer.weight.dims()[1])
    }

    /// Activations that the model reads from a spectrum: its encoder's, or, where there is none
    /// (NMF), those of a few multiplicative updates.
    ///
    /// # Shapes
    /// - `x`: `[bins, frames]`, compressed magnitudes
    /// - output: `[rank, frames]`, non-negative
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        match (run(&self.before, x.clone()).pop(), self.after.first()) {
            (Some(latent), _) => latent,
            (None, Some(bases)) => multiplicative::activations(&bases.basis(), &x, READ_UPDATES),
            (None, None) => x,
        }
    }

    /// Spectrum that the activations stand for.
    ///
    /// # Shapes
    /// - `activations`: `[rank, frames]`
    /// - output: `[bins, frames]`, compressed magnitudes, non-negative
    pub fn decode(&self, activations: Tensor<2>) -> Tensor<2> {
        run(&self.after, activations.clone())
            .pop()
            .unwrap_or(activations)
    }

    /// All weights, in the order of the layers; none asks for a gradient.
    pub fn weights(&self) -> Vec<Tensor<2>> {
        let layers = self.before.iter().chain(&self.after);
        layers.map(|layer| layer.weight.val()).collect()
    }
}
