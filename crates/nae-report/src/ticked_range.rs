//! A range of values with ticks of our own choosing, and the range that some values take.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::canvas::text_width;
use crate::ticks::{self, Tick};

/// The values along one axis: from where to where, and its ticks.
pub(crate) struct TickedRange {
    length: RangedCoordf64,
    ticks: Vec<Tick>,
}

impl TickedRange {
    /// From `start` to `end`, with ticks in between.
    pub(crate) fn new(start: f64, end: f64, ticks: Vec<Tick>) -> Self {
        Self {
            length: (start..end).into(),
            ticks,
        }
    }

    /// About how wide the widest label is, in the figure's units.
    pub(crate) fn widest(&self) -> u32 {
        let widths = self.ticks.iter().map(|tick| text_width(&tick.label));
        widths.max().unwrap_or(0)
    }
}

impl Ranged for TickedRange {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.length.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight().allow_light_points() {
            true => vec![],
            false => self.ticks.iter().map(|t| t.value).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.length.range()
    }
}

impl ValueFormatter<f64> for TickedRange {
    fn format(value: &f64) -> String {
        ticks::number(*value, 0)
    }

    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|t| t.value == *value);
        tick.map_or(String::new(), |t| t.label.clone())
    }
}

/// The range of some numbers: the smallest and the largest, moved apart by `margin` of their distance each; 0 and
/// 1 when there are none, and one apart when they are all the same.
pub(crate) fn padded_range(values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        return (0.0, 1.0);
    }
    if low == high {
        let apart = (low.abs() * 0.1).max(0.5);
        return (low - apart, high + apart);
    }
    let apart = (high - low) * margin;
    (low - apart, high + apart)
}
