//! What must hold of the scores of any signals.

use nae_metrics::{BssEval, Estimate, Ratios, Reference, intelligibility, si_sdr};
use nae_testing::speech::{self, EstimateRecipe, SourceRecipe};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

/// Short enough for a few hundred evaluations in debug builds, long enough for STOI.
const SAMPLES: usize = 12_000;

/// Filters, fewer than 512 for speed.
const TAPS: [usize; 3] = [1, 8, 64];

/// The sources of one proptest case.
fn sources(count: usize, seed: u64) -> Vec<Vec<i64>> {
    (0..count as i64)
        .map(|index| {
            let recipe = SourceRecipe {
                seed: seed.wrapping_mul(31).wrapping_add(index as u64),
                pitch: 430 + 217 * index + (seed % 97) as i64,
                syllable: 24 + 5 * index,
                delay: 0,
                gain: 256,
                on: None,
            };
            speech::source(&recipe, SAMPLES, &[])
        })
        .collect()
}

/// An estimate of each source, with some of the next one and noise.
fn estimates(sources: &[Vec<i64>], seed: u64, leak: i64, noise: i64) -> Vec<Vec<f32>> {
    (0..sources.len())
        .map(|index| {
            let recipe = EstimateRecipe {
                seed: seed ^ (index as u64 + 1),
                parts: vec![
                    (index, 0, 230),
                    (index, 3, 30),
                    ((index + 1) % sources.len(), 1, leak),
                ],
                noise,
                offset: 0,
            };
            speech::samples(&speech::estimate(&recipe, SAMPLES, sources))
        })
        .collect()
}

fn floats(sources: &[Vec<i64>]) -> Vec<Vec<f32>> {
    sources.iter().map(|s| speech::samples(s)).collect()
}

fn as_references(signals: &[Vec<f32>]) -> Vec<Reference<'_>> {
    signals.iter().map(|s| Reference(s)).collect()
}

fn as_estimates(signals: &[Vec<f32>]) -> Vec<Estimate<'_>> {
    signals.iter().map(|s| Estimate(s)).collect()
}

fn close(a: &Ratios, b: &Ratios, tolerance: f64) -> bool {
    [(a.sdr, b.sdr), (a.sir, b.sir), (a.sar, b.sar)]
        .iter()
        .all(|(a, b)| (a - b).abs() < tolerance)
}

/// Where the inputs of failures are kept, to be tried first from then on.
const REGRESSIONS: &str = "tests/properties.regressions";

/// The start of the generator of cases: the same ones every time.
const SEED: u64 = 7;

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        rng_seed: RngSeed::Fixed(SEED),
        ..ProptestConfig::with_cases(12)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_level_of_no_signal_matters(
        seed: u64, count in 2_usize..4, tap in 0_usize..3,
        louder in -6_i32..7, quieter in -6_i32..7,
    ) {
        let sources = sources(count, seed);
        let references = floats(&sources);
        let estimates = estimates(&sources, seed, 60, 900);
        // Powers of two scale f32 exactly, so that only the scores can round.
        let scale = |signals: &[Vec<f32>], power: i32| -> Vec<Vec<f32>> {
            signals
                .iter()
                .enumerate()
                .map(|(index, s)| {
                    let gain = 2.0_f32.powi(power * (index as i32 + 1));
                    s.iter().map(|v| v * gain).collect()
                })
                .collect()
        };
        let (loud, quiet) = (scale(&references, louder), scale(&estimates, quieter));
        let plain = BssEval::new(&as_references(&references), TAPS[tap]).unwrap();
        let scaled = BssEval::new(&as_references(&loud), TAPS[tap]).unwrap();
        let before = plain.score_all(&as_estimates(&estimates)).unwrap();
        let after = scaled.score_all(&as_estimates(&quiet)).unwrap();
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(close(before, after, 1e-9), "{before:?} {after:?}");
        }
        let before = si_sdr(&Reference(&references[0]), &Estimate(&estimates[0])).unwrap();
        let after = si_sdr(&Reference(&loud[0]), &Estimate(&quiet[0])).unwrap();
        prop_assert!((before - after).abs() < 1e-12);
        // STOI has one absolute number, the 2e-16 that guards its divisions.
        let before =
            intelligibility(&Reference(&references[0]), &Estimate(&estimates[0]), 16_000).unwrap();
        let after = intelligibility(&Reference(&loud[0]), &Estimate(&quiet[0]), 16_000).unwrap();
        prop_assert!((before.stoi - after.stoi).abs() < 1e-9);
        prop_assert!((before.estoi - after.estoi).abs() < 1e-9);
    }

    #[test]
    fn the_order_of_references_and_estimates_does_not_matter(
        seed: u64, tap in 0_usize..3, turn in 1_usize..3,
    ) {
        let sources = sources(3, seed);
        let references = floats(&sources);
        let estimates = estimates(&sources, seed, 40, 300);
        let mut turned = references.clone();
        turned.rotate_left(turn);
        let plain = BssEval::new(&as_references(&references), TAPS[tap]).unwrap();
        let other = BssEval::new(&as_references(&turned), TAPS[tap]).unwrap();
        let expected = plain.score_all(&as_estimates(&estimates)).unwrap();
        let (order, found) = other.best_permutation(&as_estimates(&estimates)).unwrap();
        for (reference, &estimate) in order.iter().enumerate() {
            prop_assert_eq!(estimate, (reference + turn) % 3);
            prop_assert!(close(&found[reference], &expected[estimate], 1e-9));
        }
    }

    #[test]
    fn the_pairing_found_is_no_worse_than_the_one_given(seed: u64, leak in 0_i64..500) {
        let sources = sources(3, seed);
        let references = floats(&sources);
        let estimates = estimates(&sources, seed, leak, 300);
        let evaluation = BssEval::new(&as_references(&references), 8).unwrap();
        let given = evaluation.score_all(&as_estimates(&estimates)).unwrap();
        let (_, found) = evaluation.best_permutation(&as_estimates(&estimates)).unwrap();
        let mean = |scores: &[Ratios]| scores.iter().map(|r| r.sir).sum::<f64>() / 3.0;
        prop_assert!(mean(&found) >= mean(&given) - 1e-8);
    }

    #[test]
    fn a_perfect_estimate_is_perfect_by_every_score(
        seed: u64, count in 1_usize..4, tap in 0_usize..3,
    ) {
        let references = floats(&sources(count, seed));
        let evaluation = BssEval::new(&as_references(&references), TAPS[tap]).unwrap();
        for ratios in evaluation.score_all(&as_estimates(&references)).unwrap() {
            // The residual is made of roundings in double precision.
            prop_assert!(ratios.sdr > 200.0 && ratios.sir > 200.0 && ratios.sar > 200.0);
        }
        for signal in &references {
            let both = intelligibility(&Reference(signal), &Estimate(signal), 16_000).unwrap();
            prop_assert!((both.stoi - 1.0).abs() < 1e-9 && (both.estoi - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn more_noise_never_scores_better(seed: u64, tap in 0_usize..3) {
        let sources = sources(2, seed);
        let references = floats(&sources);
        let evaluation = BssEval::new(&as_references(&references), TAPS[tap]).unwrap();
        let mut last: Option<(Ratios, f64, f64)> = None;
        // The same noise, 6 dB louder each time.
        for noise in [500, 1000, 2000, 4000, 8000] {
            let estimates = estimates(&sources, seed, 30, noise);
            let estimate = Estimate(&estimates[0]);
            let ratios = evaluation.score(0, &estimate).unwrap();
            let stoi = intelligibility(&Reference(&references[0]), &estimate, 16_000).unwrap().stoi;
            let si_sdr = si_sdr(&Reference(&references[0]), &estimate).unwrap();
            if let Some((quieter, stoi_before, si_sdr_before)) = last {
                prop_assert!(ratios.sdr < quieter.sdr && ratios.sar < quieter.sar);
                prop_assert!(stoi < stoi_before && si_sdr < si_sdr_before);
            }
            last = Some((ratios, stoi, si_sdr));
        }
    }

    #[test]
    fn more_taps_explain_more(seed: u64, leak in 0_i64..200, noise in 0_i64..3000) {
        let sources = sources(2, seed);
        let references = floats(&sources);
        let estimates = estimates(&sources, seed, leak, noise);
        let mut last = f64::NEG_INFINITY;
        for taps in [1, 2, 8, 64] {
            let evaluation = BssEval::new(&as_references(&references), taps).unwrap();
            let ratios = evaluation.score(0, &Estimate(&estimates[0])).unwrap();
            prop_assert!(ratios.sdr > last - 1e-9);
            last = ratios.sdr;
        }
    }

    #[test]
    fn references_however_alike_stay_stable(
        seed: u64, tap in 0_usize..3, shift in 0_i32..30, smooth in 0_usize..6,
    ) {
        let sources = sources(2, seed);
        let mut references = floats(&sources);
        let estimates = estimates(&sources, seed, 60, 900);
        // The second all but repeats the first, and both lose their upper band.
        let own = 0.5_f32.powi(shift);
        references[1] = references[0].iter().zip(&references[1]).map(|(a, b)| a + own * b).collect();
        for signal in &mut references {
            for _ in 0..smooth * 4 {
                *signal = signal.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
                signal.push(0.0);
            }
        }
        let evaluation = BssEval::new(&as_references(&references), TAPS[tap]).unwrap();
        for ratios in evaluation.score_all(&as_estimates(&estimates)).unwrap() {
            // The projection on both holds no less than that on one.
            prop_assert!(ratios.sar >= ratios.sdr - 1e-6, "{ratios:?}");
            prop_assert!(ratios.sdr.is_finite() && !ratios.sir.is_nan());
        }
    }

    #[test]
    fn one_tap_sdr_is_si_sdr_whatever_the_other_references(seed: u64, count in 1_usize..5) {
        let sources = sources(count, seed);
        let references = floats(&sources);
        let estimates = estimates(&sources, seed, 60, 900);
        let evaluation = BssEval::new(&as_references(&references), 1).unwrap();
        let ratios = evaluation.score(0, &Estimate(&estimates[0])).unwrap();
        let alone = si_sdr(&Reference(&references[0]), &Estimate(&estimates[0])).unwrap();
        prop_assert!((ratios.sdr - alone).abs() < 1e-9);
    }
}
