//! The interface of mask estimators.

use std::fmt::Debug;

use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_model::optim::{Flow, Progress};

use crate::error::SeparateError;

/// Estimated masks of a mixture.
#[derive(Debug)]
pub struct MaskEstimate {
    /// One mask for every source, `[bins, frames]` each, in `[0, 1]`, summing to one.
    pub masks: Vec<Tensor<2>>,
    /// Every source's activations, `[rank, frames]` each, without gradients.
    pub activations: Vec<Tensor<2>>,
    /// Final loss, the mean over runs; 0 without an optimisation.
    pub loss: f64,
    /// Optimisation steps over all runs; 0 without an optimisation.
    pub steps: usize,
    /// Whether the observer stopped the optimisation.
    pub is_interrupted: bool,
}

/// Estimates the sources' masks from a mixture's magnitudes: by optimising activations
/// ([`ActivationSolver`](crate::ActivationSolver)), or with a network in one forward pass.
///
/// All that surrounds the estimation (levels, silence, channels, blocks, resampling) is up to
/// [`Separator`](crate::Separator).
pub trait MaskEstimator: Debug + Send + Sync {
    /// Estimates masks for a mixture that is not silent.
    ///
    /// - `mixture`: magnitudes, `frames × bins`, at the models' sample rate
    /// - `gain`: linear factor that brings the mixture to the level the models were trained at
    /// - `observe`: called once a window of steps, if anything is optimised
    ///
    /// # Errors
    /// [`SeparateError`] if the device fails or an optimisation diverges.
    fn estimate_masks(
        &self,
        mixture: &Magnitude,
        gain: f64,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<MaskEstimate, SeparateError>;
}
