//! Wilcoxon's signed-rank test.
//!
//! The absolute differences are ranked, equal ones by the mean of their ranks; `W⁺` and `W⁻` are the
//! sums of the ranks of positive and negative differences. Differences of zero are dropped
//! (Wilcoxon's own treatment and SciPy's default).

use statrs::distribution::{ContinuousCDF, Normal};

/// The most differences for which every assignment of signs is counted.
pub const EXACT_UP_TO: usize = 50;

/// Where p comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// All 2ⁿ assignments of signs to the ranks at hand, ties included.
    Exact,
    /// Normal approximation with the correction for ties, without one for continuity.
    Normal,
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Differences other than zero.
    pub n: usize,
    /// The smaller of `W⁺` and `W⁻`.
    pub statistic: f64,
    /// Two-sided p: how likely a statistic this small is if signs were drawn by chance, 0 to 1.
    pub p: f64,
    /// Where p comes from.
    pub distribution: Distribution,
}

/// Two-sided test of whether differences are symmetric around zero.
///
/// Exact for up to [`EXACT_UP_TO`] differences other than zero. Without any, p is 1. `None` when
/// there are no differences at all or one is NaN.
#[must_use]
pub fn signed_rank(differences: &[f64]) -> Option<SignedRank> {
    if differences.is_empty() || differences.iter().any(|d| d.is_nan()) {
        return None;
    }
    let mut kept: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    kept.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = kept.len();
    let (doubled, ties) = doubled_ranks(&kept);
    let whole: usize = doubled.iter().sum();
    let signed = kept.iter().zip(&doubled);
    let positive: usize = signed.filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
    let smaller = positive.min(whole - positive);
    let distribution = match n <= EXACT_UP_TO {
        true => Distribution::Exact,
        false => Distribution::Normal,
    };
    let statistic = smaller as f64 / 2.0;
    Some(SignedRank {
        n,
        statistic,
        p: match distribution {
            Distribution::Exact => exact_p(&doubled, smaller),
            Distribution::Normal => normal_p(n, statistic, &ties),
        },
        distribution,
    })
}

/// Twice the rank of every value (whole numbers even where ranks are shared), and the sizes of the
/// groups of equal values.
fn doubled_ranks(sorted: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let groups = sorted.chunk_by(|a, b| a.abs() == b.abs());
    let mut ranks = Vec::with_capacity(sorted.len());
    let mut sizes = Vec::new();
    for group in groups {
        // ranks first+1 … first+size have the mean first + (size+1)/2
        let doubled = 2 * ranks.len() + group.len() + 1;
        ranks.extend(std::iter::repeat_n(doubled, group.len()));
        sizes.push(group.len());
    }
    (ranks, sizes)
}

/// Share of all assignments of signs whose doubled `W⁺` is at most `smaller`, twice.
fn exact_p(doubled: &[usize], smaller: usize) -> f64 {
    let whole: usize = doubled.iter().sum();
    // how many assignments have each sum; up to 2⁵⁰, which f64 counts exactly
    let mut counts = vec![0.0; whole + 1];
    counts[0] = 1.0;
    for &rank in doubled {
        for sum in (rank..=whole).rev() {
            counts[sum] += counts[sum - rank];
        }
    }
    let below: f64 = counts[..=smaller].iter().sum();
    (2.0 * below / 2f64.powi(doubled.len() as i32)).min(1.0)
}

fn normal_p(n: usize, statistic: f64, ties: &[usize]) -> f64 {
    let n = n as f64;
    let cubes = |t: &usize| (*t as f64).powi(3) - *t as f64;
    let shared: f64 = ties.iter().map(cubes).sum();
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - shared / 48.0;
    let z = (statistic - n * (n + 1.0) / 4.0) / variance.sqrt();
    (2.0 * Normal::standard().cdf(z)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// p by trying every assignment of signs to the ranks.
    fn by_enumeration(differences: &[f64]) -> f64 {
        let n = differences.len();
        let rank = |d: f64| {
            let below = differences.iter().filter(|o| o.abs() < d.abs()).count() as f64;
            let equal = differences.iter().filter(|o| o.abs() == d.abs()).count() as f64;
            below + (equal + 1.0) / 2.0
        };
        let ranks: Vec<f64> = differences.iter().map(|d| rank(*d)).collect();
        let whole: f64 = ranks.iter().sum();
        let observed: f64 = (0..n)
            .filter(|i| differences[*i] > 0.0)
            .map(|i| ranks[i])
            .sum();
        let smaller = observed.min(whole - observed);
        let at_most = (0..1u32 << n)
            .filter(|signs| {
                let sum: f64 = (0..n)
                    .filter(|i| signs >> i & 1 == 1)
                    .map(|i| ranks[i])
                    .sum();
                sum.min(whole - sum) <= smaller
            })
            .count();
        at_most as f64 / f64::from(1u32 << n)
    }

    #[test]
    fn the_exact_p_counts_every_assignment_of_signs() {
        for differences in [
            vec![0.4, -0.1, 0.9, 0.3, -0.2, 1.7, 0.8],
            vec![1.0, 1.0, -1.0, 2.0, 2.0, 3.0, -4.0, 4.0],
            vec![-1.0; 5],
            vec![0.5],
        ] {
            let p = signed_rank(&differences).unwrap().p;
            assert_eq!(p, by_enumeration(&differences).min(1.0), "{differences:?}");
        }
    }

    #[test]
    fn zeros_are_dropped() {
        let with = signed_rank(&[0.0, 1.0, -2.0, 3.0, 0.0]).unwrap();
        assert_eq!(with, signed_rank(&[1.0, -2.0, 3.0]).unwrap());
        assert_eq!(signed_rank(&[0.0, 0.0]).unwrap().p, 1.0);
    }

    #[test]
    fn both_sides_count_alike() {
        let differences = [0.4, -0.1, 0.9, 0.3, -0.2];
        let turned = differences.map(|d| -d);
        assert_eq!(signed_rank(&differences), signed_rank(&turned));
    }

    #[test]
    fn nothing_and_nan_have_no_test() {
        assert_eq!(signed_rank(&[]), None);
        assert_eq!(signed_rank(&[1.0, f64::NAN]), None);
    }
}
