//! Scores of separated sound: BSS_eval, scale-invariant ratios, STOI.

mod decibel;
mod error;
mod scale_invariant;
mod signal;
pub mod summary;

pub use error::{MetricsError, Signal};
pub use scale_invariant::si_sdr;
pub use signal::{Estimate, Reference};
