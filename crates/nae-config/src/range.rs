//! The numbers that a setting may be.

use std::fmt;
use std::ops::RangeInclusive;

/// A range of numbers with two finite ends, the lower one included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
    includes_high: bool,
    /// Whether 0 is allowed as well, as "off" or "all".
    or_zero: bool,
}

impl Range {
    /// Also allows 0.
    #[must_use]
    pub fn or_zero(self) -> Self {
        Self {
            or_zero: true,
            ..self
        }
    }

    /// Whether `value` lies in it; NaN never does.
    pub fn contains(&self, value: f64) -> bool {
        let is_low = value < self.high || self.includes_high && value == self.high;
        value >= self.low && is_low || self.or_zero && value == 0.0
    }
}

impl From<RangeInclusive<f64>> for Range {
    fn from(range: RangeInclusive<f64>) -> Self {
        Self {
            low: *range.start(),
            high: *range.end(),
            includes_high: true,
            or_zero: false,
        }
    }
}

impl From<std::ops::Range<f64>> for Range {
    fn from(range: std::ops::Range<f64>) -> Self {
        Self {
            includes_high: false,
            ..Self::from(range.start..=range.end)
        }
    }
}

impl From<RangeInclusive<i64>> for Range {
    /// Exact up to 2⁵³.
    fn from(range: RangeInclusive<i64>) -> Self {
        Self::from(*range.start() as f64..=*range.end() as f64)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.or_zero {
            f.write_str("0, or ")?;
        }
        let high = if self.includes_high {
            "at most"
        } else {
            "below"
        };
        write!(
            f,
            "at least {} and {high} {}",
            number(self.low),
            number(self.high)
        )
    }
}

/// A number as people write it: with an exponent where there would be many zeros.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-4..1e7).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_count_as_written_and_nan_is_outside() {
        let closed = Range::from(1..=64);
        assert!(closed.contains(1.0) && closed.contains(64.0));
        assert!(!closed.contains(0.0) && !closed.contains(65.0) && !closed.contains(f64::NAN));
        let open = Range::from(-200.0..0.0);
        assert!(open.contains(-200.0) && !open.contains(0.0) && !open.contains(-201.0));
        assert!(!open.contains(f64::NEG_INFINITY) && !closed.contains(f64::INFINITY));
        let share = Range::from(0.01..=0.5).or_zero();
        assert!(share.contains(0.0) && share.contains(0.01) && !share.contains(0.001));
    }

    #[test]
    fn ranges_are_words() {
        for (range, words) in [
            (Range::from(1..=64), "at least 1 and at most 64"),
            (Range::from(-200.0..0.0), "at least -200 and below 0"),
            (Range::from(1e-15..=1e9), "at least 1e-15 and at most 1e9"),
            (
                Range::from(0.01..=0.5).or_zero(),
                "0, or at least 0.01 and at most 0.5",
            ),
        ] {
            assert_eq!(range.to_string(), words);
        }
    }
}
