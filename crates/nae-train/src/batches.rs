//! Random frames and latent noise, drawn on the host.

use burn::tensor::{Device, Tensor, TensorData};
use nae_model::ModelError;
use nae_model::init::matrix;
use nae_model::spectra::read;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
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
pub struct Frames {
    /// `[frames, bins]`.
    rows: Tensor<2>,
}

impl Frames {
    /// Frames of a spectrum, `[bins, frames]`.
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

/// Factors `max(0, 1 + σ·N(0, 1))` for a latent of `shape`. Clamped at zero so that activations
/// stay non-negative.
///
/// # Shapes
/// - output: `[rank, frames]`
pub fn latent_noise(
    [rank, frames]: [usize; 2],
    sigma: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<2> {
    let values = (0..rank * frames)
        .map(|_| {
            let normal: f32 = StandardNormal.sample(rng);
            (1.0 + sigma as f32 * normal).max(0.0)
        })
        .collect();
    matrix(values, rank, frames, device)
}

/// A latent with [`latent_noise`] on it; untouched for σ = 0.
///
/// # Shapes
/// - input and output: `[rank, frames]`
pub fn noisy(latent: Tensor<2>, sigma: f64, rng: &mut ChaCha8Rng) -> Tensor<2> {
    if sigma == 0.0 {
        return latent;
    }
    let noise = latent_noise(latent.dims(), sigma, rng, &latent.device());
    latent * noise
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let picked = Frames::new(&spectrum).unwrap().pick(&[2, 0]);
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
        let noise = latent_noise(
            [100, 100],
            0.3,
            &mut generator(SEED, "noise"),
            &Device::flex(),
        );
        let values = noise.into_data().try_to_vec::<f32>().unwrap();
        assert!(values.iter().all(|&v| v >= 0.0));
        let mean = values.iter().sum::<f32>() / 1e4;
        // standard error 0.003
        assert!((mean - 1.0).abs() < 0.015, "{mean}");
    }
}
