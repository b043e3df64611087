//! A pair of axes and where values lie between them.

use plotters::prelude::*;

use crate::ReportError;
use crate::canvas::{Area, FONT, Frame, Point};
use crate::series_style::{GRID, INK};
use crate::ticked_range::TickedRange;

/// What is left free around a plot, in units of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Margins {
    pub top: u32,
    pub right: u32,
}

/// Which ticks have lines across the plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mesh {
    None,
    Horizontal,
    Vertical,
    Both,
}

/// Two axes: ticks, names and lines across.
pub(crate) struct Axes<'a> {
    pub x: TickedRange,
    pub y: TickedRange,
    pub x_label: &'a str,
    pub y_label: &'a str,
    pub mesh: Mesh,
}

/// Where values lie on the drawing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapping {
    pub frame: Frame,
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes<'_> {
    /// Draws the axes into `area`, which may be part of a figure.
    pub(crate) fn draw(self, area: &Area, margins: Margins) -> Result<Mapping, ReportError> {
        use plotters::coord::ranged1d::Ranged;
        let (x, y) = (self.x.range(), self.y.range());
        let x_room = match self.x_label.is_empty() {
            true => FONT * 3 / 2,
            false => FONT * 11 / 4,
        };
        let y_room = match (self.y.widest(), self.y_label) {
            (0, "") => FONT / 2,
            (labels, "") => labels + FONT,
            (labels, _) => labels + FONT * 5 / 2,
        };
        let mut chart = ChartBuilder::on(area)
            .margin_top(margins.top)
            .margin_right(margins.right)
            .margin_bottom(FONT / 4)
            .margin_left(FONT / 4)
            .x_label_area_size(x_room)
            .y_label_area_size(y_room)
            .build_cartesian_2d(self.x, self.y)?;
        let mut mesh = chart.configure_mesh();
        mesh.axis_style(INK.stroke_width(3))
            .set_all_tick_mark_size(12)
            .bold_line_style(GRID.stroke_width(3))
            .light_line_style(TRANSPARENT)
            .label_style(("sans-serif", FONT).into_font().color(&INK))
            .x_desc(self.x_label)
            .y_desc(self.y_label);
        match self.mesh {
            Mesh::None => mesh.disable_mesh(),
            Mesh::Horizontal => mesh.disable_x_mesh(),
            Mesh::Vertical => mesh.disable_y_mesh(),
            Mesh::Both => &mut mesh,
        };
        mesh.draw()?;
        let (across, down) = chart.plotting_area().get_pixel_range();
        Ok(Mapping {
            frame: Frame {
                left: across.start,
                top: down.start,
                right: across.end,
                bottom: down.end,
            },
            x: (x.start, x.end),
            y: (y.start, y.end),
        })
    }
}

impl Mapping {
    /// How far right a value lies.
    pub(crate) fn x(&self, value: f64) -> i32 {
        let share = (value - self.x.0) / (self.x.1 - self.x.0);
        self.frame.left + (share * f64::from(self.frame.right - self.frame.left)).round() as i32
    }

    /// How far down a value lies.
    pub(crate) fn y(&self, value: f64) -> i32 {
        let share = (value - self.y.0) / (self.y.1 - self.y.0);
        self.frame.bottom - (share * f64::from(self.frame.bottom - self.frame.top)).round() as i32
    }

    /// Where a pair of values lies.
    pub(crate) fn at(&self, x: f64, y: f64) -> Point {
        (self.x(x), self.y(y))
    }
}
