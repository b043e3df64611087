//! One dense layer, `y = g(W·x + b)`.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_kernels::{Activation, activate};
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

/// Dense layer with non-negative output.
#[derive(Module, Debug)]
pub struct Dense {
    /// `[outputs, inputs]`, sign free.
    pub weight: Param<Tensor<2>>,
    /// `[outputs, 1]`, added to every frame.
    pub bias: Option<Param<Tensor<2>>>,
    #[module(skip)]
    stage: Stage,
}

impl Dense {
    /// A layer with Glorot-uniform weights and, if asked for, zero biases.
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
            crate::config::Bias::All => Some(Tensor::zeros([outputs, 1], device)),
        };
        Self::from_tensors(weight, bias, stage)
    }

    /// A layer around given values.
    ///
    /// # Shapes
    /// - `weight`: `[outputs, inputs]`; `bias`: `[outputs, 1]`
    pub fn from_tensors(weight: Tensor<2>, bias: Option<Tensor<2>>, stage: Stage) -> Self {
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
    /// - output: `[outputs, inputs]`
    pub fn basis(&self) -> Tensor<2> {
        let weight = self.weight.val();
        let weight = if self.stage.output == Output::Linear {
            activate(weight, Activation::Abs)
        } else {
            weight
        };
        match self.stage.basis_norm {
            BasisNorm::None => weight,
            BasisNorm::L2 => {
                let length = weight.clone().square().sum_dim(0).sqrt().clamp_min(1e-12);
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
    /// - `x`: `[inputs, frames]`, non-negative
    /// - output: `[outputs, frames]`, non-negative
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        activate(self.product(x), self.activation())
    }

    /// `W·x + b`.
    ///
    /// # Shapes
    /// - `x`: `[inputs, frames]`, non-negative
    /// - output: `[outputs, frames]`
    pub fn product(&self, x: Tensor<2>) -> Tensor<2> {
        let linear = self.stage.output == Output::Linear;
        let mut y = self.basis().matmul(x);
        if let Some(bias) = &self.bias {
            let bias = if linear { bias.val().abs() } else { bias.val() };
            y = y + bias;
        }
        y
    }

    /// The same layer with [`basis`](Self::basis) worked out once, for decoding with frozen
    /// weights: no parameter asks for a gradient.
    pub fn frozen(&self, device: &Device) -> Self {
        let plain = |tensor: Tensor<2>| {
            let options = (device, tensor.dtype());
            Tensor::<2>::from_data(tensor.into_data(), options)
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
}
