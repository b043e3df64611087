//! Curves on axes, as inline SVG.

use askama::Template;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::ReportError;
use crate::look::{GRID, INK, Look, Mark};
use crate::ruler::{Ruler, ends};
use crate::ticks::{self, Tick};

/// Size of the drawing in its own units, of which lines take whole numbers; the page scales it.
const WIDTH: u32 = 2400;
const HEIGHT: u32 = 920;
const FONT: u32 = 40;
const LINE: u32 = 6;
/// Points drawn of one curve; longer curves are thinned evenly.
const MAX_POINTS: usize = 800;
/// Markers drawn on one curve.
const MARKERS: usize = 7;

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Its points from left to right. Those that are not finite, or not positive on a
    /// logarithmic scale, are left out.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// A curve through the given points.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            points,
        }
    }
}

/// How heights are spaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CurveScale {
    /// Equal steps.
    #[default]
    Linear,
    /// Equal ratios.
    Logarithmic,
}

/// Curves in one pair of axes, with a legend.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it; may be empty.
    pub caption: String,
    /// What runs to the right, with its unit.
    pub x_label: String,
    /// What runs up, with its unit.
    pub y_label: String,
    /// How heights are spaced.
    pub y_scale: CurveScale,
    /// The curves, in the order of the legend.
    pub curves: Vec<Curve>,
}

impl Chart {
    /// A chart with equal steps upwards and no curves yet.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            x_label: x_label.into(),
            y_label: y_label.into(),
            ..Self::default()
        }
    }

    /// A chart of losses over steps, with equal ratios upwards and no curves yet.
    pub fn losses(title: impl Into<String>) -> Self {
        Self {
            y_scale: CurveScale::Logarithmic,
            ..Self::new(title, "step", "loss")
        }
    }

    /// The same chart with a sentence below it.
    pub fn captioned(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same chart with one more curve.
    pub fn curve(mut self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.curves.push(Curve::new(name, points));
        self
    }

    pub(crate) fn render(&self) -> Result<String, ReportError> {
        let lines = self.lines();
        let view = View {
            title: &self.title,
            caption: &self.caption,
            remark: self.remark(&lines),
            x_label: &self.x_label,
            y_label: &self.y_label,
            svg: self.svg(&lines)?,
            legend: lines.iter().map(Line::legend).collect(),
        };
        Ok(view.render()?)
    }

    /// The curves as they are drawn: points that can be drawn, heights already on the scale.
    fn lines(&self) -> Vec<Line<'_>> {
        self.curves
            .iter()
            .enumerate()
            .map(|(index, curve)| Line {
                name: &curve.name,
                points: curve
                    .points
                    .iter()
                    .map(|&(x, y)| (x, self.y_scale.height(y)))
                    .filter(|(x, y)| x.is_finite() && y.is_finite())
                    .collect(),
                style: Look::of(index),
            })
            .collect()
    }

    fn remark(&self, lines: &[Line]) -> String {
        let given: usize = self.curves.iter().map(|c| c.points.len()).sum();
        let drawn: usize = lines.iter().map(|l| l.points.len()).sum();
        match given - drawn {
            0 => String::new(),
            n => format!("Points that could not be drawn: {n}."),
        }
    }

    fn svg(&self, lines: &[Line]) -> Result<String, ReportError> {
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
            self.draw(&area, lines)?;
            area.present()?;
        }
        // The page gives the size and the description.
        let inner = text.split_once('>').map_or("", |(_, inner)| inner);
        Ok(format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\">{inner}"))
    }

    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
        lines: &[Line],
    ) -> Result<(), ReportError> {
        let points = || lines.iter().flat_map(|l| &l.points);
        let (left, right) = ends(points().map(|p| p.0), 0.0);
        let (low, high) = ends(points().map(|p| p.1), 0.05);
        let across = Ruler::new(left, right, ticks::linear(left, right, 10));
        let upwards = Ruler::new(low, high, self.y_scale.ticks(low, high));
        let mut chart = ChartBuilder::on(area)
            .margin(FONT / 2)
            .margin_right(FONT)
            .x_label_area_size(FONT * 3 / 2)
            .y_label_area_size(FONT * 3)
            .build_cartesian_2d(across, upwards)?;
        chart
            .configure_mesh()
            .axis_style(INK.stroke_width(3))
            .set_all_tick_mark_size(12)
            .bold_line_style(GRID.stroke_width(3))
            .light_line_style(TRANSPARENT)
            .label_style(("sans-serif", FONT).into_font().color(&INK))
            .draw()?;
        for line in lines {
            line.draw(&mut chart)?;
        }
        Ok(())
    }
}

impl CurveScale {
    fn height(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.log10(),
        }
    }

    /// Ticks between two heights, placed at heights.
    fn ticks(self, low: f64, high: f64) -> Vec<Tick> {
        match self {
            Self::Linear => ticks::linear(low, high, 6),
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

type Axes<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Ruler, Ruler>>;

/// A curve as it is drawn.
struct Line<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
    style: Look,
}

impl Line<'_> {
    fn draw(&self, chart: &mut Axes<'_, '_>) -> Result<(), ReportError> {
        let points = thinned(&self.points, MAX_POINTS);
        let stroke = self.style.colour.stroke_width(LINE);
        match self.style.dash {
            (_, 0) => chart.draw_series(LineSeries::new(points, stroke))?,
            (dash, gap) => chart.draw_series(DashedLineSeries::new(points, dash, gap, stroke))?,
        };
        let fill = self.style.colour.filled();
        let marks = thinned(&self.points, MARKERS);
        match self.style.mark {
            Mark::Circle => {
                chart.draw_series(marks.into_iter().map(|p| Circle::new(p, 12, fill)))?;
            }
            Mark::Triangle => {
                chart.draw_series(marks.into_iter().map(|p| TriangleMarker::new(p, 16, fill)))?;
            }
            Mark::Square => {
                chart.draw_series(
                    marks.into_iter().map(|p| {
                        EmptyElement::at(p) + Rectangle::new([(-10, -10), (10, 10)], fill)
                    }),
                )?;
            }
        }
        Ok(())
    }

    fn legend(&self) -> Legend<'_> {
        let RGBColor(r, g, b) = self.style.colour;
        Legend {
            name: self.name,
            colour: format!("#{r:02X}{g:02X}{b:02X}"),
            dashes: match self.style.dash {
                (_, 0) => "none".into(),
                (dash, gap) => format!("{dash} {gap}"),
            },
            mark: match self.style.mark {
                Mark::Circle => "M41 16a9 9 0 1 0 18 0a9 9 0 1 0-18 0Z",
                Mark::Triangle => "M50 4L60.4 22H39.6Z",
                Mark::Square => "M42 8h16v16h-16Z",
            },
        }
    }
}

/// At most `most` points, evenly spaced, the first and the last among them.
fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    let last = points.len().saturating_sub(1);
    if points.len() <= most {
        return points.to_vec();
    }
    (0..most).map(|i| points[i * last / (most - 1)]).collect()
}

struct Legend<'a> {
    name: &'a str,
    colour: String,
    dashes: String,
    mark: &'static str,
}

#[derive(Template)]
#[template(path = "chart.html")]
struct View<'a> {
    title: &'a str,
    caption: &'a str,
    remark: String,
    x_label: &'a str,
    y_label: &'a str,
    svg: String,
    legend: Vec<Legend<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn falling(from: f64) -> Vec<(f64, f64)> {
        (0..50)
            .map(|i| (f64::from(i), from / (1.0 + f64::from(i))))
            .collect()
    }

    #[test]
    fn every_curve_is_drawn_and_named() {
        let mut chart = Chart::losses("loss");
        for index in 0..6 {
            chart = chart.curve(format!("voice {index}"), falling(10.0 + f64::from(index)));
        }
        let lines = chart.lines();
        let svg = chart.svg(&lines).unwrap();
        let html = chart.render().unwrap();
        for (index, line) in lines.iter().enumerate() {
            let colour = line.legend().colour;
            assert!(svg.contains(&colour), "curve {index} is not drawn");
            assert!(
                html.contains(&format!("voice {index}")),
                "no legend for {index}"
            );
        }
    }

    #[test]
    fn no_two_of_twelve_curves_look_alike() {
        let looks: std::collections::BTreeSet<String> = (0..12)
            .map(|index| {
                let line = Line {
                    name: "",
                    points: vec![],
                    style: Look::of(index),
                };
                let legend = line.legend();
                format!("{} {} {}", legend.colour, legend.dashes, legend.mark)
            })
            .collect();
        assert_eq!(looks.len(), 12);
    }

    #[test]
    fn points_that_cannot_be_drawn_are_left_out_and_counted() {
        let html = Chart::losses("loss")
            .curve(
                "a",
                vec![(0.0, f64::NAN), (1.0, 0.0), (2.0, -1.0), (3.0, 1.0)],
            )
            .render()
            .unwrap();
        assert!(html.contains("could not be drawn: 3."), "{html}");
        assert!(!html.contains("NaN"));
    }

    #[test]
    fn charts_of_little_or_nothing_render() {
        for points in [
            vec![],
            vec![(1.0, 1.0)],
            vec![(1.0, 2.0), (1.0, 2.0)],
            vec![(0.0, 1e300), (1.0, 1e-300)],
            vec![(f64::MAX, 1.0), (f64::MIN, 2.0)],
        ] {
            for scale in [CurveScale::Linear, CurveScale::Logarithmic] {
                let mut chart = Chart::new("c", "x", "y").curve("a", points.clone());
                chart.y_scale = scale;
                chart.render().unwrap();
            }
        }
        Chart::losses("none").render().unwrap();
    }

    #[test]
    fn no_inline_style_needs_an_exception_from_the_policy() {
        let html = Chart::losses("loss")
            .curve("a", falling(3.0))
            .render()
            .unwrap();
        assert!(!html.contains("style="));
    }

    #[test]
    fn thinning_keeps_both_ends() {
        let points = thinned(&falling(1.0), 7);
        assert_eq!(points.len(), 7);
        assert_eq!(points[0].0, 0.0);
        assert_eq!(points[6].0, 49.0);
    }

    #[test]
    fn names_are_escaped() {
        let html = Chart::new("<t>", "<x>", "<y>")
            .curve("<script>", falling(1.0))
            .render()
            .unwrap();
        for raw in ["<t>", "<x>", "<y>", "<script>"] {
            assert!(!html.contains(raw), "{raw}");
        }
    }
}
