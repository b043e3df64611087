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

use std::fmt;
use std::ops::Range;

use rayon::prelude::*;

use crate::decibel::ratio_db;
use crate::error::{MetricsError, Signal};
use crate::fft::{Bin, multiply_add};
use crate::overlap_save::{Blocks, Histories};
use crate::permutation::best_assignment;
use crate::projection::{Projection, Projector};
use crate::signal::{Estimate, Reference, check_of_length};
use crate::simd::vectorised;
use crate::toeplitz::BlockToeplitz;

/// Taps of the projection filters of BSS_eval v3.
pub const BSS_EVAL_TAPS: usize = 512;

/// Taps with which the ratios are scale-invariant and allow for nothing but a gain.
pub const SCALE_INVARIANT_TAPS: usize = 1;

/// What an estimate is worth, in dB. The higher the better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratios {
    /// Signal to distortion: the target against everything else.
    pub sdr: f64,
    /// Signal to interference: the target against the other references. +∞ when there are none.
    pub sir: f64,
    /// Signal to artefacts: all references against what comes from none of them.
    pub sar: f64,
}

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
pub struct BssEval {
    taps: usize,
    samples: usize,
    blocks: Blocks,
    /// Of each reference, scaled to unit energy.
    histories: Vec<Histories>,
    /// The projection on all references.
    together: Projector,
    /// The projection on each reference; empty when there is one, which `together` serves.
    alone: Vec<Projector>,
}

impl fmt::Debug for BssEval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BssEval")
            .field("references", &self.references())
            .field("samples", &self.samples)
            .field("taps", &self.taps)
            .finish_non_exhaustive()
    }
}

impl BssEval {
    /// Prepares `references` of one length for projections with `taps` taps: [`BSS_EVAL_TAPS`] for
    /// BSS_eval v3, [`SCALE_INVARIANT_TAPS`] for the scale-invariant ratios.
    ///
    /// Takes about 19 bytes a sample and reference, and `4 (references · taps)²` bytes.
    ///
    /// # Errors
    ///
    /// No reference, no taps; a reference that is silent, has a sample that is not finite, or has
    /// another length than the first; fewer than `(references − 1) · taps + 2` samples, of which the
    /// projection would leave nothing over; references that no loading makes independent.
    pub fn new(references: &[Reference<'_>], taps: usize) -> Result<Self, MetricsError> {
        if taps == 0 {
            return Err(MetricsError::NoTaps {
                expected: 1,
                found: 0,
            });
        }
        let count = references.len();
        let samples = references.first().ok_or(MetricsError::NoReference)?.0.len();
        let blocks = Blocks::new(samples, taps);
        let (scales, histories): (Vec<f64>, Vec<Histories>) = references
            .par_iter()
            .enumerate()
            .map_with(blocks.clone(), |blocks, (index, reference)| {
                check_of_length(reference.0, Signal::Reference(index), samples)?;
                let scale = 1.0 / energy(reference.0).sqrt();
                Ok((scale, blocks.histories(reference.0, scale)))
            })
            .collect::<Result<Vec<_>, MetricsError>>()?
            .into_iter()
            .unzip();
        let expected = (count - 1) * taps + 2;
        if samples < expected {
            return Err(MetricsError::TooShort {
                signal: Signal::Reference(0),
                expected,
                found: samples,
            });
        }
        let lags: Vec<Vec<Vec<f64>>> = references
            .par_iter()
            .zip(scales)
            .map_with(blocks.clone(), |blocks, (reference, scale)| {
                let mut lags = blocks.correlate(reference.0, &histories);
                for value in lags.iter_mut().flatten() {
                    *value *= scale;
                }
                lags
            })
            .collect();
        let lag = |i: usize, j: usize| lags[i][j].as_slice();
        let on_all = || Projector::new(&BlockToeplitz::new(count, taps, lag));
        let on_each = || -> Option<Vec<Projector>> {
            let sources = if count > 1 { count } else { 0 };
            (0..sources)
                .into_par_iter()
                .map(|j| Projector::new(&BlockToeplitz::new(1, taps, |_, _| lag(j, j))))
                .collect()
        };
        let (together, alone) = rayon::join(on_all, on_each);
        let (Some(together), Some(alone)) = (together, alone) else {
            return Err(MetricsError::Dependent {
                references: count,
                taps,
            });
        };
        Ok(Self {
            taps,
            samples,
            blocks,
            histories,
            together,
            alone,
        })
    }

    /// How many references there are.
    #[must_use]
    pub fn references(&self) -> usize {
        self.histories.len()
    }

    /// Samples of each reference.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Taps of the projection filters.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.taps
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
        estimate: &Estimate<'_>,
    ) -> Result<Ratios, MetricsError> {
        if index_of_reference >= self.references() {
            return Err(MetricsError::NoSuchReference {
                expected: self.references(),
                found: index_of_reference,
            });
        }
        let signal = Signal::Estimate(index_of_reference);
        check_of_length(estimate.0, signal, self.samples)?;
        let task = Task {
            estimate: estimate.0,
            targets: index_of_reference..index_of_reference + 1,
        };
        Ok(self.ratios(&[task])[0][0])
    }

    /// Scores `estimate` as that of each reference in turn. The mixture, scored so, gives the floor
    /// of every source at once.
    ///
    /// # Errors
    ///
    /// An estimate that is silent, has a sample that is not finite, or has another length than the
    /// references.
    pub fn score_against_each(&self, estimate: &Estimate<'_>) -> Result<Vec<Ratios>, MetricsError> {
        check_of_length(estimate.0, Signal::Estimate(0), self.samples)?;
        let task = Task {
            estimate: estimate.0,
            targets: 0..self.references(),
        };
        Ok(self.ratios(&[task]).swap_remove(0))
    }

    /// Scores each estimate as that of the reference of the same index, in parallel.
    ///
    /// # Errors
    ///
    /// More or fewer estimates than references; an estimate that is silent, has a sample that is not
    /// finite, or has another length than the references.
    pub fn score_all(&self, estimates: &[Estimate<'_>]) -> Result<Vec<Ratios>, MetricsError> {
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
        estimates: &[Estimate<'_>],
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
        estimates: &[Estimate<'_>],
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
                check_of_length(estimate.0, Signal::Estimate(index), self.samples)?;
                Ok(Task {
                    estimate: estimate.0,
                    targets: targets(index),
                })
            })
            .collect::<Result<Vec<_>, MetricsError>>()?;
        let share = tasks.len().div_ceil(rayon::current_num_threads());
        Ok(tasks
            .par_chunks(share)
            .flat_map_iter(|tasks| self.ratios(tasks))
            .collect())
    }

    /// The ratios of each estimate as that of each of its targets.
    fn ratios(&self, tasks: &[Task<'_>]) -> Vec<Vec<Ratios>> {
        let mut blocks = self.blocks.clone();
        let correlations: Vec<Vec<Vec<f64>>> = tasks
            .iter()
            .map(|task| blocks.correlate(task.estimate, &self.histories))
            .collect();
        let interleaved = correlations.iter().map(|lags| self.interleave(lags));
        let on_all = self.together.project(interleaved.collect());
        let parts = tasks.iter().zip(correlations).zip(on_all);
        parts
            .map(|((task, correlations), on_all)| {
                let on_own = self.projections_on_own(task, &correlations);
                if let Some(energies) = energies_of_forms(task, &on_all, &on_own) {
                    return energies.iter().map(Energies::ratios).collect();
                }
                let on_all = self.responses_on_all(&mut blocks, &on_all.filters);
                let on_own: Vec<Vec<Bin>> = on_own
                    .into_iter()
                    .map(|own| blocks.filter(own.filters.into_iter()))
                    .collect();
                self.energies(&mut blocks, task, &on_all, &on_own)
                    .iter()
                    .map(|sums| sums.total().ratios())
                    .collect()
            })
            .collect()
    }

    /// The correlations with each reference in the order of [`BlockToeplitz`].
    fn interleave(&self, correlations: &[Vec<f64>]) -> Vec<f64> {
        let count = self.references();
        let mut interleaved = vec![0.0; count * self.taps];
        for (source, lags) in correlations.iter().enumerate() {
            let slots = interleaved[source..].iter_mut().step_by(count);
            for (slot, value) in slots.zip(lags) {
                *slot = *value;
            }
        }
        interleaved
    }

    /// The spectra of the filters of the projection on all references.
    fn responses_on_all(&self, blocks: &mut Blocks, filters: &[f64]) -> Vec<Vec<Bin>> {
        let count = self.references();
        (0..count)
            .map(|source| blocks.filter(filters[source..].iter().copied().step_by(count)))
            .collect()
    }

    /// The projection on each target; none when there is one reference.
    fn projections_on_own(&self, task: &Task<'_>, correlations: &[Vec<f64>]) -> Vec<Projection> {
        task.targets
            .clone()
            .filter_map(|target| Some((target, self.alone.get(target)?)))
            .flat_map(|(target, own)| own.project(vec![correlations[target].clone()]))
            .collect()
    }

    /// The energies of the parts of an estimate for each of its targets, summed block by block.
    /// `on_own` is empty when there is one reference: then both projections are the same.
    fn energies(
        &self,
        blocks: &mut Blocks,
        task: &Task<'_>,
        on_all: &[Vec<Bin>],
        on_own: &[Vec<Bin>],
    ) -> Vec<RunningEnergies> {
        let mut sums = vec![RunningEnergies::default(); task.targets.len()];
        let mut spectrum = vec![Bin::default(); blocks.fft.bins()];
        let mut heard = vec![0.0; blocks.body()];
        let mut all_buffer = vec![0.0; blocks.fft.len()];
        let mut own_buffer = vec![0.0; blocks.fft.len()];
        for index in 0..blocks.count() {
            blocks.copy(task.estimate, index, 0, &mut heard);
            spectrum.fill(Bin::default());
            for (filter, history) in on_all.iter().zip(&self.histories) {
                multiply_add(&mut spectrum, filter, history.block(index));
            }
            let all = blocks.output(&mut spectrum, &mut all_buffer);
            if on_own.is_empty() {
                for sum in &mut sums {
                    sum.add(&heard, all, all);
                }
            }
            for ((sum, target), filter) in sums.iter_mut().zip(task.targets.clone()).zip(on_own) {
                spectrum.fill(Bin::default());
                multiply_add(&mut spectrum, filter, self.histories[target].block(index));
                sum.add(&heard, all, blocks.output(&mut spectrum, &mut own_buffer));
            }
        }
        sums
    }
}

/// An estimate and the references it is scored against.
struct Task<'a> {
    estimate: &'a [f32],
    targets: Range<usize>,
}

/// The sum of the squares of `signal`.
fn energy(signal: &[f32]) -> f64 {
    signal.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
}

/// The greatest share of an energy that rounding may have made: 10⁻⁹ dB.
const FORM_ERROR: f64 = 1e-10;

/// The energies of the parts of an estimate for each of its targets as differences of the
/// projections' energies (`e_artif` is orthogonal to the span of all references, `e_interf` to that
/// of the target); `on_own` is empty when there is one reference.
///
/// `None` where a difference is too small to be known well: then the parts themselves must be formed.
fn energies_of_forms(
    task: &Task<'_>,
    on_all: &Projection,
    on_own: &[Projection],
) -> Option<Vec<Energies>> {
    let heard = energy(task.estimate);
    let all = on_all.energy?;
    let targets = if on_own.is_empty() {
        std::slice::from_ref(on_all)
    } else {
        on_own
    };
    let energies = targets.iter().map(|own| {
        let own = own.energy?;
        let parts = Energies {
            target: own.value,
            interference: all.value - own.value,
            artefacts: heard - all.value,
            distortion: heard - own.value,
            references: all.value,
        };
        let error = own.error + all.error + f64::EPSILON * heard;
        let least = [parts.target, parts.artefacts]
            .into_iter()
            .chain((!on_own.is_empty()).then_some(parts.interference))
            .fold(f64::INFINITY, f64::min);
        (error < FORM_ERROR * least).then_some(parts)
    });
    energies.collect()
}

/// Running sums of each energy: they fill the vector registers.
const LANES: usize = 8;

/// Energies of the parts of an estimate.
struct Energies {
    target: f64,
    interference: f64,
    artefacts: f64,
    /// Interference and artefacts together.
    distortion: f64,
    /// Target and interference together.
    references: f64,
}

impl Energies {
    fn ratios(&self) -> Ratios {
        Ratios {
            sdr: ratio_db(self.target, self.distortion),
            sir: ratio_db(self.target, self.interference),
            sar: ratio_db(self.references, self.artefacts),
        }
    }
}

/// [`Energies`] in running sums.
#[derive(Debug, Clone, Default)]
struct RunningEnergies {
    target: [f64; LANES],
    interference: [f64; LANES],
    artefacts: [f64; LANES],
    distortion: [f64; LANES],
    references: [f64; LANES],
}

impl RunningEnergies {
    /// Adds one block: the estimate as `heard` and its two projections, of one length.
    fn add(&mut self, heard: &[f64], all: &[f64], own: &[f64]) {
        let (heard, heard_rest) = heard.as_chunks::<LANES>();
        let (all, all_rest) = all.as_chunks::<LANES>();
        let (own, own_rest) = own.as_chunks::<LANES>();
        vectorised(
            #[inline(always)]
            || {
                for ((heard, all), own) in heard.iter().zip(all).zip(own) {
                    for lane in 0..LANES {
                        self.add_sample(lane, heard[lane], all[lane], own[lane]);
                    }
                }
            },
        );
        for ((heard, all), own) in heard_rest.iter().zip(all_rest).zip(own_rest) {
            self.add_sample(0, *heard, *all, *own);
        }
    }

    #[inline(always)]
    fn add_sample(&mut self, lane: usize, heard: f64, all: f64, own: f64) {
        self.target[lane] += own * own;
        self.references[lane] += all * all;
        self.interference[lane] += (all - own) * (all - own);
        self.artefacts[lane] += (heard - all) * (heard - all);
        self.distortion[lane] += (heard - own) * (heard - own);
    }

    fn total(&self) -> Energies {
        let sum = |lanes: &[f64; LANES]| lanes.iter().sum::<f64>();
        Energies {
            target: sum(&self.target),
            interference: sum(&self.interference),
            artefacts: sum(&self.artefacts),
            distortion: sum(&self.distortion),
            references: sum(&self.references),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: f32) -> Vec<f32> {
        (0..2000).map(|n| (rate * (n * n) as f32).sin()).collect()
    }

    #[test]
    fn a_single_reference_has_infinite_sir() {
        let (source, noise) = (tone(1e-4), tone(3e-4));
        let estimate: Vec<f32> = source.iter().zip(&noise).map(|(s, n)| s + n).collect();
        for taps in [1, 20] {
            let evaluation = BssEval::new(&[Reference(&source)], taps).unwrap();
            let ratios = evaluation.score(0, &Estimate(&estimate)).unwrap();
            assert_eq!(ratios.sir, f64::INFINITY);
            assert!((ratios.sdr - ratios.sar).abs() < 1e-12);
        }
    }

    #[test]
    fn what_cannot_be_scored_is_a_typed_error() {
        let (a, b) = (tone(1e-4), tone(3e-4));
        let pair = [Reference(&a), Reference(&b)];
        assert_eq!(BssEval::new(&[], 1).unwrap_err(), MetricsError::NoReference);
        assert!(matches!(
            BssEval::new(&pair, 0),
            Err(MetricsError::NoTaps { .. })
        ));
        assert!(matches!(
            BssEval::new(&[pair[0], Reference(&b[1..])], 1),
            Err(MetricsError::LengthMismatch {
                signal: Signal::Reference(1),
                expected: 2000,
                found: 1999
            })
        ));
        assert!(matches!(
            BssEval::new(&pair, 1999),
            Err(MetricsError::TooShort {
                expected: 2001,
                found: 2000,
                ..
            })
        ));
        let zeros = vec![0.0; 2000];
        assert!(matches!(
            BssEval::new(&[pair[0], Reference(&zeros)], 1),
            Err(MetricsError::Silent {
                signal: Signal::Reference(1),
                ..
            })
        ));
        let evaluation = BssEval::new(&pair, 4).unwrap();
        assert!(matches!(
            evaluation.score(2, &Estimate(&a)),
            Err(MetricsError::NoSuchReference {
                expected: 2,
                found: 2
            })
        ));
        assert!(matches!(
            evaluation.score(1, &Estimate(&zeros)),
            Err(MetricsError::Silent {
                signal: Signal::Estimate(1),
                ..
            })
        ));
        assert!(matches!(
            evaluation.score_all(&[Estimate(&a)]),
            Err(MetricsError::CountMismatch {
                expected: 2,
                found: 1
            })
        ));
        let mut broken = a.clone();
        broken[7] = f32::NEG_INFINITY;
        assert!(matches!(
            evaluation.best_permutation(&[Estimate(&a), Estimate(&broken)]),
            Err(MetricsError::NonFinite {
                signal: Signal::Estimate(1),
                sample: 7,
                ..
            })
        ));
    }

    #[test]
    fn a_reference_given_twice_projects_as_if_given_once() {
        let (source, noise) = (tone(1e-4), tone(3e-4));
        let estimate: Vec<f32> = source
            .iter()
            .zip(&noise)
            .map(|(s, n)| s + 0.3 * n)
            .collect();
        for taps in [1, 64] {
            let once = BssEval::new(&[Reference(&source)], taps).unwrap();
            let twice = BssEval::new(&[Reference(&source), Reference(&source)], taps).unwrap();
            let expected = once.score(0, &Estimate(&estimate)).unwrap();
            let got = twice.score(0, &Estimate(&estimate)).unwrap();
            // The loading costs directions that sound its square.
            assert!(
                (got.sdr - expected.sdr).abs() < 1e-9,
                "{got:?} {expected:?}"
            );
            assert!(
                (got.sar - expected.sar).abs() < 1e-9,
                "{got:?} {expected:?}"
            );
            assert!(got.sir > 150.0, "{got:?}");
        }
    }
}
