//! Burn's recurrent layers in our layout and with our initial weights.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use nae_model::init::glorot_uniform;
use rand::rngs::ChaCha8Rng;

/// To Burn's layout.
///
/// # Shapes
/// - `x`: `[units, sequences·frames]`
/// - output: `[sequences, frames, units]`
pub(super) fn to_sequences(x: Tensor<2>, frames: usize) -> Tensor<3> {
    let [units, total] = x.dims();
    x.transpose().reshape([total / frames, frames, units])
}

/// From Burn's layout.
///
/// # Shapes
/// - `x`: `[sequences, frames, units]`
/// - output: `[units, sequences·frames]`
pub(super) fn from_sequences(x: Tensor<3>) -> Tensor<2> {
    let [sequences, frames, units] = x.dims();
    x.reshape([sequences * frames, units]).transpose()
}

/// The module with weights from our generator instead of the device's, so that every device starts
/// from the same: Glorot-uniform matrices, zero biases.
pub(super) fn initialised<M: Module>(module: M, rng: &mut ChaCha8Rng, device: &Device) -> M {
    module.map(&mut Initialise { rng, device })
}

struct Initialise<'a> {
    rng: &'a mut ChaCha8Rng,
    device: &'a Device,
}

impl ModuleMapper for Initialise<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.dims();
        let values = match shape[..] {
            [inputs, outputs] => glorot_uniform(outputs, inputs, self.rng, self.device)
                .transpose()
                .reshape(shape),
            _ => Tensor::zeros(shape, self.device),
        };
        let is_trained = self.device.is_autodiff();
        param.map(|_| values.set_require_grad(is_trained))
    }
}
