//! Heat maps and curves side by side in one figure.

use super::axes::{Axes, Mesh};
use super::curve_stack::CurveStack;
use super::panel_layout::{HEIGHT, MARGINS, draw_scale};
use super::spectrogram_row::SpectrogramRow;
use crate::ReportError;
use crate::canvas::{Anchor, Area, FONT, Frame, text};
use crate::drawing::{Drawing, Raster};
use crate::figure::Figure;
use crate::heat_map::HeatMap;
use crate::ticked_range::TickedRange;
use crate::ticks;

/// Panels of one size in rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panels {
    /// Name of the figure's files.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it; may be empty.
    pub caption: String,
    /// Panels in a row; 0 counts as 1.
    pub columns: usize,
    /// The panels, row after row.
    pub panels: Vec<Panel>,
}

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub enum Panel {
    /// A heat map.
    HeatMap(HeatMap),
    /// Curves above one another.
    Curves(CurveStack),
    /// Small spectrograms side by side.
    Spectrograms(SpectrogramRow),
}

impl Panels {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Chart`] when the drawing fails; [`ReportError::Axis`] or
    /// [`ReportError::Range`] names a panel that cannot be drawn.
    pub fn figure(&self) -> Result<Figure, ReportError> {
        let columns = self.columns.max(1);
        let rows = self.panels.len().div_ceil(columns).max(1);
        let height = HEIGHT * rows as u32;
        let mut rasters = Vec::new();
        let mut drawing = Drawing::new(height, |area| {
            for (panel, part) in self.panels.iter().zip(area.split_evenly((rows, columns))) {
                panel.draw(area, &part, &mut rasters)?;
            }
            Ok(())
        })?;
        drawing.rasters = rasters;
        Ok(Figure::new(&self.name, &self.title, &self.caption, drawing))
    }
}

impl Panel {
    fn draw(&self, area: &Area, part: &Area, rasters: &mut Vec<Raster>) -> Result<(), ReportError> {
        let (title, frame) = match self {
            Self::Curves(curves) => (&curves.title, curves.draw(area, part)?.frame),
            Self::Spectrograms(row) => (&row.title, row.draw(area, part, rasters)?),
            Self::HeatMap(map) => (&map.title, draw_heat_map(area, part, map, rasters)?),
        };
        text(
            area,
            title,
            (frame.left, frame.top - FONT as i32 * 4 / 5),
            Anchor::Left,
        )
    }
}

fn draw_heat_map(
    area: &Area,
    part: &Area,
    heat_map: &HeatMap,
    rasters: &mut Vec<Raster>,
) -> Result<Frame, ReportError> {
    heat_map.check()?;
    let (x, y) = (&heat_map.x, &heat_map.y);
    let axes = Axes {
        x: TickedRange::new(x.start, x.end, ticks::linear(x.start, x.end, 6)),
        y: TickedRange::new(y.start, y.end, ticks::linear(y.start, y.end, 5)),
        x_label: &x.label,
        y_label: &y.label,
        mesh: Mesh::None,
    };
    let map = axes.draw(part, MARGINS)?;
    let frame = map.frame;
    let (width, height, levels) = heat_map.cells()?;
    rasters.push(Raster {
        frame,
        width,
        height,
        levels,
    });
    draw_scale(area, frame, heat_map, rasters)?;
    Ok(frame)
}
