//! The weights and the architecture they are for.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
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
        let own = describe(&self.config, &self.audio);
        let expected = describe(config, audio);
        (own != expected).then(|| format!("they are for {own}, but the settings are {expected}"))
    }
}

/// All that the weights depend on.
fn describe(config: &JointConfig, audio: &AudioConfig) -> String {
    let JointConfig {
        body,
        width,
        blocks,
        kernel,
        context,
        compression,
        ..
    } = config;
    format!(
        "body {body:?} of width {width}, {blocks} blocks and kernel {kernel}, {context:?} context, compression {compression}, {} Hz with frames of {} every {}",
        audio.sample_rate, audio.n_fft, audio.hop
    )
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
