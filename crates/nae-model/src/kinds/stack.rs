//! Autoencoder of a list of layers, of which some see several frames: convolutive autoencoders
//! (Venkataramani, Subakan & Smaragdis, *Neural network alternatives to convolutive audio models for
//! source separation*, MLSP 2017).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::architecture::{ArchitectureKind, Cost, TensorSpec, TrainingMethod};
use crate::config::{BasisNorm, Bias, Latent, ModelConfig, ModelKind, Output};
use crate::context::Context;
use crate::decoder::DecoderKind;
use crate::error::{ModelError, setting};
use crate::frame::FrameLayers;
use crate::layer_list::{LayerConfig, LayerList};
use crate::layers::{
    Dense, FrozenLayer, Layer, LayerSpec, Recurrence, Recurrent, Window, match_layers, stack_layers,
};
use crate::loss::Estimate;
use crate::network::{Decoding, Encoding, Extent, NetworkKind};
use crate::nonlinearity::Nonlinearity;
pub use crate::stack_layer::StackLayer;
use crate::stack_layer::{MOST_FRAMES, frames_seen};

/// Layers of encoder and decoder together at most.
const MAX_LAYERS: usize = 64;

/// Architecture of an autoencoder of layers that may see several frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackArchitecture {
    /// Layers from the spectrum to the bottleneck.
    pub encoder: Vec<StackLayer>,
    /// Layers from the bottleneck to the spectrum.
    pub decoder: Vec<StackLayer>,
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
    /// Norm of the decoder's bases.
    pub basis_norm: BasisNorm,
}

impl StackArchitecture {
    fn layers(&self) -> impl Iterator<Item = &StackLayer> {
        self.encoder.iter().chain(&self.decoder)
    }

    /// Outputs and window of every layer, and inputs of a frame, for spectra of `bins` bins.
    fn shapes(&self, bins: usize) -> Vec<LayerShape> {
        let mut inputs = bins;
        let mut shapes = Vec::new();
        for (i, layer) in self.layers().enumerate() {
            let is_encoder = i < self.encoder.len();
            let outputs = match layer.units {
                0 => bins,
                units => units,
            };
            shapes.push(LayerShape {
                inputs,
                outputs,
                cell: layer.cell,
                window: match is_encoder {
                    true => Window::future(layer.span),
                    false => Window::past(layer.span),
                },
            });
            inputs = outputs;
        }
        shapes
    }

    /// What layer `index` (from 0, the encoder's first) does around its product.
    fn layer_spec(&self, index: usize, window: Window) -> LayerSpec {
        LayerSpec {
            output: match index + 1 == self.depth() {
                true => self.output,
                false => self.hidden.into(),
            },
            sharpness: self.sharpness,
            basis_norm: match index >= self.encoder.len() {
                true => self.basis_norm,
                false => BasisNorm::None,
            },
            window,
        }
    }

    /// The recurrences of all layers, each once.
    fn cells(&self) -> Vec<Recurrence> {
        let mut cells: Vec<Recurrence> = Vec::new();
        for cell in self.layers().filter_map(|layer| layer.cell) {
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        cells
    }

    /// The longest window of all layers.
    fn span(&self) -> usize {
        self.layers().map(|layer| layer.span).max().unwrap_or(1)
    }

    fn check_layers(&self) -> Result<(), ModelError> {
        let depth = self.depth();
        if self.encoder.is_empty() || self.decoder.is_empty() || depth > MAX_LAYERS {
            let expected =
                format!("2 to {MAX_LAYERS}, at least one before and after the bottleneck");
            return Err(setting("model.layers", &expected, depth, "2 or 4"));
        }
        for (i, layer) in self.layers().enumerate() {
            let units = match i + 1 == depth {
                true => 0..=0,
                false => 1..=16_384,
            };
            if !units.contains(&layer.units) {
                let expected = format!("{} to {} in layer {i}", units.start(), units.end());
                return Err(setting("model.widths", &expected, layer.units, "100"));
            }
            if let Some(cell) = layer.cell {
                let is_last = i + 1 == depth;
                let has_inputs = i > 0
                    && self.layers().nth(i - 1).map(|before| before.units) == Some(layer.units);
                if is_last || layer.span != 1 || cell.is_gate() && !has_inputs {
                    let expected = format!(
                        "in a hidden layer of one frame, with as many units as the layer before it if it is a gate; layer {i} is none"
                    );
                    return Err(setting("model.cell", &expected, cell.word(), "none"));
                }
            }
            if !(1..=64).contains(&layer.span) {
                let expected = format!("1 to 64 frames in layer {i}");
                return Err(setting("model.span", &expected, layer.span, "4"));
            }
        }
        for layers in [&self.encoder, &self.decoder] {
            let frames = frames_seen(layers);
            if frames > MOST_FRAMES {
                let expected =
                    format!("such that layers see at most {MOST_FRAMES} frames together");
                return Err(setting("model.span", &expected, frames, "4"));
            }
        }
        Ok(())
    }
}

/// A layer's numbers of inputs and outputs for a frame, and its window.
struct LayerShape {
    inputs: usize,
    outputs: usize,
    cell: Option<Recurrence>,
    window: Window,
}

impl LayerShape {
    fn columns(&self) -> usize {
        self.inputs.saturating_mul(self.window.span)
    }

    /// Names and shapes of its tensors.
    fn tensors(&self, bias: Bias) -> Vec<(&'static str, [usize; 2])> {
        if let Some(cell) = self.cell {
            let rows = self.outputs.saturating_mul(cell.gates());
            return vec![
                ("weight", [rows, self.inputs]),
                ("recurrent", [rows, self.outputs]),
            ];
        }
        let mut tensors = vec![("weight", [self.outputs, self.columns()])];
        if bias == Bias::All {
            tensors.push(("bias", [self.outputs, 1]));
        }
        tensors
    }

    fn weights(&self) -> usize {
        let tensors = self.tensors(Bias::None).into_iter();
        let sizes = tensors.map(|(_, [rows, columns])| rows.saturating_mul(columns));
        sizes.fold(0, usize::saturating_add)
    }

    fn layer(&self, bias: Bias, spec: LayerSpec, rng: &mut ChaCha8Rng, device: &Device) -> Layer {
        match self.cell {
            None => Layer::Dense(Dense::new(
                self.outputs,
                self.columns(),
                bias,
                spec,
                rng,
                device,
            )),
            Some(cell) => {
                Layer::Recurrent(Recurrent::new(self.outputs, self.inputs, cell, rng, device))
            }
        }
    }
}

impl ArchitectureKind for StackArchitecture {
    type Network = StackNetwork;

    fn claims(settings: &ModelConfig) -> bool {
        settings.kind == ModelKind::Nae && !settings.is_dense()
    }

    fn from_settings(settings: &ModelConfig) -> Self {
        let (encoder, decoder) = settings.stack_layers();
        Self {
            encoder,
            decoder,
            hidden: settings.nonlinearity(),
            output: settings.output,
            sharpness: settings.sharpness,
            compression: settings.compression,
            bias: settings.bias,
            basis_norm: settings.basis_norm,
        }
    }

    fn settings(&self) -> ModelConfig {
        let list = |layers: &[StackLayer]| {
            LayerList::Layers(layers.iter().map(LayerConfig::from).collect())
        };
        ModelConfig {
            kind: ModelKind::Nae,
            rank: self.rank(),
            hidden: self.hidden.into(),
            output: self.output,
            sharpness: self.sharpness,
            compression: self.compression,
            bias: self.bias,
            basis_norm: self.basis_norm,
            decoder: list(&self.decoder),
            encoder: list(&self.encoder),
            ..ModelConfig::default()
        }
    }

    fn validate(&self) -> Result<(), ModelError> {
        self.check_layers()?;
        // the settings that lead here have the same ranges
        ModelConfig {
            sharpness: self.sharpness,
            compression: self.compression,
            ..ModelConfig::default()
        }
        .validate()
    }

    fn name(&self) -> &'static str {
        match (self.cells().is_empty(), self.span()) {
            (false, _) => "recurrent NAE",
            (true, 1) => "NAE",
            (true, _) => "convolutive NAE",
        }
    }

    fn describe(&self) -> String {
        let (name, layers, rank) = (self.name(), self.depth(), self.rank());
        let mut text = format!("{name} with {layers} layers and rank {rank}");
        for cell in self.cells() {
            text += match cell {
                Recurrence::Rnn => ", with a recurrent layer",
                Recurrence::Gru => ", with a gated recurrent unit",
                Recurrence::Lstm => ", with a long short-term memory",
            };
        }
        match (self.decoder.last().map_or(1, |last| last.span), self.span()) {
            (1, 1) => text,
            (1, span) => format!("{text}, with hidden layers of up to {span} frames"),
            (span, _) => format!("{text}, with bases of {span} frames"),
        }
    }

    fn rank(&self) -> usize {
        self.encoder.last().map_or(0, |layer| layer.units)
    }

    fn compression(&self) -> f64 {
        self.compression
    }

    fn depth(&self) -> usize {
        self.encoder.len() + self.decoder.len()
    }

    fn has_encoder(&self) -> bool {
        true
    }

    fn context(&self) -> Context {
        let own = self.decoder.iter();
        let own = own.map(|layer| layer.context(Window::past(layer.span)));
        own.fold(Context::NONE, Context::then)
    }

    fn encoder_context(&self) -> Context {
        let own = self.encoder.iter();
        let own = own.map(|layer| layer.context(Window::future(layer.span)));
        own.fold(Context::NONE, Context::then)
    }

    fn training_method(&self) -> TrainingMethod {
        TrainingMethod::Gradients
    }

    fn tensors(&self, bins: usize) -> Vec<TensorSpec> {
        let encoder = self.encoder.len();
        let mut tensors = Vec::new();
        for (i, shape) in self.shapes(bins).into_iter().enumerate() {
            let (part, number) = match i < encoder {
                true => ("encoder", i),
                false => ("decoder", i - encoder),
            };
            let own = shape.tensors(self.bias).into_iter();
            tensors.extend(own.map(|(name, shape)| TensorSpec {
                name: format!("{part}.{number}.{name}"),
                shape: shape.to_vec(),
            }));
        }
        tensors
    }

    fn cost(&self, bins: usize) -> Cost {
        let shapes = self.shapes(bins);
        let sum = |shapes: &[LayerShape]| {
            let weights = shapes.iter().map(LayerShape::weights);
            weights.fold(0, usize::saturating_add)
        };
        let units = shapes.iter().map(|shape| shape.outputs);
        Cost {
            weights: sum(&shapes),
            decoder_weights: sum(&shapes[self.encoder.len()..]),
            units: units.fold(bins, usize::saturating_add),
        }
    }

    fn format_version(&self) -> u32 {
        2
    }
}

/// Encoder and decoder of layers that may see several frames.
#[derive(Module, Debug)]
pub struct StackNetwork {
    /// From the spectrum to the bottleneck; empty where there is only the decoder.
    pub encoder: Vec<Layer>,
    /// From the bottleneck to the spectrum.
    pub decoder: Vec<Layer>,
}

impl NetworkKind for StackNetwork {
    type Architecture = StackArchitecture;
    type Decoder = StackDecoder;

    fn new(
        architecture: &StackArchitecture,
        bins: usize,
        extent: Extent,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let bias = architecture.bias;
        let first = match extent {
            Extent::Whole => 0,
            Extent::Decoder => architecture.encoder.len(),
        };
        let shapes = architecture.shapes(bins).into_iter().enumerate();
        let layer = |(i, shape): (usize, LayerShape)| {
            let spec = architecture.layer_spec(i, shape.window);
            shape.layer(bias, spec, rng, device)
        };
        let mut encoder: Vec<Layer> = shapes.skip(first).map(layer).collect();
        let decoder = encoder.split_off(architecture.encoder.len() - first);
        Self { encoder, decoder }
    }

    fn encode(&self, x: Tensor<3>) -> Encoding {
        let segment = x.dims()[2];
        self.encode_segments(x, segment)
    }

    fn encode_segments(&self, x: Tensor<3>, segment: usize) -> Encoding {
        let mut hidden = Layer::forward_all(&self.encoder, x.clone(), segment);
        let latent = hidden.pop().unwrap_or(x);
        Encoding { hidden, latent }
    }

    fn decode(&self, latent: Tensor<3>) -> Decoding {
        let segment = latent.dims()[2];
        self.decode_segments(latent, segment)
    }

    fn decode_segments(&self, latent: Tensor<3>, segment: usize) -> Decoding {
        let (last, hidden) = match self.decoder.split_last() {
            Some((last, hidden)) => (Some(last), hidden),
            None => (None, self.decoder.as_slice()),
        };
        let hidden = Layer::forward_all(hidden, latent.clone(), segment);
        let input = hidden.last().cloned().unwrap_or(latent);
        let estimate = match last {
            Some(Layer::Dense(last)) => Estimate {
                product: last.product(input, segment),
                activation: last.activation(),
            },
            Some(Layer::Recurrent(last)) => last.forward(input, segment).into(),
            None => input.into(),
        };
        Decoding { hidden, estimate }
    }

    fn matched(mut self, x: &Tensor<3>, at: &[usize], rng: &mut ChaCha8Rng) -> Self {
        match_layers(&mut self.encoder, &mut self.decoder, x, at, rng);
        self
    }

    fn decoder(&self, latent: Latent, device: &Device) -> StackDecoder {
        let skipped = match latent {
            Latent::Bottleneck => self.encoder.len(),
            Latent::First => self.encoder.len().min(1),
        };
        let (before, between) = self.encoder.split_at(skipped);
        let mut after = FrozenLayer::all(between, device);
        after.extend(FrozenLayer::all(&self.decoder, device));
        StackDecoder {
            before: FrozenLayer::all(before, device),
            after,
        }
    }

    fn stack(networks: &[&Self]) -> Option<Self> {
        let part = |of: fn(&Self) -> &Vec<Layer>| {
            let models: Vec<&[Layer]> = networks.iter().map(|own| of(own).as_slice()).collect();
            stack_layers(&models, Layer::stack)
        };
        Some(Self {
            encoder: part(|network| &network.encoder)?,
            decoder: part(|network| &network.decoder)?,
        })
    }

    fn select(&self, model: usize) -> Self {
        let alone = |layers: &[Layer]| layers.iter().map(|layer| layer.select(model)).collect();
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
        match self.decoder.last()? {
            Layer::Dense(last) => Some(last.bases()),
            Layer::Recurrent(_) => None,
        }
    }

    fn with_bases(mut self, bases: Tensor<4>) -> Self {
        if let Some(Layer::Dense(last)) = self.decoder.last_mut() {
            last.set_bases(bases);
        }
        self
    }
}

/// Frozen layers after a chosen latent, with those before it to read activations.
#[derive(Module, Debug)]
pub struct StackDecoder {
    before: Vec<FrozenLayer>,
    after: Vec<FrozenLayer>,
}

impl DecoderKind for StackDecoder {
    fn rank(&self) -> usize {
        self.after.first().map_or(0, FrozenLayer::inputs)
    }

    fn encode(&self, x: Tensor<3>) -> Tensor<3> {
        let segment = x.dims()[2];
        self.encode_segments(x, segment)
    }

    fn encode_segments(&self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        FrozenLayer::forward_all(&self.before, x, segment)
    }

    fn decode(&self, activations: Tensor<3>) -> Tensor<3> {
        let segment = activations.dims()[2];
        self.decode_segments(activations, segment)
    }

    fn decode_segments(&self, activations: Tensor<3>, segment: usize) -> Tensor<3> {
        FrozenLayer::forward_all(&self.after, activations, segment)
    }

    fn context(&self) -> Context {
        FrozenLayer::context(&self.after)
    }

    fn frame_layers(&self) -> Result<Option<FrameLayers>, ModelError> {
        FrameLayers::new(&self.after)
    }

    fn needs_nonnegative_activations(&self) -> bool {
        matches!(self.after.as_slice(), [only] if only.is_linear())
    }

    fn batchable(&self, other: &Self) -> bool {
        let all = |ours: &[FrozenLayer], theirs: &[FrozenLayer]| {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.batchable(b))
        };
        all(&self.before, &other.before) && all(&self.after, &other.after)
    }

    fn stack(decoders: &[&Self]) -> Option<Self> {
        let part = |of: fn(&Self) -> &Vec<FrozenLayer>| {
            let models: Vec<&[FrozenLayer]> =
                decoders.iter().map(|own| of(own).as_slice()).collect();
            stack_layers(&models, FrozenLayer::stack)
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
    fn the_first_layer_and_the_last_span_several_frames() {
        let settings = ModelConfig {
            layers: 5,
            rank: 7,
            widths: vec![30, 7, 20, 40],
            span: 3,
            ..Default::default()
        };
        settings.validate().unwrap();
        let architecture = StackArchitecture::from_settings(&settings);
        architecture.validate().unwrap();
        assert_eq!(architecture.rank(), 7);
        let shapes = architecture.shapes(513);
        let shapes: Vec<_> = shapes.iter().map(|s| (s.outputs, s.columns())).collect();
        let expected = [(30, 3 * 513), (7, 30), (20, 7), (40, 20), (513, 3 * 40)];
        assert_eq!(shapes, expected);
        let frames = |before, after| Context::Frames { before, after };
        assert_eq!(architecture.context(), frames(2, 0));
        assert_eq!(architecture.encoder_context(), frames(0, 2));
    }

    #[test]
    fn layers_that_do_not_fit_are_refused() {
        let good = StackArchitecture::from_settings(&ModelConfig {
            span: 4,
            ..Default::default()
        });
        let refused = |key: &str, change: fn(&mut StackArchitecture)| {
            let mut changed = good.clone();
            change(&mut changed);
            let error = changed.validate().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        };
        refused("model.layers", |a| a.encoder.clear());
        refused("model.layers", |a| a.decoder.clear());
        refused("model.layers", |a| {
            a.encoder = vec![a.encoder[0].clone(); 64]
        });
        refused("model.widths", |a| a.encoder[0].units = 0);
        refused("model.widths", |a| a.decoder[1].units = 7);
        refused("model.span", |a| a.decoder[1].span = 0);
        refused("model.span", |a| a.encoder[0].span = 1 << 40);
        refused("model.span", |a| {
            a.encoder = vec![a.encoder[0].clone(); 9];
            a.encoder.iter_mut().for_each(|layer| layer.span = 64);
        });
        refused("model.compression", |a| a.compression = 2.0);
    }
}
