//! The frozen decoders of all sources.

use burn::tensor::{Device, Tensor};
use nae_model::dense::Dense;
use nae_model::nae::stage;
use nae_model::{Decoder, ModelConfig};
use nae_separate::mask::recompress;

/// Keeps gradients finite where spectra of different compression are brought together.
const EPS: f64 = 1e-7;

/// One source's decoder.
#[derive(Clone, Debug)]
struct Frozen {
    decoder: Decoder,
    rank: usize,
    /// From the source's compression to amplitudes whose squares are what masks are made of.
    exponent: f64,
}

/// Activations of all sources in, amplitudes of all sources out.
#[derive(Clone, Debug)]
pub struct Decoders {
    sources: Vec<Frozen>,
    layers: Vec<(ModelConfig, Vec<Dense>)>,
    mask_exponent: f64,
}

impl Decoders {
    /// Freezes the decoders' layers on `device`: none asks for a gradient.
    ///
    /// - `mask_exponent`: of the ratio masks, on spectra of the strongest compression among the
    ///   models'
    pub fn new(
        layers: Vec<(ModelConfig, Vec<Dense>)>,
        mask_exponent: f64,
        device: &Device,
    ) -> Self {
        let compressions = layers.iter().map(|(config, _)| config.compression);
        let strongest = compressions.fold(1.0, f64::min);
        let freeze = |(config, layers): &(ModelConfig, Vec<Dense>)| {
            let frozen = layers.iter().map(|layer| layer.frozen(device)).collect();
            let decoder = Decoder::new(Vec::new(), frozen);
            Frozen {
                rank: decoder.rank(),
                decoder,
                exponent: strongest / config.compression * mask_exponent / 2.0,
            }
        };
        Self {
            sources: layers.iter().map(freeze).collect(),
            layers,
            mask_exponent,
        }
    }

    /// The same on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        Self::new(self.layers.clone(), self.mask_exponent, device)
    }

    /// Activations that a frame has of all sources together.
    pub fn rank(&self) -> usize {
        self.sources.iter().map(|source| source.rank).sum()
    }

    /// Every source's own activations.
    ///
    /// # Shapes
    /// - `activations`: `[Σ rank, frames]`
    /// - output: `[rank, frames]` each
    pub fn split(&self, activations: Tensor<2>) -> Vec<Tensor<2>> {
        let mut first = 0;
        let parts = self.sources.iter().map(|source| {
            let part = activations.clone().narrow(0, first, source.rank);
            first += source.rank;
            part
        });
        parts.collect()
    }

    /// Every source's amplitudes, whose squares' shares of their sum are the masks.
    ///
    /// # Shapes
    /// - `activations`: `[Σ rank, frames]`
    /// - output: `[bins, frames]` each, non-negative
    pub fn amplitudes(&self, activations: Tensor<2>) -> Vec<Tensor<2>> {
        let parts = self.split(activations).into_iter().zip(&self.sources);
        let decoded = parts.map(|(h, source)| {
            let spectrum = source.decoder.decode(h.unsqueeze()).squeeze_dim::<2>(0);
            recompress(spectrum, source.exponent, EPS)
        });
        decoded.collect()
    }

    /// Every source's decoder weights, in order, none of which asks for a gradient.
    pub fn weights(&self) -> Vec<Vec<Tensor<3>>> {
        let sources = self.sources.iter();
        sources.map(|source| source.decoder.weights()).collect()
    }
}

/// A decoder's layers from their weights.
pub(crate) fn layer(
    config: &ModelConfig,
    index: usize,
    weight: Tensor<3>,
    bias: Option<Tensor<3>>,
) -> Dense {
    Dense::from_tensors(weight, bias, stage(config, config.encoder_layers() + index))
}
