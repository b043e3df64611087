//! The non-negative autoencoder: a stack of dense layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;

use crate::config::{BasisNorm, Latent, ModelConfig, ModelKind, Output};
use crate::decoder::Decoder;
use crate::dense::{Dense, Stage};
use crate::loss::Estimate;

/// Non-negative autoencoder with any number of layers, `X → H₁ → … → X̂`; without encoder and with
/// one linear layer, an NMF. Several networks of one shape may be stacked along the first dimension
/// of every tensor, and each then sees only its own part of it.
#[derive(Module, Debug)]
pub struct Nae {
    /// From the spectrum to the bottleneck.
    pub encoder: Vec<Dense>,
    /// From the bottleneck to the spectrum.
    pub decoder: Vec<Dense>,
}

impl Nae {
    /// One network with weights drawn from `rng` in the order encoder, decoder.
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
    /// - `x`: `[models, bins, frames]`, compressed magnitudes
    /// - output: `[models, units, frames]` each, non-negative
    pub fn encode(&self, x: Tensor<3>) -> Vec<Tensor<3>> {
        run(&self.encoder, x)
    }

    /// Outputs of the decoder's hidden layers, and the estimate `X̂`.
    ///
    /// # Shapes
    /// - `latent`: `[models, rank, frames]`, non-negative
    /// - output: `[models, units, frames]` each, non-negative; the estimate `[models, bins, frames]`
    pub fn decode(&self, latent: Tensor<3>) -> (Vec<Tensor<3>>, Estimate) {
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

    /// Several networks of one shape as one, in order.
    pub fn stack(networks: &[Self]) -> Self {
        let part = |of: fn(&Self) -> &Vec<Dense>| {
            let layers: Vec<&[Dense]> = networks
                .iter()
                .map(|network| of(network).as_slice())
                .collect();
            stack_layers(&layers)
        };
        Self {
            encoder: part(|network| &network.encoder),
            decoder: part(|network| &network.decoder),
        }
    }

    /// Network number `model` of a stack, alone.
    pub fn member(&self, model: usize) -> Self {
        let alone = |layers: &[Dense]| layers.iter().map(|layer| layer.member(model)).collect();
        Self {
            encoder: alone(&self.encoder),
            decoder: alone(&self.decoder),
        }
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

/// Layer by layer, the layers of several models as one.
pub(crate) fn stack_layers(models: &[&[Dense]]) -> Vec<Dense> {
    let depth = models.first().map_or(0, |layers| layers.len());
    let layer =
        |i: usize| -> Vec<&Dense> { models.iter().filter_map(|layers| layers.get(i)).collect() };
    (0..depth).filter_map(|i| Dense::stack(&layer(i))).collect()
}

/// Every layer's output in order.
pub(crate) fn run(layers: &[Dense], input: Tensor<3>) -> Vec<Tensor<3>> {
    let mut outputs: Vec<Tensor<3>> = Vec::with_capacity(layers.len());
    for layer in layers {
        let x = outputs.last().unwrap_or(&input).clone();
        outputs.push(layer.forward(x));
    }
    outputs
}
