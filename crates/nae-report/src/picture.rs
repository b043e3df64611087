//! Heat maps with axes: spectrograms, bases, activations.

use askama::Template;

use crate::heat_map;
use crate::ticks::{self, Tick, number};
use crate::{Matrix, ReportError};

/// The widest picture in pixels; longer ones are joined column by column.
const MAX_COLS: usize = 1200;
/// The highest picture in pixels.
const MAX_ROWS: usize = 600;
/// Pictures with fewer columns are enlarged with hard edges, cell by cell.
const SHARP_BELOW_COLS: usize = 400;

/// What runs along one side of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What is counted, with its unit: `"time (s)"`.
    pub label: String,
    /// Value at the left or lower edge.
    pub start: f64,
    /// Value at the right or upper edge.
    pub end: f64,
}

impl Axis {
    /// Time from 0 to `duration_s` seconds.
    pub fn time(duration_s: f64) -> Self {
        Self {
            label: "time (s)".into(),
            start: 0.0,
            end: duration_s,
        }
    }

    /// Frequency from 0 to `nyquist_hz`, labelled in kHz.
    pub fn frequency(nyquist_hz: f64) -> Self {
        Self {
            label: "frequency (kHz)".into(),
            start: 0.0,
            end: nyquist_hz / 1000.0,
        }
    }

    /// `count` things, numbered from 1, one a cell.
    pub fn counted(label: impl Into<String>, count: usize) -> Self {
        Self {
            label: label.into(),
            start: 0.5,
            end: count as f64 + 0.5,
        }
    }

    fn position(&self, value: f64) -> f64 {
        (value - self.start) / (self.end - self.start)
    }

    fn is_drawable(&self) -> bool {
        self.start.is_finite() && self.end.is_finite() && self.end > self.start
    }
}

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Magnitudes as `20·log10(value / reference)`, from `−range_db` (darkest, as is everything
    /// below, zero and less) to 0 dB (brightest, as is everything above).
    Decibels {
        /// The magnitude at 0 dB; none: the largest in the picture. Pictures that are to be
        /// compared share one.
        reference: Option<f64>,
        /// The range from darkest to brightest, in dB.
        range_db: f64,
    },
    /// Values as they are, from 0 (or the smallest, if negative) to the largest.
    Linear,
}

/// A matrix drawn in colours, with both axes and its scale labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
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
    pub scale: Scale,
}

impl Picture {
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
            scale: Scale::Decibels {
                reference: None,
                range_db: 80.0,
            },
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
            scale: Scale::Decibels {
                reference: None,
                range_db: 50.0,
            },
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
            scale: Scale::Decibels {
                reference: None,
                range_db: 50.0,
            },
        }
    }

    /// The same picture with a sentence below it.
    pub fn captioned(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same picture with another scale.
    pub fn scaled(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// The picture as a figure of a page.
    pub(crate) fn render(&self) -> Result<String, ReportError> {
        let figure = Figure {
            title: &self.title,
            caption: &self.caption,
            remark: self.remark(),
            plot: self.plot()?,
            scale_uri: heat_map::scale_data_uri()?,
            scale_ticks: self.scale_ticks()?,
        };
        Ok(figure.render()?)
    }

    /// The picture with its axes alone, as a lane of a player.
    pub(crate) fn render_lane(&self) -> Result<String, ReportError> {
        Ok(self.plot()?.render()?)
    }

    /// What has to be said about values that cannot be drawn; empty when all can.
    pub(crate) fn remark(&self) -> String {
        match self.matrix.not_finite() {
            0 => String::new(),
            1 => "1 value is not finite (green).".into(),
            n => format!("{n} values are not finite (green)."),
        }
    }

    fn plot(&self) -> Result<Plot<'_>, ReportError> {
        Ok(Plot {
            alt: self.alt(),
            uri: self.data_uri()?,
            is_sharp: self.matrix.cols() < SHARP_BELOW_COLS,
            x: &self.x,
            x_ticks: self.axis_ticks(&self.x, 8)?,
            y: &self.y,
            y_ticks: self.axis_ticks(&self.y, 5)?,
        })
    }

    fn alt(&self) -> String {
        format!(
            "{}: {} upwards, {} to the right",
            self.title, self.y.label, self.x.label
        )
    }

    fn data_uri(&self) -> Result<String, ReportError> {
        let (width, height, levels) = self.cells()?;
        heat_map::data_uri(width, height, &levels)
    }

    /// Width, height and palette entries of the picture, the top row first.
    pub(crate) fn cells(&self) -> Result<(usize, usize, Vec<u8>), ReportError> {
        let levels = self.levels()?;
        let pooled = self.matrix.pooled(MAX_ROWS, MAX_COLS);
        let pixels: Vec<u8> = pooled
            .values()
            .chunks_exact(pooled.cols())
            .rev() // row 0 at the bottom
            .flatten()
            .map(|v| heat_map::level(levels.position(*v)))
            .collect();
        Ok((pooled.cols(), pooled.rows(), pixels))
    }

    /// Whether both axes can be drawn.
    pub(crate) fn check(&self) -> Result<(), ReportError> {
        self.axis_ticks(&self.x, 1)?;
        self.axis_ticks(&self.y, 1)?;
        Ok(())
    }

    /// Labels of the scale and where they stand on it, 0 (dark) to 1 (bright).
    pub(crate) fn scale_labels(&self) -> Result<Vec<(String, f64)>, ReportError> {
        Ok(match self.levels()? {
            Levels::Decibels { range_db, .. } => ticks::linear(-range_db, 0.0, 4)
                .into_iter()
                .map(|tick| (format!("{} dB", tick.label), tick.value / range_db + 1.0))
                .collect(),
            Levels::Linear { low, high } => ticks::linear(low, high, 4)
                .into_iter()
                .map(|tick| (tick.label, (tick.value - low) / (high - low)))
                .collect(),
        })
    }

    fn levels(&self) -> Result<Levels, ReportError> {
        let largest = f64::from(self.matrix.largest().unwrap_or(0.0));
        match self.scale {
            Scale::Decibels { range_db, .. } if !(range_db.is_finite() && range_db > 0.0) => {
                Err(ReportError::Range {
                    picture: self.title.clone(),
                    range_db,
                })
            }
            Scale::Decibels {
                reference,
                range_db,
            } => Ok(Levels::Decibels {
                reference: reference.unwrap_or(largest),
                range_db,
            }),
            Scale::Linear => Ok(Levels::Linear {
                low: f64::from(self.matrix.smallest().unwrap_or(0.0)).min(0.0),
                high: largest,
            }),
        }
    }

    fn axis_ticks(&self, axis: &Axis, wanted: usize) -> Result<Vec<Place>, ReportError> {
        if !axis.is_drawable() {
            return Err(ReportError::Axis {
                picture: self.title.clone(),
                label: axis.label.clone(),
                start: axis.start,
                end: axis.end,
            });
        }
        let ticks = ticks::linear(axis.start, axis.end, wanted);
        Ok(places(ticks, |value| axis.position(value)))
    }

    fn scale_ticks(&self) -> Result<Vec<Place>, ReportError> {
        let places = self.scale_labels()?.into_iter();
        Ok(places
            .map(|(label, share)| Place::new(label, share))
            .collect())
    }
}

/// A scale with its ends known.
enum Levels {
    Decibels { reference: f64, range_db: f64 },
    Linear { low: f64, high: f64 },
}

impl Levels {
    /// Where a value lies, 0 (dark) to 1 (bright); none when it is not finite.
    fn position(&self, value: f32) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let value = f64::from(value);
        let position = match *self {
            Self::Decibels {
                reference,
                range_db,
            } => 20.0 * (value.max(0.0) / reference).log10() / range_db + 1.0,
            Self::Linear { low, high } => (value - low) / (high - low),
        };
        // Silence (0/0) and a flat picture are dark.
        Some(if position.is_nan() {
            0.0
        } else {
            position.clamp(0.0, 1.0)
        })
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

fn places(ticks: Vec<Tick>, position: impl Fn(f64) -> f64) -> Vec<Place> {
    let place = |tick: Tick| Place::new(tick.label, position(tick.value));
    ticks.into_iter().map(place).collect()
}

#[derive(Template)]
#[template(path = "picture.html")]
struct Figure<'a> {
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

/// A label for a level in dB, with its sign.
pub(crate) fn decibels(value: f64) -> String {
    format!("{} dB", number(value, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(values: Vec<f32>) -> Picture {
        let matrix = Matrix::new(2, values.len() / 2, values).unwrap();
        Picture::spectrogram("test", matrix, 1.0, 8000.0)
    }

    fn position(picture: &Picture, value: f32) -> Option<f64> {
        picture.levels().unwrap().position(value)
    }

    #[test]
    fn decibels_are_relative_to_the_largest_value() {
        let picture = picture(vec![0.0, 0.1, 10.0, 1.0]);
        assert_eq!(position(&picture, 10.0), Some(1.0));
        // 40 dB down on an 80 dB scale; rounding of f32 inputs and log10 only.
        assert!((position(&picture, 0.1).unwrap() - 0.5).abs() < 1e-6);
        assert_eq!(position(&picture, 0.0), Some(0.0));
        assert_eq!(position(&picture, -1.0), Some(0.0));
    }

    #[test]
    fn a_shared_reference_keeps_pictures_comparable() {
        let picture = picture(vec![0.0, 0.1, 1.0, 1.0]).scaled(Scale::Decibels {
            reference: Some(10.0),
            range_db: 40.0,
        });
        assert!((position(&picture, 1.0).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(position(&picture, 100.0), Some(1.0));
    }

    #[test]
    fn a_linear_scale_starts_at_zero_or_below() {
        let positive = picture(vec![1.0, 2.0, 3.0, 4.0]).scaled(Scale::Linear);
        assert_eq!(position(&positive, 1.0), Some(0.25));
        let signed = picture(vec![-1.0, 2.0, 3.0, 3.0]).scaled(Scale::Linear);
        assert_eq!(position(&signed, 1.0), Some(0.5));
    }

    #[test]
    fn values_that_are_not_finite_are_green_and_counted() {
        let picture = picture(vec![f32::NAN, 1.0, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(position(&picture, f32::NAN), None);
        assert_eq!(position(&picture, f32::INFINITY), None);
        assert!(
            picture
                .render()
                .unwrap()
                .contains("3 values are not finite (green)")
        );
    }

    #[test]
    fn pictures_of_nothing_but_nan_or_silence_still_render() {
        for value in [f32::NAN, 0.0, f32::MIN_POSITIVE, f32::MAX, -1.0] {
            let picture = picture(vec![value; 4]);
            picture.render().unwrap();
            picture.scaled(Scale::Linear).render().unwrap();
        }
    }

    #[test]
    fn silence_is_dark() {
        let silent = picture(vec![0.0; 4]);
        assert_eq!(position(&silent, 0.0), Some(0.0));
        assert_eq!(position(&silent.scaled(Scale::Linear), 0.0), Some(0.0));
    }

    #[test]
    fn a_long_picture_is_no_wider_than_the_limit() {
        let matrix = Matrix::new(700, 5000, vec![1.0; 700 * 5000]).unwrap();
        let pooled = matrix.pooled(MAX_ROWS, MAX_COLS);
        assert_eq!((pooled.rows(), pooled.cols()), (MAX_ROWS, MAX_COLS));
    }

    #[test]
    fn axes_are_labelled_in_their_units() {
        let html = picture(vec![0.0, 0.1, 10.0, 1.0]).render().unwrap();
        for expected in ["time (s)", "frequency (kHz)", ">8<", "−80 dB", "0 dB"] {
            assert!(html.contains(expected), "{expected} is missing");
        }
    }

    #[test]
    fn counted_axes_number_the_middle_of_cells() {
        let axis = Axis::counted("component", 4);
        assert_eq!(axis.position(1.0), 0.125);
        assert_eq!(axis.position(4.0), 0.875);
    }

    #[test]
    fn an_axis_of_no_length_is_an_error_that_names_the_picture() {
        let mut picture = picture(vec![0.0; 4]);
        picture.x = Axis::time(0.0);
        let error = picture.render().unwrap_err().to_string();
        assert!(
            error.contains("\"test\"") && error.contains("time (s)"),
            "{error}"
        );
    }

    #[test]
    fn a_range_of_no_decibels_is_an_error() {
        let picture = picture(vec![0.0; 4]).scaled(Scale::Decibels {
            reference: None,
            range_db: 0.0,
        });
        assert!(matches!(picture.render(), Err(ReportError::Range { .. })));
    }
}
