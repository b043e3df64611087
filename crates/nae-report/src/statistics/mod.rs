//! Whether one system is better than another: paired differences, their interval and a test.
//!
//! Scores of one mixture belong together, so systems are compared by their *differences* on the same
//! mixtures ([`Paired`]). Mixtures of one pair of voices share the voices' models and are not
//! independent; the caller averages them and hands over one difference per independent unit.
//!
//! | Number | Method | Equal to |
//! |---|---|---|
//! | median, quartiles | linear interpolation ([`nae_metrics::summary`]) | `numpy.percentile` |
//! | 95 % interval of the mean difference | bias-corrected and accelerated bootstrap over units, seeded ([`bootstrap`]) | `scipy.stats.bootstrap(method="BCa")` |
//! | p | Wilcoxon's signed-rank test, two-sided ([`signed_rank`]) | `scipy.stats.wilcoxon` |
//! | p over many comparisons | Holm's step-down adjustment ([`holm`]) | `statsmodels.stats.multitest` |
//!
//! # References
//!
//! 1. B. Efron, "Better bootstrap confidence intervals", JASA 82, 1987.
//! 2. F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1, 1945.
//! 3. S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.

mod bootstrap;
mod holm;
mod signed_rank;

pub use bootstrap::{CONFIDENCE, Interval, RESAMPLES, bootstrap};
pub use holm::holm;
pub use nae_metrics::summary::{Summary, median, quantile};
pub use signed_rank::{Distribution, EXACT_UP_TO, SignedRank, signed_rank};

/// How far one system lies above another on the same units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Independent units (pairs of voices, or mixtures) that both systems have scores for.
    pub units: usize,
    /// Mean difference over the units.
    pub mean: f64,
    /// Median difference over the units.
    pub median: f64,
    /// 95 % interval of the mean difference; none for a single unit.
    pub interval: Option<Interval>,
    /// Wilcoxon's signed-rank test of the differences.
    pub test: SignedRank,
}

impl Paired {
    /// Compares two systems by their differences, one per unit.
    ///
    /// `seed` decides the resamples: the same differences and seed give the same interval. `None`
    /// when there are no differences or one is not finite.
    #[must_use]
    pub fn of(differences: &[f64], seed: u64) -> Option<Self> {
        if differences.iter().any(|d| !d.is_finite()) {
            return None;
        }
        Some(Self {
            units: differences.len(),
            mean: mean(differences),
            median: median(differences)?,
            interval: bootstrap(differences, RESAMPLES, seed),
            test: signed_rank(differences)?,
        })
    }
}

/// The arithmetic mean; NaN of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_gain_is_seen() {
        let gains = [0.9, 1.1, 1.0, 1.3, 0.8, 1.2];
        let paired = Paired::of(&gains, 0).unwrap();
        let interval = paired.interval.unwrap();
        assert_eq!(paired.units, 6);
        assert!((paired.mean - 1.05).abs() < 1e-12, "one rounding");
        assert!(interval.low > 0.8 && interval.low < 1.05, "{interval:?}");
        assert!(interval.high < 1.3 && interval.high > 1.05, "{interval:?}");
        // All six on one side: 2/2⁶.
        assert_eq!(paired.test.p, 0.03125);
    }

    #[test]
    fn one_unit_has_a_difference_and_no_interval() {
        let paired = Paired::of(&[0.5], 0).unwrap();
        assert_eq!((paired.mean, paired.interval), (0.5, None));
        assert_eq!(paired.test.p, 1.0);
    }

    #[test]
    fn what_is_not_finite_is_not_compared() {
        assert_eq!(Paired::of(&[], 0), None);
        assert_eq!(Paired::of(&[1.0, f64::INFINITY], 0), None);
        assert_eq!(Paired::of(&[f64::NAN], 0), None);
    }
}
