//! Every score against mir_eval 0.8.2, pystoi 0.4.1 and a least squares in NumPy.
//!
//! The values come from `scripts/metrics/golden.py` (its header says how to run it) and neither it
//! nor its packages are needed here. `cargo test --release -p nae-metrics --test golden --
//! --nocapture` prints the greatest differences.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]
#![expect(
    clippy::print_stdout,
    reason = "the differences are wanted in a report of their own"
)]

use std::collections::BTreeMap;

use nae_metrics::{BssEval, Estimate, MetricsError, Ratios, Reference};
use nae_metrics::{STOI_OF_TOO_FEW_FRAMES, estoi, intelligibility, si_sdr, stoi};
use nae_testing::speech::{self, EstimateRecipe, SourceRecipe};
use serde::Deserialize;

/// BSS_eval: both sides solve the same normal equations in double precision.
const BSS_EVAL_TOLERANCE_DB: f64 = 1e-6;

/// One tap: a few unknowns, here by normal equations and there by a singular value decomposition.
const ONE_TAP_TOLERANCE_DB: f64 = 1e-9;

/// The two resamplers add in another order; pystoi adds noise of 2e-16 to ESTOI.
const STOI_TOLERANCE: f64 = 1e-6;

/// Above this a residual is made of rounding errors, of whoever computes it: it is not compared,
/// only seen to be there on both sides.
const PERFECT_DB: f64 = 200.0;

/// One line of `golden/scores.json`.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    sample_rate: u32,
    samples: usize,
    taps: usize,
    sources: Vec<SourceRecipe>,
    estimates: Vec<EstimateRecipe>,
    checksums: Vec<u32>,
    scores: BTreeMap<String, Vec<Score>>,
}

/// JSON has no infinity: a string stands for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Score {
    Finite(f64),
    Infinite(String),
}

impl Score {
    fn value(&self) -> f64 {
        match self {
            Score::Finite(value) => *value,
            Score::Infinite(text) => text.parse().unwrap(),
        }
    }
}

/// A case with its signals.
struct Sound {
    case: Case,
    sources: Vec<Vec<f32>>,
    estimates: Vec<Vec<f32>>,
}

impl Sound {
    fn references(&self) -> Vec<Reference<'_>> {
        self.sources.iter().map(|s| Reference(s)).collect()
    }

    fn estimates(&self) -> Vec<Estimate<'_>> {
        self.estimates.iter().map(|s| Estimate(s)).collect()
    }

    fn golden(&self, score: &str) -> Option<Vec<f64>> {
        Some(
            self.case
                .scores
                .get(score)?
                .iter()
                .map(Score::value)
                .collect(),
        )
    }
}

/// All cases, their signals made and checked.
fn sounds() -> Vec<Sound> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/scores.json")).unwrap();
    let sounds: Vec<Sound> = cases.into_iter().map(sound).collect();
    assert!(sounds.len() > 25, "all cases are there");
    sounds
}

fn sound(case: Case) -> Sound {
    let mut sources: Vec<Vec<i64>> = Vec::new();
    for recipe in &case.sources {
        let next = speech::source(recipe, case.samples, &sources);
        sources.push(next);
    }
    let estimates: Vec<Vec<i64>> = case
        .estimates
        .iter()
        .map(|recipe| speech::estimate(recipe, case.samples, &sources))
        .collect();
    let checksums: Vec<u32> = sources
        .iter()
        .chain(&estimates)
        .map(|signal| checksum(signal))
        .collect();
    assert_eq!(checksums, case.checksums, "signals of {}", case.name);
    let as_floats = |signals: &[Vec<i64>]| signals.iter().map(|s| speech::samples(s)).collect();
    Sound {
        sources: as_floats(&sources),
        estimates: as_floats(&estimates),
        case,
    }
}

/// A number that two signals share only by a one in four billion chance.
fn checksum(signal: &[i64]) -> u32 {
    signal.iter().fold(0_u32, |total, value| {
        total.wrapping_mul(31).wrapping_add((value & 65535) as u32)
    })
}

/// The greatest difference of each score, and where it was.
#[derive(Default)]
struct Greatest(BTreeMap<String, (f64, String)>);

impl Greatest {
    /// Compares what is defined on both sides, and sees that what is not agrees on that.
    fn compare(&mut self, score: &str, case: &str, golden: f64, got: f64) {
        assert!(!got.is_nan(), "{score} of {case} is NaN");
        if golden > PERFECT_DB {
            assert!(got > PERFECT_DB, "{score} of {case}: {got} for {golden}");
            return;
        }
        let difference = (golden - got).abs();
        let greatest = self.0.entry(score.to_owned()).or_default();
        if difference >= greatest.0 {
            *greatest = (difference, case.to_owned());
        }
    }

    /// No difference is above `tolerance`; there is at least one.
    fn assert_below(&self, tolerance: f64) {
        assert!(!self.0.is_empty(), "nothing was compared");
        for (score, (difference, case)) in &self.0 {
            println!("{score:>14}  {difference:.1e}  {case}");
            assert!(
                *difference <= tolerance,
                "{score} differs by {difference:e} in {case}"
            );
        }
    }
}

fn named(ratios: &Ratios) -> [(&'static str, f64); 3] {
    [
        ("sdr", ratios.sdr),
        ("sir", ratios.sir),
        ("sar", ratios.sar),
    ]
}

#[test]
fn bss_eval_equals_mir_eval() {
    let mut greatest = Greatest::default();
    for sound in sounds() {
        let evaluation = BssEval::new(&sound.references(), sound.case.taps).unwrap();
        let scores = evaluation.score_all(&sound.estimates()).unwrap();
        for (index, ratios) in scores.iter().enumerate() {
            for (score, got) in named(ratios) {
                let golden = sound.golden(score).unwrap()[index];
                greatest.compare(score, &sound.case.name, golden, got);
            }
        }
    }
    greatest.assert_below(BSS_EVAL_TOLERANCE_DB);
}

#[test]
fn the_best_permutation_is_that_of_mir_eval() {
    let mut greatest = Greatest::default();
    for sound in sounds() {
        let Some(golden) = sound.golden("permutation") else {
            continue;
        };
        let evaluation = BssEval::new(&sound.references(), sound.case.taps).unwrap();
        let (order, scores) = evaluation.best_permutation(&sound.estimates()).unwrap();
        // Both estimates are the mixture, but for the last bit: either order is as good.
        if sound.case.name != "the mixture in every place" {
            let order: Vec<f64> = order.iter().map(|&index| index as f64).collect();
            assert_eq!(order, golden, "{}", sound.case.name);
        }
        for (index, ratios) in scores.iter().enumerate() {
            for (score, got) in named(ratios) {
                let score = format!("permuted_{score}");
                let golden = sound.golden(&score).unwrap()[index];
                greatest.compare(&score, &sound.case.name, golden, got);
            }
        }
    }
    greatest.assert_below(BSS_EVAL_TOLERANCE_DB);
}

#[test]
fn one_tap_equals_least_squares() {
    let mut greatest = Greatest::default();
    for sound in sounds() {
        let (references, estimates) = (sound.references(), sound.estimates());
        let evaluation = BssEval::new(&references, 1).unwrap();
        let scores = evaluation.score_all(&estimates).unwrap();
        for (index, ratios) in scores.iter().enumerate() {
            let golden = |score: &str| sound.golden(score).unwrap()[index];
            for (score, got) in named(ratios) {
                let score = format!("si_{score}");
                greatest.compare(&score, &sound.case.name, golden(&score), got);
            }
            let alone = si_sdr(&references[index], &estimates[index]).unwrap();
            greatest.compare("si_sdr()", &sound.case.name, golden("si_sdr"), alone);
        }
    }
    greatest.assert_below(ONE_TAP_TOLERANCE_DB);
}

#[test]
fn stoi_and_estoi_equal_pystoi() {
    let mut greatest = Greatest::default();
    for sound in sounds() {
        let rate = sound.case.sample_rate;
        let pairs = sound.references().into_iter().zip(sound.estimates());
        for (index, (reference, estimate)) in pairs.enumerate() {
            let golden = |score: &str| sound.golden(score).unwrap()[index];
            if golden("stoi") == STOI_OF_TOO_FEW_FRAMES {
                let error = intelligibility(&reference, &estimate, rate).unwrap_err();
                assert!(matches!(error, MetricsError::TooFewFrames { .. }));
                continue;
            }
            for (name, got) in [
                ("stoi", stoi(&reference, &estimate, rate).unwrap()),
                ("estoi", estoi(&reference, &estimate, rate).unwrap()),
            ] {
                greatest.compare(name, &sound.case.name, golden(name), got);
            }
        }
    }
    greatest.assert_below(STOI_TOLERANCE);
}
