//! The Cholesky factor of a block-Toeplitz matrix by the generalised Schur algorithm, and solving with it.

use std::ops::Range;

use super::matrix::BlockToeplitz;
use crate::simd::{dot, vectorised};

/// Columns that one rotation is applied to at a time: a tile of every row stays in the first cache.
const TILE: usize = 128;

impl BlockToeplitz {
    /// The Cholesky factor of the matrix with `loading` added to its diagonal, or `None` when that
    /// is not positive definite in double precision.
    pub(crate) fn factor(&self, loading: f64) -> Option<ToeplitzFactor> {
        let (p, n) = (self.width, self.order());
        let mut a = self.first.clone();
        for (i, row) in a.iter_mut().enumerate() {
            row[i] += loading;
        }
        let floor = self.rounding();
        whiten(&mut a, floor)?;
        let mut b = a.clone();
        for row in &mut b {
            row[..p].fill(0.0);
        }
        let mut rows = Vec::with_capacity(n * (n + 1) / 2);
        append_rows(&mut rows, &a, n);
        for step in 1..self.taps {
            let remaining = n - step * p;
            clear_leading_block(&mut a, &mut b, step * p, remaining)?;
            if (0..p).any(|i| a[i][i] * a[i][i] < floor) {
                return None;
            }
            append_rows(&mut rows, &a, remaining);
        }
        Some(ToeplitzFactor { order: n, rows })
    }
}

/// Replaces the rows `[R₀ R₁ …]` by `L⁻¹ [R₀ R₁ …]` with `R₀ = L Lᵀ`, so that the first block is
/// `Lᵀ`. `None` when a pivot is not above `floor`.
fn whiten(rows: &mut [Vec<f64>], floor: f64) -> Option<()> {
    for i in 0..rows.len() {
        let (row, below) = rows[i..].split_first_mut()?;
        let pivot = row[i];
        // Also refuses NaN.
        if !(pivot > floor && pivot.is_finite()) {
            return None;
        }
        let scale = 1.0 / pivot.sqrt();
        for value in row.iter_mut() {
            *value *= scale;
        }
        for (offset, other) in below.iter_mut().enumerate() {
            let weight = row[i + 1 + offset];
            for (value, above) in other.iter_mut().zip(row.iter()) {
                *value -= weight * above;
            }
        }
    }
    for (i, row) in rows.iter_mut().enumerate() {
        row[..i].fill(0.0);
    }
    Some(())
}

/// Appends one block row of the factor: from each row's diagonal to the end.
fn append_rows(rows: &mut Vec<f64>, a: &[Vec<f64>], remaining: usize) {
    for (i, row) in a.iter().enumerate() {
        rows.extend_from_slice(&row[i..remaining]);
    }
}

/// The rotations that clear one column of `B`: reflect its rows, then rotate the first against a
/// row of `A`.
struct Rotation {
    /// `v` of the reflection `I − v vᵀ`, empty for none.
    reflector: Vec<f64>,
    /// `tanh` of the hyperbolic angle.
    ratio: f64,
    /// `√(1 − ratio²)`.
    cosine: f64,
}

/// One step of the Schur algorithm: `A` shifted right to column `shift` of `B`, over `remaining`
/// columns.
fn clear_leading_block(
    a: &mut [Vec<f64>],
    b: &mut [Vec<f64>],
    shift: usize,
    remaining: usize,
) -> Option<()> {
    let p = a.len();
    let mut rotations: Vec<Rotation> = Vec::with_capacity(p);
    // The rotations depend on the leading block alone …
    for column in 0..p {
        let rotation = Rotation::clearing(a, b, column, shift)?;
        for start in (column..p).step_by(TILE) {
            rotation.apply(column, a, b, start..(start + TILE).min(p), shift);
        }
        for row in b.iter_mut() {
            row[shift + column] = 0.0;
        }
        rotations.push(rotation);
    }
    // … and everything behind it follows, tile by tile.
    vectorised(
        #[inline(always)]
        || {
            for start in (p..remaining).step_by(TILE) {
                let end = (start + TILE).min(remaining);
                for (column, rotation) in rotations.iter().enumerate() {
                    rotation.apply(column, a, b, start..end, shift);
                }
            }
        },
    );
    Some(())
}

impl Rotation {
    /// The rotation that clears `column` of the leading block of `b`.
    fn clearing(a: &[Vec<f64>], b: &[Vec<f64>], column: usize, shift: usize) -> Option<Self> {
        let entries: Vec<f64> = b.iter().map(|row| row[shift + column]).collect();
        let (head, reflector) = reflect(entries);
        let ratio = head / a[column][column];
        let square = (1.0 - ratio) * (1.0 + ratio);
        // Also refuses NaN.
        (square > 0.0).then(|| Self {
            reflector,
            ratio,
            cosine: square.sqrt(),
        })
    }

    /// Applies the rotation to `columns` of `a`, at most [`TILE`] of them, and of `b` further right
    /// by `shift`.
    #[inline(always)]
    fn apply(
        &self,
        row: usize,
        a: &mut [Vec<f64>],
        b: &mut [Vec<f64>],
        columns: Range<usize>,
        shift: usize,
    ) {
        let shifted = columns.start + shift..columns.end + shift;
        let mut along = [0.0; TILE];
        let along = &mut along[..columns.len()];
        for (weight, row) in self.reflector.iter().zip(b.iter()) {
            for (sum, value) in along.iter_mut().zip(&row[shifted.clone()]) {
                *sum += weight * value;
            }
        }
        for (weight, row) in self.reflector.iter().zip(b.iter_mut()) {
            for (sum, value) in along.iter().zip(&mut row[shifted.clone()]) {
                *value -= weight * sum;
            }
        }
        let inverse = 1.0 / self.cosine;
        for (x, y) in a[row][columns].iter_mut().zip(&mut b[0][shifted]) {
            // Mixed form: the new y from the new x.
            *x = (*x - self.ratio * *y) * inverse;
            *y = self.cosine * *y - self.ratio * *x;
        }
    }
}

/// The `head` and the `v` with `(I − v vᵀ) entries = (head, 0, …)`; no `v` where none is needed.
fn reflect(mut entries: Vec<f64>) -> (f64, Vec<f64>) {
    let squares: f64 = entries.iter().map(|value| value * value).sum();
    if entries.len() == 1 || squares == 0.0 {
        return (entries[0], Vec::new());
    }
    // Of the two reflections, the one whose sign cancels nothing.
    let head = -squares.sqrt().copysign(entries[0]);
    let length = (squares - head * entries[0]).sqrt();
    entries[0] -= head;
    for value in &mut entries {
        *value /= length;
    }
    (head, entries)
}

/// The upper Cholesky factor, row by row from the diagonal.
pub(crate) struct ToeplitzFactor {
    order: usize,
    pub(super) rows: Vec<f64>,
}

impl ToeplitzFactor {
    /// Unknowns.
    pub(crate) fn order(&self) -> usize {
        self.order
    }

    /// Replaces each of `vectors` by `U⁻ᵀ vector`, whose squared norm is `vectorᵀ T⁻¹ vector`. The
    /// factor is read once for all.
    pub(crate) fn solve_lower(&self, vectors: &mut [Vec<f64>]) {
        let mut rows = self.rows.as_slice();
        vectorised(
            #[inline(always)]
            || {
                for index in 0..self.order {
                    let (row, below) = rows.split_at(self.order - index);
                    for vector in vectors.iter_mut() {
                        let value = vector[index] / row[0];
                        vector[index] = value;
                        for (rest, entry) in vector[index + 1..].iter_mut().zip(&row[1..]) {
                            *rest -= value * entry;
                        }
                    }
                    rows = below;
                }
            },
        );
    }

    /// Replaces each of `vectors` by `U⁻¹ vector`. After [`ToeplitzFactor::solve_lower`] that solves
    /// `T x = vector`.
    pub(crate) fn solve_upper(&self, vectors: &mut [Vec<f64>]) {
        let mut rows = self.rows.as_slice();
        vectorised(
            #[inline(always)]
            || {
                for index in (0..self.order).rev() {
                    let (above, row) = rows.split_at(rows.len() - (self.order - index));
                    for vector in vectors.iter_mut() {
                        let known = dot(&row[1..], &vector[index + 1..]);
                        vector[index] = (vector[index] - known) / row[0];
                    }
                    rows = above;
                }
            },
        );
    }
}
