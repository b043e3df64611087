//! Mixtures that are solved together, and their decoders as one.

use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_model::architecture::Context;
use nae_model::optim::OptimizerKind;
use nae_model::{Decoder, ModelError};

use super::solver::{ActivationSolver, FrozenDecoder};
use crate::mask::change_exponent;
use crate::settings::{SeparateConfig, SolverKind};

/// A mixture of a batch, and the solver for it.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem<'a> {
    /// The sources' decoders and the settings.
    pub solver: &'a ActivationSolver,
    /// Magnitudes of the mixture, `frames × bins`, at the models' sample rate.
    pub mixture: &'a Magnitude,
    /// Linear factor that brings the mixture to the level the models were trained at.
    pub gain: f64,
}

/// Every source's decoder, those of all items stacked.
pub(super) struct StackedDecoders {
    /// One a source.
    pub decoders: Vec<Decoder>,
    /// What brings every source's spectra to the common compression, one a source.
    pub exponents: Vec<f64>,
    /// Exponent of the spectra that are summed. A sum needs one for all: the smallest, which
    /// compresses most. Spectra of another are brought to it element by element.
    pub compression: f64,
    /// λ of the penalty on every source's spectra.
    pub penalties: Vec<f64>,
    eps: f64,
}

impl StackedDecoders {
    /// The decoders of run number `run`.
    ///
    /// # Errors
    /// [`ModelError::Stack`] if they do not have the same shapes.
    pub fn new(items: &[BatchItem<'_>], run: usize) -> Result<Self, ModelError> {
        let of_items: Vec<Vec<&FrozenDecoder>> = items
            .iter()
            .map(|item| item.solver.decoders_of(run))
            .collect();
        let first = of_items.first().map_or(&[] as &[_], Vec::as_slice);
        let compressions = first.iter().map(|source| source.compression);
        let compression = compressions.clone().fold(1.0, f64::min);
        // one solver's decoders serve all its mixtures as they are
        let is_one_solver = items
            .windows(2)
            .all(|pair| std::ptr::eq(pair[0].solver, pair[1].solver));
        let decoder = |source: usize| {
            if is_one_solver {
                Ok(first[source].decoder.clone())
            } else {
                let decoders: Vec<&Decoder> =
                    of_items.iter().map(|own| &own[source].decoder).collect();
                Decoder::stack(&decoders)
            }
        };
        Ok(Self {
            decoders: (0..first.len())
                .map(decoder)
                .collect::<Result<_, ModelError>>()?,
            exponents: compressions.map(|own| compression / own).collect(),
            compression,
            penalties: first.iter().map(|source| source.penalty).collect(),
            eps: items.first().map_or(0.0, |item| item.solver.config.eps),
        })
    }

    /// Frames of activations that an estimate depends on.
    pub fn context(&self) -> Context {
        let contexts = self.decoders.iter().map(Decoder::context);
        contexts.fold(Context::NONE, Context::or)
    }

    /// Whether a source's activations are optimised by multiplicative updates.
    pub fn is_multiplicative(&self, source: usize, config: &SeparateConfig) -> bool {
        let decoder = &self.decoders[source];
        let is_linear = decoder.needs_nonnegative_activations() && self.exponents[source] == 1.0;
        match config.solver {
            SolverKind::Auto => is_linear && config.optimizer == OptimizerKind::Adam,
            SolverKind::Gradient => false,
            SolverKind::Multiplicative => is_linear,
        }
    }

    /// Every source's spectra of segments of `segment` frames, one after the other; with activations of
    /// the first sources only, theirs.
    ///
    /// # Shapes
    /// - `activations`: `[items, rank, frames]` for every source
    /// - output: `[items, bins, frames]` for every source, of the common compression
    pub fn decode(&self, activations: &[Tensor<3>], segment: usize) -> Vec<Tensor<3>> {
        let decoders = self.decoders.iter().zip(&self.exponents);
        let decode = |((decoder, &exponent), h): ((&Decoder, &f64), &Tensor<3>)| {
            let decoded = decoder.decode_segments(h.clone(), segment);
            change_exponent(decoded, exponent, self.eps)
        };
        decoders.zip(activations).map(decode).collect()
    }
}
