//! Non-negative matrix factorisation, `X ≈ W·H`: bases alone, one linear layer and no encoder; with
//! bases of several frames, `X ≈ Σ_τ W_τ·H` shifted by τ, non-negative matrix factor deconvolution
//! (NMFD; Smaragdis, ICA 2004).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::architecture::{ArchitectureKind, Context, Cost, TensorSpec, TrainingMethod};
use crate::config::{BasisNorm, Bias, Latent, ModelConfig, ModelKind, Output};
use crate::decoder::DecoderKind;
use crate::deconvolution::Deconvolution;
use crate::error::ModelError;
use crate::frame::FrameLayers;
use crate::layers::{Dense, FrozenDense, LayerSpec, Window};
use crate::loss::Estimate;
use crate::multiplicative;
use crate::network::{Decoding, Encoding, Extent, NetworkKind};
use crate::nonlinearity::Nonlinearity;

/// Architecture of a factorisation.
///
/// Files of version 1 hold all `[model]` settings, and fingerprints cover them, whether or not they
/// say something about a factorisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NmfArchitecture {
    layers: usize,
    /// Number of bases.
    pub rank: usize,
    widths: Vec<usize>,
    hidden: Nonlinearity,
    output: Output,
    sharpness: f64,
    /// Exponent γ of the spectra.
    pub compression: f64,
    /// A factorisation learns no biases: where the settings asked for them, the file holds zeros.
    bias: Bias,
    /// Norm of the bases.
    pub basis_norm: BasisNorm,
    /// Frames of a basis.
    #[serde(skip_serializing_if = "is_frame")]
    pub span: usize,
}

/// Whether bases are of one frame, as all were before this field.
fn is_frame(span: &usize) -> bool {
    *span == 1
}

impl Default for NmfArchitecture {
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
            span: 1,
        }
    }
}

impl ArchitectureKind for NmfArchitecture {
    type Network = NmfNetwork;

    const INERT: &'static [&'static str] =
        &["layers", "widths", "hidden", "output", "sharpness", "bias"];

    fn claims(settings: &ModelConfig) -> bool {
        settings.kind == ModelKind::Nmf
    }

    fn from_settings(settings: &ModelConfig) -> Self {
        Self {
            layers: settings.layers,
            rank: settings.rank,
            widths: settings.widths.clone(),
            hidden: settings.nonlinearity(),
            output: settings.output,
            sharpness: settings.sharpness,
            compression: settings.compression,
            bias: settings.bias,
            basis_norm: settings.basis_norm,
            span: settings.span,
        }
    }

    fn settings(&self) -> ModelConfig {
        ModelConfig {
            kind: ModelKind::Nmf,
            layers: self.layers,
            rank: self.rank,
            widths: self.widths.clone(),
            hidden: self.hidden.into(),
            output: self.output,
            sharpness: self.sharpness,
            compression: self.compression,
            bias: self.bias,
            basis_norm: self.basis_norm,
            span: self.span,
            ..ModelConfig::default()
        }
    }

    fn validate(&self) -> Result<(), ModelError> {
        // the settings that lead here have the same ranges, or narrower ones
        self.settings().validate_stored()
    }

    fn name(&self) -> &'static str {
        match self.span {
            1 => "NMF",
            _ => "NMFD",
        }
    }

    fn describe(&self) -> String {
        match self.span {
            1 => format!("NMF with {} bases", self.rank),
            span => format!("NMFD with {} bases of {span} frames", self.rank),
        }
    }

    fn rank(&self) -> usize {
        self.rank
    }

    fn compression(&self) -> f64 {
        self.compression
    }

    fn depth(&self) -> usize {
        1
    }

    fn has_encoder(&self) -> bool {
        false
    }

    fn context(&self) -> Context {
        Window::past(self.span).context()
    }

    fn encoder_context(&self) -> Context {
        Window::future(self.span).context()
    }

    fn training_method(&self) -> TrainingMethod {
        TrainingMethod::MultiplicativeUpdates
    }

    fn tensors(&self, bins: usize) -> Vec<TensorSpec> {
        let spec = |name: &str, shape: [usize; 2]| TensorSpec {
            name: format!("decoder.0.{name}"),
            shape: shape.to_vec(),
        };
        let mut tensors = vec![spec("weight", [bins, self.span.saturating_mul(self.rank)])];
        if self.bias == Bias::All {
            tensors.push(spec("bias", [bins, 1]));
        }
        tensors
    }

    fn cost(&self, bins: usize) -> Cost {
        let weights = bins.saturating_mul(self.rank).saturating_mul(self.span);
        Cost {
            weights,
            decoder_weights: weights,
            units: bins.saturating_add(self.rank),
        }
    }

    fn format_version(&self) -> u32 {
        match self.span {
            1 => 1,
            _ => 2,
        }
    }
}

/// Bases.
#[derive(Module, Debug)]
pub struct NmfNetwork {
    /// `W·H`; in a list of one, which gives its parameters the names they have in files.
    decoder: [Dense; 1],
}

impl NmfNetwork {
    fn layer(&self) -> &Dense {
        let [layer] = &self.decoder;
        layer
    }
}

impl NetworkKind for NmfNetwork {
    type Architecture = NmfArchitecture;
    type Decoder = NmfDecoder;

    fn new(
        architecture: &NmfArchitecture,
        bins: usize,
        _extent: Extent,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let spec = LayerSpec {
            output: Output::Linear,
            sharpness: architecture.sharpness,
            basis_norm: architecture.basis_norm,
            window: Window::past(architecture.span),
        };
        let (rank, bias) = (architecture.rank * architecture.span, architecture.bias);
        Self {
            decoder: [Dense::new(bins, rank, bias, spec, rng, device)],
        }
    }

    /// Activations of a few multiplicative updates.
    fn encode(&self, x: Tensor<3>) -> Encoding {
        let segment = x.dims()[2];
        self.encode_segments(x, segment)
    }

    fn encode_segments(&self, x: Tensor<3>, segment: usize) -> Encoding {
        let window = self.layer().spec().window;
        Encoding {
            hidden: Vec::new(),
            latent: read_activations(&self.layer().basis(), window, &x, segment),
        }
    }

    fn decode(&self, latent: Tensor<3>) -> Decoding {
        let segment = latent.dims()[2];
        self.decode_segments(latent, segment)
    }

    fn decode_segments(&self, latent: Tensor<3>, segment: usize) -> Decoding {
        let estimate = Estimate {
            product: self.layer().product(latent, segment),
            activation: self.layer().activation(),
        };
        Decoding {
            hidden: Vec::new(),
            estimate,
        }
    }

    fn decoder(&self, _latent: Latent, device: &Device) -> NmfDecoder {
        NmfDecoder {
            layer: FrozenDense::new(self.layer(), device),
        }
    }

    fn stack(networks: &[&Self]) -> Option<Self> {
        let layers: Vec<&Dense> = networks.iter().map(|network| network.layer()).collect();
        Some(Self {
            decoder: [Dense::stack(&layers)?],
        })
    }

    fn select(&self, model: usize) -> Self {
        Self {
            decoder: [self.layer().select(model)],
        }
    }

    fn without_encoder(&self) -> Self {
        self.clone()
    }

    fn with_encoder_of(self, _other: &Self) -> Self {
        self
    }

    fn bases(&self) -> Option<Tensor<4>> {
        Some(self.layer().bases())
    }

    fn with_bases(mut self, bases: Tensor<4>) -> Self {
        let [layer] = &mut self.decoder;
        layer.set_bases(bases);
        self
    }
}

/// Frozen bases.
#[derive(Module, Debug)]
pub struct NmfDecoder {
    layer: FrozenDense,
}

/// Activations of a few multiplicative updates.
fn read_activations(basis: &Tensor<3>, window: Window, x: &Tensor<3>, segment: usize) -> Tensor<3> {
    match window.span {
        1 => multiplicative::activations(basis, x, READ_UPDATES),
        _ => Deconvolution::new(window, segment).activations(basis, x, READ_UPDATES),
    }
}

/// Multiplicative updates with which a factorisation reads a spectrum.
const READ_UPDATES: usize = 10;

impl DecoderKind for NmfDecoder {
    fn rank(&self) -> usize {
        self.layer.inputs()
    }

    fn encode(&self, x: Tensor<3>) -> Tensor<3> {
        let segment = x.dims()[2];
        self.encode_segments(x, segment)
    }

    fn encode_segments(&self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        read_activations(&self.layer.basis(), self.layer.window(), &x, segment)
    }

    fn decode(&self, activations: Tensor<3>) -> Tensor<3> {
        let segment = activations.dims()[2];
        self.decode_segments(activations, segment)
    }

    fn decode_segments(&self, activations: Tensor<3>, segment: usize) -> Tensor<3> {
        self.layer.forward(activations, segment)
    }

    fn context(&self) -> Context {
        self.layer.window().context()
    }

    fn frame_layers(&self) -> Result<Option<FrameLayers>, ModelError> {
        FrameLayers::dense(std::slice::from_ref(&self.layer))
    }

    fn needs_nonnegative_activations(&self) -> bool {
        true
    }

    fn batchable(&self, other: &Self) -> bool {
        self.layer.batchable(&other.layer)
    }

    fn stack(decoders: &[&Self]) -> Option<Self> {
        let layers: Vec<&FrozenDense> = decoders.iter().map(|decoder| &decoder.layer).collect();
        Some(Self {
            layer: FrozenDense::stack(&layers)?,
        })
    }
}
