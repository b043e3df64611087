//! Plots of results as [`Figure`](crate::Figure)s: on a page, as SVG and as PNG.
//!
//! Series differ in colour, hatch, marker and dashes, so that a print in grey and a reader of any
//! colour vision tell them apart.

mod axes;
mod bands;
mod boxes;
mod differences;
mod lanes;
mod panels;

pub use bands::{BandPlot, BandPoint, BandSeries};
pub use boxes::{BoxEntry, BoxPlot};
pub use differences::{DifferencePlot, DifferenceRow, DifferenceScale};
pub use lanes::Lanes;
pub use panels::{Panel, Panels};

/// A level that a plot is read against, such as the score of the mixture itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// What it is, in a word or two.
    pub label: String,
    /// Where it lies.
    pub value: f64,
}

impl Bound {
    /// A named level.
    pub fn new(label: impl Into<String>, value: f64) -> Self {
        Self {
            label: label.into(),
            value,
        }
    }
}

/// Splits bounds into those that can be drawn beside values from `low` to `high` without crowding
/// them, and a sentence about those that cannot; empty when all can.
fn drawable(bounds: &[Bound], (low, high): (f64, f64)) -> (Vec<&Bound>, String) {
    let far = FAR * (high - low);
    let is_near = |bound: &&Bound| {
        bound.value.is_finite() && bound.value > low - far && bound.value < high + far
    };
    let (near, off): (Vec<&Bound>, Vec<&Bound>) = bounds.iter().partition(is_near);
    let named: Vec<String> = off
        .iter()
        .map(|bound| format!("{} ({})", bound.label, level(bound.value)))
        .collect();
    let remark = match named.len() {
        0 => String::new(),
        _ => format!("Off the scale: {}.", named.join(", ")),
    };
    (near, remark)
}

/// Bounds further away than this many times the spread of the values are not drawn.
const FAR: f64 = 1.5;

fn level(value: f64) -> String {
    match value.is_finite() {
        true => crate::ticks::number(value, if value.abs() < 2.0 { 2 } else { 1 }),
        false if value > 0.0 => "∞".into(),
        false => "no number".into(),
    }
}

/// Two texts as one, with a space between them where both say something.
fn joined(first: &str, second: &str) -> String {
    [first, second]
        .iter()
        .filter(|t| !t.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_far_away_is_named_and_not_drawn() {
        let bounds = [
            Bound::new("mixture", -1.0),
            Bound::new("ideal mask", f64::INFINITY),
            Bound::new("moon", 100.0),
        ];
        let (near, remark) = drawable(&bounds, (2.0, 8.0));
        assert_eq!(near, [&bounds[0]]);
        assert_eq!(remark, "Off the scale: ideal mask (∞), moon (100.0).");
    }
}
