//! Box plots, grouped.

use plotters::prelude::*;

use super::axes::{Axes, Mapping, Margins, Mesh};
use super::reference_line::{self, ReferenceLine, drawable};
use crate::ReportError;
use crate::canvas::{Area, FONT, Frame, WIDTH, hatched, line, text_width};
use crate::drawing::Drawing;
use crate::figure::Figure;
use crate::legend::{Swatch, legend, legend_height};
use crate::series_style::{GRID, INK, PAPER, SeriesStyle};
use crate::statistics::Summary;
use crate::text::joined;
use crate::ticked_range::{TickedRange, padded_range};
use crate::ticks::{self, Tick};

/// Height of the plot without its legend.
const HEIGHT: u32 = 860;
/// The widest box.
const MAX_BOX: f64 = 110.0;
/// Share of its place that a box takes.
const FILL: f64 = 0.74;
/// Whiskers reach to the last value within this many box heights of the box (Tukey).
const WHISKER: f64 = 1.5;

/// Boxes in groups side by side, such as all kinds of model at each rank.
///
/// A box reaches from the lower to the upper quartile with a line at the median; whiskers reach to
/// the last value within 1.5 box heights of it; values beyond are circles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoxPlot {
    /// Name of the figure's files.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it; may be empty.
    pub caption: String,
    /// What distinguishes the groups.
    pub x_label: String,
    /// What is measured, with its unit.
    pub y_label: String,
    /// Names of the groups from left to right.
    pub groups: Vec<String>,
    /// Names of the series, in the order of the legend and inside a group.
    pub series: Vec<String>,
    /// The boxes.
    pub boxes: Vec<BoxEntry>,
    /// Levels to read them against.
    pub reference_lines: Vec<ReferenceLine>,
}

/// One box.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxEntry {
    /// Index of its group; a box of a group or series that does not exist is left out.
    pub group: usize,
    /// Index of its series.
    pub series: usize,
    /// The values it stands for; those that are not finite are left out and counted in the caption.
    pub values: Vec<f64>,
}

/// A box as it is drawn.
struct Drawn {
    /// Middle of its place.
    at: f64,
    series: usize,
    summary: Summary,
    whiskers: (f64, f64),
    outside: Vec<f64>,
}

impl BoxPlot {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Chart`] when the drawing fails.
    pub fn figure(&self) -> Result<Figure, ReportError> {
        let (drawn, ticks, borders) = self.places();
        let values = drawn.iter().flat_map(|b| {
            b.outside
                .iter()
                .copied()
                .chain([b.whiskers.0, b.whiskers.1])
        });
        let (lines, remark) = drawable(
            &self.reference_lines,
            padded_range(values.clone(), 0.0),
            |value| value,
        );
        let (low, high) = padded_range(values.chain(lines.iter().map(|line| line.height)), 0.05);
        let above = legend_height(&self.series);
        let drawing = Drawing::new(HEIGHT + above, |area| {
            let axes = Axes {
                x: TickedRange::new(0.0, borders.last().copied().unwrap_or(1.0), ticks),
                y: TickedRange::new(low, high, ticks::linear(low, high, 8)),
                x_label: &self.x_label,
                y_label: &self.y_label,
                mesh: Mesh::Horizontal,
            };
            let margins = Margins {
                top: above,
                right: reference_line::room(&lines) + FONT / 2,
            };
            let map = axes.draw(area, margins)?;
            let styles: Vec<SeriesStyle> = (0..self.series.len()).map(SeriesStyle::of).collect();
            legend(area, map.frame.left, &self.series, &styles, Swatch::Box)?;
            for border in borders.iter().rev().skip(1) {
                let x = map.x(*border);
                line(
                    area,
                    vec![(x, map.frame.top), (x, map.frame.bottom)],
                    GRID,
                    3,
                )?;
            }
            reference_line::draw(area, &map, &lines)?;
            let place = f64::from(map.x(1.0) - map.x(0.0));
            let half = (FILL * place).min(MAX_BOX) / 2.0;
            drawn
                .iter()
                .try_for_each(|b| b.draw(area, &map, half, styles[b.series]))
        })?;
        Ok(Figure::new(
            &self.name,
            &self.title,
            joined(&joined(&self.caption, &remark), &self.left_out()),
            drawing,
        ))
    }

    /// Boxes at their places, one apart and half a place from a group's border; ticks at the groups'
    /// middles; the right borders of the groups.
    fn places(&self) -> (Vec<Drawn>, Vec<Tick>, Vec<f64>) {
        let (mut drawn, mut ticks, mut borders) = (Vec::new(), Vec::new(), Vec::new());
        let mut left = 0.0;
        for (index, label) in self.groups.iter().enumerate() {
            let mut members: Vec<(usize, Vec<f64>)> = self
                .boxes
                .iter()
                .filter(|b| b.group == index && b.series < self.series.len())
                .map(|b| (b.series, finite(&b.values)))
                .filter(|(_, values)| !values.is_empty())
                .collect();
            members.sort_by_key(|(series, _)| *series);
            let width = members.len() as f64 + 1.0;
            let mut at = left + 1.0;
            for (series, values) in members {
                drawn.extend(Drawn::new(at, series, &values));
                at += 1.0;
            }
            ticks.push(Tick {
                value: left + width / 2.0,
                label: label.clone(),
            });
            left += width;
            borders.push(left);
        }
        (drawn, thinned(ticks, left), borders)
    }

    fn left_out(&self) -> String {
        let not_finite = |b: &BoxEntry| b.values.len() - finite(&b.values).len();
        match self.boxes.iter().map(not_finite).sum() {
            0 => String::new(),
            n => format!("Values that are not finite and left out: {n}."),
        }
    }
}

impl Drawn {
    fn new(at: f64, series: usize, values: &[f64]) -> Option<Self> {
        let summary = Summary::of(values)?;
        let reach = WHISKER * (summary.upper_quartile - summary.lower_quartile);
        let (low, high) = (
            summary.lower_quartile - reach,
            summary.upper_quartile + reach,
        );
        let (inside, outside): (Vec<f64>, Vec<f64>) =
            values.iter().partition(|v| (low..=high).contains(*v));
        let whiskers = (
            inside
                .iter()
                .copied()
                .fold(summary.lower_quartile, f64::min),
            inside
                .iter()
                .copied()
                .fold(summary.upper_quartile, f64::max),
        );
        Some(Self {
            at,
            series,
            summary,
            whiskers,
            outside,
        })
    }

    fn draw(
        &self,
        area: &Area,
        map: &Mapping,
        half: f64,
        style: SeriesStyle,
    ) -> Result<(), ReportError> {
        let middle = map.x(self.at);
        let half = half as i32;
        let frame = Frame {
            left: middle - half,
            top: map.y(self.summary.upper_quartile),
            right: middle + half,
            bottom: map.y(self.summary.lower_quartile),
        };
        let ends = [
            (self.whiskers.0, frame.bottom),
            (self.whiskers.1, frame.top),
        ];
        for (end, edge) in ends {
            let y = map.y(end);
            line(area, vec![(middle, edge), (middle, y)], style.colour, 4)?;
            line(
                area,
                vec![(middle - half / 2, y), (middle + half / 2, y)],
                style.colour,
                4,
            )?;
        }
        hatched(area, frame, style)?;
        let y = map.y(self.summary.median);
        line(area, vec![(frame.left, y), (frame.right, y)], PAPER, 15)?;
        line(area, vec![(frame.left, y), (frame.right, y)], INK, 8)?;
        for value in &self.outside {
            let at = (middle, map.y(*value));
            area.draw(&Circle::new(at, 7, PAPER.filled()))?;
            area.draw(&Circle::new(at, 7, style.colour.stroke_width(3)))?;
        }
        Ok(())
    }
}

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|v| v.is_finite()).collect()
}

/// Every n-th tick, so that labels do not touch on an axis from 0 to `end`.
fn thinned(ticks: Vec<Tick>, end: f64) -> Vec<Tick> {
    let widest = ticks
        .iter()
        .map(|t| text_width(&t.label))
        .max()
        .unwrap_or(0)
        + FONT / 2;
    let room = f64::from(WIDTH - 10 * FONT) / end.max(1.0);
    let nearest = ticks
        .windows(2)
        .map(|pair| (pair[1].value - pair[0].value) * room)
        .fold(f64::INFINITY, f64::min);
    let every = (f64::from(widest) / nearest).ceil().max(1.0) as usize;
    ticks.into_iter().step_by(every).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(values: Vec<f64>) -> BoxPlot {
        BoxPlot {
            name: "sdr".into(),
            groups: vec!["20".into(), "100".into()],
            series: vec!["NMF".into(), "NAE".into()],
            boxes: vec![
                BoxEntry {
                    group: 0,
                    series: 0,
                    values: values.clone(),
                },
                BoxEntry {
                    group: 1,
                    series: 0,
                    values: values.clone(),
                },
                BoxEntry {
                    group: 1,
                    series: 1,
                    values,
                },
            ],
            ..BoxPlot::default()
        }
    }

    #[test]
    fn a_box_has_quartiles_whiskers_and_values_outside() {
        // Quartiles 2 and 4 (numpy.percentile), so whiskers may reach from −1 to 7.
        let values = [1.0, 2.0, 3.0, 4.0, 20.0];
        let drawn = Drawn::new(0.0, 0, &values).unwrap();
        assert_eq!(drawn.summary.lower_quartile, 2.0);
        assert_eq!(drawn.summary.upper_quartile, 4.0);
        assert_eq!(drawn.whiskers, (1.0, 4.0));
        assert_eq!(drawn.outside, [20.0]);
    }

    #[test]
    fn every_box_is_drawn_where_its_group_is() {
        let (drawn, ticks, borders) = plot(vec![1.0, 2.0]).places();
        let at: Vec<f64> = drawn.iter().map(|b| b.at).collect();
        assert_eq!(at, [1.0, 3.0, 4.0]);
        assert_eq!(borders, [2.0, 5.0]);
        assert_eq!((ticks[0].value, ticks[1].value), (1.0, 3.5));
        let svg = plot(vec![1.0, 2.0, 3.0]).figure().unwrap().svg().unwrap();
        // three boxes and two swatches of tinted ground
        assert_eq!(svg.matches("opacity=\"0.3\"").count(), 5, "{svg}");
        assert!(svg.contains("NMF") && svg.contains("NAE") && svg.contains("100"));
    }

    #[test]
    fn values_that_are_not_finite_are_left_out_and_counted() {
        let figure = plot(vec![1.0, f64::NAN, 2.0, f64::INFINITY])
            .figure()
            .unwrap();
        assert!(
            figure.caption.contains("left out: 6."),
            "{}",
            figure.caption
        );
        assert!(!figure.svg().unwrap().contains("NaN"));
    }

    #[test]
    fn little_or_nothing_can_be_drawn() {
        for values in [vec![], vec![1.0], vec![1.0; 5], vec![f64::NAN]] {
            plot(values).figure().unwrap().png().unwrap();
        }
        BoxPlot::default().figure().unwrap();
    }
}
