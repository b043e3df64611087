//! Round numbers for axes.

/// One tick of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Where, in the units of the axis.
    pub value: f64,
    /// What to write there.
    pub label: String,
}

/// Multiples of 1, 2 or 5 · 10ⁿ inside `start..=end`, at most about `wanted` of them.
pub(crate) fn linear(start: f64, end: f64, wanted: usize) -> Vec<Tick> {
    let step = step(start, end, wanted);
    if !(step.is_finite() && step > 0.0) {
        return vec![];
    }
    let decimals = decimals(step);
    // A hair of slack keeps a tick that falls on an end.
    let slack = 1e-9;
    let first = (start / step - slack).ceil() as i64;
    let last = (end / step + slack).floor() as i64;
    (first..=last)
        .map(|i| i as f64 * step)
        .map(|value| Tick {
            value,
            label: number(value, decimals),
        })
        .collect()
}

/// Powers of ten inside `start..=end` with their doubles and fives where there is room; linear
/// ticks when the range is so narrow that these would be fewer than three. Both ends are positive.
pub(crate) fn logarithmic(start: f64, end: f64, wanted: usize) -> Vec<Tick> {
    // Ends that have left the range of f64 on the way here are no reason to count to infinity.
    let decade = |value: f64| value.log10().clamp(-307.0, 308.0);
    let decades = (decade(start).floor() as i32)..=(decade(end).ceil() as i32);
    let within = |mantissas: &[f64]| -> Vec<f64> {
        decades
            .clone()
            .flat_map(|d| mantissas.iter().map(move |m| m * 10f64.powi(d)))
            .filter(|v| (start..=end).contains(v))
            .collect()
    };
    let choices = [
        within(&[1.0, 2.0, 5.0]),
        within(&[1.0, 3.0]),
        within(&[1.0]),
    ];
    let Some(values) = choices.iter().find(|v| v.len() <= wanted) else {
        let every = choices[2].len().div_ceil(wanted.max(1));
        return choices[2].iter().step_by(every).map(tick).collect();
    };
    if values.len() < 3 {
        return linear(start, end, wanted);
    }
    values.iter().map(tick).collect()
}

fn tick(value: &f64) -> Tick {
    let exponent = value.log10().floor();
    let label = if (-4.0..=5.0).contains(&exponent) {
        number(*value, (-exponent).max(0.0) as usize)
    } else {
        format!("{value:.0e}").replace('-', "−")
    };
    Tick {
        value: *value,
        label,
    }
}

/// The smallest step of 1, 2 or 5 · 10ⁿ with which `start..end` has at most `wanted` intervals.
fn step(start: f64, end: f64, wanted: usize) -> f64 {
    let least = (end - start) / wanted.max(1) as f64;
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| *s >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

fn decimals(step: f64) -> usize {
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize
}

/// A number as it is printed: fixed decimals, a true minus sign and no negative zero.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    match text.strip_prefix('-') {
        Some(rest) if is_zero => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_inside() {
        assert_eq!(labels(&linear(0.0, 8.0, 5)), ["0", "2", "4", "6", "8"]);
        assert_eq!(labels(&linear(0.0, 1.3, 6)), ["0.0", "0.5", "1.0"],);
        assert_eq!(labels(&linear(-60.0, 0.0, 4)), ["−60", "−40", "−20", "0"]);
    }

    #[test]
    fn an_empty_or_broken_range_has_no_ticks() {
        assert!(linear(1.0, 1.0, 5).is_empty());
        assert!(linear(f64::NAN, 1.0, 5).is_empty());
    }

    #[test]
    fn logarithmic_ticks_thin_out_as_the_range_grows() {
        assert_eq!(
            labels(&logarithmic(0.5, 60.0, 8)),
            ["0.5", "1", "2", "5", "10", "20", "50"]
        );
        assert_eq!(
            labels(&logarithmic(0.001, 1000.0, 8)),
            ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]
        );
        assert!(logarithmic(1e-30, 1e30, 8).len() <= 9);
        assert!(logarithmic(0.0, f64::INFINITY, 8).len() <= 9);
    }

    #[test]
    fn a_narrow_logarithmic_range_still_has_ticks() {
        assert!(logarithmic(1.1, 1.3, 6).len() >= 2);
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(number(-0.0, 1), "0.0");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(number(-0.06, 1), "−0.1");
    }
}
