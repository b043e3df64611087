//! The bias-corrected and accelerated (BCa) bootstrap interval of a mean.
//!
//! With the means `θ*` of resamples, the mean `θ` itself, its leave-one-out values `θ₍ᵢ₎` and Φ the
//! standard normal distribution:
//!
//! ```text
//! z₀ = Φ⁻¹(share of θ* below θ)               a = Σ(θ̄₍·₎ − θ₍ᵢ₎)³ / (6·(Σ(θ̄₍·₎ − θ₍ᵢ₎)²)^1.5)
//! α(q) = Φ(z₀ + (z₀ + zq) / (1 − a·(z₀ + zq)))  interval = quantiles α(0.025), α(0.975) of θ*
//! ```
//!
//! Resamples that equal θ count half, as in SciPy.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};

use super::mean;
use nae_metrics::summary::quantile;

/// Share of intervals that hold the true mean.
pub const CONFIDENCE: f64 = 0.95;

/// Resamples drawn for an interval: its ends then move by about 1 % of its length from seed to seed.
pub const RESAMPLES: usize = 10_000;

/// An interval of confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The 95 % interval of the mean of `values`, from `resamples` draws with replacement.
///
/// `None` for fewer than two values, for values that are not finite and for no resamples. Values that
/// are all the same have an interval of no length.
#[must_use]
pub fn bootstrap(values: &[f64], resamples: usize, seed: u64) -> Option<Interval> {
    if values.len() < 2 || resamples == 0 || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let draw = |_| {
        let sum: f64 = values
            .iter()
            .map(|_| values[rng.random_range(0..values.len())])
            .sum();
        sum / values.len() as f64
    };
    let means: Vec<f64> = (0..resamples).map(draw).collect();
    interval(values, &means)
}

/// The interval from the means of resamples.
fn interval(values: &[f64], means: &[f64]) -> Option<Interval> {
    let centre = mean(values);
    if values.iter().all(|v| *v == values[0]) {
        return Some(Interval {
            low: values[0],
            high: values[0],
        });
    }
    let normal = Normal::standard();
    let below = means.iter().filter(|m| **m < centre).count() as f64;
    let equal = means.iter().filter(|m| **m == centre).count() as f64;
    // half a resample from either end at least: Φ⁻¹ is infinite there
    let margin = 0.5 / means.len() as f64;
    let share = (below + equal / 2.0) / means.len() as f64;
    let bias = normal.inverse_cdf(share.clamp(margin, 1.0 - margin));
    let acceleration = acceleration(values);
    let end = |share: f64| {
        let shifted = bias + normal.inverse_cdf(share);
        let corrected = normal.cdf(bias + shifted / (1.0 - acceleration * shifted));
        quantile(means, corrected)
    };
    Some(Interval {
        low: end((1.0 - CONFIDENCE) / 2.0)?,
        high: end((1.0 + CONFIDENCE) / 2.0)?,
    })
}

/// Skewness of the mean, from its leave-one-out values.
fn acceleration(values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    let left_out: Vec<f64> = values
        .iter()
        .map(|v| (sum - v) / (values.len() - 1) as f64)
        .collect();
    let centre = mean(&left_out);
    let power = |n: i32| left_out.iter().map(|v| (centre - v).powi(n)).sum::<f64>();
    let scale = power(2).powf(1.5);
    if scale > 0.0 {
        power(3) / (6.0 * scale)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Means of all nⁿ resamples.
    fn every_mean(values: &[f64]) -> Vec<f64> {
        let n = values.len();
        (0..n.pow(n as u32))
            .map(|mut code| {
                let mut sum = 0.0;
                for _ in 0..n {
                    sum += values[code % n];
                    code /= n;
                }
                sum / n as f64
            })
            .collect()
    }

    #[test]
    fn drawn_resamples_come_near_to_all_resamples() {
        let values = [0.3, -0.2, 1.4, 0.9, 2.7, 0.1];
        let exact = interval(&values, &every_mean(&values)).unwrap();
        for seed in 0..5 {
            let drawn = bootstrap(&values, RESAMPLES, seed).unwrap();
            // Standard error of a 2.5 % quantile of 10⁴ draws is about 1 % of the interval (1.9):
            // four of them.
            assert!((drawn.low - exact.low).abs() < 0.08, "{drawn:?} {exact:?}");
            assert!(
                (drawn.high - exact.high).abs() < 0.08,
                "{drawn:?} {exact:?}"
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values = [0.3, -0.2, 1.4, 0.9];
        assert_eq!(bootstrap(&values, 500, 7), bootstrap(&values, 500, 7));
        assert_ne!(bootstrap(&values, 500, 7), bootstrap(&values, 500, 8));
    }

    #[test]
    fn an_interval_moves_and_stretches_with_its_values() {
        let values = [0.3, -0.2, 1.4, 0.9, 2.7];
        let moved: Vec<f64> = values.iter().map(|v| 8.0 * v + 3.0).collect();
        let (a, b) = (
            bootstrap(&values, 2000, 1).unwrap(),
            bootstrap(&moved, 2000, 1).unwrap(),
        );
        // Roundings only; the same draws are made.
        assert!((8.0 * a.low + 3.0 - b.low).abs() < 1e-9);
        assert!((8.0 * a.high + 3.0 - b.high).abs() < 1e-9);
    }

    #[test]
    fn equal_values_leave_no_doubt() {
        let interval = bootstrap(&[0.1; 6], 100, 0).unwrap();
        assert_eq!((interval.low, interval.high), (0.1, 0.1));
    }

    #[test]
    fn too_little_has_no_interval() {
        assert_eq!(bootstrap(&[1.0], 100, 0), None);
        assert_eq!(bootstrap(&[1.0, f64::NAN], 100, 0), None);
        assert_eq!(bootstrap(&[1.0, 2.0], 0, 0), None);
    }
}
