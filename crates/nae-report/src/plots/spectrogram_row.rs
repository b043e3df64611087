//! Small spectrograms side by side on one axis of frequency, such as bases of several frames.

use plotters::prelude::*;

use super::axes::{Axes, Mesh};
use super::panel_layout::{MARGINS, draw_scale};
use crate::ReportError;
use crate::axis::Axis;
use crate::canvas::{Area, Frame, text_width};
use crate::drawing::Raster;
use crate::heat_map::{ColourScale, HeatMap, Matrix};
use crate::series_style::GRID;
use crate::ticked_range::TickedRange;
use crate::ticks::{self, Tick};

/// Share of its place that a spectrogram fills.
const FILL: f64 = 0.8;

/// Small spectrograms side by side, all over one axis of frequency, each over its own frames.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectrogramRow {
    /// What they show, in a few words.
    pub title: String,
    /// What runs to the right below all of them.
    pub x_label: String,
    /// Frequency, for all of them.
    pub y: Axis,
    /// A name and the magnitudes `[bins × frames]` of each, row 0 at the bottom; at least one.
    pub spectrograms: Vec<(String, Matrix)>,
    /// How values become colours; the same for all of them.
    pub scale: ColourScale,
}

impl SpectrogramRow {
    pub(crate) fn draw(
        &self,
        area: &Area,
        part: &Area,
        rasters: &mut Vec<Raster>,
    ) -> Result<Frame, ReportError> {
        let maps: Vec<HeatMap> = self.spectrograms.iter().map(|own| self.map(own)).collect();
        let Some(first) = maps.first() else {
            return Err(ReportError::MatrixEmpty { rows: 0, cols: 0 });
        };
        maps.iter().try_for_each(HeatMap::check)?;
        let axes = Axes {
            x: TickedRange::new(0.0, maps.len() as f64, self.names(part)),
            y: TickedRange::new(
                self.y.start,
                self.y.end,
                ticks::linear(self.y.start, self.y.end, 5),
            ),
            x_label: &self.x_label,
            y_label: &self.y.label,
            mesh: Mesh::None,
        };
        let map = axes.draw(part, MARGINS)?;
        for (i, spectrogram) in maps.iter().enumerate() {
            let middle = i as f64 + 0.5;
            let frame = Frame {
                left: map.x(middle - FILL / 2.0),
                right: map.x(middle + FILL / 2.0),
                ..map.frame
            };
            let (width, height, levels) = spectrogram.cells()?;
            rasters.push(Raster {
                frame,
                width,
                height,
                levels,
            });
            let corners = [(frame.left, frame.top), (frame.right, frame.bottom)];
            area.draw(&Rectangle::new(corners, GRID.stroke_width(2)))?;
        }
        draw_scale(area, map.frame, first, rasters)?;
        Ok(map.frame)
    }

    fn map(&self, (name, matrix): &(String, Matrix)) -> HeatMap {
        HeatMap {
            title: format!("{}, {name}", self.title),
            caption: String::new(),
            matrix: matrix.clone(),
            x: Axis::counted("frame", matrix.cols()),
            y: self.y.clone(),
            scale: self.scale,
        }
    }

    /// The names below the spectrograms: as many as there is room for.
    fn names(&self, part: &Area) -> Vec<Tick> {
        let widest = self.spectrograms.iter().map(|(name, _)| text_width(name));
        let widest = widest.max().unwrap_or(0) + text_width("0");
        let (room, count) = (part.dim_in_pixel().0 / 2, self.spectrograms.len() as u32);
        let step = (widest * count).div_ceil(room.max(1)).max(1) as usize;
        let names = self.spectrograms.iter().enumerate().step_by(step);
        names
            .map(|(i, (name, _))| Tick {
                value: i as f64 + 0.5,
                label: name.clone(),
            })
            .collect()
    }
}
