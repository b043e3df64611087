//! Non-negative matrix factorisation, `X ≈ W·H`: bases alone, one linear layer and no encoder.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::architecture::{ArchitectureKind, Context, Cost, TensorSpec, TrainingMethod};
use crate::config::{BasisNorm, Bias, Latent, ModelConfig, ModelKind, Output};
use crate::decoder::DecoderKind;
use crate::error::ModelError;
use crate::layers::{Dense, FrozenDense, LayerSpec};
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
            hidden: settings.hidden,
            output: settings.output,
            sharpness: settings.sharpness,
            compression: settings.compression,
            bias: settings.bias,
            basis_norm: settings.basis_norm,
        }
    }

    fn validate(&self) -> Result<(), ModelError> {
        // the settings that lead here have the same ranges, or narrower ones
        ModelConfig {
            kind: ModelKind::Nmf,
            layers: self.layers,
            rank: self.rank,
            widths: self.widths.clone(),
            hidden: self.hidden,
            output: self.output,
            sharpness: self.sharpness,
            compression: self.compression,
            bias: self.bias,
            basis_norm: self.basis_norm,
        }
        .validate_stored()
    }

    fn name(&self) -> &'static str {
        "NMF"
    }

    fn describe(&self) -> String {
        format!("NMF with {} bases", self.rank)
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
        Context::NONE
    }

    fn training_method(&self) -> TrainingMethod {
        TrainingMethod::MultiplicativeUpdates
    }

    fn tensors(&self, bins: usize) -> Vec<TensorSpec> {
        let spec = |name: &str, shape: [usize; 2]| TensorSpec {
            name: format!("decoder.0.{name}"),
            shape: shape.to_vec(),
        };
        let mut tensors = vec![spec("weight", [bins, self.rank])];
        if self.bias == Bias::All {
            tensors.push(spec("bias", [bins, 1]));
        }
        tensors
    }

    fn cost(&self, bins: usize) -> Cost {
        let weights = bins.saturating_mul(self.rank);
        Cost {
            weights,
            decoder_weights: weights,
            units: bins.saturating_add(self.rank),
        }
    }

    fn format_version(&self) -> u32 {
        1
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
        };
        let (rank, bias) = (architecture.rank, architecture.bias);
        Self {
            decoder: [Dense::new(bins, rank, bias, spec, rng, device)],
        }
    }

    /// Activations of a few multiplicative updates.
    fn encode(&self, x: Tensor<3>) -> Encoding {
        Encoding {
            hidden: Vec::new(),
            latent: multiplicative::activations(&self.layer().basis(), &x, READ_UPDATES),
        }
    }

    fn decode(&self, latent: Tensor<3>) -> Decoding {
        let estimate = Estimate {
            product: self.layer().product(latent),
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
        Some(self.layer().basis().unsqueeze_dim(1))
    }

    fn with_bases(mut self, bases: Tensor<4>) -> Self {
        let [layer] = &mut self.decoder;
        layer.set_weight(bases.squeeze_dim(1));
        self
    }
}

/// Frozen bases.
#[derive(Module, Debug)]
pub struct NmfDecoder {
    layer: FrozenDense,
}

/// Multiplicative updates with which a factorisation reads a spectrum.
const READ_UPDATES: usize = 10;

impl DecoderKind for NmfDecoder {
    fn rank(&self) -> usize {
        self.layer.inputs()
    }

    fn encode(&self, x: Tensor<3>) -> Tensor<3> {
        multiplicative::activations(&self.layer.basis(), &x, READ_UPDATES)
    }

    fn decode(&self, activations: Tensor<3>) -> Tensor<3> {
        self.layer.forward(activations)
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
