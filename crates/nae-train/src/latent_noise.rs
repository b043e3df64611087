//! Multiplicative noise on latents, drawn on the host.

use burn::tensor::Tensor;
use nae_kernels::standard_normal;
use nae_model::init::from_host;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Frames that share a stream of noise: parts that begin at multiples of it get the same noise
/// however many there are: it does not depend on the number of threads.
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

    /// Latents of segments with the noise of step number `step` on them, every segment with a stream of
    /// its own.
    ///
    /// - `first`: number of the first segment in its batch
    /// - `segment`: frames of a segment
    ///
    /// # Shapes
    /// - input and output: `[models, rank, segments·segment]`
    pub fn apply_segments(
        &self,
        latents: Tensor<3>,
        step: usize,
        first: usize,
        segment: usize,
    ) -> Tensor<3> {
        if self.sigma == 0.0 || segment == 0 {
            return latents;
        }
        let shape = latents.dims();
        let [_, rank, frames] = shape;
        let blocks = segment.div_ceil(NOISE_BLOCK);
        let mut factors = vec![1.0f32; shape.iter().product()];
        let mut own = vec![0.0f32; rank * segment];
        let planes = factors.chunks_mut((rank * frames).max(1));
        for (plane, key) in planes.zip(&self.keys) {
            for i in 0..frames / segment {
                let block = (first + i) * blocks;
                self.fill(&mut own, segment, key, step, block * NOISE_BLOCK);
                let rows = plane.chunks_exact_mut(frames);
                for (row, own) in rows.zip(own.chunks_exact(segment)) {
                    row[i * segment..(i + 1) * segment].copy_from_slice(own);
                }
            }
        }
        latents.clone() * from_host(factors, shape, &latents.device())
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
    use nae_model::spectra::read;

    const SEED: u64 = 4;

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
    fn segments_have_the_same_noise_however_they_are_shared_out() {
        let noise = LatentNoise::new(0.3, [generator(SEED, "noise")]);
        let ones = Tensor::<3>::ones([1, 3, 4 * 38], &Device::flex());
        let whole = noise.apply_segments(ones.clone(), 7, 0, 38);
        let parts = [0, 2].map(|first| {
            let part = ones.clone().narrow(2, first * 38, 2 * 38);
            noise.apply_segments(part, 7, first, 38)
        });
        assert_eq!(
            read(Tensor::cat(parts.to_vec(), 2)).unwrap(),
            read(whole.clone()).unwrap()
        );
        let [one, other] = [0, 1].map(|i| read(whole.clone().narrow(2, i * 38, 38)).unwrap());
        assert_ne!(one, other);
    }

    #[test]
    fn a_model_s_noise_is_the_same_alone_and_in_a_batch() {
        let rngs = || ["a", "b"].map(|purpose| generator(SEED, purpose));
        let both = factors(&LatentNoise::new(0.3, rngs()), [2, 3, 40], 5, 0);
        let alone = rngs().map(|rng| factors(&LatentNoise::new(0.3, [rng]), [1, 3, 40], 5, 0));
        assert_eq!(both, alone.concat());
    }
}
