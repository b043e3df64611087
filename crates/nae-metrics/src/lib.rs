//! Scores of separated sound: BSS_eval, scale-invariant ratios, STOI and ESTOI.
//!
//! Given the true sources, scores tell how much of a stem is its source, how much is interference
//! from the other sources, how much is artefacts, and how intelligible its speech is. The numbers
//! equal those of the field's reference implementations, many times faster, and nothing but slices
//! of samples is needed.
//!
//! Everything is measured between a [`Reference`] (a true source) and an [`Estimate`] (a separated
//! one): different types, since every tool in the field has them in another order. Samples are `f64`
//! or `f32`, mono, of one length and sample rate; all arithmetic is in double precision.
//!
//! | Score | Here | Equal to |
//! |---|---|---|
//! | SDR, SIR, SAR | [`BssEval`] with [`BSS_EVAL_TAPS`] | `mir_eval.separation.bss_eval_sources` 0.8.2 |
//! | SI-SDR, SI-SIR, SI-SAR | [`BssEval`] with [`SCALE_INVARIANT_TAPS`] | least squares on the references |
//! | SI-SDR alone | [`si_sdr`](fn@si_sdr) | the same number |
//! | STOI, ESTOI | [`stoi`](fn@stoi), [`estoi`], or [`intelligibility`] for both | `pystoi` 0.4.1 |
//! | all of them, a row a source | [`scores::Evaluation`] | |
//! | what each is called and means | [`scores::TABLE`] | |
//! | median, quartiles | [`summary`] | `numpy.percentile` |
//!
//! The golden tests hold these to 10⁻⁶ dB, 10⁻⁹ dB (one tap) and 10⁻⁶ (STOI), on the signals of
//! `scripts/metrics/golden.py`.
//!
//! # Example
//!
//! ```
//! use nae_metrics::{BSS_EVAL_TAPS, BssEval, Estimate, Reference, intelligibility};
//! # let tone = |step: f32| -> Vec<f32> {
//! #     (0..16_000).map(|n| (step * (n * n % 9973) as f32).sin() * (n as f32 * 1e-3).cos()).collect()
//! # };
//! # let (alice, bob) = (tone(0.01), tone(0.017));
//! # let blend = |a: &[f32], b: &[f32]| -> Vec<f32> {
//! #     a.iter().zip(b).map(|(a, b)| 0.9 * a + 0.1 * b).collect()
//! # };
//! # let separated = [blend(&alice, &bob), blend(&bob, &alice)];
//! let references = [Reference::new(&alice)?, Reference::new(&bob)?];
//! let estimates = [Estimate::new(&separated[0])?, Estimate::new(&separated[1])?];
//!
//! let evaluation = BssEval::new(&references, BSS_EVAL_TAPS)?;
//! for ratios in evaluation.score_all(&estimates)? {
//!     assert!(ratios.sdr > 10.0);
//! }
//! let (order, _) = evaluation.best_permutation(&[estimates[1], estimates[0]])?;
//! assert_eq!(order, [1, 0]);
//!
//! let both = intelligibility(&references[0], &estimates[0], 16_000)?;
//! assert!(both.stoi > 0.9 && both.estoi > 0.8);
//! # Ok::<(), nae_metrics::MetricsError>(())
//! ```
//!
//! # What has no score
//!
//! A silent signal, a NaN, signals of different length, too few samples or frames: each is a
//! [`MetricsError`] that says so, never a NaN or a made-up number. +∞ stands where nothing is on the
//! wrong side of a ratio, as the SIR of a single source.
//!
//! # Inside
//!
//! `overlap_save` correlates long signals at short lags and filters them; `toeplitz` factors the Gram
//! matrix of delayed references; `projection` solves with it; `permutation` pairs estimates with
//! references; `octave_resample` and `third_octave` are the front end of STOI. None uses files,
//! tensors or other crates of this workspace.

pub mod bss_eval;
mod decibel;
mod error;
mod fft;
mod octave_resample;
mod overlap_save;
mod permutation;
mod projection;
pub mod scale_invariant;
pub mod scores;
mod signal;
mod simd;
pub mod stoi;
pub mod summary;
mod third_octave;
mod toeplitz;

pub use bss_eval::{BSS_EVAL_TAPS, BssEval, Ratios, SCALE_INVARIANT_TAPS};
pub use error::{MetricsError, Signal};
pub use permutation::best_assignment;
pub use scale_invariant::si_sdr;
pub use signal::{Estimate, Reference, Sample};
pub use stoi::{Intelligibility, STOI_OF_TOO_FEW_FRAMES, estoi, intelligibility, stoi};
