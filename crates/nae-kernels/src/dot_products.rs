//! Products of matrices whose rows both lie along the sum, as dot products of rows.
//!
//! The gradient of a weight is such a product, `G·Hᵀ` with frames along the rows of both, and in small
//! models it has few columns. The matrix product library fills vectors with neighbouring columns, so
//! that of two vectors of 16 a rank of 20 uses five eighths; and it puts one factor in another order
//! first. Dot products fill vectors along the sum and read both as they are, but add up each vector
//! at the end.
//!
//! They are used where vectors have 16 lanes (AVX-512) only, and never elsewhere. On such a processor
//! `cargo run --release --example kernels -- matmul` shows the gain, in the rows of rank 20 with
//! gradients; the table in the crate's documentation was made without AVX-512 and says nothing of it.
//!
//! Upstream: gemm could have a kernel for products of few columns whose factors both lie along the sum.

use std::mem::MaybeUninit;

use pulp::{Arch, Simd, WithSimd};

/// Lanes of the vectors that this is made for. Narrower ones waste less of themselves, and their
/// processors have too few registers for a block's sums.
const WIDE: usize = 16;

/// How many terms of a dot product take as long as adding up its vector does; measured with
/// 513 × 64 to 782 × 5 to 100.
const ADDING_UP: usize = 36;

/// Rows of `A`, rows of `B`: the sums that a block keeps in registers.
const BLOCK: [usize; 2] = [4, 5];

/// Whether dot products are faster than the matrix product library: where they waste less on adding
/// up than it wastes on lanes without a column.
pub(crate) fn are_faster(rows: usize, columns: usize, inner: usize) -> bool {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    let few = rows.min(columns);
    (inner + ADDING_UP) * few < inner * few.next_multiple_of(WIDE)
        && Arch::new().dispatch(Lanes) == WIDE
}

/// Rows of one length at regular places.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// From the first number of the first row to at least the last of the last.
    pub(crate) values: &'a [f32],
    /// From one row to the next.
    pub(crate) stride: usize,
    pub(crate) length: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn starting_at(self, row: usize) -> Self {
        let values = &self.values[row * self.stride..];
        Self { values, ..self }
    }

    /// The first `N` rows, in whole vectors and a rest each.
    #[inline(always)]
    fn vectors<S: Simd, const N: usize>(self) -> [(&'a [S::f32s], &'a [f32]); N] {
        std::array::from_fn(|row| S::as_simd_f32s(&self.starting_at(row).values[..self.length]))
    }
}

/// Every row of `a` times every row of `b`.
///
/// # Shapes
/// - `a`: `[rows, inner]`; `b`: `[columns, inner]`
/// - `c`: `[rows, columns]`, row after row; all of it is written
///
/// # Panics
/// If rows of both are not of one length, or there are too few.
pub(crate) fn fill(a: Rows<'_>, b: Rows<'_>, columns: usize, c: &mut [MaybeUninit<f32>]) {
    assert_eq!(a.length, b.length);
    Arch::new().dispatch(Fill { a, b, columns, c });
}

struct Fill<'a> {
    a: Rows<'a>,
    b: Rows<'a>,
    columns: usize,
    c: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, columns, c } = self;
        let [height, width] = BLOCK;
        for (i, c) in c.chunks_mut(height * columns.max(1)).enumerate() {
            let a = a.starting_at(i * height);
            let is_whole = c.len() == height * columns;
            for j in (0..columns).step_by(width) {
                let is_wide = columns - j >= width;
                if is_whole && is_wide {
                    let c = &mut c[j..];
                    block::<S, { BLOCK[0] }, { BLOCK[1] }>(simd, a, b.starting_at(j), c, columns);
                } else if is_whole {
                    for j in j..columns {
                        block::<S, { BLOCK[0] }, 1>(
                            simd,
                            a,
                            b.starting_at(j),
                            &mut c[j..],
                            columns,
                        );
                    }
                } else {
                    for (row, c) in c.chunks_mut(columns).enumerate() {
                        for j in j..columns.min(j + width) {
                            block::<S, 1, 1>(
                                simd,
                                a.starting_at(row),
                                b.starting_at(j),
                                &mut c[j..],
                                columns,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// `R` rows times `C` rows.
#[allow(
    clippy::needless_range_loop,
    reason = "sums stay in registers only where loops over them have lengths known beforehand"
)]
#[inline(always)]
fn block<S: Simd, const R: usize, const C: usize>(
    simd: S,
    a: Rows<'_>,
    b: Rows<'_>,
    c: &mut [MaybeUninit<f32>],
    columns: usize,
) {
    let (rest, whole) = (a.length % S::F32_LANES, a.length / S::F32_LANES);
    let (a, b) = (a.vectors::<S, R>(), b.vectors::<S, C>());
    // of one length that the compiler sees
    let a_whole: [&[S::f32s]; R] = std::array::from_fn(|r| &a[r].0[..whole]);
    let b_whole: [&[S::f32s]; C] = std::array::from_fn(|q| &b[q].0[..whole]);
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for k in 0..whole {
        let b: [S::f32s; C] = std::array::from_fn(|q| b_whole[q][k]);
        for r in 0..R {
            let a = a_whole[r][k];
            for q in 0..C {
                sums[r][q] = simd.mul_add_e_f32s(a, b[q], sums[r][q]);
            }
        }
    }
    if rest > 0 {
        let b: [S::f32s; C] = std::array::from_fn(|q| simd.partial_load_f32s(b[q].1));
        for r in 0..R {
            let a = simd.partial_load_f32s(a[r].1);
            for q in 0..C {
                sums[r][q] = simd.mul_add_e_f32s(a, b[q], sums[r][q]);
            }
        }
    }
    for r in 0..R {
        for q in 0..C {
            c[r * columns + q].write(simd.reduce_sum_f32s(sums[r][q]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_its_rows_product_for_any_shape() {
        for (rows, columns) in (1..10).flat_map(|rows| (1..12).map(move |columns| (rows, columns)))
        {
            for length in [1, 7, 8, 15, 16, 17, 33] {
                let stride = length + 3;
                let numbers = |count: usize, step: usize| -> Vec<f32> {
                    let number = |i: usize| (i * step % 17) as f32 / 8.0 - 1.0;
                    (0..count * stride).map(number).collect()
                };
                let (left, right) = (numbers(rows, 5), numbers(columns, 7));
                let [a, b] = [&left, &right].map(|values| Rows {
                    values,
                    stride,
                    length,
                });
                let mut c = vec![MaybeUninit::new(f32::NAN); rows * columns];
                fill(a, b, columns, &mut c);
                for (i, c) in c.iter().enumerate() {
                    let [a, b] = [(a, i / columns), (b, i % columns)]
                        .map(|(rows, row)| &rows.values[row * stride..][..length]);
                    let expected: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                    #[allow(unsafe_code, reason = "what was written is looked at")]
                    // SAFETY: made of numbers above.
                    let came = unsafe { c.assume_init() };
                    assert!(
                        (came - expected).abs() < 1e-4,
                        "{rows} {columns} {length}: {came} instead of {expected}"
                    );
                }
            }
        }
    }
}
