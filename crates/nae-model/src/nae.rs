//! The non-negative autoencoder: a stack of dense layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;

use crate::config::{BasisNorm, Latent, ModelConfig, ModelKind, Output};
use crate::decoder::Decoder;
use crate::dense::{Dense, Stage};
use crate::loss::Estimate;

/// Non-negative autoencoder with any number of layers, `X → H₁ → … → X̂`; without encoder and with
/// one linear layer, an NMF.
#[derive(Module, Debug)]
pub struct Nae {
    /// From the spectrum to the bottleneck.
    pub encoder: Vec<Dense>,
    /// From the bottleneck to the spectrum.
    pub decoder: Vec<Dense>,
}

impl Nae {
    /// A network with weights drawn from `rng` in the order encoder, decoder.
    ///
    /// `config` must have passed [`ModelConfig::validate`].
    pub fn new(config: &ModelConfig, bins: usize, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let sizes = config.sizes(bins);
        let mut layers: Vec<Dense> = (0..config.depth())
            .map(|i| {
                Dense::new(
                    sizes[i + 1],
                    sizes[i],
                    config.bias,
                    stage(config, i),
                    rng,
                    device,
                )
            })
            .collect();
        let decoder = layers.split_off(config.encoder_layers());
        Self {
            encoder: layers,
            decoder,
        }
    }

    /// Outputs of every encoder layer; the last is the latent.
    ///
    /// # Shapes
    /// - `x`: `[bins, frames]`, compressed magnitudes
    /// - output: `[units, frames]` each, non-negative
    pub fn encode(&self, x: Tensor<2>) -> Vec<Tensor<2>> {
        run(&self.encoder, x)
    }

    /// Outputs of the decoder's hidden layers, and the estimate `X̂`.
    ///
    /// # Shapes
    /// - `latent`: `[rank, frames]`, non-negative
    /// - output: `[units, frames]` each, non-negative; the estimate `[bins, frames]`
    pub fn decode(&self, latent: Tensor<2>) -> (Vec<Tensor<2>>, Estimate) {
        let Some((last, hidden)) = self.decoder.split_last() else {
            return (Vec::new(), latent.into());
        };
        let hidden = run(hidden, latent.clone());
        let estimate = Estimate {
            product: last.product(hidden.last().cloned().unwrap_or(latent)),
            activation: last.activation(),
        };
        (hidden, estimate)
    }

    /// The frozen part that turns activations at `latent` into spectra, on `device`.
    pub fn decoder_from(&self, latent: Latent, device: &Device) -> Decoder {
        let skipped = match latent {
            Latent::Bottleneck => self.encoder.len(),
            Latent::First => self.encoder.len().min(1),
        };
        let layers: Vec<&Dense> = self.encoder.iter().chain(&self.decoder).collect();
        let freeze = |layers: &[&Dense]| layers.iter().map(|layer| layer.frozen(device)).collect();
        Decoder::new(freeze(&layers[..skipped]), freeze(&layers[skipped..]))
    }
}

/// What layer `index` (from 0) of a network does around its product.
pub fn stage(config: &ModelConfig, index: usize) -> Stage {
    let is_decoder = index >= config.encoder_layers();
    let is_last = index + 1 == config.depth();
    Stage {
        output: if config.kind == ModelKind::Nmf {
            Output::Linear
        } else if is_last {
            config.output
        } else {
            config.hidden.into()
        },
        sharpness: config.sharpness,
        basis_norm: if is_decoder {
            config.basis_norm
        } else {
            BasisNorm::None
        },
    }
}

/// Every layer's output in order.
pub(crate) fn run(layers: &[Dense], input: Tensor<2>) -> Vec<Tensor<2>> {
    let mut outputs: Vec<Tensor<2>> = Vec::with_capacity(layers.len());
    for layer in layers {
        let x = outputs.last().unwrap_or(&input).clone();
        outputs.push(layer.forward(x));
    }
    outputs
}
