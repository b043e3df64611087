//! Dense layers of networks: as in models, with biases and without a non-negative basis.

use burn::tensor::{Device, Tensor};
use nae_model::config::Bias;
use nae_model::layers::{Dense, LayerSpec, Window};
use nae_model::{BasisNorm, Output};
use rand::rngs::ChaCha8Rng;

/// A dense layer with biases and this output nonlinearity, its weights drawn from `rng`.
pub(super) fn dense(
    outputs: usize,
    inputs: usize,
    output: Output,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Dense {
    let stage = LayerSpec {
        output,
        sharpness: 1.0,
        basis_norm: BasisNorm::None,
        window: Window::FRAME,
    };
    Dense::new(outputs, inputs, Bias::All, stage, rng, device)
}

/// Numbers that a dense layer has, with its biases.
pub(super) fn parameter_count(outputs: usize, inputs: usize) -> usize {
    outputs * (inputs + 1)
}

/// Applies a layer to all sequences. Layers have a leading dimension for several models, which
/// networks do without.
///
/// # Shapes
/// - `x`: `[inputs, sequences·frames]`
/// - output: `[outputs, sequences·frames]`
pub(super) fn apply(layer: &Dense, x: Tensor<2>) -> Tensor<2> {
    layer.forward(x.unsqueeze()).squeeze_dim(0)
}
