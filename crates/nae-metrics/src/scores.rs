//! Every score of a set of estimates, in one row a source.

use crate::bss_eval::{BSS_EVAL_TAPS, BssEval, Ratios, SCALE_INVARIANT_TAPS};
use crate::error::MetricsError;
use crate::signal::{Estimate, Reference};
use crate::stoi::intelligibility;

/// Names of the scores, in the order they are printed: BSS_eval v3 with 512 taps, its 1-tap
/// (scale-invariant) form, intelligibility.
pub const KEYS: [&str; 8] = [
    "sdr", "sir", "sar", "si_sdr", "si_sir", "si_sar", "stoi", "estoi",
];

/// Scores in the order of [`KEYS`], in dB and (STOI, ESTOI) as shares of 1; `None` where one does
/// not exist (too little speech for STOI, no second source for SIR) or was not asked for.
pub type Scores = [Option<f64>; 8];

/// Scores that are worked out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// SDR, SIR, SAR with 512 taps: most of the time of scoring.
    BssEval,
    /// SI-SDR, SI-SIR, SI-SAR.
    ScaleInvariant,
    /// STOI and ESTOI.
    Intelligibility,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BssEval, Self::ScaleInvariant, Self::Intelligibility];
}

/// Above this a score in dB is rounding: a mixture of the references, say, has no artefacts at all.
pub const RELIABLE_DB: f64 = 100.0;

/// Scores under the names they are printed by: every key, and with floor (the mixture's scores) and
/// ceiling (the ideal ratio mask's) also `…_mixture`, `…_improvement` and `oracle_…`.
///
/// There is no gain over a floor above [`RELIABLE_DB`].
pub fn named(scores: &Scores, bounds: Option<&(Scores, Scores)>) -> Vec<(String, Option<f64>)> {
    let with = |name: &dyn Fn(&str) -> String, value: &dyn Fn(usize) -> Option<f64>| {
        let keys = KEYS.iter().enumerate();
        keys.map(|(i, key)| (name(key), value(i)))
            .collect::<Vec<_>>()
    };
    let mut all = with(&|key| key.to_owned(), &|i| scores[i]);
    if let Some((floor, ceiling)) = bounds {
        let reliable = |i: usize| floor[i].filter(|db| *db <= RELIABLE_DB);
        let gain = |i: usize| Some(scores[i]? - reliable(i)?);
        all.extend(with(&|key| format!("{key}_mixture"), &|i| floor[i]));
        all.extend(with(&|key| format!("{key}_improvement"), &gain));
        all.extend(with(&|key| format!("oracle_{key}"), &|i| ceiling[i]));
    }
    all
}

/// References with their projections worked out once.
pub struct Evaluation<'a> {
    references: &'a [Reference<'a>],
    full: Option<BssEval>,
    one: Option<BssEval>,
    is_speech_scored: bool,
    sample_rate: u32,
}

impl<'a> Evaluation<'a> {
    /// Prepares the `families` of scores against `references`, all of one length at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`MetricsError`] for references that are silent, too short, not finite or of unequal length.
    pub fn new(
        references: &'a [Reference<'a>],
        sample_rate: u32,
        families: &[Family],
    ) -> Result<Self, MetricsError> {
        let project = |family, taps| {
            let wanted = families.contains(&family);
            wanted.then(|| BssEval::new(references, taps)).transpose()
        };
        Ok(Self {
            references,
            full: project(Family::BssEval, BSS_EVAL_TAPS)?,
            one: project(Family::ScaleInvariant, SCALE_INVARIANT_TAPS)?,
            is_speech_scored: families.contains(&Family::Intelligibility),
            sample_rate,
        })
    }

    /// Scores one estimate for every reference, in order.
    ///
    /// # Errors
    /// [`MetricsError`] for estimates that cannot be scored, or another count of them.
    pub fn score_all(&self, estimates: &[Estimate<'_>]) -> Result<Vec<Scores>, MetricsError> {
        if estimates.len() != self.references.len() {
            return Err(MetricsError::CountMismatch {
                expected: self.references.len(),
                found: estimates.len(),
            });
        }
        let ratios = |projection: &Option<BssEval>| {
            let projection = projection.as_ref();
            projection.map(|p| p.score_all(estimates)).transpose()
        };
        self.rows(ratios(&self.full)?, ratios(&self.one)?, estimates)
    }

    /// Scores one signal as the estimate of every reference in turn.
    ///
    /// # Errors
    /// As [`score_all`](Self::score_all).
    pub fn score_against_each(&self, estimate: &Estimate<'_>) -> Result<Vec<Scores>, MetricsError> {
        let ratios = |projection: &Option<BssEval>| {
            let projection = projection.as_ref();
            projection
                .map(|p| p.score_against_each(estimate))
                .transpose()
        };
        let copies = vec![*estimate; self.references.len()];
        self.rows(ratios(&self.full)?, ratios(&self.one)?, &copies)
    }

    /// One row for every reference.
    fn rows(
        &self,
        full: Option<Vec<Ratios>>,
        one: Option<Vec<Ratios>>,
        estimates: &[Estimate<'_>],
    ) -> Result<Vec<Scores>, MetricsError> {
        let three = |ratios: &Option<Vec<Ratios>>, i: usize| match ratios {
            None => [None; 3],
            Some(all) => {
                [all[i].sdr, all[i].sir, all[i].sar].map(|db| Some(db).filter(|db| db.is_finite()))
            }
        };
        let mut rows = Vec::new();
        for (i, (reference, estimate)) in self.references.iter().zip(estimates).enumerate() {
            let [sdr, sir, sar] = three(&full, i);
            let [si_sdr, si_sir, si_sar] = three(&one, i);
            let [stoi, estoi] = self.speech(reference, estimate)?;
            rows.push([sdr, sir, sar, si_sdr, si_sir, si_sar, stoi, estoi]);
        }
        Ok(rows)
    }

    fn speech(
        &self,
        reference: &Reference<'_>,
        estimate: &Estimate<'_>,
    ) -> Result<[Option<f64>; 2], MetricsError> {
        if !self.is_speech_scored {
            return Ok([None; 2]);
        }
        match intelligibility(reference, estimate, self.sample_rate) {
            Ok(both) => Ok([Some(both.stoi), Some(both.estoi)]),
            // a sound with too little speech still has its other scores
            Err(MetricsError::TooFewFrames { .. }) => Ok([None; 2]),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;

    /// Speech-like enough for every score: noise that comes and goes.
    fn noise(seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..RATE)
            .map(|n| draw() * (1.1 + (n as f32 * 1e-3).sin()))
            .collect()
    }

    #[test]
    fn what_is_not_asked_for_is_left_out_and_the_rest_stays_the_same() {
        let (a, b) = (noise(1), noise(2));
        let references = [Reference(&a), Reference(&b)];
        let estimates = [Estimate(&b), Estimate(&a)];
        let score = |families: &[Family]| {
            let evaluation = Evaluation::new(&references, RATE, families).unwrap();
            evaluation.score_all(&estimates).unwrap()
        };
        let all = score(&Family::ALL);
        assert!(all.iter().flatten().all(Option::is_some));
        let some = score(&[Family::ScaleInvariant]);
        for (all, some) in all.iter().zip(&some) {
            assert_eq!(some[3..6], all[3..6]);
            assert!(some[..3].iter().chain(&some[6..]).all(Option::is_none));
        }
    }

    #[test]
    fn one_signal_for_all_is_as_many_estimates_of_it() {
        let (a, b) = (noise(1), noise(2));
        let references = [Reference(&a), Reference(&b)];
        let mixture: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let evaluation = Evaluation::new(&references, RATE, &Family::ALL).unwrap();
        let each = evaluation.score_against_each(&Estimate(&mixture)).unwrap();
        let all = evaluation.score_all(&[Estimate(&mixture); 2]).unwrap();
        for (each, all) in each.iter().flatten().zip(all.iter().flatten()) {
            // two ways through the same projection
            assert!((each.unwrap() - all.unwrap()).abs() < 1e-6);
        }
    }
}
