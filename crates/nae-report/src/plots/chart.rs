//! Curves over a number, with bands around them where there are any: losses, scores over the rank.

use std::iter;

use plotters::prelude::*;

use super::axes::{Axes, Mapping, Margins, Mesh};
use super::reference_line::{self, ReferenceLine, drawable};
use crate::ReportError;
use crate::canvas::{Area, FONT, MARKER, WIDTH, dashed, line, marker, text_width};
use crate::drawing::Drawing;
use crate::figure::Figure;
use crate::legend::{Swatch, legend, legend_height};
use crate::series_style::SeriesStyle;
use crate::statistics::Summary;
use crate::text::{joined, slug};
use crate::ticked_range::{TickedRange, padded_range};
use crate::ticks::{self, Tick};

/// Height of the plot without its legend.
const HEIGHT: u32 = 860;
/// Points drawn of one series; longer ones are thinned evenly.
const MAX_POINTS: usize = 800;
/// Series of at most as many points have a marker at each.
const MAX_MARKED: usize = 16;
/// Markers on longer series.
const MARKERS: usize = 7;

/// Series on one pair of axes, with a legend.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// Name of the figure's files.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it; may be empty.
    pub caption: String,
    /// What runs to the right, with its unit.
    pub x_label: String,
    /// What runs up, with its unit.
    pub y_label: String,
    /// How heights are spaced.
    pub y_scale: YScale,
    /// The series, in the order of the legend.
    pub series: Vec<Series>,
    /// Levels to read them against.
    pub reference_lines: Vec<ReferenceLine>,
}

/// How heights are spaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum YScale {
    /// Equal steps.
    #[default]
    Linear,
    /// Equal ratios.
    Logarithmic,
}

/// One series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points, in any order. Those that are not finite, or not positive on a logarithmic scale,
    /// are left out and counted in the caption.
    pub points: Vec<Point>,
}

/// One point of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How far to the right.
    pub x: f64,
    /// How far up.
    pub y: f64,
    /// The lower and the upper end of a band around it.
    pub band: Option<(f64, f64)>,
}

impl Point {
    /// A point without a band.
    #[must_use]
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, band: None }
    }

    /// A median with the middle half of the values as its band.
    #[must_use]
    pub fn of_summary(x: f64, summary: &Summary) -> Self {
        Self {
            x,
            y: summary.median,
            band: Some((summary.lower_quartile, summary.upper_quartile)),
        }
    }

    /// All its heights.
    fn heights(self) -> impl Iterator<Item = f64> + Clone {
        let band = self.band.into_iter().flat_map(|(low, high)| [low, high]);
        iter::once(self.y).chain(band)
    }
}

impl Chart {
    /// A chart with equal steps upwards and no series yet.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        let title = title.into();
        Self {
            name: slug(&title, |c| c.is_ascii_alphanumeric()),
            title,
            x_label: x_label.into(),
            y_label: y_label.into(),
            ..Self::default()
        }
    }

    /// A chart of losses over steps, with equal ratios upwards and no series yet.
    pub fn losses(title: impl Into<String>) -> Self {
        Self {
            y_scale: YScale::Logarithmic,
            ..Self::new(title, "step", "loss")
        }
    }

    /// The same chart with a sentence below it.
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same chart with one more series, of the given x and y.
    pub fn with_series(mut self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.series.push(Series {
            name: name.into(),
            points: points.into_iter().map(|(x, y)| Point::new(x, y)).collect(),
        });
        self
    }

    /// Draws it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Chart`] when the drawing fails.
    pub fn figure(&self) -> Result<Figure, ReportError> {
        let curves: Vec<Vec<Point>> = self.series.iter().map(|s| s.on(self.y_scale)).collect();
        let points = || curves.iter().flatten().copied();
        let heights = points().flat_map(Point::heights);
        let (lines, remark) = drawable(
            &self.reference_lines,
            padded_range(heights.clone(), 0.0),
            |value| self.y_scale.height(value),
        );
        let (low, high) = padded_range(heights.chain(lines.iter().map(|line| line.height)), 0.05);
        let (left, right) = padded_range(points().map(|point| point.x), 0.03);
        let names: Vec<String> = self.series.iter().map(|s| s.name.clone()).collect();
        let above = legend_height(&names);
        let drawing = Drawing::new(HEIGHT + above, |area| {
            let axes = Axes {
                x: TickedRange::new(left, right, x_ticks(points().map(|p| p.x), left, right)),
                y: TickedRange::new(low, high, self.y_scale.ticks(low, high)),
                x_label: &self.x_label,
                y_label: &self.y_label,
                mesh: Mesh::Both,
            };
            let margins = Margins {
                top: above,
                right: reference_line::room(&lines) + FONT / 2,
            };
            let map = axes.draw(area, margins)?;
            let styles: Vec<SeriesStyle> = (0..names.len()).map(SeriesStyle::of).collect();
            legend(area, map.frame.left, &names, &styles, Swatch::Line)?;
            reference_line::draw(area, &map, &lines)?;
            // all bands below all curves
            for (points, style) in curves.iter().zip(&styles) {
                draw_band(area, &map, points, *style)?;
            }
            for (points, style) in curves.iter().zip(&styles) {
                draw_curve(area, &map, points, *style)?;
            }
            Ok(())
        })?;
        let remark = joined(&remark, &self.left_out(&curves));
        let caption = joined(&self.caption, &remark);
        let figure = Figure::new(&self.name, &self.title, caption, drawing);
        Ok(figure.with_description(format!(
            "{}: {} over {}",
            self.title, self.y_label, self.x_label
        )))
    }

    fn left_out(&self, curves: &[Vec<Point>]) -> String {
        let given: usize = self.series.iter().map(|series| series.points.len()).sum();
        let drawn: usize = curves.iter().map(Vec::len).sum();
        match given - drawn {
            0 => String::new(),
            n => format!("Points that could not be drawn: {n}."),
        }
    }
}

impl Series {
    /// Points that can be drawn, their heights already on the scale, from left to right.
    fn on(&self, scale: YScale) -> Vec<Point> {
        let place = |point: &Point| Point {
            x: point.x,
            y: scale.height(point.y),
            band: point
                .band
                .map(|(low, high)| (scale.height(low), scale.height(high))),
        };
        let is_finite = |point: &Point| {
            iter::once(point.x)
                .chain(point.heights())
                .all(f64::is_finite)
        };
        let mut points: Vec<Point> = self.points.iter().map(place).filter(is_finite).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points
    }
}

impl YScale {
    fn height(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.log10(),
        }
    }

    /// Ticks between two heights, placed at heights.
    fn ticks(self, low: f64, high: f64) -> Vec<Tick> {
        match self {
            Self::Linear => ticks::linear(low, high, 8),
            Self::Logarithmic => ticks::logarithmic(10f64.powf(low), 10f64.powf(high), 7)
                .into_iter()
                .map(|tick| Tick {
                    value: self.height(tick.value),
                    ..tick
                })
                .filter(|tick| (low..=high).contains(&tick.value))
                .collect(),
        }
    }
}

fn draw_band(
    area: &Area,
    map: &Mapping,
    points: &[Point],
    style: SeriesStyle,
) -> Result<(), ReportError> {
    let ends = points.iter().filter_map(|p| Some((p.x, p.band?)));
    let (lower, upper): (Vec<_>, Vec<_>) = ends
        .map(|(x, (low, high))| (map.at(x, low), map.at(x, high)))
        .unzip();
    match (lower.as_slice(), upper.as_slice()) {
        ([], []) => Ok(()),
        ([low], [high]) => line(area, vec![*low, *high], style.colour, 4),
        _ => {
            let outline: Vec<(i32, i32)> =
                upper.iter().chain(lower.iter().rev()).copied().collect();
            area.draw(&Polygon::new(outline, style.colour.mix(0.16).filled()))?;
            line(area, upper, style.colour, 2)?;
            line(area, lower.into_iter().rev().collect(), style.colour, 2)
        }
    }
}

fn draw_curve(
    area: &Area,
    map: &Mapping,
    points: &[Point],
    style: SeriesStyle,
) -> Result<(), ReportError> {
    let places: Vec<(i32, i32)> = points.iter().map(|p| map.at(p.x, p.y)).collect();
    dashed(
        area,
        &thinned(&places, MAX_POINTS),
        style.colour,
        7,
        style.dash,
    )?;
    let marked = match places.len() {
        0..=MAX_MARKED => places,
        _ => thinned(&places, MARKERS),
    };
    marked
        .into_iter()
        .try_for_each(|at| marker(area, at, style, MARKER))
}

/// At most `most` points, evenly spaced, the first and the last among them.
fn thinned<T: Copy>(points: &[T], most: usize) -> Vec<T> {
    let last = points.len().saturating_sub(1);
    if points.len() <= most {
        return points.to_vec();
    }
    (0..most).map(|i| points[i * last / (most - 1)]).collect()
}

/// Ticks at the places themselves where there is room for all, else at round numbers.
fn x_ticks(places: impl Iterator<Item = f64>, left: f64, right: f64) -> Vec<Tick> {
    let mut places: Vec<f64> = places.collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let is_whole = places.iter().all(|x| x.fract() == 0.0);
    let room = f64::from(WIDTH - 10 * FONT) / (right - left);
    let is_roomy = places.windows(2).all(|pair| {
        let label = text_width(&ticks::number(pair[1], 0)) + FONT / 2;
        (pair[1] - pair[0]) * room > f64::from(label)
    });
    if !(is_whole && is_roomy && !places.is_empty()) {
        return ticks::linear(left, right, 12);
    }
    places
        .into_iter()
        .map(|value| Tick {
            value,
            label: ticks::number(value, 0),
        })
        .collect()
}

#[cfg(test)]
mod tests;
