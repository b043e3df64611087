//! Scores of separated sound: BSS_eval, scale-invariant ratios, STOI.

mod bss_eval;
mod decibel;
mod error;
mod fft;
mod octave_resample;
mod overlap_save;
mod permutation;
mod projection;
mod scale_invariant;
mod signal;
mod simd;
mod stoi;
pub mod summary;
mod third_octave;
mod toeplitz;

pub use bss_eval::{BSS_EVAL_TAPS, BssEval, Ratios, SCALE_INVARIANT_TAPS};
pub use error::{MetricsError, Signal};
pub use scale_invariant::si_sdr;
pub use signal::{Estimate, Reference};
pub use stoi::{Intelligibility, STOI_OF_TOO_FEW_FRAMES, estoi, intelligibility, stoi};
