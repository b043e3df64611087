//! The seam between masks and what finds them.

use std::fmt::Debug;

use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_model::optim::{Flow, Progress};

use crate::error::SeparateError;
use crate::sources::Search;

/// How much of a mixture is whose.
#[derive(Debug)]
pub struct Explained {
    /// One mask for every source, `[bins, frames]` each, in `[0, 1]`, summing to one.
    pub masks: Vec<Tensor<2>>,
    /// Every source's activations, `[rank, frames]` each, off the tape.
    pub activations: Vec<Tensor<2>>,
    /// Loss, the mean over runs; 0 where nothing was optimised.
    pub loss: f64,
    /// Steps taken in all runs; 0 where nothing was optimised.
    pub steps: usize,
    /// Whether the observer stopped it.
    pub is_interrupted: bool,
}

/// What explains a mixture's magnitudes as its sources' parts: activations that are searched for
/// ([`Search`]), or a network that reads them in one pass.
///
/// Everything around it (levels, silence, channels, blocks, resampling) is
/// [`Separator`](crate::Separator)'s.
pub trait Explainer: Debug + Send + Sync {
    /// Finds masks for a mixture that is not silent.
    ///
    /// - `mixture`: magnitudes at the models' rate
    /// - `gain`: brings the mixture to the level the models were trained at
    ///
    /// # Errors
    /// [`SeparateError`] if the device fails or an optimisation diverges.
    fn explain(
        &self,
        mixture: &Magnitude,
        gain: f64,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Explained, SeparateError>;

    /// The search, if this is one: many mixtures can go through together then.
    fn search(&self) -> Option<&Search> {
        None
    }
}
