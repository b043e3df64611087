//! The non-negative autoencoder: dense layers on both sides of the latent,
//! `X → H₁ → … → X̂` (Smaragdis & Venkataramani, ICASSP 2017).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::architecture::{ArchitectureKind, Context, Cost, TensorSpec, TrainingMethod};
use crate::config::{BasisNorm, Bias, Latent, ModelConfig, ModelKind, Output};
use crate::decoder::DecoderKind;
use crate::error::ModelError;
use crate::frame::FrameLayers;
use crate::layer_list::LayerList;
use crate::layers::{Dense, FrozenDense, LayerSpec, Window, match_layers, stack_layers};
use crate::loss::Estimate;
use crate::network::{Decoding, Encoding, Extent, NetworkKind};
use crate::nonlinearity::Nonlinearity;

/// Architecture of an autoencoder of dense layers. Fields as in [`ModelConfig`], with the meaning and
/// ranges they have there; files without one were written by versions that had the default only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DenseArchitecture {
    /// Layers, encoder and decoder together; an odd number gives the decoder the extra one.
    pub layers: usize,
    /// Units of the bottleneck.
    pub rank: usize,
    /// Units of every hidden layer from the input on; empty: `rank` everywhere.
    pub widths: Vec<usize>,
    /// `g` of the hidden layers.
    pub hidden: Nonlinearity,
    /// Output stage.
    pub output: Output,
    /// Sharpness p of softplus.
    pub sharpness: f64,
    /// Exponent γ of the spectra.
    pub compression: f64,
    /// Whether layers have biases.
    pub bias: Bias,
    /// Norm of the decoder's columns.
    pub basis_norm: BasisNorm,
}

impl Default for DenseArchitecture {
    /// What a field means that a file lacks. These never change, whatever the settings' defaults do.
    fn default() -> Self {
        Self {
            layers: 4,
            rank: 100,
            widths: Vec::new(),
            hidden: Nonlinearity::Relu,
            output: Output::Linear,
            sharpness: 3.0,
            compression: 0.5,
            bias: Bias::None,
            basis_norm: BasisNorm::None,
        }
    }
}

impl DenseArchitecture {
    /// Layers from the input to the bottleneck.
    fn encoder_layers(&self) -> usize {
        self.layers / 2
    }

    /// Units at every stage for a spectrum of `bins` bins: input, hidden layers, output
    /// (`layers + 1` numbers).
    fn sizes(&self, bins: usize) -> Vec<usize> {
        let mut sizes = vec![bins];
        if self.widths.is_empty() {
            sizes.resize(self.layers, self.rank);
        } else {
            sizes.extend(&self.widths);
        }
        sizes.push(bins);
        sizes
    }

    /// What layer `index` (from 0, the encoder's first) does around its product.
    fn layer_spec(&self, index: usize) -> LayerSpec {
        LayerSpec {
            output: if index + 1 == self.layers {
                self.output
            } else {
                self.hidden.into()
            },
            sharpness: self.sharpness,
            basis_norm: if index >= self.encoder_layers() {
                self.basis_norm
            } else {
                BasisNorm::None
            },
            window: Window::FRAME,
        }
    }
}

/// Number of layers that settings list, and the units of the hidden ones: none where all have as many
/// as the bottleneck, so that equal models have equal files.
fn listed(settings: &ModelConfig) -> (usize, Vec<usize>) {
    let (encoder, decoder) = settings.stack_layers();
    let layers = encoder.len() + decoder.len();
    let units = encoder.iter().chain(&decoder).map(|layer| layer.units);
    let mut widths: Vec<usize> = units.take(layers.saturating_sub(1)).collect();
    if widths.iter().all(|units| *units == settings.rank) {
        widths.clear();
    }
    (layers, widths)
}

/// Weights between stages of these sizes.
fn weights(sizes: &[usize]) -> usize {
    let pairs = sizes.windows(2);
    pairs.fold(0, |sum: usize, pair| {
        sum.saturating_add(pair[0].saturating_mul(pair[1]))
    })
}

impl ArchitectureKind for DenseArchitecture {
    type Network = DenseNetwork;

    fn claims(settings: &ModelConfig) -> bool {
        settings.kind == ModelKind::Nae && settings.is_dense()
    }

    fn from_settings(settings: &ModelConfig) -> Self {
        let (layers, widths) = match settings.decoder {
            LayerList::Auto => (settings.layers, settings.widths.clone()),
            LayerList::Layers(_) => listed(settings),
        };
        Self {
            layers,
            rank: settings.rank,
            widths,
            hidden: settings.nonlinearity(),
            output: settings.output,
            sharpness: settings.sharpness,
            compression: settings.compression,
            bias: settings.bias,
            basis_norm: settings.basis_norm,
        }
    }

    fn settings(&self) -> ModelConfig {
        ModelConfig {
            kind: ModelKind::Nae,
            layers: self.layers,
            rank: self.rank,
            widths: self.widths.clone(),
            hidden: self.hidden.into(),
            output: self.output,
            sharpness: self.sharpness,
            compression: self.compression,
            bias: self.bias,
            basis_norm: self.basis_norm,
            ..ModelConfig::default()
        }
    }

    fn validate(&self) -> Result<(), ModelError> {
        // the settings that lead here have the same ranges, or narrower ones
        self.settings().validate_stored()
    }

    fn name(&self) -> &'static str {
        "NAE"
    }

    fn describe(&self) -> String {
        format!("NAE with {} layers and rank {}", self.layers, self.rank)
    }

    fn rank(&self) -> usize {
        self.rank
    }

    fn compression(&self) -> f64 {
        self.compression
    }

    fn depth(&self) -> usize {
        self.layers
    }

    fn has_encoder(&self) -> bool {
        true
    }

    fn context(&self) -> Context {
        Context::NONE
    }

    fn training_method(&self) -> TrainingMethod {
        TrainingMethod::Gradients
    }

    fn tensors(&self, bins: usize) -> Vec<TensorSpec> {
        let encoder = self.encoder_layers();
        let mut tensors = Vec::new();
        for (i, pair) in self.sizes(bins).windows(2).enumerate() {
            let (part, number) = match i < encoder {
                true => ("encoder", i),
                false => ("decoder", i - encoder),
            };
            let mut add = |name: &str, shape: [usize; 2]| {
                tensors.push(TensorSpec {
                    name: format!("{part}.{number}.{name}"),
                    shape: shape.to_vec(),
                });
            };
            add("weight", [pair[1], pair[0]]);
            if self.bias == Bias::All {
                add("bias", [pair[1], 1]);
            }
        }
        tensors
    }

    fn cost(&self, bins: usize) -> Cost {
        let sizes = self.sizes(bins);
        Cost {
            weights: weights(&sizes),
            decoder_weights: weights(&sizes[self.encoder_layers()..]),
            units: sizes.iter().sum(),
        }
    }

    fn format_version(&self) -> u32 {
        1
    }
}

/// Encoder and decoder of dense layers.
#[derive(Module, Debug)]
pub struct DenseNetwork {
    /// From the spectrum to the bottleneck; empty where there is only the decoder.
    pub encoder: Vec<Dense>,
    /// From the bottleneck to the spectrum.
    pub decoder: Vec<Dense>,
}

impl NetworkKind for DenseNetwork {
    type Architecture = DenseArchitecture;
    type Decoder = DenseDecoder;

    fn new(
        architecture: &DenseArchitecture,
        bins: usize,
        extent: Extent,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let sizes = architecture.sizes(bins);
        let bias = architecture.bias;
        let mut layer = |i: usize| {
            let spec = architecture.layer_spec(i);
            Dense::new(sizes[i + 1], sizes[i], bias, spec, rng, device)
        };
        let latent = architecture.encoder_layers();
        let encoder = match extent {
            Extent::Whole => (0..latent).map(&mut layer).collect(),
            Extent::Decoder => Vec::new(),
        };
        Self {
            encoder,
            decoder: (latent..architecture.layers).map(layer).collect(),
        }
    }

    fn encode(&self, x: Tensor<3>) -> Encoding {
        let frames = x.dims()[2];
        let mut hidden = Dense::forward_all(&self.encoder, x.clone(), frames);
        let latent = hidden.pop().unwrap_or(x);
        Encoding { hidden, latent }
    }

    fn decode(&self, latent: Tensor<3>) -> Decoding {
        let Some((last, hidden)) = self.decoder.split_last() else {
            return Decoding {
                hidden: Vec::new(),
                estimate: latent.into(),
            };
        };
        let frames = latent.dims()[2];
        let hidden = Dense::forward_all(hidden, latent.clone(), frames);
        let estimate = Estimate {
            product: last.product(hidden.last().cloned().unwrap_or(latent), frames),
            activation: last.activation(),
        };
        Decoding { hidden, estimate }
    }

    fn matched(mut self, x: &Tensor<3>, at: &[usize], rng: &mut ChaCha8Rng) -> Self {
        match_layers(&mut self.encoder, &mut self.decoder, x, at, rng);
        self
    }

    fn decoder(&self, latent: Latent, device: &Device) -> DenseDecoder {
        let skipped = match latent {
            Latent::Bottleneck => self.encoder.len(),
            Latent::First => self.encoder.len().min(1),
        };
        let (before, between) = self.encoder.split_at(skipped);
        let mut after = FrozenDense::all(between, device);
        after.extend(FrozenDense::all(&self.decoder, device));
        DenseDecoder {
            before: FrozenDense::all(before, device),
            after,
        }
    }

    fn stack(networks: &[&Self]) -> Option<Self> {
        let part = |of: fn(&Self) -> &Vec<Dense>| {
            let models: Vec<&[Dense]> = networks.iter().map(|own| of(own).as_slice()).collect();
            stack_layers(&models, Dense::stack)
        };
        Some(Self {
            encoder: part(|network| &network.encoder)?,
            decoder: part(|network| &network.decoder)?,
        })
    }

    fn select(&self, model: usize) -> Self {
        let alone = |layers: &[Dense]| layers.iter().map(|layer| layer.select(model)).collect();
        Self {
            encoder: alone(&self.encoder),
            decoder: alone(&self.decoder),
        }
    }

    fn without_encoder(&self) -> Self {
        Self {
            encoder: Vec::new(),
            decoder: self.decoder.clone(),
        }
    }

    fn with_encoder_of(self, other: &Self) -> Self {
        Self {
            encoder: other.encoder.clone(),
            ..self
        }
    }

    fn bases(&self) -> Option<Tensor<4>> {
        Some(self.decoder.last()?.basis().unsqueeze_dim(1))
    }

    fn with_bases(mut self, bases: Tensor<4>) -> Self {
        if let Some(last) = self.decoder.last_mut() {
            last.set_weight(bases.squeeze_dim(1));
        }
        self
    }
}

/// Frozen dense layers after a chosen latent, with those before it to read activations.
#[derive(Module, Debug)]
pub struct DenseDecoder {
    before: Vec<FrozenDense>,
    after: Vec<FrozenDense>,
}

impl DecoderKind for DenseDecoder {
    fn rank(&self) -> usize {
        self.after.first().map_or(0, FrozenDense::inputs)
    }

    fn encode(&self, x: Tensor<3>) -> Tensor<3> {
        let frames = x.dims()[2];
        FrozenDense::forward_all(&self.before, x, frames)
    }

    fn decode(&self, activations: Tensor<3>) -> Tensor<3> {
        let frames = activations.dims()[2];
        FrozenDense::forward_all(&self.after, activations, frames)
    }

    fn frame_layers(&self) -> Result<Option<FrameLayers>, ModelError> {
        FrameLayers::dense(&self.after)
    }

    fn needs_nonnegative_activations(&self) -> bool {
        matches!(self.after.as_slice(), [only] if only.is_linear())
    }

    fn batchable(&self, other: &Self) -> bool {
        let all = |ours: &[FrozenDense], theirs: &[FrozenDense]| {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.batchable(b))
        };
        all(&self.before, &other.before) && all(&self.after, &other.after)
    }

    fn stack(decoders: &[&Self]) -> Option<Self> {
        let part = |of: fn(&Self) -> &Vec<FrozenDense>| {
            let models: Vec<&[FrozenDense]> =
                decoders.iter().map(|own| of(own).as_slice()).collect();
            stack_layers(&models, FrozenDense::stack)
        };
        Some(Self {
            before: part(|decoder| &decoder.before)?,
            after: part(|decoder| &decoder.after)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_put_the_rank_at_the_bottleneck() {
        let architecture = DenseArchitecture {
            layers: 5,
            rank: 7,
            widths: vec![30, 7, 20, 40],
            ..Default::default()
        };
        architecture.validate().unwrap();
        assert_eq!(architecture.encoder_layers(), 2);
        assert_eq!(architecture.sizes(513), [513, 30, 7, 20, 40, 513]);
    }
}
