//! A layer of a stack: dense or recurrent, learning or frozen.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::dense::Dense;
use super::frozen::FrozenDense;
use super::recurrent::Recurrent;
use crate::context::Context;

/// A layer that learns.
#[derive(Module, Debug)]
pub enum Layer {
    /// Dense, of one frame or several.
    Dense(Dense),
    /// Recurrent.
    Recurrent(Recurrent),
}

impl Layer {
    /// Outputs of segments of `segment` frames, one after the other.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, outputs, frames]`, non-negative
    pub fn forward(&self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        match self {
            Self::Dense(layer) => layer.forward_segments(x, segment),
            Self::Recurrent(layer) => layer.forward(x, segment),
        }
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
            outputs.push(layer.forward(x, segment));
        }
        outputs
    }

    /// The layers of several models of one shape as one, in order; `None` without layers, or if they
    /// are of different kinds.
    pub fn stack(layers: &[&Self]) -> Option<Self> {
        let dense = layers.iter().map(|layer| match layer {
            Self::Dense(layer) => Some(layer),
            Self::Recurrent(_) => None,
        });
        let recurrent = layers.iter().map(|layer| match layer {
            Self::Dense(_) => None,
            Self::Recurrent(layer) => Some(layer),
        });
        if let Some(dense) = dense.collect::<Option<Vec<_>>>() {
            return Dense::stack(&dense).map(Self::Dense);
        }
        let recurrent = recurrent.collect::<Option<Vec<_>>>()?;
        Recurrent::stack(&recurrent).map(Self::Recurrent)
    }

    /// The layer of model number `model` of a stack, alone.
    pub fn select(&self, model: usize) -> Self {
        match self {
            Self::Dense(layer) => Self::Dense(layer.select(model)),
            Self::Recurrent(layer) => Self::Recurrent(layer.select(model)),
        }
    }
}

/// A layer that learns nothing any more.
#[derive(Module, Debug)]
pub enum FrozenLayer {
    /// Dense, of one frame or several.
    Dense(FrozenDense),
    /// Recurrent.
    Recurrent(Recurrent),
}

impl FrozenLayer {
    /// Freezes several layers as they are now, on `device`.
    pub fn all(layers: &[Layer], device: &Device) -> Vec<Self> {
        let freeze = |layer: &Layer| match layer {
            Layer::Dense(layer) => Self::Dense(FrozenDense::new(layer, device)),
            Layer::Recurrent(layer) => Self::Recurrent(layer.frozen(device)),
        };
        layers.iter().map(freeze).collect()
    }

    /// Number of inputs that a frame has.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Dense(layer) => layer.inputs(),
            Self::Recurrent(layer) => layer.inputs(),
        }
    }

    /// Whether the layer is linear with a non-negative basis.
    pub fn is_linear(&self) -> bool {
        match self {
            Self::Dense(layer) => layer.is_linear(),
            Self::Recurrent(_) => false,
        }
    }

    /// What several layers, one after the other, make of `x`, segments of `segment` frames; `x` itself
    /// without layers.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`
    /// - output: `[models, outputs, frames]`
    pub fn forward_all(layers: &[Self], x: Tensor<3>, segment: usize) -> Tensor<3> {
        let forward = |x, layer: &Self| match layer {
            Self::Dense(layer) => layer.forward(x, segment),
            Self::Recurrent(layer) => layer.forward(x, segment),
        };
        layers.iter().fold(x, forward)
    }

    /// Frames around its own that the last of several layers depends on.
    pub fn context(layers: &[Self]) -> Context {
        let own = layers.iter().map(|layer| match layer {
            Self::Dense(layer) => layer.window().context(),
            Self::Recurrent(_) => Context::Whole,
        });
        own.fold(Context::NONE, Context::then)
    }

    /// Whether layers can be stacked: of one kind and shape, and doing the same around their product.
    pub fn batchable(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dense(own), Self::Dense(other)) => own.batchable(other),
            (Self::Recurrent(own), Self::Recurrent(other)) => own.batchable(other),
            _ => false,
        }
    }

    /// The layers of several models as one, in order; `None` without layers. They must be
    /// [`batchable`](Self::batchable).
    pub fn stack(layers: &[&Self]) -> Option<Self> {
        let dense = layers.iter().map(|layer| match layer {
            Self::Dense(layer) => Some(layer),
            Self::Recurrent(_) => None,
        });
        let recurrent = layers.iter().map(|layer| match layer {
            Self::Dense(_) => None,
            Self::Recurrent(layer) => Some(layer),
        });
        if let Some(dense) = dense.collect::<Option<Vec<_>>>() {
            return FrozenDense::stack(&dense).map(Self::Dense);
        }
        let recurrent = recurrent.collect::<Option<Vec<_>>>()?;
        Some(Self::Recurrent(Recurrent::stack(&recurrent)?.no_grad()))
    }
}
