//! A block-Toeplitz matrix as its first block row.

/// Roundings that a correlation of long signals gathers: those of two transforms and of the sum over
/// blocks.
const ENTRY_ROUNDINGS: usize = 64;

/// The first block row of a symmetric block-Toeplitz matrix.
#[derive(Debug, Clone)]
pub(crate) struct BlockToeplitz {
    /// Rows of a block: references.
    pub(super) width: usize,
    /// Blocks of a row: taps.
    pub(super) taps: usize,
    /// `first[i][l p + j] = R_l[i, j]`.
    pub(super) first: Vec<Vec<f64>>,
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
    /// What is no more than rounding in an eigenvalue, or in the square of a diagonal entry of the
    /// factor: the precision of the diagonal, times the order of the matrix for the rounding of the
    /// factor, or times [`ENTRY_ROUNDINGS`] for that of the entries themselves.
    pub(crate) fn rounding(&self) -> f64 {
        let largest = (0..self.width)
            .map(|i| self.first[i][i])
            .fold(0.0, f64::max);
        largest * self.order().max(ENTRY_ROUNDINGS) as f64 * f64::EPSILON
    }
}
