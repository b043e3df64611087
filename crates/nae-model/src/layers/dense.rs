//! A dense layer, `y = g(W·x + b)`.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_kernels::{Activation, activate, matmul};
use rand::rngs::ChaCha8Rng;

use crate::config::{BasisNorm, Bias, Output};
use crate::init::glorot_uniform;
use crate::layers::window::Window;
use crate::nonlinearity::Nonlinearity;

/// What a layer does around its product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerSpec {
    /// Applied to the product; [`Output::Linear`] uses `|W|` and applies nothing.
    pub output: Output,
    /// Sharpness p of softplus.
    pub sharpness: f64,
    /// Norm of the weight's columns; of several frames, those that belong to one input together.
    pub basis_norm: BasisNorm,
    /// The frames that it reads at a time.
    pub window: Window,
}

impl LayerSpec {
    /// `g`.
    pub fn activation(&self) -> Activation {
        let sharpness = self.sharpness;
        match self.output {
            Output::Softplus => Activation::Softplus { sharpness },
            Output::Relu => Activation::Relu,
            Output::Abs => Activation::Abs,
            Output::Linear => Activation::Identity,
        }
    }
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

/// Dense layer with non-negative output, of one model or of several of one shape. One whose window has
/// several frames is a convolution along time; its `inputs` are then those of all the window's frames,
/// in the order of [`Window::unfold`].
#[derive(Module, Debug)]
pub struct Dense {
    /// `[models, outputs, inputs]`, sign free.
    pub weight: Param<Tensor<3>>,
    /// `[models, outputs, 1]`, added to every frame.
    pub bias: Option<Param<Tensor<3>>>,
    #[module(skip)]
    spec: LayerSpec,
}

impl Dense {
    /// One model's layer with Glorot-uniform weights and, if asked for, zero biases.
    pub fn new(
        outputs: usize,
        inputs: usize,
        bias: Bias,
        spec: LayerSpec,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let weight = glorot_uniform(outputs, inputs, rng, device);
        let bias = match bias {
            Bias::None => None,
            Bias::All => Some(Tensor::zeros([1, outputs, 1], device)),
        };
        Self::from_tensors(weight, bias, spec)
    }

    /// A layer around given values.
    ///
    /// # Shapes
    /// - `weight`: `[models, outputs, inputs]`; `bias`: `[models, outputs, 1]`
    pub fn from_tensors(weight: Tensor<3>, bias: Option<Tensor<3>>, spec: LayerSpec) -> Self {
        Self {
            weight: Param::from_tensor(weight),
            bias: bias.map(Param::from_tensor),
            spec,
        }
    }

    /// Puts other numbers in the weight's place.
    ///
    /// # Shapes
    /// - `weight`: `[models, outputs, inputs]`
    pub fn set_weight(&mut self, weight: Tensor<3>) {
        self.weight = Param::from_tensor(leaf(weight));
    }

    /// The basis as spectrograms of the window's frames.
    ///
    /// # Shapes
    /// - output: `[models, span, outputs, inputs]`, inputs of a single frame
    pub fn bases(&self) -> Tensor<4> {
        let span = self.spec.window.span;
        if span == 1 {
            return self.basis().unsqueeze_dim(1);
        }
        let basis = self.basis();
        let [models, outputs, inputs] = basis.dims();
        let by_frame = basis.reshape([models, outputs, span, inputs / span]);
        by_frame.swap_dims(1, 2)
    }

    /// Puts spectrograms in the weight's place.
    ///
    /// # Shapes
    /// - `bases`: `[models, span, outputs, inputs]`
    pub fn set_bases(&mut self, bases: Tensor<4>) {
        self.set_weight(as_columns(bases));
    }

    /// What the layer does around its product.
    pub fn spec(&self) -> LayerSpec {
        self.spec
    }

    /// The weight as the product sees it: non-negative for [`Output::Linear`], with columns of
    /// unit length for [`BasisNorm::L2`].
    ///
    /// # Shapes
    /// - output: `[models, outputs, inputs]`
    pub fn basis(&self) -> Tensor<3> {
        let weight = self.weight.val();
        let weight = if self.spec.output == Output::Linear {
            activate(weight, Activation::Abs)
        } else {
            weight
        };
        match self.spec.basis_norm {
            BasisNorm::None => weight,
            BasisNorm::L2 => {
                let squares = weight.clone().square().sum_dim(1);
                let length = self.over_window(squares).sqrt().clamp_min(1e-12);
                weight / length
            }
        }
    }

    /// Sums over a window's frames, at each of them.
    ///
    /// # Shapes
    /// - input and output: `[models, 1, inputs]`
    fn over_window(&self, sums: Tensor<3>) -> Tensor<3> {
        let span = self.spec.window.span;
        if span == 1 {
            return sums;
        }
        let [models, _, inputs] = sums.dims();
        let sums: Tensor<3> = sums.reshape([models, span, inputs / span]).sum_dim(1);
        sums.repeat_dim(2, span)
    }

    /// `g`.
    pub fn activation(&self) -> Activation {
        self.spec.activation()
    }

    /// `g(W·x + b)` of one sequence.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, outputs, frames]`, non-negative
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let segment = x.dims()[2];
        self.forward_segments(x, segment)
    }

    /// `g(W·x + b)` of segments of `segment` frames, one after the other.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, outputs, frames]`, non-negative
    pub fn forward_segments(&self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        activate(self.product(x, segment), self.activation())
    }

    /// `W·x + b` of segments of `segment` frames, one after the other.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, outputs, frames]`
    pub fn product(&self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        let linear = self.spec.output == Output::Linear;
        let mut y = matmul(self.basis(), self.spec.window.unfold(x, segment));
        if let Some(bias) = &self.bias {
            let bias = if linear { bias.val().abs() } else { bias.val() };
            y = y + bias;
        }
        y
    }

    /// Every layer's output in order, the next layer's input, of segments of `segment` frames.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, outputs, frames]` each, non-negative; none without layers
    pub fn forward_all(layers: &[Self], x: Tensor<3>, segment: usize) -> Vec<Tensor<3>> {
        let mut outputs: Vec<Tensor<3>> = Vec::with_capacity(layers.len());
        for layer in layers {
            let x = outputs.last().unwrap_or(&x).clone();
            outputs.push(layer.forward_segments(x, segment));
        }
        outputs
    }

    /// The layers of several models of one shape as one, in order, which does what the first does;
    /// `None` without layers.
    pub fn stack(layers: &[&Self]) -> Option<Self> {
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
            first.spec,
        ))
    }

    /// The layer of model number `model` of a stack, alone.
    pub fn select(&self, model: usize) -> Self {
        let alone = |tensor: &Param<Tensor<3>>| leaf(tensor.val().narrow(0, model, 1));
        Self::from_tensors(
            alone(&self.weight),
            self.bias.as_ref().map(alone),
            self.spec,
        )
    }
}

/// Spectrograms as the columns of a weight.
///
/// # Shapes
/// - `bases`: `[models, span, outputs, inputs]`
/// - output: `[models, outputs, span·inputs]`
pub(super) fn as_columns(bases: Tensor<4>) -> Tensor<3> {
    let [models, span, outputs, inputs] = bases.dims();
    match span {
        1 => bases.squeeze_dim(1),
        _ => bases
            .swap_dims(1, 2)
            .reshape([models, outputs, span * inputs]),
    }
}

/// The same numbers without what they were worked out from, as a parameter must be.
pub(super) fn leaf(tensor: Tensor<3>) -> Tensor<3> {
    if tensor.device().is_autodiff() {
        Tensor::from_inner(tensor.inner())
    } else {
        tensor
    }
}
