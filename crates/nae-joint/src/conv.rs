//! A convolution along time with a residual path.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_kernels::{DepthwiseConv1dSpec, depthwise_conv1d};
use nae_model::dense::Dense;
use nae_model::init::glorot_uniform;
use rand::rngs::ChaCha8Rng;

use crate::network::{dense, through};
use crate::settings::{JointConfig, TemporalContext};

/// Dilations repeat after this many blocks.
const CYCLE: usize = 5;

/// Depthwise-separable convolution, `x + ReLU(W·(taps ∗ x) + b)`: every unit along time by itself,
/// then all units of a frame together.
///
/// Burn's own grouped convolution would do; its gradient goes through the groups one by one.
#[derive(Module, Debug)]
pub struct Block {
    /// `[width, kernel]`.
    pub taps: Param<Tensor<2>>,
    /// `[width, width]`.
    pub mix: Dense,
    #[module(skip)]
    dilation: usize,
    #[module(skip)]
    before: usize,
}

impl Block {
    /// Block number `index` of a body.
    pub fn new(config: &JointConfig, index: usize, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let dilation = 1 << (index % CYCLE);
        let reach = (config.kernel - 1) * dilation;
        let taps = glorot_uniform(config.width, config.kernel, rng, device);
        Self {
            taps: Param::from_tensor(taps.squeeze_dim(0)),
            mix: dense(config.width, config.width, rng, device),
            dilation,
            before: match config.context {
                TemporalContext::Bidirectional => reach / 2,
                TemporalContext::Causal => reach,
            },
        }
    }

    /// # Shapes
    /// - input and output: `[width, sequences·frames]`
    pub fn forward(&self, x: Tensor<2>, frames: usize) -> Tensor<2> {
        let spec = DepthwiseConv1dSpec {
            frames,
            dilation: self.dilation,
            left_padding: self.before,
        };
        let heard = depthwise_conv1d(x.clone(), self.taps.val(), spec);
        x + through(&self.mix, heard)
    }
}
