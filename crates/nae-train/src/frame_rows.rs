//! Frames as rows, from which mini-batches are picked.

use burn::tensor::{Device, Tensor};
use nae_kernels::gather_columns;
use nae_model::ModelError;
use nae_model::init::from_host;
use nae_model::spectra::read;

use crate::spectra::Spectra;

/// Frames that are read at once.
const FRAMES: usize = 4096;

/// Every model's frames as rows, one model after the other: picking some reads whole rows, where
/// columns would be gathered number by number.
#[derive(Clone, Debug)]
pub struct FrameRows {
    /// `[all models' frames, bins]`, outside the graph.
    rows: Tensor<2>,
    device: Device,
    /// Where each model's rows begin.
    starts: Vec<i32>,
}

impl FrameRows {
    /// Rows of some models' spectra.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the device fails.
    pub fn new(spectra: &Spectra) -> Result<Self, ModelError> {
        let [_, bins, _] = spectra.values.dims();
        let count: usize = spectra.frames.iter().sum();
        let mut rows = Vec::with_capacity(count * bins);
        for (model, &frames) in spectra.frames.iter().enumerate() {
            let own = spectra.values.clone().narrow(0, model, 1);
            // some at a time: what is read takes memory twice more
            for first in (0..frames).step_by(FRAMES) {
                let some = own.clone().narrow(2, first, FRAMES.min(frames - first));
                // through the host: on a device a transposed tensor is a view, its rows are not in order
                rows.extend(read(some.transpose())?);
            }
        }
        let starts = spectra.frames.iter().scan(0, |next, &frames| {
            let start = *next;
            *next += frames as i32;
            Some(start)
        });
        let starts = starts.collect();
        let device = spectra.values.device();
        let rows = from_host(rows, [count, bins], &device.clone().inner());
        Ok(Self {
            rows,
            device,
            starts,
        })
    }

    /// Every model's frames with the given indices; those with fewer are filled up with their first
    /// frame.
    ///
    /// # Shapes
    /// - `indices`: some for every model
    /// - output: `[models, bins, most indices]`
    pub fn pick(&self, indices: &[&[i32]]) -> Tensor<3> {
        let most = indices.iter().map(|own| own.len()).max().unwrap_or(0);
        let rows = |(own, start): (&&[i32], &i32)| -> Vec<i32> {
            (0..most)
                .map(|i| start + own.get(i).copied().unwrap_or(0))
                .collect()
        };
        let all: Vec<i32> = indices.iter().zip(&self.starts).flat_map(rows).collect();
        let picked = gather_columns(self.rows.clone(), all, indices.len());
        if self.device.is_autodiff() {
            Tensor::from_inner(picked)
        } else {
            picked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_kernels::Parallelism;

    fn spectra(models: usize, frames: Vec<usize>) -> Spectra {
        let values = (0..models * 12).map(|x| x as f32).collect();
        Spectra {
            values: from_host(values, [models, 3, 4], &Device::flex()),
            frames,
            sharing: Parallelism::Frames,
        }
    }

    #[test]
    fn picked_frames_are_each_spectrum_s_columns() {
        let rows = FrameRows::new(&spectra(1, vec![4])).unwrap();
        let picked = rows.pick(&[&[2, 0]]);
        assert_eq!(read(picked).unwrap(), [2.0, 0.0, 6.0, 4.0, 10.0, 8.0]);
        let rows = FrameRows::new(&spectra(2, vec![3, 4])).unwrap();
        let picked = rows.pick(&[&[2], &[3, 1]]);
        let expected = [
            2.0, 0.0, 6.0, 4.0, 10.0, 8.0, 15.0, 13.0, 19.0, 17.0, 23.0, 21.0,
        ];
        assert_eq!(read(picked).unwrap(), expected);
    }
}
