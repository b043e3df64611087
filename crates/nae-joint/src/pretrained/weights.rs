//! The weights and the architecture they are for.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use nae_config::{Content, Field, Settings};
use nae_model::AudioConfig;

use crate::error::JointError;
use crate::network::EncoderNetwork;
use crate::settings::JointConfig;

/// A pretrained input layer and temporal model.
#[derive(Clone, Debug)]
pub struct PretrainedWeights {
    pub(super) audio: AudioConfig,
    pub(super) config: JointConfig,
    /// Its output layer is not used: it belongs to other models.
    pub(super) network: EncoderNetwork,
}

impl PretrainedWeights {
    /// The network with these weights; its output layer stays as it is.
    ///
    /// - `config`, `audio`: settings of the network
    ///
    /// # Errors
    /// [`JointError::IncompatibleWeights`] if they ask for another architecture.
    pub fn apply_to(
        &self,
        network: EncoderNetwork,
        config: &JointConfig,
        audio: &AudioConfig,
        device: &Device,
    ) -> Result<EncoderNetwork, JointError> {
        if let Some(reason) = self.incompatibility(config, audio) {
            return Err(JointError::IncompatibleWeights { reason });
        }
        let mut copy = TrainableCopy { device };
        Ok(EncoderNetwork {
            input: self.network.input.clone().map(&mut copy),
            body: self.network.body.clone().map(&mut copy),
            ..network
        })
    }

    /// Why a network with these settings cannot have these weights, if it cannot.
    pub(super) fn incompatibility(
        &self,
        config: &JointConfig,
        audio: &AudioConfig,
    ) -> Option<String> {
        let own = relevant(&self.config, &self.audio);
        let expected = relevant(config, audio);
        let differing = own
            .iter()
            .zip(&expected)
            .filter(|(own, other)| own != other);
        let differing: Vec<String> = differing
            .map(|((key, own), (_, other))| format!("`{key}` is {own} there and {other} here"))
            .collect();
        (!differing.is_empty()).then(|| differing.join(", "))
    }
}

/// All settings that the weights depend on, with their values.
fn relevant(config: &JointConfig, audio: &AudioConfig) -> Vec<(String, String)> {
    let shown = |section: &str, fields: Vec<Field>, names: &[&str]| -> Vec<(String, String)> {
        let relevant = fields
            .into_iter()
            .filter(|field| names.contains(&field.name));
        relevant
            .map(|field| match field.content {
                Content::Value(value) => (format!("{section}.{}", field.name), value.to_string()),
                Content::Section(_) => (format!("{section}.{}", field.name), String::new()),
            })
            .collect()
    };
    let architecture = [
        "body",
        "width",
        "blocks",
        "kernel",
        "hearing",
        "compression",
    ];
    let mut all = shown("joint", config.fields(), &architecture);
    let frames = ["sample_rate", "n_fft", "hop"];
    all.extend(shown("audio", audio.fields(), &frames));
    all
}

/// Copies parameters to a device, to be trained there.
struct TrainableCopy<'a> {
    device: &'a Device,
}

impl ModuleMapper for TrainableCopy<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let data = param.val().into_data();
        let values: Tensor<D> = Tensor::from_data(data, self.device);
        Param::from_tensor(values.set_require_grad(self.device.is_autodiff()))
    }
}
