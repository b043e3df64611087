//! Masks from optimised activations.
//!
//! The mixture's compressed magnitudes are modelled as a sum over sources,
//! `|X|^γ ≈ Σᵢ gᵢ(Wᵢ·Hᵢ)`: decoders are frozen, activations are leaf tensors, and the training loss
//! is minimised over them ([`solve`]), as in Smaragdis & Venkataramani, *A Neural Network Alternative
//! to Non-Negative Audio Models*, ICASSP 2017. Several runs, each with its own models and initial
//! activations, may be averaged. Mixtures whose solvers have decoders of the same shapes are solved
//! together as one batch.

mod average;
mod batch;
mod grouping;
mod initial;
mod solve;
mod solver;

pub use average::estimate_batch;
pub use batch::BatchItem;
pub use grouping::group_into_batches;
pub use solve::{Solution, solve};
pub use solver::ActivationSolver;
