//! Dropout that is the same however mixtures are divided among threads.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use nae_model::init::from_host;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

/// Sets units to zero at random and scales the others up by as much.
pub(crate) struct Dropout {
    /// Probability of a zero, in 256ths.
    dropped: u32,
    key: [u8; 32],
}

impl Dropout {
    /// - `rate`: probability of a zero, in `[0, 1)`
    pub fn new(rate: f64, mut rng: ChaCha8Rng) -> Self {
        Self {
            dropped: (rate * 256.0).round() as u32,
            key: rng.random(),
        }
    }

    /// Factors for the units of mixtures number `mixtures` of step number `step`; none without
    /// dropout.
    ///
    /// - `frames`: frames of a mixture
    ///
    /// # Shapes
    /// - output: `[width, mixtures·frames]`
    pub fn factors(
        &self,
        width: usize,
        frames: usize,
        step: usize,
        mixtures: Range<usize>,
        device: &Device,
    ) -> Option<Tensor<2>> {
        if self.dropped == 0 {
            return None;
        }
        let columns = mixtures.len() * frames;
        let kept = 256.0 / (256 - self.dropped) as f32;
        let mut factors = vec![0.0f32; width * columns];
        let mut bytes = vec![0u8; width * frames];
        for (i, mixture) in mixtures.enumerate() {
            let mut rng = ChaCha8Rng::from_seed(self.key);
            rng.set_stream((step as u64) << 24 | mixture as u64);
            rng.fill_bytes(&mut bytes);
            for (row, bytes) in factors
                .chunks_exact_mut(columns)
                .zip(bytes.chunks_exact(frames))
            {
                for (factor, byte) in row[i * frames..].iter_mut().zip(bytes) {
                    *factor = if u32::from(*byte) < self.dropped {
                        0.0
                    } else {
                        kept
                    };
                }
            }
        }
        Some(from_host(factors, [width, columns], device))
    }
}
