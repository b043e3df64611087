//! Differences with their intervals, one row a system.

use super::axes::{Axes, Mapping, Margins, Mesh};
use crate::ReportError;
use crate::canvas::{Anchor, Area, FONT, WIDTH, line, marker, shortened, text, text_width};
use crate::drawing::Drawing;
use crate::figure::Figure;
use crate::legend::{Swatch, legend, legend_height};
use crate::series_style::{GRID, INK, SeriesStyle};
use crate::statistics::Paired;
use crate::ticked_range::{TickedRange, padded_range};
use crate::ticks;

/// Height of a row.
const ROW: u32 = 54;
/// The narrowest scale.
const NARROWEST: u32 = 300;

/// Mean differences with 95 % intervals: a row a system, a scale a score, a line at zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DifferencePlot {
    /// Name of the figure's files.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it; may be empty.
    pub caption: String,
    /// Names of the series, in the order of the legend; those without a row are left out.
    pub series: Vec<String>,
    /// The scales from left to right.
    pub scales: Vec<DifferenceScale>,
    /// The rows from top to bottom.
    pub rows: Vec<DifferenceRow>,
}

/// One score.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceScale {
    /// What is measured, with its unit.
    pub label: String,
}

/// One system.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceRow {
    /// Its name.
    pub label: String,
    /// Index of its series.
    pub series: usize,
    /// Its differences, one a scale; none where it has no scores.
    pub differences: Vec<Option<Paired>>,
}

impl DifferencePlot {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Chart`] when the drawing fails.
    pub fn figure(&self) -> Result<Figure, ReportError> {
        let shown: Vec<usize> = (0..self.series.len())
            .filter(|series| self.rows.iter().any(|row| row.series == *series))
            .collect();
        let names: Vec<String> = shown.iter().map(|i| self.series[*i].clone()).collect();
        let above = legend_height(&names);
        let room = FONT * 5 / 2;
        let height = above + FONT + ROW * self.rows.len().max(1) as u32 + room;
        let labels = self
            .rows
            .iter()
            .map(|r| text_width(&r.label))
            .max()
            .unwrap_or(0)
            + FONT;
        let columns = self.scales.len().max(1) as u32;
        // long names give way to the scales
        let labels = labels
            .min(WIDTH.saturating_sub(columns * NARROWEST))
            .max(FONT);
        let drawing = Drawing::new(height, |area| {
            let styles: Vec<SeriesStyle> = shown.iter().copied().map(SeriesStyle::of).collect();
            legend(area, FONT as i32 / 2, &names, &styles, Swatch::Marker)?;
            let (_, below) = area.split_vertically(above);
            let (_, right) = below.split_horizontally(labels);
            let parts = right.split_evenly((1, columns as usize));
            for (index, (scale, part)) in self.scales.iter().zip(&parts).enumerate() {
                let map = self.axes(part, scale, index)?;
                self.draw_borders(area, &map)?;
                let zero = map.x(0.0);
                line(
                    area,
                    vec![(zero, map.frame.top), (zero, map.frame.bottom)],
                    INK,
                    4,
                )?;
                if index == 0 {
                    self.draw_labels(area, &map)?;
                }
                for (row, place) in self.rows.iter().zip(0..) {
                    if let Some(Some(paired)) = row.differences.get(index) {
                        let y = map.y(-(f64::from(place) + 0.5));
                        draw_row(area, &map, y, paired, SeriesStyle::of(row.series))?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(Figure::new(&self.name, &self.title, &self.caption, drawing))
    }

    /// A scale; rows count down from the top.
    fn axes(
        &self,
        part: &Area,
        scale: &DifferenceScale,
        index: usize,
    ) -> Result<Mapping, ReportError> {
        let drawn = self
            .rows
            .iter()
            .filter_map(|r| r.differences.get(index)?.as_ref());
        let values = drawn.flat_map(|p| {
            let interval = p.interval.map(|i| [i.low, i.high]).into_iter().flatten();
            interval.chain([p.mean])
        });
        let (low, high) = padded_range(values.chain([0.0]), 0.06);
        let wanted = (WIDTH / self.scales.len().max(1) as u32 / 110).clamp(3, 9) as usize;
        let axes = Axes {
            x: TickedRange::new(low, high, ticks::linear(low, high, wanted)),
            y: TickedRange::new(-(self.rows.len().max(1) as f64), 0.0, vec![]),
            x_label: &scale.label,
            y_label: "",
            mesh: Mesh::Vertical,
        };
        let margins = Margins {
            top: FONT / 2,
            right: FONT / 2,
        };
        axes.draw(part, margins)
    }

    /// Lines between the series.
    fn draw_borders(&self, area: &Area, map: &Mapping) -> Result<(), ReportError> {
        for (pair, place) in self.rows.windows(2).zip(1..) {
            if pair[0].series != pair[1].series {
                let y = map.y(-f64::from(place));
                line(
                    area,
                    vec![(map.frame.left, y), (map.frame.right, y)],
                    GRID,
                    3,
                )?;
            }
        }
        Ok(())
    }

    fn draw_labels(&self, area: &Area, map: &Mapping) -> Result<(), ReportError> {
        for (row, place) in self.rows.iter().zip(0..) {
            let y = map.y(-(f64::from(place) + 0.5));
            let room = (map.frame.left - FONT as i32).max(0) as u32;
            text(
                area,
                &shortened(&row.label, room),
                (map.frame.left - FONT as i32 / 2, y),
                Anchor::Right,
            )?;
        }
        Ok(())
    }
}

/// Length of the ends of an interval, up and down.
const CAP: i32 = 17;
/// Small, so that short intervals stay visible beside it.
const MARKER: i32 = 10;

fn draw_row(
    area: &Area,
    map: &Mapping,
    y: i32,
    paired: &Paired,
    style: SeriesStyle,
) -> Result<(), ReportError> {
    if let Some(interval) = paired.interval {
        let (low, high) = (map.x(interval.low), map.x(interval.high));
        line(area, vec![(low, y), (high, y)], style.colour, 5)?;
        for end in [low, high] {
            line(area, vec![(end, y - CAP), (end, y + CAP)], style.colour, 5)?;
        }
    }
    marker(area, (map.x(paired.mean), y), style, MARKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_an_interval_and_a_marker_on_every_scale_it_has_scores_on() {
        let paired = Paired::of(&[0.4, 0.9, -0.2, 1.1], 0);
        let row = |label: &str, differences| DifferenceRow {
            label: label.into(),
            series: 0,
            differences,
        };
        let plot = DifferencePlot {
            name: "d".into(),
            series: vec!["NAE".into()],
            scales: ["SDR (dB)", "STOI"]
                .map(|label| DifferenceScale {
                    label: label.into(),
                })
                .into(),
            rows: vec![
                row("rank 20", vec![paired, None]),
                row("rank 100", vec![paired, paired]),
            ],
            ..DifferencePlot::default()
        };
        let svg = plot.figure().unwrap().svg().unwrap();
        assert_eq!(
            svg.matches("<circle").count(),
            3 + 1,
            "three and one in the legend: {svg}"
        );
        for text in ["rank 20", "rank 100", "SDR (dB)", "STOI"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn nothing_can_be_drawn() {
        DifferencePlot::default().figure().unwrap().png().unwrap();
    }
}
