//! Curves above one another, one a component.

use plotters::prelude::*;

use super::axes::{Axes, Mapping, Mesh};
use super::panel_layout::MARGINS;
use crate::ReportError;
use crate::axis::Axis;
use crate::canvas::{Area, line};
use crate::series_style::{GRID, INK, SeriesStyle};
use crate::ticked_range::TickedRange;
use crate::ticks::{self, Tick};

/// Share of its place that a curve fills.
const FILL: f64 = 0.86;
/// Share of a curve's peak below which negative values count as none.
const HAIR: f32 = 0.03;
/// Points drawn of a curve; of longer ones, the largest of every stretch.
const MAX_POINTS: usize = 700;

/// Curves above one another, the first at the bottom, each scaled to its own peak.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveStack {
    /// What they show, in a few words.
    pub title: String,
    /// What runs to the right; values are spread evenly over it.
    pub x: Axis,
    /// What is numbered upwards, from 1.
    pub y_label: String,
    /// The curves. Where one of them has clearly negative values, zero is in the middle of every curve's place.
    pub curves: Vec<Vec<f32>>,
}

impl CurveStack {
    pub(crate) fn draw(&self, area: &Area, part: &Area) -> Result<Mapping, ReportError> {
        let count = self.curves.len().max(1) as f64;
        let places = (0..self.curves.len()).map(|i| Tick {
            value: i as f64 + 0.5,
            label: (i + 1).to_string(),
        });
        let axes = Axes {
            x: TickedRange::new(
                self.x.start,
                self.x.end,
                ticks::linear(self.x.start, self.x.end, 6),
            ),
            y: TickedRange::new(0.0, count, places.collect()),
            x_label: &self.x.label,
            y_label: &self.y_label,
            mesh: Mesh::Vertical,
        };
        let map = axes.draw(part, MARGINS)?;
        let is_signed = self.curves.iter().any(|curve| is_signed(curve));
        for (index, curve) in self.curves.iter().enumerate() {
            self.draw_curve(area, &map, index, curve, is_signed)?;
        }
        Ok(map)
    }

    fn draw_curve(
        &self,
        area: &Area,
        map: &Mapping,
        index: usize,
        curve: &[f32],
        is_signed: bool,
    ) -> Result<(), ReportError> {
        let (zero, scale) = match is_signed {
            true => (index as f64 + 0.5, FILL / 2.0),
            false => (index as f64 + (1.0 - FILL) / 2.0, FILL),
        };
        let curve = pooled(curve);
        let peak = curve
            .iter()
            .fold(f32::MIN_POSITIVE, |peak, v| peak.max(v.abs()));
        let last = curve.len().saturating_sub(1).max(1) as f64;
        let at = |(i, v): (usize, &f32)| {
            let x = self.x.start + (self.x.end - self.x.start) * i as f64 / last;
            map.at(x, zero + scale * f64::from(v / peak))
        };
        let base = map.y(zero);
        let points: Vec<(i32, i32)> = curve.iter().enumerate().map(at).collect();
        line(
            area,
            vec![(map.frame.left, base), (map.frame.right, base)],
            GRID,
            3,
        )?;
        let (Some(first), Some(end)) = (points.first(), points.last()) else {
            return Ok(());
        };
        let ground = [(end.0, base), (first.0, base)];
        let shape: Vec<(i32, i32)> = points.iter().copied().chain(ground).collect();
        area.draw(&Polygon::new(
            shape,
            SeriesStyle::of(0).colour.mix(0.35).filled(),
        ))?;
        line(area, points, INK, 3)
    }
}

/// Whether a curve falls below zero by more than a hair.
fn is_signed(curve: &[f32]) -> bool {
    let peak = curve.iter().fold(0.0f32, |peak, v| peak.max(v.abs()));
    curve.iter().any(|v| *v < -HAIR * peak)
}

/// The value furthest from zero of every stretch, so that no peak is lost; values that are not
/// finite count as zero.
fn pooled(curve: &[f32]) -> Vec<f32> {
    let stretches = curve.len().min(MAX_POINTS);
    (0..stretches)
        .map(|i| i * curve.len() / stretches..(i + 1) * curve.len() / stretches)
        .map(|stretch| {
            let values = curve[stretch].iter().filter(|v| v.is_finite());
            values.fold(
                0.0f32,
                |most, v| if v.abs() > most.abs() { *v } else { most },
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_keeps_peaks_of_both_signs() {
        let mut curve = vec![0.0f32; 5000];
        curve[1234] = -3.0;
        curve[4321] = 2.0;
        curve[77] = f32::NAN;
        let pooled = pooled(&curve);
        assert_eq!(pooled.len(), MAX_POINTS);
        assert_eq!(pooled.iter().copied().fold(0.0, f32::min), -3.0);
        assert_eq!(pooled.iter().copied().fold(0.0, f32::max), 2.0);
    }
}
