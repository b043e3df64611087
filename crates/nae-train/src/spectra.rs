//! Spectra of training sound, of one model or of a stack.

use std::ops::Range;

use burn::tensor::Tensor;
use nae_kernels::Parallelism;
use nae_model::ModelError;
use nae_model::init::from_host;
use nae_model::spectra::read;

use crate::latent_noise::NOISE_BLOCK;

/// Spectra of one or more models' training sound.
#[derive(Clone, Debug)]
pub struct Spectra {
    /// `[models, bins, frames]`, compressed; shorter ones are filled up with silence.
    pub values: Tensor<3>,
    /// Number of every model's frames.
    pub frames: Vec<usize>,
    /// What threads share out among themselves.
    pub sharing: Parallelism,
}

impl Spectra {
    /// One model's spectrum, `[1, bins, frames]`, whose frames threads share out.
    pub fn one(values: Tensor<3>) -> Self {
        Self {
            frames: vec![values.dims()[2]],
            values,
            sharing: Parallelism::Frames,
        }
    }

    /// Frames of the longest.
    pub fn longest(&self) -> usize {
        self.values.dims()[2]
    }

    /// Parts of the frames, each in an order of its own.
    ///
    /// # Shapes
    /// - output: `[models, bins, part]` each
    ///
    /// # Errors
    /// [`ModelError::Device`] if the device fails.
    pub fn split(&self, parts: &[Range<usize>]) -> Result<Vec<Tensor<3>>, ModelError> {
        if let [_] = parts {
            return Ok(vec![self.values.clone()]);
        }
        let [models, bins, frames] = self.values.dims();
        let device = self.values.device();
        let values = read(self.values.clone())?;
        let rows = || values.chunks_exact(frames);
        let part = |part: &Range<usize>| {
            let values = rows().flat_map(|row| &row[part.clone()]).copied().collect();
            from_host(values, [models, bins, part.len()], &device)
        };
        Ok(parts.iter().map(part).collect())
    }

    /// Parts of the frames for the threads that are worth it.
    pub fn shares(&self, frames: usize) -> Vec<Range<usize>> {
        let device = self.values.device();
        self.sharing.parts(frames, NOISE_BLOCK, &device)
    }

    /// The spectra of some models, in the given order.
    pub fn only(&self, models: &[usize]) -> Self {
        if models.len() == self.frames.len() {
            return self.clone();
        }
        let of_model = |&i: &usize| self.values.clone().narrow(0, i, 1);
        Self {
            values: Tensor::cat(models.iter().map(of_model).collect(), 0),
            frames: models.iter().map(|&i| self.frames[i]).collect(),
            sharing: self.sharing,
        }
    }

    /// Every model's number of frames within a part of all.
    pub fn frames_in(&self, part: &Range<usize>) -> Vec<usize> {
        let within = |&frames: &usize| frames.min(part.end).saturating_sub(part.start);
        self.frames.iter().map(within).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn spectra(models: usize, frames: Vec<usize>) -> Spectra {
        let values = (0..models * 12).map(|x| x as f32).collect();
        Spectra {
            values: from_host(values, [models, 3, 4], &Device::flex()),
            frames,
            sharing: Parallelism::Frames,
        }
    }

    #[test]
    fn parts_of_a_spectrum_are_its_columns() {
        let spectra = spectra(2, vec![4, 3]);
        let parts = spectra.split(&[0..1, 1..4]).unwrap();
        assert_eq!(
            read(Tensor::cat(parts, 2)).unwrap(),
            read(spectra.values.clone()).unwrap()
        );
        assert_eq!(spectra.frames_in(&(1..4)), [3, 2]);
    }
}
