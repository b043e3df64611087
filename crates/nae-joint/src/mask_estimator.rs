//! Masks in one forward pass.

use burn::tensor::{Device, Tensor};
use nae_audio::Magnitude;
use nae_model::optim::{Flow, Progress};
use nae_model::spectra::upload;
use nae_separate::mask::ratio_masks;
use nae_separate::{MaskEstimate, MaskEstimator, SeparateError};

use crate::decoders::Decoders;
use crate::network::EncoderNetwork;

/// Estimates masks with the networks of a joint encoder.
#[derive(Debug)]
pub(crate) struct JointMaskEstimator {
    /// At least one, whose masks are averaged.
    pub networks: Vec<EncoderNetwork>,
    /// Frozen.
    pub decoders: Decoders,
    /// Exponent of the magnitudes that the networks read.
    pub compression: f64,
    /// Of networks and decoders.
    pub device: Device,
}

impl MaskEstimator for JointMaskEstimator {
    fn estimate_masks(
        &self,
        mixture: &Magnitude,
        gain: f64,
        _observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<MaskEstimate, SeparateError> {
        let gain = gain / ((mixture.bins().max(2) - 1) as f64).sqrt();
        let input: Tensor<2> =
            upload(&[(mixture, gain)], self.compression, &self.device).squeeze_dim(0);
        let mut masks: Vec<Tensor<2>> = Vec::new();
        let mut activations = Vec::new();
        for network in &self.networks {
            let all = network.forward(input.clone(), mixture.frames(), None);
            activations = self.decoders.split(all.clone());
            // the decoders' exponents leave a square
            let own = ratio_masks(&self.decoders.amplitudes(all, mixture.frames()), 2.0);
            masks = if masks.is_empty() {
                own
            } else {
                masks.into_iter().zip(own).map(|(a, b)| a + b).collect()
            };
        }
        let weight = 1.0 / self.networks.len().max(1) as f64;
        if self.networks.len() > 1 {
            masks = masks.into_iter().map(|m| m.mul_scalar(weight)).collect();
        }
        Ok(MaskEstimate {
            masks,
            activations,
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
        })
    }
}
