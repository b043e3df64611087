//! Random frames and latent noise, drawn on the host.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use nae_kernels::{Parallelism, gather_columns, standard_normal};
use nae_model::ModelError;
use nae_model::init::from_host;
use nae_model::spectra::read;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// Endless batches of frame indices: every frame once, in random order, before any comes again.
#[derive(Debug)]
pub struct Batches {
    order: Vec<i32>,
    next: usize,
    size: usize,
    rng: ChaCha8Rng,
}

impl Batches {
    /// Batches of `size` out of `frames` frames, at most all of them.
    pub fn new(frames: usize, size: usize, rng: ChaCha8Rng) -> Self {
        let order: Vec<i32> = (0..frames as i32).collect();
        Self {
            next: order.len(),
            size: size.min(frames),
            order,
            rng,
        }
    }

    /// The next batch's frame indices, all different; a rest too short for a batch is skipped. A
    /// batch of all frames has them in their own order.
    pub fn draw(&mut self) -> &[i32] {
        if self.size == self.order.len() {
            return &self.order;
        }
        if self.next + self.size > self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.next = 0;
        }
        let start = self.next;
        self.next += self.size;
        &self.order[start..self.next]
    }
}

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
        let [_, bins, longest] = spectra.values.dims();
        // through the host: on a device a transposed tensor is a view, its rows are not in order
        let values = read(spectra.values.clone().transpose())?;
        let models = values.chunks((longest * bins).max(1)).zip(&spectra.frames);
        let count: usize = spectra.frames.iter().sum();
        let mut rows = Vec::with_capacity(count * bins);
        for (own, frames) in models {
            rows.extend_from_slice(&own[..frames * bins]);
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

/// Frames that share a stream of noise: parts that begin at multiples of it get the same noise
/// however many there are, so that a result does not depend on the number of threads.
pub const NOISE_BLOCK: usize = 32;

/// Multiplicative noise on latents: factors `max(0, 1 + σ·N(0, 1))`. Clamped at zero so that
/// activations stay non-negative.
#[derive(Clone, Debug)]
pub struct LatentNoise {
    sigma: f64,
    /// One for every model.
    keys: Vec<[u8; 32]>,
}

impl LatentNoise {
    /// Noise of relative standard deviation `sigma`, none for 0, from one generator a model.
    pub fn new(sigma: f64, rngs: impl IntoIterator<Item = ChaCha8Rng>) -> Self {
        let keys = rngs.into_iter().map(|mut rng| rng.random()).collect();
        Self { sigma, keys }
    }

    /// Latents with the noise of step number `step` on them.
    ///
    /// - `first`: number of the latents' first frame in its batch, a multiple of [`NOISE_BLOCK`]
    ///
    /// # Shapes
    /// - input and output: `[models, rank, frames]`
    pub fn apply(&self, latents: Tensor<3>, step: usize, first: usize) -> Tensor<3> {
        if self.sigma == 0.0 {
            return latents;
        }
        let shape = latents.dims();
        let [_, rank, frames] = shape;
        let mut factors = vec![0.0f32; shape.iter().product()];
        let planes = factors.chunks_mut((rank * frames).max(1));
        for (plane, key) in planes.zip(&self.keys) {
            self.fill(plane, frames, key, step, first);
        }
        let factors = from_host(factors, shape, &latents.device());
        latents * factors
    }

    fn fill(&self, factors: &mut [f32], frames: usize, key: &[u8; 32], step: usize, first: usize) {
        // whole blocks are drawn, so that numbers do not depend on where frames end
        let mut words = vec![0u32; factors.len() / frames.max(1) * NOISE_BLOCK];
        for start in (0..frames).step_by(NOISE_BLOCK) {
            let block = (first + start) / NOISE_BLOCK;
            let mut rng = ChaCha8Rng::from_seed(*key);
            rng.set_stream((step as u64) << 32 | block as u64);
            rng.fill(&mut words[..]);
            let normals = standard_normal(&words);
            let rows = factors.chunks_exact_mut(frames);
            for (row, normals) in rows.zip(normals.chunks_exact(NOISE_BLOCK)) {
                for (factor, normal) in row[start..].iter_mut().zip(normals) {
                    *factor = (1.0 + self.sigma as f32 * normal).max(0.0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use nae_model::random::generator;

    const SEED: u64 = 4;

    #[test]
    fn every_frame_comes_once_before_any_comes_again() {
        let mut batches = Batches::new(12, 4, generator(SEED, "batches"));
        for _ in 0..5 {
            let mut seen: Vec<i32> = (0..3).flat_map(|_| batches.draw().to_vec()).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<_>>());
        }
    }

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

    #[test]
    fn a_batch_is_never_larger_than_what_there_is() {
        assert_eq!(
            Batches::new(3, 128, generator(SEED, "batches"))
                .draw()
                .len(),
            3
        );
    }

    /// The factors themselves: noise on ones.
    fn factors(noise: &LatentNoise, shape: [usize; 3], step: usize, first: usize) -> Vec<f32> {
        let ones = Tensor::<3>::ones(shape, &Device::flex());
        read(noise.apply(ones, step, first)).unwrap()
    }

    #[test]
    fn latent_noise_is_non_negative_with_mean_one() {
        let noise = LatentNoise::new(0.3, [generator(SEED, "noise")]);
        let values = factors(&noise, [1, 100, 100], 0, 0);
        assert!(values.iter().all(|&v| v >= 0.0));
        let mean = values.iter().sum::<f32>() / 1e4;
        // standard error 0.003
        assert!((mean - 1.0).abs() < 0.015, "{mean}");
        assert_ne!(values, factors(&noise, [1, 100, 100], 1, 0));
    }

    #[test]
    fn noise_is_the_same_however_a_batch_is_shared_out() {
        let noise = LatentNoise::new(0.3, [generator(SEED, "noise")]);
        let ones = Tensor::<3>::ones([1, 3, 100], &Device::flex());
        let whole = noise.apply(ones.clone(), 7, 0);
        for cut in [32, 64, 96] {
            let parts = [(0, cut), (cut, 100 - cut)].map(|(first, frames)| {
                noise.apply(ones.clone().narrow(2, first, frames), 7, first)
            });
            let joined = Tensor::cat(parts.to_vec(), 2);
            assert_eq!(read(joined).unwrap(), read(whole.clone()).unwrap());
        }
    }

    #[test]
    fn a_model_s_noise_is_the_same_alone_and_in_a_batch() {
        let rngs = || ["a", "b"].map(|purpose| generator(SEED, purpose));
        let both = factors(&LatentNoise::new(0.3, rngs()), [2, 3, 40], 5, 0);
        let alone = rngs().map(|rng| factors(&LatentNoise::new(0.3, [rng]), [1, 3, 40], 5, 0));
        assert_eq!(both, alone.concat());
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
