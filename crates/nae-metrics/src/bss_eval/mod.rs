//! BSS_eval v3 *sources*: SDR, SIR and SAR by projection on filtered references \[1\].
//!
//! An estimate `ŝ` of reference `j` is split by two projections on references delayed by
//! `0 … taps − 1` samples, `Pⱼ` on the own reference and `P` on all of them:
//!
//! ```text
//! ŝ = s_target + e_interf + e_artif
//! s_target = Pⱼ ŝ,    e_interf = P ŝ − Pⱼ ŝ,    e_artif = ŝ − P ŝ
//!
//! SDR = 10 log₁₀ ‖s_target‖² / ‖e_interf + e_artif‖²
//! SIR = 10 log₁₀ ‖s_target‖² / ‖e_interf‖²
//! SAR = 10 log₁₀ ‖s_target + e_interf‖² / ‖e_artif‖²
//! ```
//!
//! All signals are `samples + taps − 1` long here: the filters may ring on after the references end.
//! No mean is removed. With 512 taps these are the numbers of `bss_eval_sources` of mir_eval 0.8.2
//! (MATLAB BSS_eval 3.0); with one tap they are the scale-invariant ratios SI-SDR, SI-SIR and SI-SAR
//! \[2\] (for the first see also [`si_sdr`](crate::si_sdr)). The two differ by many dB: name the
//! variant beside every number.
//!
//! SDR depends only on the own reference; SIR and SAR depend on the set of references. With a single
//! reference nothing can interfere: SIR is +∞. An estimate that the projections reproduce but for
//! rounding (a perfect one) has ratios limited by double precision, between 200 dB and 320 dB or
//! infinite, here as in mir_eval: read them as "perfect", not as numbers.
//!
//! The parts are orthogonal, so their energies are differences of `‖ŝ‖²`, `‖P ŝ‖²` and `‖Pⱼ ŝ‖²`, which
//! the projections' filters give without filtering anything. Where such a difference is too small to
//! be known that way (an estimate nearly perfect, references nearly dependent) the parts themselves
//! are formed and summed.
//!
//! The Gram matrix of the references is built from block-wise transforms and factored once for all
//! estimates, after the observation of \[3\] that BSS_eval need not rebuild it: see the modules
//! `overlap_save`, `toeplitz` and `projection`.
//!
//! 1. E. Vincent, R. Gribonval, C. Févotte, "Performance measurement in blind audio source
//!    separation", IEEE Trans. Audio Speech Lang. Process. 14(4), 2006.
//! 2. J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR – half-baked or well done?", ICASSP 2019.
//! 3. R. Scheibler, "SDR – medium rare with fast computations", ICASSP 2022.

mod energies;
mod projections;
mod ratios;

use std::fmt;
use std::ops::Range;

use rayon::prelude::*;

use crate::error::{MetricsError, Signal};
use crate::permutation::best_assignment;
use crate::signal::{Estimate, Reference, Sample, check_of_length};
use projections::{Projections, Task};
pub use ratios::Ratios;

/// Taps of the projection filters of BSS_eval v3.
pub const BSS_EVAL_TAPS: usize = 512;

/// Taps with which the ratios are scale-invariant and allow for nothing but a gain.
pub const SCALE_INVARIANT_TAPS: usize = 1;

/// A set of references, ready to score any number of estimates.
///
/// ```
/// use nae_metrics::{BssEval, Estimate, Reference, SCALE_INVARIANT_TAPS};
/// let voice: Vec<f32> = (0..800).map(|n| (n as f32 * 0.05).sin()).collect();
/// let noise: Vec<f32> = (0..800).map(|n| ((n * n) as f32 * 0.003).sin()).collect();
/// let separated: Vec<f32> = voice.iter().zip(&noise).map(|(v, n)| v + 0.1 * n).collect();
///
/// let references = [Reference::new(&voice)?, Reference::new(&noise)?];
/// let evaluation = BssEval::new(&references, SCALE_INVARIANT_TAPS)?;
/// let ratios = evaluation.score(0, &Estimate::new(&separated)?)?;
/// assert!((ratios.sir - 20.0).abs() < 1.0 && ratios.sar > 100.0);
/// # Ok::<(), nae_metrics::MetricsError>(())
/// ```
pub struct BssEval<'a, S = f32> {
    projections: Projections<'a, S>,
}

impl<S: Sample> fmt::Debug for BssEval<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BssEval")
            .field("references", &self.references())
            .field("samples", &self.samples())
            .field("taps", &self.taps())
            .finish_non_exhaustive()
    }
}

impl<'a, S: Sample> BssEval<'a, S> {
    /// Prepares `references` of one length for projections with `taps` taps: [`BSS_EVAL_TAPS`] for
    /// BSS_eval v3, [`SCALE_INVARIANT_TAPS`] for the scale-invariant ratios.
    ///
    /// Takes `4 (references · taps)²` bytes, and up to 32 MB for spectra of the references, whatever
    /// their length; the samples stay where they are.
    ///
    /// # Errors
    ///
    /// No reference, no taps; a reference that is silent, has a sample that is not finite, or has
    /// another length than the first; more than 32 references; fewer than `(references − 1) · taps + 2` samples, of which the
    /// projection would leave nothing over; references that no loading makes independent.
    pub fn new(references: &[Reference<'a, S>], taps: usize) -> Result<Self, MetricsError> {
        let projections = Projections::new(references, taps)?;
        Ok(Self { projections })
    }

    /// How many references there are.
    #[must_use]
    pub fn references(&self) -> usize {
        self.projections.references()
    }

    /// Samples of each reference.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.projections.samples
    }

    /// Taps of the projection filters.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.projections.taps
    }

    /// Scores `estimate` as that of one reference.
    ///
    /// # Errors
    ///
    /// No such reference; an estimate that is silent, has a sample that is not finite, or has
    /// another length than the references.
    pub fn score(
        &self,
        index_of_reference: usize,
        estimate: &Estimate<'_, S>,
    ) -> Result<Ratios, MetricsError> {
        if index_of_reference >= self.references() {
            return Err(MetricsError::NoSuchReference {
                expected: self.references(),
                found: index_of_reference,
            });
        }
        let signal = Signal::Estimate(index_of_reference);
        check_of_length(estimate.0, signal, self.samples())?;
        let task = Task {
            estimate: estimate.0,
            targets: index_of_reference..index_of_reference + 1,
        };
        Ok(self.projections.ratios(&[task])[0][0])
    }

    /// Scores the mixture as the estimate of each reference in turn: the floor of every source at
    /// once.
    ///
    /// # Errors
    ///
    /// A mixture that is silent, has a sample that is not finite, or has another length than the
    /// references.
    pub fn score_against_each(
        &self,
        mixture: &Estimate<'_, S>,
    ) -> Result<Vec<Ratios>, MetricsError> {
        check_of_length(mixture.0, Signal::Mixture, self.samples())?;
        let task = Task {
            estimate: mixture.0,
            targets: 0..self.references(),
        };
        Ok(self.projections.ratios(&[task]).swap_remove(0))
    }

    /// Scores each estimate as that of the reference of the same index, in parallel.
    ///
    /// # Errors
    ///
    /// More or fewer estimates than references; an estimate that is silent, has a sample that is not
    /// finite, or has another length than the references.
    pub fn score_all(&self, estimates: &[Estimate<'_, S>]) -> Result<Vec<Ratios>, MetricsError> {
        let scores = self.score_targets(estimates, |index| index..index + 1)?;
        Ok(scores.into_iter().flatten().collect())
    }

    /// The pairing of estimates with references that has the highest mean SIR, and its scores: for
    /// each reference the index of its estimate, and the ratios of that pair.
    ///
    /// This is the order that mir_eval calls `perm`. Of pairings with equal mean SIR (to 10⁻⁹ dB)
    /// any may come.
    ///
    /// # Errors
    ///
    /// As for [`BssEval::score_all`].
    pub fn best_permutation(
        &self,
        estimates: &[Estimate<'_, S>],
    ) -> Result<(Vec<usize>, Vec<Ratios>), MetricsError> {
        // By estimate, then by reference.
        let scores = self.score_targets(estimates, |_| 0..self.references())?;
        let order = best_assignment(estimates.len(), |reference, estimate| {
            scores[estimate][reference].sir
        });
        let ratios = order
            .iter()
            .enumerate()
            .map(|(reference, &estimate)| scores[estimate][reference])
            .collect();
        Ok((order, ratios))
    }

    /// Checks all estimates, then scores each against its targets, as many at a time as there are
    /// threads to share them.
    fn score_targets(
        &self,
        estimates: &[Estimate<'_, S>],
        targets: impl Fn(usize) -> Range<usize>,
    ) -> Result<Vec<Vec<Ratios>>, MetricsError> {
        if estimates.len() != self.references() {
            return Err(MetricsError::CountMismatch {
                expected: self.references(),
                found: estimates.len(),
            });
        }
        let tasks = estimates
            .iter()
            .enumerate()
            .map(|(index, estimate)| {
                check_of_length(estimate.0, Signal::Estimate(index), self.samples())?;
                Ok(Task {
                    estimate: estimate.0,
                    targets: targets(index),
                })
            })
            .collect::<Result<Vec<_>, MetricsError>>()?;
        let share = tasks.len().div_ceil(rayon::current_num_threads());
        Ok(tasks
            .par_chunks(share)
            .flat_map_iter(|tasks| self.projections.ratios(tasks))
            .collect())
    }
}

#[cfg(test)]
mod tests;
