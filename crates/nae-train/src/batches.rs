//! Random frames and latent noise, drawn on the host.

use std::ops::Range;

use burn::tensor::{Tensor, TensorData};
use nae_model::ModelError;
use nae_model::init::matrix;
use nae_model::spectra::read;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

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

    /// The next batch's frame indices, all different; a rest too short for a batch is skipped.
    pub fn draw(&mut self) -> &[i32] {
        if self.next + self.size > self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.next = 0;
        }
        let start = self.next;
        self.next += self.size;
        &self.order[start..self.next]
    }
}

/// A spectrum's frames as rows: picking some copies whole rows, where columns would be gathered
/// number by number.
#[derive(Clone, Debug)]
pub struct FrameRows {
    /// `[frames, bins]`.
    rows: Tensor<2>,
}

impl FrameRows {
    /// Rows of a spectrum, `[bins, frames]`.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the device fails.
    pub fn new(spectrum: &Tensor<2>) -> Result<Self, ModelError> {
        let [bins, frames] = spectrum.dims();
        // through the host: on a device a transposed tensor is a view, its rows are not in order
        let values = read(spectrum.clone().transpose())?;
        let rows = matrix(values, frames, bins, &spectrum.device());
        Ok(Self { rows })
    }

    /// The frames with the given indices.
    ///
    /// # Shapes
    /// - output: `[bins, indices]`
    pub fn pick(&self, indices: &[i32]) -> Tensor<2> {
        let indices = TensorData::new(indices.to_vec(), [indices.len()]);
        let indices = Tensor::from_data(indices, &self.rows.device());
        self.rows.clone().select(0, indices).transpose()
    }
}

/// Parts of a spectrum's frames, each in an order of its own.
///
/// # Shapes
/// - `spectrum`: `[bins, frames]`; output: `[bins, part]` each
///
/// # Errors
/// [`ModelError::Device`] if the device fails.
pub fn split(spectrum: &Tensor<2>, parts: &[Range<usize>]) -> Result<Vec<Tensor<2>>, ModelError> {
    let [bins, frames] = spectrum.dims();
    let device = spectrum.device();
    let values = read(spectrum.clone())?;
    let rows = || values.chunks_exact(frames);
    let part = |part: &Range<usize>| {
        let values = rows().flat_map(|row| &row[part.clone()]).copied().collect();
        matrix(values, bins, part.len(), &device)
    };
    Ok(parts.iter().map(part).collect())
}

/// Frames that share a stream of noise: parts that begin at multiples of it get the same noise
/// however many there are, so that a result does not depend on the number of threads.
pub const NOISE_BLOCK: usize = 32;

/// Multiplicative noise on a latent: factors `max(0, 1 + σ·N(0, 1))`. Clamped at zero so that
/// activations stay non-negative.
#[derive(Clone, Debug)]
pub struct LatentNoise {
    sigma: f64,
    key: [u8; 32],
}

impl LatentNoise {
    /// Noise of relative standard deviation `sigma`; none for 0.
    pub fn new(sigma: f64, mut rng: ChaCha8Rng) -> Self {
        let key = rng.random();
        Self { sigma, key }
    }

    /// A latent with the noise of step number `step` on it.
    ///
    /// - `first`: number of the latent's first frame in its batch, a multiple of [`NOISE_BLOCK`]
    ///
    /// # Shapes
    /// - input and output: `[rank, frames]`
    pub fn apply(&self, latent: Tensor<2>, step: usize, first: usize) -> Tensor<2> {
        if self.sigma == 0.0 {
            return latent;
        }
        let [rank, frames] = latent.dims();
        let factors = matrix(
            self.factors(rank, frames, step, first),
            rank,
            frames,
            &latent.device(),
        );
        latent * factors
    }

    fn factors(&self, rank: usize, frames: usize, step: usize, first: usize) -> Vec<f32> {
        let mut factors = vec![0.0f32; rank * frames];
        for start in (0..frames).step_by(NOISE_BLOCK) {
            let block = (first + start) / NOISE_BLOCK;
            let mut rng = ChaCha8Rng::from_seed(self.key);
            rng.set_stream((step as u64) << 32 | block as u64);
            let end = (start + NOISE_BLOCK).min(frames);
            for row in factors.chunks_exact_mut(frames) {
                for factor in &mut row[start..end] {
                    let normal: f32 = StandardNormal.sample(&mut rng);
                    *factor = (1.0 + self.sigma as f32 * normal).max(0.0);
                }
            }
        }
        factors
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

    #[test]
    fn picked_frames_are_the_spectrum_s_columns() {
        let spectrum = matrix((0..12).map(|x| x as f32).collect(), 3, 4, &Device::flex());
        let picked = FrameRows::new(&spectrum).unwrap().pick(&[2, 0]);
        assert_eq!(read(picked).unwrap(), [2.0, 0.0, 6.0, 4.0, 10.0, 8.0]);
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

    #[test]
    fn latent_noise_is_non_negative_with_mean_one() {
        let noise = LatentNoise::new(0.3, generator(SEED, "noise"));
        let values = noise.factors(100, 100, 0, 0);
        assert!(values.iter().all(|&v| v >= 0.0));
        let mean = values.iter().sum::<f32>() / 1e4;
        // standard error 0.003
        assert!((mean - 1.0).abs() < 0.015, "{mean}");
        assert_ne!(values, noise.factors(100, 100, 1, 0));
    }

    #[test]
    fn noise_is_the_same_however_a_batch_is_shared_out() {
        let noise = LatentNoise::new(0.3, generator(SEED, "noise"));
        let ones = Tensor::<2>::ones([3, 100], &Device::flex());
        let whole = noise.apply(ones.clone(), 7, 0);
        for cut in [32, 64, 96] {
            let parts = [(0, cut), (cut, 100 - cut)].map(|(first, frames)| {
                noise.apply(ones.clone().narrow(1, first, frames), 7, first)
            });
            let joined = Tensor::cat(parts.to_vec(), 1);
            assert_eq!(read(joined).unwrap(), read(whole.clone()).unwrap());
        }
    }

    #[test]
    fn parts_of_a_spectrum_are_its_columns() {
        let spectrum = matrix((0..12).map(|x| x as f32).collect(), 3, 4, &Device::flex());
        let parts = split(&spectrum, &[0..1, 1..4]).unwrap();
        assert_eq!(
            read(Tensor::cat(parts, 1)).unwrap(),
            read(spectrum).unwrap()
        );
    }
}
