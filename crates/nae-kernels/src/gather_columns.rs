//! Rows of a matrix as the columns of others: mini-batches out of spectra.
//!
//! Burn's `select` copies rows, and the transposed result is a view whose columns are far apart in
//! memory when it is read row by row. Here the columns are written in order, a square block at a
//! time. The view alone is made in a third of the time, but an operation that needs it in order
//! then costs more: with the divergence that follows, the measured gain is 1.3 to 1.7 times (one
//! thread, AVX2,
//! `cargo run --release --example kernels -- gather_columns`).

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::flex::{FlexTensor, contiguous, has_kernels_without_gradient, values};
use crate::simd::{LANES, SimdLoop, dispatch};

/// Chosen rows of a matrix as the columns of a batch of matrices.
///
/// # Shapes
/// - `rows`: `[rows, length]`; `indices`: numbers of rows, the same count for every batch item, one
///   item's after the other's
/// - output: `[batch, length, columns]`, row-major on the CPU
///
/// # Panics
/// If there is no such row, or `indices` is no whole number of columns for every batch item.
pub fn gather_columns(rows: Tensor<2>, indices: Vec<i32>, batch: usize) -> Tensor<3> {
    assert!(
        batch > 0 && indices.len().is_multiple_of(batch),
        "{} columns cannot be divided among {batch} batch items",
        indices.len()
    );
    if has_kernels_without_gradient(&rows) {
        let rows = rows.into_dispatch();
        Tensor::from_dispatch(<Dispatch as GatherColumnsOps>::gather_columns(
            rows, indices, batch,
        ))
    } else {
        composite(rows, indices, batch)
    }
}

/// [`gather_columns`] composed of Burn's own operations.
pub fn composite(rows: Tensor<2>, indices: Vec<i32>, batch: usize) -> Tensor<3> {
    let ([_, length], count) = (rows.dims(), indices.len());
    let indices = Tensor::from_data(TensorData::new(indices, [count]), &rows.device());
    let picked = rows.select(0, indices);
    picked.reshape([batch, count / batch, length]).transpose()
}

/// What a backend needs for [`gather_columns`].
#[backend_extension(Flex)]
pub(crate) trait GatherColumnsOps: Backend {
    /// See [`gather_columns`].
    fn gather_columns(
        rows: FloatTensor<Self>,
        indices: Vec<i32>,
        batch: usize,
    ) -> FloatTensor<Self>;
}

impl GatherColumnsOps for Flex {
    fn gather_columns(rows: FlexTensor, indices: Vec<i32>, batch: usize) -> FlexTensor {
        let rows = contiguous(rows);
        let length = rows.layout().shape().as_slice()[1];
        let count = indices.len() / batch.max(1);
        let mut columns = vec![0.0f32; batch * length * count];
        let row = |number: i32| &values(&rows)[number as usize * length..][..length];
        columns
            .par_chunks_mut((length * count).max(1))
            .zip(indices.par_chunks(count.max(1)))
            .for_each(|(plane, indices)| {
                for (tile, indices) in indices.chunks(LANES).enumerate() {
                    let sources: Vec<&[f32]> = indices.iter().map(|&number| row(number)).collect();
                    dispatch(Tile {
                        sources: &sources,
                        plane,
                        count,
                        first: tile * LANES,
                    });
                }
            });
        FlexTensor::from_data(TensorData::new(columns, [batch, length, count]))
    }
}

/// Sources, [`LANES`] of them or fewer, that become neighbouring columns of a plane.
struct Tile<'a> {
    sources: &'a [&'a [f32]],
    plane: &'a mut [f32],
    /// Columns of the plane.
    count: usize,
    /// The first source's column.
    first: usize,
}

impl SimdLoop for Tile<'_> {
    type Output = ();
    /// A square block at a time, so that both sides stay in the cache.
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let length = self.sources.first().map_or(0, |source| source.len());
        let mut block = [[0.0f32; LANES]; LANES];
        for start in (0..length).step_by(LANES) {
            for (line, source) in block.iter_mut().zip(self.sources) {
                copy(&source[start..], line);
            }
            for i in 0..LANES.min(length - start) {
                let at = (start + i) * self.count + self.first;
                let to = &mut self.plane[at..at + self.sources.len()];
                if let Some(to) = to.first_chunk_mut::<LANES>() {
                    for lane in 0..LANES {
                        to[lane] = block[lane][i];
                    }
                } else {
                    for (to, line) in to.iter_mut().zip(&block) {
                        *to = line[i];
                    }
                }
            }
        }
    }
}

/// Copies as many numbers as both have. Whole blocks, whose length the compiler knows, are two loads
/// and stores; the others call for a copy of some bytes, which takes longer than the bytes do.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32; LANES]) {
    match from.first_chunk::<LANES>() {
        Some(from) => *to = *from,
        None => {
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
    }
}
