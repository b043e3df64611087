//! A dense layer, frame by frame.

use burn::tensor::Tensor;
use nae_kernels::{Activation, frame};

use crate::error::ModelError;
use crate::layers::{Dense, Direction, FrozenDense, LayerSpec};
use crate::spectra::read;

/// `y = g(W·x + b)` of one frame, or of the frame and those before it.
#[derive(Clone, Debug)]
pub struct FrameDense {
    /// `[outputs, span·inputs]`, row after row.
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    activation: Activation,
    inputs: usize,
    /// The frame and those before it, the latest first.
    column: Vec<f32>,
    output: Vec<f32>,
}

impl FrameDense {
    /// One model's layer as it is now; `None` for a stack of several models' layers and for a layer
    /// that reads later frames.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the numbers cannot be read back.
    pub fn new(layer: &Dense) -> Result<Option<Self>, ModelError> {
        let is_linear = layer.activation() == Activation::Identity;
        let bias = layer.bias.as_ref().map(|bias| match is_linear {
            true => bias.val().abs(),
            false => bias.val(),
        });
        Self::from_tensors(layer.basis(), bias, layer.spec())
    }

    /// As [`new`](Self::new), of a layer that learns nothing any more.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the numbers cannot be read back.
    pub fn frozen(layer: &FrozenDense) -> Result<Option<Self>, ModelError> {
        Self::from_tensors(layer.basis(), layer.bias(), layer.spec())
    }

    fn from_tensors(
        basis: Tensor<3>,
        bias: Option<Tensor<3>>,
        spec: LayerSpec,
    ) -> Result<Option<Self>, ModelError> {
        let [models, outputs, columns] = basis.dims();
        let span = spec.window.span;
        if models != 1 || span > 1 && spec.window.direction == Direction::Future {
            return Ok(None);
        }
        Ok(Some(Self {
            weight: read(basis)?,
            bias: bias.map(read).transpose()?,
            activation: spec.activation(),
            inputs: columns / span,
            column: vec![0.0; columns],
            output: vec![0.0; outputs],
        }))
    }

    /// Numbers of a frame that it takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers of a frame that it gives.
    pub fn outputs(&self) -> usize {
        self.output.len()
    }

    /// `W`, if the layer is `W·x` of the frame alone, with nothing added and no function applied.
    ///
    /// # Shapes
    /// - output: `[outputs, inputs]`, row after row
    pub fn as_matrix(&self) -> Option<&[f32]> {
        let is_frame = self.column.len() == self.inputs;
        let is_zero = |bias: &Vec<f32>| bias.iter().all(|b| *b == 0.0);
        let is_plain = self.activation == Activation::Identity;
        (is_frame && is_plain && self.bias.as_ref().is_none_or(is_zero)).then_some(&self.weight)
    }

    /// Takes the next frame.
    ///
    /// # Shapes
    /// - `x`: `inputs`; output: `outputs`
    ///
    /// # Panics
    /// If `x` has another length.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        let kept = self.column.len() - self.inputs;
        self.column.copy_within(..kept, self.inputs);
        self.column[..self.inputs].copy_from_slice(x);
        frame::product(&self.weight, &self.column, &mut self.output);
        if let Some(bias) = &self.bias {
            for (y, b) in self.output.iter_mut().zip(bias) {
                *y += b;
            }
        }
        frame::activate(&mut self.output, self.activation);
        &self.output
    }

    /// Forgets all frames.
    pub fn reset(&mut self) {
        self.column.fill(0.0);
    }
}
