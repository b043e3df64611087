//! The statistics against NumPy and SciPy: values of `scripts/report/golden.py`.

use nae_report::statistics::{Distribution, Paired, Summary, bootstrap, signed_rank};
use serde::Deserialize;

/// Resamples for the comparison with SciPy's 200 000.
const RESAMPLES: usize = 100_000;
const SEED: u64 = 1;

#[derive(Deserialize)]
struct Golden {
    name: String,
    differences: Vec<f64>,
    mean: f64,
    quartiles: [f64; 3],
    statistic: f64,
    p: f64,
    interval: [f64; 2],
}

fn golden() -> serde_json::Result<Vec<Golden>> {
    serde_json::from_str(include_str!("golden/statistics.json"))
}

#[test]
fn quartiles_and_means_equal_those_of_numpy() {
    for case in golden().unwrap() {
        let summary = Summary::of(&case.differences).unwrap();
        let paired = Paired::of(&case.differences, SEED).unwrap();
        let pairs = [
            (summary.lower_quartile, case.quartiles[0]),
            (summary.median, case.quartiles[1]),
            (summary.upper_quartile, case.quartiles[2]),
            (paired.median, case.quartiles[1]),
            (paired.mean, case.mean),
        ];
        for (got, expected) in pairs {
            // Another order of summation.
            assert!(
                (got - expected).abs() < 1e-12,
                "{}: {got} {expected}",
                case.name
            );
        }
    }
}

#[test]
fn the_signed_rank_test_equals_that_of_scipy() {
    let mut approximate = 0;
    for case in golden().unwrap() {
        let test = signed_rank(&case.differences).unwrap();
        assert_eq!(test.statistic, case.statistic, "{}", case.name);
        // Exact counts are whole numbers; the normal distribution is good to ten digits or more.
        let tolerance = 1e-9 * case.p;
        assert!(
            (test.p - case.p).abs() < tolerance,
            "{}: {} {}",
            case.name,
            test.p,
            case.p
        );
        approximate += usize::from(test.distribution == Distribution::Normal);
    }
    assert_eq!(approximate, 2, "both ways are tried");
}

#[test]
fn bootstrap_intervals_equal_those_of_scipy_up_to_the_draws() {
    for case in golden().unwrap() {
        let interval = bootstrap(&case.differences, RESAMPLES, SEED).unwrap();
        let length = case.interval[1] - case.interval[0];
        // Draws of both sides move an end by about 0.5 % of the interval; few differences make it
        // move in small steps besides.
        for (got, expected) in [
            (interval.low, case.interval[0]),
            (interval.high, case.interval[1]),
        ] {
            let off = (got - expected).abs() / length;
            assert!(off < 0.02, "{}: {got} is not {expected}", case.name);
        }
    }
}
