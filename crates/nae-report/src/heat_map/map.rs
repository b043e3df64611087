//! A heat map: a matrix in colours, with its axes and its scale.

use super::colour_scale::{ColourScale, Levels};
use super::matrix::Matrix;
use super::palette;
use crate::ReportError;
use crate::axis::Axis;
use crate::ticks::{self, Tick};

/// The widest heat map in pixels; longer ones are joined column by column.
pub(super) const MAX_COLS: usize = 1200;
/// The highest heat map in pixels.
pub(super) const MAX_ROWS: usize = 600;

/// A matrix drawn in colours, with both axes and its scale labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// What it shows, in a few words.
    pub title: String,
    /// A sentence below it; may be empty.
    pub caption: String,
    /// The values, row 0 at the bottom.
    pub matrix: Matrix,
    /// What runs to the right.
    pub x: Axis,
    /// What runs up.
    pub y: Axis,
    /// How values become colours.
    pub scale: ColourScale,
}

impl HeatMap {
    /// Magnitudes `[bins × frames]` of a sound of `duration_s` seconds, over 80 dB.
    pub fn spectrogram(
        title: impl Into<String>,
        magnitudes: Matrix,
        duration_s: f64,
        nyquist_hz: f64,
    ) -> Self {
        Self {
            title: title.into(),
            caption: String::new(),
            matrix: magnitudes,
            x: Axis::time(duration_s),
            y: Axis::frequency(nyquist_hz),
            scale: ColourScale::decibels(80.0),
        }
    }

    /// Bases `[bins × rank]` over 50 dB, one component a column, in the order given.
    pub fn bases(title: impl Into<String>, bases: Matrix, nyquist_hz: f64) -> Self {
        Self {
            title: title.into(),
            caption: String::new(),
            x: Axis::counted("component", bases.cols()),
            y: Axis::frequency(nyquist_hz),
            matrix: bases,
            scale: ColourScale::decibels(50.0),
        }
    }

    /// Activations `[rank × frames]` over 50 dB, one component a row, in the order given.
    pub fn activations(title: impl Into<String>, activations: Matrix, duration_s: f64) -> Self {
        Self {
            title: title.into(),
            caption: String::new(),
            x: Axis::time(duration_s),
            y: Axis::counted("component", activations.rows()),
            matrix: activations,
            scale: ColourScale::decibels(50.0),
        }
    }

    /// The same heat map with a sentence below it.
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same heat map with another scale.
    pub fn with_scale(mut self, scale: ColourScale) -> Self {
        self.scale = scale;
        self
    }

    /// What has to be said about values that cannot be drawn; empty when all can.
    pub(super) fn remark(&self) -> String {
        match self.matrix.not_finite() {
            0 => String::new(),
            1 => "1 value is not finite (green).".into(),
            n => format!("{n} values are not finite (green)."),
        }
    }

    /// Width, height and palette entries of its cells, the top row first.
    pub(crate) fn cells(&self) -> Result<(usize, usize, Vec<u8>), ReportError> {
        let levels = self.levels()?;
        let pooled = self.matrix.pooled(MAX_ROWS, MAX_COLS);
        let pixels: Vec<u8> = pooled
            .values()
            .chunks_exact(pooled.cols())
            .rev() // row 0 at the bottom
            .flatten()
            .map(|v| palette::level(levels.position(*v)))
            .collect();
        Ok((pooled.cols(), pooled.rows(), pixels))
    }

    /// Whether both axes can be drawn.
    pub(crate) fn check(&self) -> Result<(), ReportError> {
        self.ticks(&self.x, 1)?;
        self.ticks(&self.y, 1)?;
        Ok(())
    }

    /// About as many ticks as `wanted` on one of its axes.
    pub(super) fn ticks(&self, axis: &Axis, wanted: usize) -> Result<Vec<Tick>, ReportError> {
        if !axis.is_drawable() {
            return Err(ReportError::Axis {
                drawing: self.title.clone(),
                label: axis.label.clone(),
                start: axis.start,
                end: axis.end,
            });
        }
        Ok(ticks::linear(axis.start, axis.end, wanted))
    }

    /// Labels of the scale and where they stand on it, 0 (dark) to 1 (bright).
    pub(crate) fn scale_labels(&self) -> Result<Vec<(String, f64)>, ReportError> {
        Ok(self.levels()?.labels())
    }

    pub(super) fn levels(&self) -> Result<Levels, ReportError> {
        let levels = self.scale.levels(&self.matrix);
        levels.map_err(|range_db| ReportError::Range {
            drawing: self.title.clone(),
            range_db,
        })
    }
}
