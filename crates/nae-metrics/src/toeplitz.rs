//! Symmetric positive definite block-Toeplitz matrices: product, Cholesky factor, solution.
//!
//! The Gram matrix of `p` references delayed by `0 … m − 1` samples has `m × m` blocks of `p × p`
//! entries that depend only on the difference of the delays:
//!
//! ```text
//! T = | R₀    R₁    R₂  … |        R_l[i, j] = Σₙ sᵢ[n] sⱼ[n − l],   R₋ₗ = R_lᵀ
//!     | R₁ᵀ   R₀    R₁  … |
//!     | R₂ᵀ   R₁ᵀ   R₀  … |        index of reference i at delay k: k p + i
//! ```
//!
//! **Product.** A block-Toeplitz matrix is the corner of a block-circulant one, so `T x` takes `p`
//! transforms of at least `2m − 1` points each way.
//!
//! **Factor.** `T` shifted down by one block differs from `T` by a matrix of rank `2p`,
//! `T − Z T Zᵀ = AᵀA − BᵀB` with `A = R₀^(−½) [R₀ R₁ …]` and `B` the same without its first block.
//! The generalised Schur algorithm \[1, 2\] reads the rows of the Cholesky factor `T = UᵀU` off `A`:
//! each step shifts `A` right by one block and clears the leading block of `B` with rotations that
//! keep `AᵀA − BᵀB`. That takes about `p n²` multiplications for `n = m p` unknowns where Cholesky
//! takes `n³ / 6`: sixty times fewer at four references with 512 taps.
//! Each column is cleared by a Householder reflection among the rows of `B`, then one hyperbolic
//! rotation in its mixed form, for which the algorithm is as stable as Cholesky \[2, 3\].
//!
//! A matrix that is not positive definite in double precision shows as a hyperbolic rotation that
//! does not exist or a pivot no larger than rounding, and the factor is refused: see [`projection`](crate::projection) for what then.
//!
//! 1. T. Kailath, A. H. Sayed, "Displacement structure: theory and applications", SIAM Review 37(3),
//!    1995.
//! 2. S. Chandrasekaran, A. H. Sayed, "Stabilizing the generalized Schur algorithm", SIAM J. Matrix
//!    Anal. Appl. 17(4), 1996.
//! 3. M. Stewart, P. Van Dooren, "Stability issues in the factorization of structured matrices",
//!    SIAM J. Matrix Anal. Appl. 18(1), 1997.

use std::ops::Range;

use crate::fft::{Bin, RealFft, multiply_add};
use crate::simd::{dot, vectorised};

/// Columns that one rotation is applied to at a time: a tile of every row stays in the first cache.
const TILE: usize = 128;

/// Roundings that a correlation of long signals gathers: those of two transforms and of the sum over
/// blocks.
const ENTRY_ROUNDINGS: usize = 64;

/// The first block row of a symmetric block-Toeplitz matrix.
#[derive(Debug, Clone)]
pub(crate) struct BlockToeplitz {
    /// Rows of a block: references.
    width: usize,
    /// Blocks of a row: taps.
    taps: usize,
    /// `first[i][l p + j] = R_l[i, j]`.
    first: Vec<Vec<f64>>,
}

impl BlockToeplitz {
    /// From the correlations `lag(i, j)[l] = Σₙ sᵢ[n] sⱼ[n − l]`, `l = 0 … taps − 1`.
    pub(crate) fn new<'a>(
        width: usize,
        taps: usize,
        lag: impl Fn(usize, usize) -> &'a [f64],
    ) -> Self {
        let mut first = vec![vec![0.0; width * taps]; width];
        for (i, row) in first.iter_mut().enumerate() {
            for j in 0..width {
                for (l, &value) in lag(i, j).iter().enumerate() {
                    row[l * width + j] = value;
                }
            }
            // R₀ is symmetric but for rounding: take its lower triangle for both.
            for (j, value) in row.iter_mut().enumerate().take(width).skip(i) {
                *value = lag(j, i)[0];
            }
        }
        Self { width, taps, first }
    }

    /// Unknowns: rows of the whole matrix.
    pub(crate) fn order(&self) -> usize {
        self.width * self.taps
    }

    /// The product with vectors, ready to be taken many times.
    pub(crate) fn product(&self) -> ToeplitzProduct {
        ToeplitzProduct::new(self)
    }

    /// What is no more than rounding in an eigenvalue, or in the square of a diagonal entry of the
    /// factor: the precision of the diagonal, times the order of the matrix for the rounding of the
    /// factor, or times [`ENTRY_ROUNDINGS`] for that of the entries themselves.
    pub(crate) fn rounding(&self) -> f64 {
        let largest = (0..self.width)
            .map(|i| self.first[i][i])
            .fold(0.0, f64::max);
        largest * self.order().max(ENTRY_ROUNDINGS) as f64 * f64::EPSILON
    }

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
    rows: Vec<f64>,
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

/// The spectra of the block-circulant matrix whose corner is a block-Toeplitz one.
pub(crate) struct ToeplitzProduct {
    width: usize,
    taps: usize,
    fft: RealFft,
    /// `kernels[i p + j]`: what delays of reference `j` add to row `i`.
    kernels: Vec<Vec<Bin>>,
}

impl ToeplitzProduct {
    fn new(matrix: &BlockToeplitz) -> Self {
        let (p, m) = (matrix.width, matrix.taps);
        let mut fft = RealFft::new((2 * m).next_power_of_two());
        let points = fft.len();
        let mut kernel = vec![0.0; points];
        let mut kernels = Vec::with_capacity(p * p);
        for i in 0..p {
            for j in 0..p {
                // (T x)ᵢ[k] = Σⱼ Σₗ h[k − l] xⱼ[l], h[−l] = R_l[i, j], h[l] = R_l[j, i].
                kernel.fill(0.0);
                kernel[0] = matrix.first[i][j];
                for l in 1..m {
                    kernel[l] = matrix.first[j][l * p + i];
                    kernel[points - l] = matrix.first[i][l * p + j];
                }
                let mut spectrum = vec![Bin::default(); fft.bins()];
                fft.forward(&mut kernel, &mut spectrum);
                kernels.push(spectrum);
            }
        }
        Self {
            width: p,
            taps: m,
            fft,
            kernels,
        }
    }

    /// `T vector`.
    pub(crate) fn times(&self, vector: &[f64]) -> Vec<f64> {
        let p = self.width;
        let mut fft = self.fft.clone();
        let mut buffer = vec![0.0; fft.len()];
        let spectra: Vec<Vec<Bin>> = (0..p)
            .map(|j| {
                buffer.fill(0.0);
                for (slot, value) in buffer.iter_mut().zip(vector[j..].iter().step_by(p)) {
                    *slot = *value;
                }
                let mut spectrum = vec![Bin::default(); fft.bins()];
                fft.forward(&mut buffer, &mut spectrum);
                spectrum
            })
            .collect();
        let mut product = vec![0.0; vector.len()];
        for i in 0..p {
            let mut sum = vec![Bin::default(); fft.bins()];
            for (j, spectrum) in spectra.iter().enumerate() {
                multiply_add(&mut sum, &self.kernels[i * p + j], spectrum);
            }
            fft.inverse(&mut sum, &mut buffer);
            for (slot, value) in product[i..].iter_mut().step_by(p).zip(&buffer[..self.taps]) {
                *slot = *value;
            }
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Correlations of `width` signals that repeat nothing, and the dense matrix they make.
    fn example(width: usize, taps: usize) -> (BlockToeplitz, Vec<Vec<f64>>) {
        let samples = 3 * width * taps + 50;
        let signals: Vec<Vec<f64>> = (0..width)
            .map(|i| {
                let rate = 0.05 + 0.027 * i as f64;
                (0..samples)
                    .map(|n| (rate * (n * n) as f64).sin())
                    .collect()
            })
            .collect();
        let delayed = |column: usize, n: usize| {
            let (delay, source) = (column / width, column % width);
            if n >= delay && n - delay < samples {
                signals[source][n - delay]
            } else {
                0.0
            }
        };
        let order = width * taps;
        let dense: Vec<Vec<f64>> = (0..order)
            .map(|r| {
                (0..order)
                    .map(|c| {
                        (0..samples + taps)
                            .map(|n| delayed(r, n) * delayed(c, n))
                            .sum()
                    })
                    .collect()
            })
            .collect();
        let lags: Vec<Vec<f64>> = (0..width * width)
            .map(|ij| {
                (0..taps)
                    .map(|l| dense[ij / width][l * width + ij % width])
                    .collect()
            })
            .collect();
        let matrix = BlockToeplitz::new(width, taps, |i, j| &lags[i * width + j]);
        (matrix, dense)
    }

    const SHAPES: [(usize, usize); 6] = [(1, 1), (1, 40), (2, 33), (3, 20), (4, 17), (5, 1)];

    #[test]
    fn the_factor_multiplies_back_to_the_matrix() {
        for (width, taps) in SHAPES {
            let (matrix, dense) = example(width, taps);
            let factor = matrix.factor(0.0).unwrap();
            let order = width * taps;
            let mut upper = vec![vec![0.0; order]; order];
            let mut entries = factor.rows.iter();
            for (r, row) in upper.iter_mut().enumerate() {
                for slot in &mut row[r..] {
                    *slot = *entries.next().unwrap();
                }
            }
            for r in 0..order {
                for c in 0..order {
                    let product: f64 = (0..order).map(|k| upper[k][r] * upper[k][c]).sum();
                    // A few hundred roundings of entries no larger than the diagonal.
                    let tolerance = 1e-13 * dense[0][0];
                    let difference = (product - dense[r][c]).abs();
                    assert!(
                        difference < tolerance,
                        "{width} {taps} {r} {c}: {difference}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_product_equals_the_dense_one() {
        for (width, taps) in SHAPES {
            let (matrix, dense) = example(width, taps);
            let vector: Vec<f64> = (0..width * taps).map(|k| (k as f64 * 0.7).cos()).collect();
            for (row, value) in dense.iter().zip(matrix.product().times(&vector)) {
                let expected = dot(row, &vector);
                let tolerance = 1e-13 * dense[0][0];
                assert!((value - expected).abs() < tolerance, "{value} {expected}");
            }
        }
    }

    #[test]
    fn solving_undoes_the_product() {
        for (width, taps) in SHAPES {
            let (matrix, _) = example(width, taps);
            let vector: Vec<f64> = (0..width * taps).map(|k| (k as f64 * 0.7).cos()).collect();
            let reversed: Vec<f64> = vector.iter().rev().copied().collect();
            let vectors = [vector, reversed];
            let product = matrix.product();
            let mut solutions = vectors.each_ref().map(|vector| product.times(vector));
            let factor = matrix.factor(0.0).unwrap();
            factor.solve_lower(&mut solutions);
            factor.solve_upper(&mut solutions);
            for (value, expected) in solutions.iter().flatten().zip(vectors.iter().flatten()) {
                // Signals that sweep the whole band: matrices with conditions below 1e5.
                assert!((value - expected).abs() < 1e-9, "{value} {expected}");
            }
        }
    }

    #[test]
    fn a_singular_matrix_is_refused_and_loading_mends_it() {
        let lags = [4.0, 1.0, 0.5];
        let twice = BlockToeplitz::new(2, 3, |_, _| &lags);
        assert!(twice.factor(0.0).is_none());
        assert!(twice.factor(1e-9).is_some());
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        let lags = [1.0, 2.0];
        assert!(BlockToeplitz::new(1, 2, |_, _| &lags).factor(0.0).is_none());
    }
}
