//! The frozen decoders of all sources.

use burn::tensor::{Device, Tensor};
use nae_model::dense::Dense;
use nae_model::nae::stage;
use nae_model::{Decoder, ModelConfig};
use nae_separate::mask::change_exponent;

/// Keeps gradients finite where spectra of different compression are brought together.
const EPS: f64 = 1e-7;

/// One source's decoder.
#[derive(Clone, Debug)]
struct FrozenDecoder {
    decoder: Decoder,
    rank: usize,
    /// From the source's compression to amplitudes whose squares enter the ratio masks.
    exponent: f64,
}

/// Activations of all sources in, amplitudes of all sources out.
#[derive(Clone, Debug)]
pub struct Decoders {
    sources: Vec<FrozenDecoder>,
    layers: Vec<(ModelConfig, Vec<Dense>)>,
    mask_exponent: f64,
}

impl Decoders {
    /// Freezes the decoders' layers on `device`: they have no gradients.
    ///
    /// - `layers`: every source's architecture and decoder layers
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
            FrozenDecoder {
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

    /// Activations of all sources together.
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
        let own = self.sources.iter().map(|source| {
            let own = activations.clone().narrow(0, first, source.rank);
            first += source.rank;
            own
        });
        own.collect()
    }

    /// Every source's amplitudes: masks are their squares over the sum of squares.
    ///
    /// # Shapes
    /// - `activations`: `[Σ rank, frames]`
    /// - output: `[bins, frames]` each, non-negative
    pub fn amplitudes(&self, activations: Tensor<2>) -> Vec<Tensor<2>> {
        let activations = self.split(activations).into_iter();
        let decoded = activations.zip(&self.sources).map(|(h, source)| {
            let spectrum = source.decoder.decode(h.unsqueeze()).squeeze_dim::<2>(0);
            change_exponent(spectrum, source.exponent, EPS)
        });
        decoded.collect()
    }

    /// Every source's decoder weights, in order, without gradients.
    pub fn weights(&self) -> Vec<Vec<Tensor<3>>> {
        let sources = self.sources.iter();
        sources.map(|source| source.decoder.weights()).collect()
    }
}

/// Layer number `index` of a decoder from its weights.
pub(crate) fn decoder_layer(
    config: &ModelConfig,
    index: usize,
    weight: Tensor<3>,
    bias: Option<Tensor<3>>,
) -> Dense {
    Dense::from_tensors(weight, bias, stage(config, config.encoder_layers() + index))
}
