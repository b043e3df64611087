//! A dense layer that learns nothing any more.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_kernels::{activate, matmul};

use super::dense::{Dense, LayerSpec, leaf};
use super::window::Window;
use crate::config::{BasisNorm, Output};

/// Dense layer `y = g(B·x + b)` whose basis `B` ([`Dense::basis`]) was worked out once: no step takes
/// `|W|` or a norm again, and no parameter requires a gradient.
#[derive(Module, Debug)]
pub struct FrozenDense {
    /// `B`, `[models, outputs, inputs]`; non-negative for [`Output::Linear`].
    basis: Param<Tensor<3>>,
    /// `b`, `[models, outputs, 1]`; non-negative for [`Output::Linear`].
    bias: Option<Param<Tensor<3>>>,
    #[module(skip)]
    spec: LayerSpec,
}

impl FrozenDense {
    /// Freezes a layer as it is now, on `device`.
    pub fn new(layer: &Dense, device: &Device) -> Self {
        let on_device = |tensor: Tensor<3>| {
            let options = (device, tensor.dtype());
            Param::from_tensor(Tensor::<3>::from_data(tensor.into_data(), options))
        };
        let is_linear = layer.spec().output == Output::Linear;
        let bias = layer.bias.as_ref().map(|bias| match is_linear {
            true => bias.val().abs(),
            false => bias.val(),
        });
        Self {
            basis: on_device(layer.basis()),
            bias: bias.map(on_device),
            spec: LayerSpec {
                basis_norm: BasisNorm::None,
                ..layer.spec()
            },
        }
        .no_grad()
    }

    /// Freezes several layers on `device`.
    pub fn all(layers: &[Dense], device: &Device) -> Vec<Self> {
        layers
            .iter()
            .map(|layer| Self::new(layer, device))
            .collect()
    }

    /// `B`.
    ///
    /// # Shapes
    /// - output: `[models, outputs, inputs]`
    pub fn basis(&self) -> Tensor<3> {
        self.basis.val()
    }

    /// `b`.
    ///
    /// # Shapes
    /// - output: `[models, outputs, 1]`
    pub fn bias(&self) -> Option<Tensor<3>> {
        self.bias.as_ref().map(Param::val)
    }

    /// What the layer does around its product.
    pub fn spec(&self) -> LayerSpec {
        self.spec
    }

    /// Number of inputs that a frame has.
    pub fn inputs(&self) -> usize {
        self.basis.dims()[2] / self.window().span
    }

    /// The frames that it reads at a time.
    pub fn window(&self) -> Window {
        self.spec.window
    }

    /// Whether the layer is linear with a non-negative basis.
    pub fn is_linear(&self) -> bool {
        self.spec.output == Output::Linear
    }

    /// `g(B·x + b)` of segments of `segment` frames, one after the other.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`
    /// - output: `[models, outputs, frames]`, non-negative if `x` is
    pub fn forward(&self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        let mut y = matmul(self.basis(), self.window().unfold(x, segment));
        if let Some(bias) = &self.bias {
            y = y + bias.val();
        }
        activate(y, self.spec.activation())
    }

    /// What several layers, one after the other, make of `x`, segments of `segment` frames; `x` itself
    /// without layers.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`
    /// - output: `[models, outputs, frames]`
    pub fn forward_all(layers: &[Self], x: Tensor<3>, segment: usize) -> Tensor<3> {
        let forward = |x, layer: &Self| layer.forward(x, segment);
        layers.iter().fold(x, forward)
    }

    /// Whether layers can be stacked: of one shape, and doing the same around their product.
    pub fn batchable(&self, other: &Self) -> bool {
        self.basis.dims()[1..] == other.basis.dims()[1..]
            && self.bias.is_some() == other.bias.is_some()
            && self.spec == other.spec
    }

    /// The layers of several models as one, in order; `None` without layers. They must be
    /// [`batchable`](Self::batchable).
    pub fn stack(layers: &[&Self]) -> Option<Self> {
        let first = layers.first()?;
        let join = |tensors: Vec<Tensor<3>>| Param::from_tensor(leaf(Tensor::cat(tensors, 0)));
        let bases = layers.iter().map(|layer| layer.basis()).collect();
        let biases: Option<Vec<_>> = layers
            .iter()
            .map(|layer| layer.bias.as_ref().map(Param::val))
            .collect();
        let stacked = Self {
            basis: join(bases),
            bias: biases.map(join),
            spec: first.spec,
        };
        Some(stacked.no_grad())
    }
}
