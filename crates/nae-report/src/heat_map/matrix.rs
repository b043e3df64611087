//! A table of numbers to draw.

use crate::ReportError;

/// Values to draw as a picture, `[rows × cols]` in row-major order.
///
/// Row 0 is drawn at the **bottom**, so that a spectrogram `[bins × frames]` has its frequencies
/// going up and its time going right. Values may be anything; those that are not finite are drawn
/// in green and counted below the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// Takes `rows × cols` values, row after row.
    ///
    /// # Errors
    ///
    /// [`ReportError::MatrixShape`] when their number is another one, [`ReportError::MatrixEmpty`]
    /// when there is no cell at all.
    pub fn new(rows: usize, cols: usize, values: Vec<f32>) -> Result<Self, ReportError> {
        if rows == 0 || cols == 0 {
            return Err(ReportError::MatrixEmpty { rows, cols });
        }
        if rows.checked_mul(cols) != Some(values.len()) {
            return Err(ReportError::MatrixShape {
                rows,
                cols,
                values: values.len(),
            });
        }
        Ok(Self { rows, cols, values })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All values, row after row from the bottom one.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The largest finite value; none when no value is finite.
    pub fn largest(&self) -> Option<f32> {
        self.finite().reduce(f32::max)
    }

    /// The smallest finite value; none when no value is finite.
    pub fn smallest(&self) -> Option<f32> {
        self.finite().reduce(f32::min)
    }

    /// How many values are NaN or infinite.
    pub fn not_finite(&self) -> usize {
        self.values.len() - self.finite().count()
    }

    /// A matrix of at most `max_rows × max_cols`: neighbouring cells are joined to the largest of
    /// them, so that no bright cell is lost; a joined cell is NaN as soon as one of its parts is not
    /// finite, so that no bad value is hidden.
    pub(crate) fn pooled(&self, max_rows: usize, max_cols: usize) -> Self {
        let rows = self.rows.min(max_rows);
        let cols = self.cols.min(max_cols);
        if (rows, cols) == (self.rows, self.cols) {
            return self.clone();
        }
        let mut values = Vec::with_capacity(rows * cols);
        for row in 0..rows {
            for col in 0..cols {
                values.push(
                    self.largest_of(share(row, rows, self.rows), share(col, cols, self.cols)),
                );
            }
        }
        Self { rows, cols, values }
    }

    fn largest_of(&self, rows: std::ops::Range<usize>, cols: std::ops::Range<usize>) -> f32 {
        let mut largest = f32::NEG_INFINITY;
        for row in rows {
            for &value in &self.values[row * self.cols..][cols.clone()] {
                if !value.is_finite() {
                    return f32::NAN;
                }
                largest = largest.max(value);
            }
        }
        largest
    }

    fn finite(&self) -> impl Iterator<Item = f32> {
        self.values.iter().copied().filter(|v| v.is_finite())
    }
}

/// The `index`-th of `parts` nearly equal shares of `0..whole`; never empty while `parts ≤ whole`.
fn share(index: usize, parts: usize, whole: usize) -> std::ops::Range<usize> {
    index * whole / parts..(index + 1) * whole / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_of_values_is_an_error_that_names_both() {
        let error = Matrix::new(2, 3, vec![0.0; 5]).unwrap_err().to_string();
        assert!(error.contains("6 values, but got 5"), "{error}");
    }

    #[test]
    fn a_matrix_without_cells_is_an_error() {
        assert!(matches!(
            Matrix::new(0, 3, vec![]),
            Err(ReportError::MatrixEmpty { rows: 0, cols: 3 })
        ));
    }

    #[test]
    fn pooling_keeps_the_brightest_cell_of_every_share() {
        let values: Vec<f32> = (0..2 * 7).map(|v| v as f32).collect();
        let pooled = Matrix::new(2, 7, values).unwrap().pooled(2, 3);
        // Seven columns in three shares: 0..2, 2..4, 4..7.
        assert_eq!(pooled.values(), [1.0, 3.0, 6.0, 8.0, 10.0, 13.0]);
    }

    #[test]
    fn pooling_hides_no_bad_value() {
        let pooled = Matrix::new(1, 4, vec![1.0, f32::NAN, 2.0, 3.0])
            .unwrap()
            .pooled(1, 2);
        assert!(pooled.values()[0].is_nan());
        assert_eq!(pooled.values()[1], 3.0);
    }

    #[test]
    fn a_small_matrix_is_left_as_it_is() {
        let matrix = Matrix::new(2, 2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(matrix.pooled(10, 10), matrix);
    }

    #[test]
    fn extremes_ignore_what_is_not_finite() {
        let matrix = Matrix::new(1, 4, vec![f32::NAN, -2.0, f32::INFINITY, 5.0]).unwrap();
        assert_eq!(matrix.largest(), Some(5.0));
        assert_eq!(matrix.smallest(), Some(-2.0));
        assert_eq!(matrix.not_finite(), 2);
    }
}
