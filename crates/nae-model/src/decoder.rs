//! The reusable half of a model: activations in, spectra out, nothing left to learn.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::dense::Dense;
use crate::multiplicative;
use crate::nae::{run, stack_layers};

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

    /// Decoders of one shape as one, in order: what each does to its part of the first dimension.
    pub fn stack(decoders: &[&Self]) -> Self {
        let part = |of: fn(&Self) -> &Vec<Dense>| {
            let layers: Vec<&[Dense]> = decoders
                .iter()
                .map(|decoder| of(decoder).as_slice())
                .collect();
            stack_layers(&layers)
        };
        Self::new(
            part(|decoder| &decoder.before),
            part(|decoder| &decoder.after),
        )
        .no_grad()
    }

    /// Whether decoders can be stacked: the same layers with the same shapes.
    pub fn has_shape_of(&self, other: &Self) -> bool {
        let alike = |ours: &[Dense], theirs: &[Dense]| {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(a, b)| {
                    a.weight.dims()[1..] == b.weight.dims()[1..]
                        && a.bias.is_some() == b.bias.is_some()
                        && a.stage() == b.stage()
                })
        };
        alike(&self.before, &other.before) && alike(&self.after, &other.after)
    }

    /// Number of activations a frame has at the latent.
    pub fn rank(&self) -> usize {
        self.after.first().map_or(0, |layer| layer.weight.dims()[2])
    }

    /// Activations that the model reads from a spectrum: its encoder's, or, where there is none
    /// (NMF), those of a few multiplicative updates.
    ///
    /// # Shapes
    /// - `x`: `[models, bins, frames]`, compressed magnitudes
    /// - output: `[models, rank, frames]`, non-negative
    pub fn encode(&self, x: Tensor<3>) -> Tensor<3> {
        match (run(&self.before, x.clone()).pop(), self.after.first()) {
            (Some(latent), _) => latent,
            (None, Some(bases)) => multiplicative::activations(&bases.basis(), &x, READ_UPDATES),
            (None, None) => x,
        }
    }

    /// Spectrum that the activations stand for.
    ///
    /// # Shapes
    /// - `activations`: `[models, rank, frames]`
    /// - output: `[models, bins, frames]`, compressed magnitudes, non-negative
    pub fn decode(&self, activations: Tensor<3>) -> Tensor<3> {
        run(&self.after, activations.clone())
            .pop()
            .unwrap_or(activations)
    }

    /// All weights, in the order of the layers; none asks for a gradient.
    pub fn weights(&self) -> Vec<Tensor<3>> {
        let layers = self.before.iter().chain(&self.after);
        layers.map(|layer| layer.weight.val()).collect()
    }
}
