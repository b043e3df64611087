//! How values become colours.

use super::matrix::Matrix;
use crate::ticks;

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColourScale {
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

impl ColourScale {
    /// Over `range_db` below the largest value.
    pub(super) const fn decibels(range_db: f64) -> Self {
        Self::Decibels {
            reference: None,
            range_db,
        }
    }

    /// The scale with its ends known, for the values of `matrix`.
    ///
    /// # Errors
    ///
    /// The range in dB when it is not a positive number.
    pub(super) fn levels(self, matrix: &Matrix) -> Result<Levels, f64> {
        let largest = f64::from(matrix.largest().unwrap_or(0.0));
        match self {
            Self::Decibels { range_db, .. } if !(range_db.is_finite() && range_db > 0.0) => {
                Err(range_db)
            }
            Self::Decibels {
                reference,
                range_db,
            } => Ok(Levels::Decibels {
                reference: reference.unwrap_or(largest),
                range_db,
            }),
            Self::Linear => Ok(Levels::Linear {
                low: f64::from(matrix.smallest().unwrap_or(0.0)).min(0.0),
                high: largest,
            }),
        }
    }
}

/// A scale with its ends known.
pub(super) enum Levels {
    Decibels { reference: f64, range_db: f64 },
    Linear { low: f64, high: f64 },
}

impl Levels {
    /// Where a value lies, 0 (dark) to 1 (bright); none when it is not finite.
    pub(super) fn position(&self, value: f32) -> Option<f64> {
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

    /// Labels of the scale and where they stand on it, 0 (dark) to 1 (bright).
    pub(super) fn labels(&self) -> Vec<(String, f64)> {
        match *self {
            Self::Decibels { range_db, .. } => ticks::linear(-range_db, 0.0, 4)
                .into_iter()
                .map(|tick| (format!("{} dB", tick.label), tick.value / range_db + 1.0))
                .collect(),
            Self::Linear { low, high } => ticks::linear(low, high, 4)
                .into_iter()
                .map(|tick| (tick.label, (tick.value - low) / (high - low)))
                .collect(),
        }
    }
}
