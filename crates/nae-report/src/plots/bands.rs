//! Medians over a number, with the middle half of the values as a band.

use plotters::prelude::*;

use super::axes::{Axes, Mapping, Margins, Mesh, draw_bounds};
use super::{Bound, drawable, joined};
use crate::canvas::{
    Area, FONT, MARKER, Swatch, WIDTH, dashed, legend, legend_height, line, marker, text_width,
};
use crate::figure::Drawing;
use crate::look::Look;
use crate::ruler::{Ruler, ends};
use crate::statistics::Summary;
use crate::ticks::{self, Tick};
use crate::{Figure, ReportError};

const HEIGHT: u32 = 860;

/// Series of medians with quartile bands, such as a score over the rank.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BandPlot {
    /// Name of the figure's files.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it; may be empty.
    pub caption: String,
    /// What runs to the right, with its unit.
    pub x_label: String,
    /// What is measured, with its unit.
    pub y_label: String,
    /// The series, in the order of the legend.
    pub series: Vec<BandSeries>,
    /// Levels to read them against.
    pub bounds: Vec<Bound>,
}

/// One series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BandSeries {
    /// Its name in the legend.
    pub name: String,
    /// Its points, in any order.
    pub points: Vec<BandPoint>,
}

/// The values at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct BandPoint {
    /// Where.
    pub x: f64,
    /// Median and quartiles there; points that are not finite are left out.
    pub summary: Summary,
}

impl BandPlot {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Chart`] when the drawing fails.
    pub fn figure(&self) -> Result<Figure, ReportError> {
        let lines: Vec<Vec<&BandPoint>> = self.series.iter().map(BandSeries::drawable).collect();
        let points = || lines.iter().flatten();
        let heights = points().flat_map(|p| [p.summary.lower_quartile, p.summary.upper_quartile]);
        let (bounds, remark) = drawable(&self.bounds, ends(heights.clone(), 0.0));
        let (low, high) = ends(heights.chain(bounds.iter().map(|b| b.value)), 0.05);
        let (left, right) = ends(points().map(|p| p.x), 0.03);
        let names: Vec<String> = self.series.iter().map(|s| s.name.clone()).collect();
        let above = legend_height(&names);
        let drawing = Drawing::new(HEIGHT + above, |area| {
            let axes = Axes {
                x: Ruler::new(left, right, x_ticks(points().map(|p| p.x), left, right)),
                y: Ruler::new(low, high, ticks::linear(low, high, 8)),
                x_label: &self.x_label,
                y_label: &self.y_label,
                mesh: Mesh::Both,
            };
            let widest = bounds.iter().map(|b| text_width(&b.label) + 14).max();
            let margins = Margins {
                top: above,
                right: widest.unwrap_or(0) + FONT / 2,
            };
            let map = axes.draw(area, margins)?;
            let looks: Vec<Look> = (0..names.len()).map(Look::of).collect();
            legend(area, map.frame.left, &names, &looks, Swatch::Line)?;
            draw_bounds(area, &map, &bounds)?;
            // all bands below all lines
            for (points, look) in lines.iter().zip(&looks) {
                draw_band(area, &map, points, *look)?;
            }
            for (points, look) in lines.iter().zip(&looks) {
                draw_medians(area, &map, points, *look)?;
            }
            Ok(())
        })?;
        Ok(Figure::new(
            &self.name,
            &self.title,
            joined(&self.caption, &remark),
            drawing,
        ))
    }
}

impl BandSeries {
    /// Points that can be drawn, from left to right.
    fn drawable(&self) -> Vec<&BandPoint> {
        let is_finite = |p: &&BandPoint| {
            let Summary {
                lower_quartile,
                median,
                upper_quartile,
                ..
            } = p.summary;
            [p.x, lower_quartile, median, upper_quartile]
                .iter()
                .all(|v| v.is_finite())
        };
        let mut points: Vec<&BandPoint> = self.points.iter().filter(is_finite).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points
    }
}

fn draw_band(
    area: &Area,
    map: &Mapping,
    points: &[&BandPoint],
    look: Look,
) -> Result<(), ReportError> {
    let upper = points.iter().map(|p| map.at(p.x, p.summary.upper_quartile));
    let lower = points
        .iter()
        .rev()
        .map(|p| map.at(p.x, p.summary.lower_quartile));
    let outline: Vec<(i32, i32)> = upper.clone().chain(lower.clone()).collect();
    match points {
        [] => Ok(()),
        [only] => {
            let (low, high) = (only.summary.lower_quartile, only.summary.upper_quartile);
            line(
                area,
                vec![map.at(only.x, low), map.at(only.x, high)],
                look.colour,
                4,
            )
        }
        _ => {
            area.draw(&Polygon::new(outline, look.colour.mix(0.16).filled()))?;
            line(area, upper.collect(), look.colour, 2)?;
            line(area, lower.collect(), look.colour, 2)
        }
    }
}

fn draw_medians(
    area: &Area,
    map: &Mapping,
    points: &[&BandPoint],
    look: Look,
) -> Result<(), ReportError> {
    let medians: Vec<(i32, i32)> = points
        .iter()
        .map(|p| map.at(p.x, p.summary.median))
        .collect();
    dashed(area, &medians, look.colour, 7, look.dash)?;
    medians
        .into_iter()
        .try_for_each(|at| marker(area, at, look, MARKER))
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
        return ticks::linear(left, right, 10);
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
mod tests {
    use super::*;

    fn point(x: f64, median: f64) -> BandPoint {
        BandPoint {
            x,
            summary: Summary {
                count: 4,
                lower_quartile: median - 1.0,
                median,
                upper_quartile: median + 1.0,
            },
        }
    }

    fn plot(points: Vec<BandPoint>) -> BandPlot {
        BandPlot {
            name: "sdr-over-rank".into(),
            series: vec![BandSeries {
                name: "NAE <4>".into(),
                points,
            }],
            ..BandPlot::default()
        }
    }

    #[test]
    fn a_series_has_a_band_a_line_and_markers() {
        let points = vec![point(100.0, 5.0), point(20.0, 4.0), point(50.0, 6.0)];
        let svg = plot(points).figure().unwrap().svg().unwrap();
        assert_eq!(svg.matches("<polygon").count(), 1, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3 + 1, "with its legend");
        assert!(svg.contains("NAE &lt;4&gt;"));
        for rank in ["20", "50", "100"] {
            assert!(svg.contains(&format!("\n{rank}\n")), "tick {rank}");
        }
    }

    #[test]
    fn one_point_has_a_bar_and_nothing_has_axes() {
        assert!(
            !plot(vec![point(20.0, 4.0)])
                .figure()
                .unwrap()
                .svg()
                .unwrap()
                .contains("<polygon")
        );
        plot(vec![point(20.0, f64::INFINITY)])
            .figure()
            .unwrap()
            .png()
            .unwrap();
        BandPlot::default().figure().unwrap();
    }

    #[test]
    fn crowded_places_have_round_ticks() {
        let ticks = x_ticks((0..200).map(f64::from), 0.0, 199.0);
        assert!(ticks.len() <= 11, "{}", ticks.len());
    }
}
