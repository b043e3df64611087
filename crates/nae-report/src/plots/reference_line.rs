//! Levels that a plot is read against.

use super::axes::Mapping;
use crate::ReportError;
use crate::canvas::{Anchor, Area, FONT, dashed, text, text_width};
use crate::series_style::INK;

/// A level that a plot is read against, such as the score of the mixture itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceLine {
    /// What it is, in a word or two.
    pub label: String,
    /// Where it lies.
    pub value: f64,
}

impl ReferenceLine {
    /// A named level.
    pub fn new(label: impl Into<String>, value: f64) -> Self {
        Self {
            label: label.into(),
            value,
        }
    }
}

/// A reference line where it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed<'a> {
    label: &'a str,
    /// Its value on the scale of the plot.
    pub height: f64,
}

/// Splits reference lines into those that can be drawn beside heights from `low` to `high` without
/// crowding them, and a sentence about those that cannot; empty when all can.
///
/// - `height`: where a value lies on the scale of the plot
pub(super) fn drawable(
    lines: &[ReferenceLine],
    (low, high): (f64, f64),
    height: impl Fn(f64) -> f64,
) -> (Vec<Placed<'_>>, String) {
    let far = FAR * (high - low);
    let is_near = |line: &&ReferenceLine| {
        let height = height(line.value);
        height.is_finite() && height > low - far && height < high + far
    };
    let (near, off): (Vec<&ReferenceLine>, Vec<&ReferenceLine>) = lines.iter().partition(is_near);
    let near = near.into_iter().map(|line| Placed {
        label: &line.label,
        height: height(line.value),
    });
    let named: Vec<String> = off
        .iter()
        .map(|line| format!("{} ({})", line.label, level(line.value)))
        .collect();
    let remark = match named.len() {
        0 => String::new(),
        _ => format!("Off the scale: {}.", named.join(", ")),
    };
    (near.collect(), remark)
}

/// Reference lines further away than this many times the spread of the values are not drawn.
const FAR: f64 = 1.5;

fn level(value: f64) -> String {
    match value.is_finite() {
        true => crate::ticks::number(value, if value.abs() < 2.0 { 2 } else { 1 }),
        false if value > 0.0 => "∞".into(),
        false => "no number".into(),
    }
}

/// About how much room names take right of a plot, in the figure's units.
pub(super) fn room(lines: &[Placed<'_>]) -> u32 {
    let widths = lines.iter().map(|line| text_width(line.label) + 14);
    widths.max().unwrap_or(0)
}

/// Lines across the plot with their names to the right of it; names that would touch are moved apart.
pub(super) fn draw(area: &Area, map: &Mapping, lines: &[Placed<'_>]) -> Result<(), ReportError> {
    let mut sorted = lines.to_vec();
    sorted.sort_by(|a, b| b.height.total_cmp(&a.height));
    let mut lowest = i32::MIN;
    for reference in sorted {
        let y = map.y(reference.height);
        dashed(
            area,
            &[(map.frame.left, y), (map.frame.right, y)],
            INK,
            4,
            (22, 14),
        )?;
        let place = y.max(lowest);
        text(
            area,
            reference.label,
            (map.frame.right + 14, place),
            Anchor::Left,
        )?;
        lowest = place + FONT as i32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_far_away_is_named_and_not_drawn() {
        let lines = [
            ReferenceLine::new("mixture", -1.0),
            ReferenceLine::new("ideal mask", f64::INFINITY),
            ReferenceLine::new("moon", 100.0),
        ];
        let (near, remark) = drawable(&lines, (2.0, 8.0), |value| value);
        assert_eq!(near.len(), 1);
        assert_eq!((near[0].label, near[0].height), ("mixture", -1.0));
        assert_eq!(remark, "Off the scale: ideal mask (∞), moon (100.0).");
    }
}
