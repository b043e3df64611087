//! One dense layer, `y = g(W·x + b)`.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_kernels::{Activation, activate, matmul};
use rand::rngs::ChaCha8Rng;

use crate::config::{BasisNorm, Output};
use crate::init::glorot_uniform;
use crate::nonlinearity::Nonlinearity;

/// What a layer does around its product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Applied to the product; [`Output::Linear`] uses `|W|` and applies nothing.
    pub output: Output,
    /// Sharpness p of softplus.
    pub sharpness: f64,
    /// Norm of the weight's columns.
    pub basis_norm: BasisNorm,
}

impl From<Nonlinearity> for Output {
    fn from(g: Nonlinearity) -> Self {
        match g {
            Nonlinearity::Softplus => Self::Softplus,
            Nonlinearity::Relu => Self::Relu,
            Nonlinearity::Abs => Self::Abs,
        }
    }
}

/// Dense layer with non-negative output, of one model or of several of one shape.
#[derive(Module, Debug)]
pub struct Dense {
    /// `[models, outputs, inputs]`, sign free.
    pub weight: Param<Tensor<3>>,
    /// `[models, outputs, 1]`, added to every frame.
    pub bias: Option<Param<Tensor<3>>>,
    #[module(skip)]
    stage: Stage,
}

impl Dense {
    /// One model's layer with Glorot-uniform weights and, if asked for, zero biases.
    pub fn new(
        outputs: usize,
        inputs: usize,
        bias: crate::config::Bias,
        stage: Stage,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let weight = glorot_uniform(outputs, inputs, rng, device);
        let bias = match bias {
            crate::config::Bias::None => None,
            crate::config::Bias::All => Some(Tensor::zeros([1, outputs, 1], device)),
        };
        Self::from_tensors(weight, bias, stage)
    }

    /// A layer around given values.
    ///
    /// # Shapes
    /// - `weight`: `[models, outputs, inputs]`; `bias`: `[models, outputs, 1]`
    pub fn from_tensors(weight: Tensor<3>, bias: Option<Tensor<3>>, stage: Stage) -> Self {
        Self {
            weight: Param::from_tensor(weight),
            bias: bias.map(Param::from_tensor),
            stage,
        }
    }

    /// What the layer does around its product.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The weight as the product sees it: non-negative for [`Output::Linear`], with columns of
    /// unit length for [`BasisNorm::L2`].
    ///
    /// # Shapes
    /// - output: `[models, outputs, inputs]`
    pub fn basis(&self) -> Tensor<3> {
        let weight = self.weight.val();
        let weight = if self.stage.output == Output::Linear {
            activate(weight, Activation::Abs)
        } else {
            weight
        };
        match self.stage.basis_norm {
            BasisNorm::None => weight,
            BasisNorm::L2 => {
                let length = weight.clone().square().sum_dim(1).sqrt().clamp_min(1e-12);
                weight / length
            }
        }
    }

    /// `g`.
    pub fn activation(&self) -> Activation {
        let sharpness = self.stage.sharpness;
        match self.stage.output {
            Output::Softplus => Activation::Softplus { sharpness },
            Output::Relu => Activation::Relu,
            Output::Abs => Activation::Abs,
            Output::Linear => Activation::Identity,
        }
    }

    /// `g(W·x + b)`.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, outputs, frames]`, non-negative
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        activate(self.product(x), self.activation())
    }

    /// `W·x + b`.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, outputs, frames]`
    pub fn product(&self, x: Tensor<3>) -> Tensor<3> {
        let linear = self.stage.output == Output::Linear;
        let mut y = matmul(self.basis(), x);
        if let Some(bias) = &self.bias {
            let bias = if linear { bias.val().abs() } else { bias.val() };
            y = y + bias;
        }
        y
    }

    /// The same layer with [`basis`](Self::basis) worked out once, for decoding with frozen
    /// weights: no parameter asks for a gradient.
    pub fn frozen(&self, device: &Device) -> Self {
        let plain = |tensor: Tensor<3>| {
            let options = (device, tensor.dtype());
            Tensor::<3>::from_data(tensor.into_data(), options)
        };
        let stage = Stage {
            basis_norm: BasisNorm::None,
            ..self.stage
        };
        Self::from_tensors(
            plain(self.basis()),
            self.bias.as_ref().map(|bias| plain(bias.val())),
            stage,
        )
        .no_grad()
    }

    /// The layers of several models of one shape as one; the first says what they do.
    pub(crate) fn stack(layers: &[&Self]) -> Option<Self> {
        let first = layers.first()?;
        let join = |tensors: Vec<Tensor<3>>| leaf(Tensor::cat(tensors, 0));
        let weights = layers.iter().map(|layer| layer.weight.val()).collect();
        let biases: Option<Vec<_>> = layers
            .iter()
            .map(|layer| layer.bias.as_ref().map(Param::val))
            .collect();
        Some(Self::from_tensors(
            join(weights),
            biases.map(join),
            first.stage,
        ))
    }

    /// The layer of model number `model` alone.
    pub(crate) fn member(&self, model: usize) -> Self {
        let alone = |tensor: &Param<Tensor<3>>| leaf(tensor.val().narrow(0, model, 1));
        Self::from_tensors(
            alone(&self.weight),
            self.bias.as_ref().map(alone),
            self.stage,
        )
    }
}

/// The same numbers without what they were worked out from, as a parameter must be.
fn leaf(tensor: Tensor<3>) -> Tensor<3> {
    if tensor.device().is_autodiff() {
        Tensor::from_inner(tensor.inner())
    } else {
        tensor
    }
}
