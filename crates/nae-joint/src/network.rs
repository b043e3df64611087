//! From a mixture's compressed magnitudes to all sources' activations.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::gru::{BiGru, BiGruConfig, Gru, GruConfig};
use burn::nn::{BiLstm, BiLstmConfig, Lstm, LstmConfig};
use burn::tensor::{Device, Tensor};
use nae_model::config::Bias;
use nae_model::dense::{Dense, Stage};
use nae_model::init::glorot_uniform;
use nae_model::{BasisNorm, Output};
use rand::rngs::ChaCha8Rng;

use crate::conv::Block;
use crate::settings::{BodyKind, JointConfig, TemporalContext};

/// A dense layer, a body that hears neighbouring frames, and a dense layer to the activations of
/// all sources.
///
/// Frames of several sequences lie one after the other, `[units, sequences·frames]`.
#[derive(Module, Debug)]
pub struct Network {
    /// Mean of the input, `[1, 1]`; nothing is learnt here.
    pub mean: Param<Tensor<2>>,
    /// One over its standard deviation, `[1, 1]`.
    pub scale: Param<Tensor<2>>,
    /// From the bins.
    pub input: Dense,
    /// TemporalContext.
    pub body: Body,
    /// To the activations.
    pub output: Dense,
}

/// What hears neighbouring frames.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a network has one body, and Burn has no boxed modules"
)]
pub enum Body {
    /// Nothing does: every frame by itself.
    None(Dense),
    /// Convolutions along time.
    Conv(Vec<Block>),
    /// Forwards and backwards.
    BiGru(BiGru),
    /// Forwards.
    Gru(Gru),
    /// Forwards and backwards.
    BiLstm(BiLstm),
    /// Forwards.
    Lstm(Lstm),
}

/// Added to the standard deviation, which silence has none of.
const LEAST_DEVIATION: f64 = 1e-3;

/// A parameter that is kept with the others and never learnt.
fn fixed(values: Tensor<2>) -> Param<Tensor<2>> {
    Param::from_tensor(values.detach()).no_grad()
}

/// A stage without a non-negative basis.
fn stage(output: Output) -> Stage {
    Stage {
        output,
        sharpness: 1.0,
        basis_norm: BasisNorm::None,
    }
}

/// A dense layer with biases and ReLU.
pub(crate) fn dense(outputs: usize, inputs: usize, rng: &mut ChaCha8Rng, device: &Device) -> Dense {
    Dense::new(outputs, inputs, Bias::All, stage(Output::Relu), rng, device)
}

/// What a dense layer makes of all sequences: layers have a dimension for models, networks have none.
///
/// # Shapes
/// - `x`: `[inputs, sequences·frames]`
/// - output: `[outputs, sequences·frames]`
pub(crate) fn through(layer: &Dense, x: Tensor<2>) -> Tensor<2> {
    layer.forward(x.unsqueeze()).squeeze_dim(0)
}

impl Network {
    /// A network with weights drawn from `rng`, for spectra of `bins` bins and sources of `rank`
    /// activations together.
    pub fn new(
        config: &JointConfig,
        bins: usize,
        rank: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let width = config.width;
        let input = dense(width, bins, rng, device);
        let (body, units) = match (config.body, config.context) {
            (BodyKind::None, _) => (Body::None(dense(width, width, rng, device)), width),
            (BodyKind::Conv, _) => {
                let block = |i| Block::new(config, i, rng, device);
                (Body::Conv((0..config.blocks).map(block).collect()), width)
            }
            (BodyKind::Gru, TemporalContext::Bidirectional) => {
                let gru = BiGruConfig::new(width, width, true).init(device);
                (Body::BiGru(drawn(gru, rng, device)), 2 * width)
            }
            (BodyKind::Gru, TemporalContext::Causal) => {
                let gru = GruConfig::new(width, width, true).init(device);
                (Body::Gru(drawn(gru, rng, device)), width)
            }
            (BodyKind::Lstm, TemporalContext::Bidirectional) => {
                let lstm = BiLstmConfig::new(width, width, true).init(device);
                (Body::BiLstm(drawn(lstm, rng, device)), 2 * width)
            }
            (BodyKind::Lstm, TemporalContext::Causal) => {
                let lstm = LstmConfig::new(width, width, true).init(device);
                (Body::Lstm(drawn(lstm, rng, device)), width)
            }
        };
        let activations = stage(Output::Softplus);
        let output = Dense::new(rank, units, Bias::All, activations, rng, device);
        Self {
            mean: fixed(Tensor::zeros([1, 1], device)),
            scale: fixed(Tensor::ones([1, 1], device)),
            input,
            body,
            output,
        }
    }

    /// The same network for inputs that are distributed like these, which it brings to mean 0 and
    /// standard deviation 1 as a whole. (Bin by bin it would hear what lies next to silence as loud
    /// as the voice, and learn the clips by heart from it.)
    ///
    /// # Shapes
    /// - `inputs`: `[bins, frames]`
    pub fn standardised(mut self, inputs: Tensor<2>) -> Self {
        let mean: Tensor<2> = inputs.clone().mean().unsqueeze_dim(0);
        let deviation = (inputs - mean.clone()).square().mean().sqrt();
        let scale = deviation
            .add_scalar(LEAST_DEVIATION)
            .recip()
            .unsqueeze_dim(0);
        (self.mean, self.scale) = (fixed(mean), fixed(scale));
        self
    }

    /// Activations of all sources.
    ///
    /// - `frames`: frames of one sequence
    /// - `dropout`: factors for the input layer's units, while training
    ///
    /// # Shapes
    /// - `x`: `[bins, sequences·frames]`; `dropout`: `[width, sequences·frames]`
    /// - output: `[Σ rank, sequences·frames]`, non-negative
    pub fn forward(&self, x: Tensor<2>, frames: usize, dropout: Option<Tensor<2>>) -> Tensor<2> {
        let x = (x - self.mean.val()) * self.scale.val();
        let mut h = through(&self.input, x);
        if let Some(factors) = dropout {
            h = h * factors;
        }
        through(&self.output, self.body.forward(h, frames))
    }
}

impl Body {
    /// # Shapes
    /// - `x`: `[width, sequences·frames]`
    /// - output: `[units, sequences·frames]`
    fn forward(&self, x: Tensor<2>, frames: usize) -> Tensor<2> {
        match self {
            Self::None(dense) => through(dense, x),
            Self::Conv(blocks) => blocks.iter().fold(x, |x, block| block.forward(x, frames)),
            Self::BiGru(gru) => columns(gru.forward(sequences(x, frames), None).0),
            Self::Gru(gru) => columns(gru.forward(sequences(x, frames), None)),
            Self::BiLstm(lstm) => columns(lstm.forward(sequences(x, frames), None).0),
            Self::Lstm(lstm) => columns(lstm.forward(sequences(x, frames), None).0),
        }
    }
}

/// From our layout to Burn's recurrent layers': `[units, sequences·frames]` to
/// `[sequences, frames, units]`.
fn sequences(x: Tensor<2>, frames: usize) -> Tensor<3> {
    let [units, total] = x.dims();
    x.transpose().reshape([total / frames, frames, units])
}

/// And back.
fn columns(x: Tensor<3>) -> Tensor<2> {
    let [sequences, frames, units] = x.dims();
    x.reshape([sequences * frames, units]).transpose()
}

/// The same module with weights from our generator instead of the device's: Glorot-uniform
/// matrices, zero biases.
fn drawn<M: Module>(module: M, rng: &mut ChaCha8Rng, device: &Device) -> M {
    struct Draw<'a>(&'a mut ChaCha8Rng, &'a Device);
    impl ModuleMapper for Draw<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.dims();
            let drawn = match shape[..] {
                [inputs, outputs] => glorot_uniform(outputs, inputs, self.0, self.1)
                    .transpose()
                    .reshape(shape),
                _ => Tensor::zeros(shape, self.1),
            };
            let is_learnt = self.1.is_autodiff();
            param.map(|_| drawn.set_require_grad(is_learnt))
        }
    }
    module.map(&mut Draw(rng, device))
}
