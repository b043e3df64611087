//! The network as a whole.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_model::Output;
use nae_model::layers::Dense;
use rand::rngs::ChaCha8Rng;

use super::dense::{apply, dense, parameter_count};
use super::temporal_model::TemporalModel;
use crate::settings::JointConfig;

/// Input normalisation, a dense layer, a temporal model, and a dense layer to the activations of all
/// sources.
///
/// The frames of several sequences follow one another, `[units, sequences·frames]`. The fields' names
/// are those of the tensors in files.
#[derive(Module, Debug)]
pub struct EncoderNetwork {
    /// Mean of the input, `[1, 1]`; not trained.
    pub mean: Param<Tensor<2>>,
    /// Reciprocal of its standard deviation, `[1, 1]`; not trained.
    pub scale: Param<Tensor<2>>,
    /// From the bins.
    pub input: Dense,
    /// Along time.
    pub body: TemporalModel,
    /// To the activations.
    pub output: Dense,
    /// Frames that activations are estimated later than their frame.
    #[module(skip)]
    pub(crate) look_ahead: usize,
}

/// Added to the standard deviation, which is 0 for silence.
const MIN_DEVIATION: f64 = 1e-3;

/// A parameter that is stored and never trained.
fn constant(values: Tensor<2>) -> Param<Tensor<2>> {
    Param::from_tensor(values.detach()).no_grad()
}

impl EncoderNetwork {
    /// A network with weights drawn from `rng`.
    ///
    /// - `bins`: of the spectra it reads
    /// - `rank`: activations of all sources together
    pub fn new(
        config: &JointConfig,
        bins: usize,
        rank: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        // the order of the draws decides the weights
        let input = dense(config.width, bins, Output::Relu, rng, device);
        let body = TemporalModel::new(config, rng, device);
        let output = dense(
            rank,
            TemporalModel::units(config),
            Output::Softplus,
            rng,
            device,
        );
        Self {
            mean: constant(Tensor::zeros([1, 1], device)),
            scale: constant(Tensor::ones([1, 1], device)),
            input,
            body,
            output,
            look_ahead: config.look_ahead,
        }
    }

    /// Frames that activations are estimated later than their frame.
    pub fn look_ahead(&self) -> usize {
        self.look_ahead
    }

    /// Numbers that a network has, for files to be held against before memory is taken.
    ///
    /// - `bins`, `rank`: as for [`new`](Self::new)
    pub fn parameter_count(config: &JointConfig, bins: usize, rank: usize) -> usize {
        let units = TemporalModel::units(config);
        2 + Self::pretrained_count(config, bins) + parameter_count(rank, units)
    }

    /// Numbers that its input layer and temporal model have.
    pub(crate) fn pretrained_count(config: &JointConfig, bins: usize) -> usize {
        parameter_count(config.width, bins) + TemporalModel::parameter_count(config)
    }

    /// The network with its input brought to mean 0 and standard deviation 1 over all bins together,
    /// as measured on examples. (Normalised bin by bin, nearly silent bins would be as loud as the
    /// others, and the network would overfit to them.)
    ///
    /// # Shapes
    /// - `examples`: `[bins, frames]`
    pub fn with_input_normalisation(mut self, examples: Tensor<2>) -> Self {
        let mean: Tensor<2> = examples.clone().mean().unsqueeze_dim(0);
        let deviation = (examples - mean.clone()).square().mean().sqrt();
        let scale = deviation.add_scalar(MIN_DEVIATION).recip().unsqueeze_dim(0);
        (self.mean, self.scale) = (constant(mean), constant(scale));
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
        let mut h = apply(&self.input, x);
        if let Some(factors) = dropout {
            h = h * factors;
        }
        apply(&self.output, self.run_body(h, frames))
    }

    /// The temporal model's output, that of `look_ahead` frames later in every frame's place; zeros
    /// follow the last one.
    fn run_body(&self, h: Tensor<2>, frames: usize) -> Tensor<2> {
        if self.look_ahead == 0 {
            return self.body.forward(h, frames);
        }
        let ([width, columns], longer) = (h.dims(), frames + self.look_ahead);
        let sequences = columns / frames.max(1);
        let options = (&h.device(), h.dtype());
        let zeros = Tensor::zeros([width, sequences, self.look_ahead], options);
        let h: Tensor<3> = h.reshape([width, sequences, frames]);
        let h = Tensor::cat(vec![h, zeros], 2).reshape([width, sequences * longer]);
        let y = self.body.forward(h, longer);
        let units = y.dims()[0];
        let y: Tensor<3> = y.reshape([units, sequences, longer]);
        y.narrow(2, self.look_ahead, frames)
            .reshape([units, columns])
    }
}
