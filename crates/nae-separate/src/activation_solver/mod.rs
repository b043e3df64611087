//! Masks from optimised activations.
//!
//! The mixture's compressed magnitudes are modelled as a sum over sources,
//! `|X|^γ ≈ Σᵢ gᵢ(Wᵢ·Hᵢ)`: decoders are frozen, activations are leaf tensors, and the training loss
//! is minimised over them ([`solve`]), as in Smaragdis & Venkataramani, *A Neural Network Alternative
//! to Non-Negative Audio Models*, ICASSP 2017. Several runs, each with its own models and initial
//! activations, may be averaged. Mixtures whose solvers have decoders of the same shapes are solved
//! together as one batch.
//!
//! Where a decoder sees several frames, those at a thread's ends are optimised with their neighbours
//! (`segments`). A decoder of one linear layer may have its activations optimised by
//! multiplicative updates, for which the gradient `G` of the objective and that of its growing part,
//! `G⁺`, are enough: `H ← H·(1 − G/G⁺)` is the Kullback–Leibler update `H·WᵀX/Λ / Wᵀ1` of
//! [`multiplicative`](nae_model::multiplicative), whatever the other sources are.

mod adjusted;
mod average;
mod batch;
mod chunk;
mod free_bases;
mod grouping;
mod initial;
mod segments;
mod solve;
mod solver;

pub(crate) use adjusted::Adjusted;
pub use average::estimate_batch;
pub use batch::BatchItem;
pub(crate) use free_bases::learn_bases;
pub use grouping::group_into_batches;
pub use solve::{Solution, solve};
pub use solver::ActivationSolver;
