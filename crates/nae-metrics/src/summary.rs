//! Median and quartiles of scores, interpolated linearly as NumPy does by default.
//!
//! With `n` sorted values `v₀ … vₙ₋₁` the quantile `q` lies at position `h = (n − 1) q`:
//!
//! ```text
//! Q(q) = v⌊h⌋ + (h − ⌊h⌋) (v⌊h⌋₊₁ − v⌊h⌋)
//! ```
//!
//! Infinite scores (the SIR of a single source) keep their place in the order.

/// The middle half of a set of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many scores there were.
    pub count: usize,
    /// A quarter of the scores lie below.
    pub lower_quartile: f64,
    /// Half of the scores lie below.
    pub median: f64,
    /// Three quarters of the scores lie below.
    pub upper_quartile: f64,
}

impl Summary {
    /// Median and quartiles of `values`, in any order; `None` when there are none or one is NaN.
    ///
    /// ```
    /// use nae_metrics::summary::Summary;
    /// let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0]).ok_or("no scores")?;
    /// assert_eq!(summary.lower_quartile, 1.75);
    /// assert_eq!(summary.median, 2.5);
    /// assert_eq!(summary.upper_quartile, 3.25);
    /// # Ok::<(), &'static str>(())
    /// ```
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let sorted = sorted(values)?;
        Some(Self {
            count: sorted.len(),
            lower_quartile: quantile_of_sorted(&sorted, 0.25),
            median: quantile_of_sorted(&sorted, 0.5),
            upper_quartile: quantile_of_sorted(&sorted, 0.75),
        })
    }
}

/// The median of `values`, in any order; `None` when there are none or one is NaN.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value below which the share `q` (0 to 1, clamped) of `values` lies; `None` when there are
/// no values or one is NaN.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    Some(quantile_of_sorted(&sorted(values)?, q))
}

/// `values` in ascending order, or `None` when they have none.
fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted)
}

/// The quantile of at least one sorted value.
fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len() - 1;
    let position = last as f64 * q.clamp(0.0, 1.0);
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below], sorted[above]);
    let share = position - below as f64;
    if share == 0.0 || low == high {
        low
    } else if share < 0.5 {
        low + (high - low) * share
    } else {
        // The form NumPy takes here: exact at `share = 1`, and symmetric.
        high - (high - low) * (1.0 - share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_equal_those_of_numpy() {
        // np.percentile([7.5, -1.25, 3.0, 12.0, 0.1], [10, 25, 50, 75, 90])
        let values = [7.5, -1.25, 3.0, 12.0, 0.1];
        let numpy = [-0.71, 0.1, 3.0, 7.5, 10.2];
        for (q, expected) in [0.1, 0.25, 0.5, 0.75, 0.9].into_iter().zip(numpy) {
            let got = quantile(&values, q).unwrap();
            // One rounding of the decimal literal.
            assert!(
                (got - expected).abs() < 1e-14,
                "{q}: {got} is not {expected}"
            );
        }
    }

    #[test]
    fn one_value_is_its_own_summary() {
        let summary = Summary::of(&[3.0]).unwrap();
        assert_eq!(
            (
                summary.lower_quartile,
                summary.median,
                summary.upper_quartile
            ),
            (3.0, 3.0, 3.0)
        );
    }

    #[test]
    fn infinite_scores_do_not_become_nan() {
        let infinite = [f64::INFINITY; 3];
        assert_eq!(median(&infinite), Some(f64::INFINITY));
        assert_eq!(median(&[1.0, 2.0, f64::INFINITY]), Some(2.0));
    }

    #[test]
    fn nothing_and_nan_have_no_summary() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(median(&[1.0, f64::NAN]), None);
    }
}
