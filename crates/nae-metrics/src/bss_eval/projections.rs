//! The projections of estimates on a set of references, prepared once for all estimates.

use std::ops::Range;

use rayon::prelude::*;

use super::energies::{RunningEnergies, energies_of_forms};
use super::ratios::{Energies, Ratios};
use crate::error::{MetricsError, Signal};
use crate::fft::{Bin, multiply_add};
use crate::overlap_save::{Blocks, Histories};
use crate::projection::{Projection, Projector};
use crate::signal::{Reference, Sample, check_of_length};
use crate::toeplitz::BlockToeplitz;

/// References at most: the Cholesky factor of 32 with 512 taps takes 1.1 GB.
pub(super) const MAX_REFERENCES: usize = 32;

/// A set of references, ready to be projected on.
pub(super) struct Projections<'a, S> {
    pub taps: usize,
    pub samples: usize,
    blocks: Blocks,
    /// Of each reference, scaled to unit energy.
    histories: Vec<Histories<'a, S>>,
    /// The projection on all references.
    together: Projector,
    /// The projection on each reference; empty when there is one, which `together` serves.
    alone: Vec<Projector>,
}

impl<'a, S: Sample> Projections<'a, S> {
    /// Prepares `references` of one length for projections with `taps` taps; the errors are those of
    /// [`BssEval::new`](super::BssEval::new).
    pub(super) fn new(references: &[Reference<'a, S>], taps: usize) -> Result<Self, MetricsError> {
        if taps == 0 {
            return Err(MetricsError::NoTaps {
                expected: 1,
                found: 0,
            });
        }
        let count = references.len();
        let samples = references.first().ok_or(MetricsError::NoReference)?.0.len();
        if count > MAX_REFERENCES {
            return Err(MetricsError::TooManyReferences {
                expected: MAX_REFERENCES,
                found: count,
            });
        }
        let blocks = Blocks::new(samples, taps);
        let (scales, histories): (Vec<f64>, Vec<Histories<'a, S>>) = references
            .par_iter()
            .enumerate()
            .map_with(blocks.clone(), |blocks, (index, reference)| {
                check_of_length(reference.0, Signal::Reference(index), samples)?;
                let scale = 1.0 / energy(reference.0).sqrt();
                Ok((scale, blocks.histories(reference.0, scale, count)))
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
        // as many at a time as there are threads to share them
        let share = count.div_ceil(rayon::current_num_threads());
        let mut lags: Vec<Vec<Vec<f64>>> = references
            .par_chunks(share)
            .map_with(blocks.clone(), |blocks, references| {
                let signals: Vec<&[S]> = references.iter().map(|reference| reference.0).collect();
                blocks.correlate(&signals, &histories)
            })
            .flatten_iter()
            .collect();
        for (lags, scale) in lags.iter_mut().zip(scales) {
            for value in lags.iter_mut().flatten() {
                *value *= scale;
            }
        }
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
    pub(super) fn references(&self) -> usize {
        self.histories.len()
    }

    /// The ratios of each estimate as that of each of its targets.
    pub(super) fn ratios(&self, tasks: &[Task<'_, S>]) -> Vec<Vec<Ratios>> {
        let mut blocks = self.blocks.clone();
        let estimates: Vec<&[S]> = tasks.iter().map(|task| task.estimate).collect();
        let correlations = blocks.correlate(&estimates, &self.histories);
        let interleaved = correlations.iter().map(|lags| self.interleave(lags));
        let on_all = self.together.project(interleaved.collect());
        let parts = tasks.iter().zip(correlations).zip(on_all);
        parts
            .map(|((task, correlations), on_all)| {
                let on_own = self.projections_on_own(task, &correlations);
                if let Some(energies) = energies_of_forms(energy(task.estimate), &on_all, &on_own) {
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
    fn projections_on_own(&self, task: &Task<'_, S>, correlations: &[Vec<f64>]) -> Vec<Projection> {
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
        task: &Task<'_, S>,
        on_all: &[Vec<Bin>],
        on_own: &[Vec<Bin>],
    ) -> Vec<RunningEnergies> {
        let mut sums = vec![RunningEnergies::default(); task.targets.len()];
        let mut spectrum = vec![Bin::default(); blocks.fft.bins()];
        let mut estimate = vec![0.0; blocks.body()];
        let mut all_buffer = vec![0.0; blocks.fft.len()];
        let mut own_buffer = vec![0.0; blocks.fft.len()];
        let mut history_buffer = blocks.history_buffer();
        for index in 0..blocks.count() {
            blocks.copy(task.estimate, index, 0, &mut estimate);
            spectrum.fill(Bin::default());
            for (filter, history) in on_all.iter().zip(&self.histories) {
                let history = history.block(blocks, index, &mut history_buffer);
                multiply_add(&mut spectrum, filter, history);
            }
            let all = blocks.output(&mut spectrum, &mut all_buffer);
            if on_own.is_empty() {
                for sum in &mut sums {
                    sum.add(&estimate, all, all);
                }
            }
            for ((sum, target), filter) in sums.iter_mut().zip(task.targets.clone()).zip(on_own) {
                spectrum.fill(Bin::default());
                let history = self.histories[target].block(blocks, index, &mut history_buffer);
                multiply_add(&mut spectrum, filter, history);
                sum.add(
                    &estimate,
                    all,
                    blocks.output(&mut spectrum, &mut own_buffer),
                );
            }
        }
        sums
    }
}

/// An estimate and the references it is scored against.
pub(super) struct Task<'a, S> {
    pub estimate: &'a [S],
    pub targets: Range<usize>,
}

/// The sum of the squares of `signal`.
fn energy<S: Sample>(signal: &[S]) -> f64 {
    let samples = signal.iter().map(|&sample| sample.into());
    samples.map(|value: f64| value * value).sum()
}
