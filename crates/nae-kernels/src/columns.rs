//! Rows of a matrix as the columns of others.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::is_fused_off_tape;
use crate::lanes::{LANES, Work, vectorised};
use crate::ops::Updates;
use crate::slices::{FlexTensor, contiguous, values};

/// Chosen rows as columns, in one pass; fused off the tape only.
///
/// # Shapes
/// - `rows`: `[rows, length]`; `chosen`: numbers of rows, the same count for every scene, one scene's
///   after the other's
/// - output: `[scenes, length, columns]`, row-major on the CPU
///
/// # Panics
/// If there is no such row, or `chosen` is no whole number of columns for every scene.
pub fn columns(rows: Tensor<2>, chosen: Vec<i32>, scenes: usize) -> Tensor<3> {
    assert!(
        scenes > 0 && chosen.len().is_multiple_of(scenes),
        "{} columns cannot be shared out among {scenes} scenes",
        chosen.len()
    );
    if is_fused_off_tape(&rows) {
        let rows = rows.into_dispatch();
        Tensor::from_dispatch(<Dispatch as Updates>::columns(rows, chosen, scenes))
    } else {
        composite(rows, chosen, scenes)
    }
}

/// [`columns`] made of Burn's own operations.
pub fn composite(rows: Tensor<2>, chosen: Vec<i32>, scenes: usize) -> Tensor<3> {
    let ([_, length], count) = (rows.dims(), chosen.len());
    let chosen = Tensor::from_data(TensorData::new(chosen, [count]), &rows.device());
    let picked = rows.select(0, chosen);
    picked.reshape([scenes, count / scenes, length]).transpose()
}

/// The columns, scene after scene.
pub(crate) fn gather(rows: FlexTensor, chosen: &[i32], scenes: usize) -> FlexTensor {
    let rows = contiguous(rows);
    let length = rows.layout().shape().as_slice()[1];
    let count = chosen.len() / scenes.max(1);
    let mut columns = vec![0.0f32; scenes * length * count];
    let row = |number: i32| &values(&rows)[number as usize * length..][..length];
    columns
        .par_chunks_mut((length * count).max(1))
        .zip(chosen.par_chunks(count.max(1)))
        .for_each(|(plane, chosen)| {
            for (tile, chosen) in chosen.chunks(LANES).enumerate() {
                let sources: Vec<&[f32]> = chosen.iter().map(|&number| row(number)).collect();
                vectorised(Tile {
                    sources: &sources,
                    plane,
                    count,
                    first: tile * LANES,
                });
            }
        });
    FlexTensor::from_data(TensorData::new(columns, [scenes, length, count]))
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

impl Work for Tile<'_> {
    type Output = ();
    /// A square block at a time, so that both sides stay in the cache.
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
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
