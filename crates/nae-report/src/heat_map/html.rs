//! A heat map as elements of a page, which keep the size of their letters on any screen.

use askama::Template;

use super::map::HeatMap;
use super::palette;
use crate::ReportError;
use crate::axis::Axis;
use crate::ticks::Tick;

/// Heat maps with fewer columns are enlarged with hard edges, cell by cell.
const SHARP_BELOW_COLS: usize = 400;

impl HeatMap {
    /// The heat map with its title, scale and caption.
    pub(crate) fn render(&self) -> Result<String, ReportError> {
        let places = self.scale_labels()?.into_iter();
        let view = View {
            title: &self.title,
            caption: &self.caption,
            remark: self.remark(),
            plot: self.plot()?,
            scale_uri: palette::scale_data_uri()?,
            scale_ticks: places
                .map(|(label, share)| Place::new(label, share))
                .collect(),
        };
        Ok(view.render()?)
    }

    /// The heat map with its axes alone, as a track of a player shows it.
    pub(crate) fn render_bare(&self) -> Result<String, ReportError> {
        Ok(self.plot()?.render()?)
    }

    fn plot(&self) -> Result<Plot<'_>, ReportError> {
        let (width, height, levels) = self.cells()?;
        let along = |axis: &Axis, wanted| {
            let ticks = self.ticks(axis, wanted)?.into_iter();
            let place = |tick: Tick| Place::new(tick.label, axis.position(tick.value));
            Ok::<_, ReportError>(ticks.map(place).collect())
        };
        Ok(Plot {
            alt: self.alt(),
            uri: palette::data_uri(width, height, &levels)?,
            is_sharp: self.matrix.cols() < SHARP_BELOW_COLS,
            x: &self.x,
            x_ticks: along(&self.x, 8)?,
            y: &self.y,
            y_ticks: along(&self.y, 5)?,
        })
    }

    fn alt(&self) -> String {
        format!(
            "{}: {} upwards, {} to the right",
            self.title, self.y.label, self.x.label
        )
    }
}

/// A tick placed on a side of the plot.
struct Place {
    label: String,
    /// From the left, in percent.
    right: String,
    /// From the top, in percent.
    down: String,
}

impl Place {
    /// A label at a share of the way from the left or lower end, 0 to 1.
    fn new(label: String, share: f64) -> Self {
        let percent = 100.0 * share;
        Self {
            label,
            right: format!("{percent:.2}%"),
            down: format!("{:.2}%", 100.0 - percent),
        }
    }
}

#[derive(Template)]
#[template(path = "heat_map.html")]
struct View<'a> {
    title: &'a str,
    caption: &'a str,
    remark: String,
    plot: Plot<'a>,
    scale_uri: String,
    scale_ticks: Vec<Place>,
}

#[derive(Template)]
#[template(path = "plot.html")]
struct Plot<'a> {
    alt: String,
    uri: String,
    is_sharp: bool,
    x: &'a Axis,
    x_ticks: Vec<Place>,
    y: &'a Axis,
    y_ticks: Vec<Place>,
}
