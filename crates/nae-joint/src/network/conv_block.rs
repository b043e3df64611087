//! A convolution along time with a residual connection.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_kernels::{DepthwiseConv1dSpec, depthwise_conv1d};
use nae_model::Output;
use nae_model::init::glorot_uniform;
use nae_model::layers::Dense;
use rand::rngs::ChaCha8Rng;

use super::dense::{apply, dense};
use crate::settings::{JointConfig, TemporalContext};

/// Dilations repeat after this many blocks.
const DILATION_CYCLE: usize = 5;

/// Depthwise-separable dilated convolution, `x + ReLU(W·(taps ∗ x) + b)`: every unit along time on
/// its own, then a dense layer over the units of each frame.
///
/// Burn's grouped convolution would do as well, but computes its gradient group by group.
#[derive(Module, Debug)]
pub struct ConvBlock {
    /// Depthwise kernels, `[width, kernel]`.
    pub taps: Param<Tensor<2>>,
    /// Pointwise layer, `[width, width]`.
    pub mix: Dense,
    #[module(skip)]
    dilation: usize,
    /// Frames before the current one that the kernel covers.
    #[module(skip)]
    left_padding: usize,
}

impl ConvBlock {
    /// Block number `index` of a temporal model, with dilation `2^(index mod 5)`.
    pub fn new(config: &JointConfig, index: usize, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let dilation = 1 << (index % DILATION_CYCLE);
        let span = (config.kernel - 1) * dilation;
        let taps = glorot_uniform(config.width, config.kernel, rng, device);
        Self {
            taps: Param::from_tensor(taps.squeeze_dim(0)),
            mix: dense(config.width, config.width, Output::Relu, rng, device),
            dilation,
            left_padding: match config.context {
                TemporalContext::Bidirectional => span / 2,
                TemporalContext::Causal => span,
            },
        }
    }

    /// Distance of two taps in frames.
    pub fn dilation(&self) -> usize {
        self.dilation
    }

    /// Frames before the present one that the first tap lies.
    pub fn left_padding(&self) -> usize {
        self.left_padding
    }

    /// - `frames`: frames of one sequence
    ///
    /// # Shapes
    /// - input and output: `[width, sequences·frames]`
    pub fn forward(&self, x: Tensor<2>, frames: usize) -> Tensor<2> {
        let spec = DepthwiseConv1dSpec {
            frames,
            dilation: self.dilation,
            left_padding: self.left_padding,
        };
        let filtered = depthwise_conv1d(x.clone(), self.taps.val(), spec);
        x + apply(&self.mix, filtered)
    }
}
