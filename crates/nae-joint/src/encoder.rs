//! The joint encoder: its networks, and the decoders they were trained through.

use burn::module::Module;
use burn::tensor::Device;
use nae_model::{Architecture, AudioConfig, ClipRecord, Ensemble, Model, Network};
use nae_separate::{SeparateConfig, Separator};
use serde::{Deserialize, Serialize};

use crate::bank::BankRecord;
use crate::decoders::Decoders;
use crate::error::JointError;
use crate::mask_estimator::JointMaskEstimator;
use crate::network::EncoderNetwork;
use crate::settings::JointConfig;

/// Record of what a source was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaterialRecord {
    /// Sound reconstructed from the model's latent cache; `"memory"` in files.
    #[serde(rename = "memory")]
    LatentCache,
    /// Sound files.
    Clips(Vec<ClipRecord>),
    /// Sounds of a bank, which stand for all that is not known.
    Bank(Vec<BankRecord>),
}

/// One of the joined models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JointSource {
    /// Name of the source and of its stem.
    pub name: String,
    /// The model's fingerprint ([`Model::fingerprint`]).
    pub fingerprint: String,
    /// The model's architecture.
    pub model: Architecture,
    /// What it was trained on.
    pub material: MaterialRecord,
}

impl JointSource {
    /// Whether it stands for all that is not known: a bank of sounds did in training.
    pub fn is_rest(&self) -> bool {
        matches!(self.material, MaterialRecord::Bank(_))
    }
}

/// How a joint encoder was trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JoiningSummary {
    /// Loss of the best window, the mean over networks.
    pub loss: f64,
    /// Steps taken by all networks.
    pub steps: usize,
    /// Seed of all random draws.
    pub seed: u64,
    /// Seconds, preparation included.
    pub seconds: f64,
    /// Whether the networks started from pretrained weights
    /// ([`PretrainedWeights`](crate::PretrainedWeights)); `started` in files.
    #[serde(rename = "started", default)]
    pub pretrained: bool,
    /// Whether training was stopped by hand before its end.
    pub interrupted: bool,
    /// Version of nae.
    pub tool_version: String,
}

/// Everything in a joint file besides the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct JointMetadata {
    /// The joined models, in order.
    pub sources: Vec<JointSource>,
    /// Sample rate and short-time Fourier transform.
    pub audio: AudioConfig,
    /// Architecture and training.
    pub config: JointConfig,
    /// How it was trained.
    pub training: JoiningSummary,
}

/// A joint encoder with everything its file contains.
#[derive(Clone, Debug)]
pub struct JointEncoder {
    /// Everything besides the weights.
    pub metadata: JointMetadata,
    /// One or more, whose masks are averaged.
    pub networks: Vec<EncoderNetwork>,
    /// Every source's network without encoder.
    pub decoders: Vec<Network>,
    /// All models of every known source; empty unless it was trained against a bank
    /// ([`with_known_models`](Self::with_known_models)).
    pub known_models: Vec<Ensemble>,
}

impl JointEncoder {
    /// Checks that a model is one of those this was trained for.
    ///
    /// - `name`: of the model, for the error
    ///
    /// # Errors
    /// [`JointError::OtherModels`] if it is none of them.
    pub fn check_model(&self, name: &str, model: &Model) -> Result<(), JointError> {
        let fingerprint = model.fingerprint()?;
        let mut sources = self.metadata.sources.iter();
        if sources.any(|source| source.fingerprint == fingerprint) {
            return Ok(());
        }
        let named = |source: &JointSource| {
            let start = source.fingerprint.get(..8).unwrap_or_default();
            format!("`{}` ({start})", source.name)
        };
        let expected: Vec<String> = self.metadata.sources.iter().map(named).collect();
        Err(JointError::OtherModels {
            expected: expected.join(" and "),
            came: name.into(),
            fingerprint: fingerprint.get(..8).unwrap_or_default().into(),
        })
    }

    /// The decoders, frozen on `device`.
    pub fn frozen_decoders(&self, device: &Device) -> Decoders {
        let configs = self
            .metadata
            .sources
            .iter()
            .map(|source| source.model.clone());
        let layers = configs.zip(self.decoders.iter().cloned()).collect();
        Decoders::new(layers, self.metadata.config.mask_exponent, device)
    }

    /// A separator that estimates masks with this, on `device`. Of the separation settings only levels
    /// and blocks count.
    ///
    /// # Errors
    /// [`JointError::Separate`] for settings out of range.
    pub fn separator(
        &self,
        config: SeparateConfig,
        device: &Device,
    ) -> Result<Separator, JointError> {
        let names = self
            .metadata
            .sources
            .iter()
            .map(|source| source.name.clone());
        let networks = self.networks.iter();
        let networks = networks.map(|network| network.clone().fork(device).no_grad());
        let estimator = JointMaskEstimator {
            networks: networks.collect(),
            decoders: self.frozen_decoders(device),
            compression: self.metadata.config.compression,
            device: device.clone(),
        };
        let audio = self.metadata.audio;
        Ok(Separator::with_estimator(
            names.collect(),
            audio,
            config,
            Box::new(estimator),
        )?)
    }
}
