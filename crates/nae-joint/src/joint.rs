//! The joint encoder: networks that read a mixture, and the decoders they were trained through.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use nae_audio::Magnitude;
use nae_model::dense::Dense;
use nae_model::optim::{Flow, Progress};
use nae_model::spectra::upload;
use nae_model::{AudioConfig, ClipRecord, Model, ModelConfig};
use nae_separate::mask::ratio_masks;
use nae_separate::{Explained, Explainer, SeparateConfig, SeparateError, Separator};
use serde::{Deserialize, Serialize};

use crate::decoders::Decoders;
use crate::error::JointError;
use crate::network::Network;
use crate::settings::JointConfig;

/// What a source was learnt from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Material {
    /// The model's own memory of its training clips.
    Memory,
    /// Sound files.
    Clips(Vec<ClipRecord>),
}

/// One of the joined models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JointSource {
    /// Name of the source and of its stem.
    pub name: String,
    /// The model's fingerprint ([`Model::fingerprint`]).
    pub fingerprint: String,
    /// The model's architecture.
    pub model: ModelConfig,
    /// What it was learnt from.
    pub material: Material,
}

/// How a joint encoder came to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JoiningSummary {
    /// Loss of the kept window, the mean over networks.
    pub loss: f64,
    /// Steps taken by all networks.
    pub steps: usize,
    /// Seed of all random draws.
    pub seed: u64,
    /// Seconds, preparation included.
    pub seconds: f64,
    /// Whether the networks began with what another one knew ([`Start`](crate::Start)).
    #[serde(default)]
    pub started: bool,
    /// Whether training was stopped by hand before its end.
    pub interrupted: bool,
    /// Version of nae.
    pub tool_version: String,
}

/// Everything a joint file says besides its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct JointCard {
    /// The joined models, in order.
    pub sources: Vec<JointSource>,
    /// How sound becomes spectra.
    pub audio: AudioConfig,
    /// Architecture and training.
    pub config: JointConfig,
    /// How it came to be.
    pub training: JoiningSummary,
}

/// A joint encoder with everything its file holds.
#[derive(Clone, Debug)]
pub struct Joint {
    /// What the file says besides the weights.
    pub card: JointCard,
    /// One or more, whose masks are averaged.
    pub networks: Vec<Network>,
    /// Every source's decoder layers.
    pub decoders: Vec<Vec<Dense>>,
}

impl Joint {
    /// Whether a model is one of those this was made for.
    ///
    /// # Errors
    /// [`JointError::OtherModels`] if it is none of them.
    pub fn knows(&self, name: &str, model: &Model) -> Result<(), JointError> {
        let fingerprint = model.fingerprint()?;
        let mut sources = self.card.sources.iter();
        if sources.any(|source| source.fingerprint == fingerprint) {
            return Ok(());
        }
        let named = |source: &JointSource| {
            let start = source.fingerprint.get(..8).unwrap_or_default();
            format!("`{}` ({start})", source.name)
        };
        let expected: Vec<String> = self.card.sources.iter().map(named).collect();
        Err(JointError::OtherModels {
            expected: expected.join(" and "),
            came: name.into(),
            fingerprint: fingerprint.get(..8).unwrap_or_default().into(),
        })
    }

    /// The decoders, frozen on `device`.
    pub fn frozen(&self, device: &Device) -> Decoders {
        let configs = self.card.sources.iter().map(|source| source.model.clone());
        let layers = configs.zip(self.decoders.iter().cloned()).collect();
        Decoders::new(layers, self.card.config.mask_exponent, device)
    }

    /// Ready to separate with, on `device`. Of the separation settings only levels and blocks count.
    ///
    /// # Errors
    /// [`JointError::Separate`] for settings out of range.
    pub fn separator(
        &self,
        config: SeparateConfig,
        device: &Device,
    ) -> Result<Separator, JointError> {
        let names = self.card.sources.iter().map(|source| source.name.clone());
        let encoder = JointEncoder {
            networks: self
                .networks
                .iter()
                .map(|network| network.clone().fork(device).no_grad())
                .collect(),
            decoders: self.frozen(device),
            config: self.card.config.clone(),
            device: device.clone(),
        };
        let audio = self.card.audio;
        Ok(Separator::with_explainer(
            names.collect(),
            audio,
            config,
            Box::new(encoder),
        )?)
    }
}

/// Finds masks in one pass.
#[derive(Debug)]
struct JointEncoder {
    networks: Vec<Network>,
    decoders: Decoders,
    config: JointConfig,
    device: Device,
}

impl Explainer for JointEncoder {
    fn explain(
        &self,
        mixture: &Magnitude,
        gain: f64,
        _observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Explained, SeparateError> {
        let gain = gain / ((mixture.bins().max(2) - 1) as f64).sqrt();
        let input: Tensor<2> =
            upload(&[(mixture, gain)], self.config.compression, &self.device).squeeze_dim(0);
        let mut masks: Vec<Tensor<2>> = Vec::new();
        let mut activations = Vec::new();
        for network in &self.networks {
            let read = network.forward(input.clone(), mixture.frames(), None);
            activations = self.decoders.split(read.clone());
            let found = ratio_masks(&self.decoders.amplitudes(read), 2.0);
            masks = if masks.is_empty() {
                found
            } else {
                masks.into_iter().zip(found).map(|(a, b)| a + b).collect()
            };
        }
        let share = 1.0 / self.networks.len().max(1) as f64;
        if self.networks.len() > 1 {
            masks = masks.into_iter().map(|m| m.mul_scalar(share)).collect();
        }
        Ok(Explained {
            masks,
            activations,
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
        })
    }
}
