//! No score depends on the level of any signal.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use nae_metrics::scores::{Evaluation, MetricGroup, Scores, TABLE};
use nae_metrics::{Estimate, Reference};
use nae_testing::speech::{self, EstimateRecipe, SourceRecipe};

const RATE: u32 = 16_000;
const SAMPLES: usize = 16_000;

/// Two sources, and an estimate of each with a little of the other and noise.
fn sounds() -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let source = |index: i64| {
        let recipe = SourceRecipe {
            seed: 11 + index as u64,
            pitch: 430 + 217 * index,
            syllable: 24 + 5 * index,
            delay: 0,
            gain: 256,
            on: None,
        };
        speech::source(&recipe, SAMPLES, &[])
    };
    let sources = [source(0), source(1)].to_vec();
    let estimate = |index: usize| {
        let recipe = EstimateRecipe {
            seed: 5 + index as u64,
            parts: vec![(index, 0, 230), (1 - index, 1, 20)],
            noise: 300,
            offset: 0,
        };
        speech::samples(&speech::estimate(&recipe, SAMPLES, &sources))
    };
    let estimates = vec![estimate(0), estimate(1)];
    let references = sources.iter().map(|s| speech::samples(s)).collect();
    (references, estimates)
}

fn scaled(signals: &[Vec<f32>], gain: f32) -> Vec<Vec<f32>> {
    let scale = |signal: &Vec<f32>| signal.iter().map(|x| x * gain).collect();
    signals.iter().map(scale).collect()
}

/// Of the estimates, and of the first reference with the second as the mixture.
fn scores(references: &[Vec<f32>], estimates: &[Vec<f32>]) -> Vec<Scores> {
    let references: Vec<Reference<'_>> = references.iter().map(|s| Reference(s)).collect();
    let all: Vec<Estimate<'_>> = estimates.iter().map(|s| Estimate(s)).collect();
    let evaluation = Evaluation::new(&references, RATE, &MetricGroup::ALL).unwrap();
    let mut scores = evaluation.score_all(&all).unwrap();
    scores.extend(evaluation.score_against_each(&all[0]).unwrap());
    scores
}

fn assert_same(before: &[Scores], after: &[Scores], tolerance: f64, what: &str) {
    for (before, after) in before.iter().zip(after) {
        for ((spec, before), after) in TABLE.iter().zip(before).zip(after) {
            let (before, after) = (before.unwrap(), after.unwrap());
            let difference = (before - after).abs();
            assert!(
                difference < tolerance,
                "{what}, {}: {before} {after}",
                spec.key
            );
        }
    }
}

/// Powers of two change no digit of a sample, so that only the scores can round.
#[test]
fn every_score_is_the_same_from_minus_240_to_plus_180_decibels() {
    let (references, estimates) = sounds();
    let plain = scores(&references, &estimates);
    for power in (-40..=30).step_by(10) {
        let gain = 2f32.powi(power);
        let (quiet, also) = (scaled(&references, gain), scaled(&estimates, gain));
        let what = format!("a gain of 2^{power}");
        assert_same(&plain, &scores(&quiet, &also), 1e-9, &what);
        assert_same(&plain, &scores(&quiet, &estimates), 1e-9, &what);
        assert_same(&plain, &scores(&references, &also), 1e-9, &what);
    }
}

/// With other gains the samples round to `f32`, which is noise 140 dB below them.
#[test]
fn gains_in_decibels_change_scores_by_no_more_than_the_rounding_of_samples() {
    let (references, estimates) = sounds();
    let plain = scores(&references, &estimates);
    for db in (-120..=60).step_by(20) {
        let gain = 10f32.powf(db as f32 / 20.0);
        let (quiet, also) = (scaled(&references, gain), scaled(&estimates, gain));
        assert_same(&plain, &scores(&quiet, &also), 1e-4, &format!("{db} dB"));
    }
}

#[test]
fn a_nearly_perfect_estimate_of_a_very_quiet_reference_is_intelligible() {
    let (references, _) = sounds();
    let quiet = scaled(&references, 2f32.powi(-60));
    let scores = scores(&quiet, &quiet);
    let of = |key: &str| TABLE.iter().position(|spec| spec.key == key).unwrap();
    for row in &scores[..2] {
        assert!(row[of("stoi")].unwrap() > 0.999 && row[of("estoi")].unwrap() > 0.999);
    }
}
