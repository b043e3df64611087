//! Several layers, frame by frame.

use super::dense::FrameDense;
use super::recurrent::FrameRecurrent;
use crate::error::ModelError;
use crate::layers::{FrozenDense, FrozenLayer};

/// A layer of either kind.
#[derive(Clone, Debug)]
pub enum FrameLayer {
    /// Dense, of one frame or of several.
    Dense(FrameDense),
    /// Recurrent.
    Recurrent(FrameRecurrent),
}

/// A decoder's layers, one after the other, with their states.
#[derive(Clone, Debug)]
pub struct FrameLayers {
    layers: Vec<FrameLayer>,
    output: Vec<f32>,
}

impl FrameLayers {
    /// Dense layers; `None` as for [`FrameDense::new`].
    ///
    /// # Errors
    /// [`ModelError::Device`] if the numbers cannot be read back.
    pub fn dense(layers: &[FrozenDense]) -> Result<Option<Self>, ModelError> {
        let layers = layers.iter().map(FrameDense::frozen);
        let layers = layers.collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(layers.map(|layers| Self::of(layers.into_iter().map(FrameLayer::Dense).collect())))
    }

    /// Layers of any kind; `None` as for [`FrameDense::new`].
    ///
    /// # Errors
    /// [`ModelError::Device`] if the numbers cannot be read back.
    pub fn new(layers: &[FrozenLayer]) -> Result<Option<Self>, ModelError> {
        let layer = |layer: &FrozenLayer| -> Result<Option<FrameLayer>, ModelError> {
            Ok(match layer {
                FrozenLayer::Dense(layer) => FrameDense::frozen(layer)?.map(FrameLayer::Dense),
                FrozenLayer::Recurrent(layer) => {
                    FrameRecurrent::new(layer)?.map(FrameLayer::Recurrent)
                }
            })
        };
        let layers = layers
            .iter()
            .map(layer)
            .collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(layers.map(Self::of))
    }

    fn of(layers: Vec<FrameLayer>) -> Self {
        Self {
            layers,
            output: Vec::new(),
        }
    }

    /// Numbers of a frame that the first layer takes.
    pub fn inputs(&self) -> usize {
        match self.layers.first() {
            Some(FrameLayer::Dense(layer)) => layer.inputs(),
            Some(FrameLayer::Recurrent(layer)) => layer.inputs(),
            None => 0,
        }
    }

    /// `W`, if all that the layers do is `W·x` of the frame alone.
    ///
    /// # Shapes
    /// - output: `[outputs, inputs]`, row after row
    pub fn as_matrix(&self) -> Option<&[f32]> {
        match self.layers.as_slice() {
            [FrameLayer::Dense(only)] => only.as_matrix(),
            _ => None,
        }
    }

    /// Takes the next frame: what the last layer makes of it, `x` itself without layers.
    ///
    /// # Shapes
    /// - `x`: `inputs`
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        self.output.clear();
        self.output.extend_from_slice(x);
        for layer in &mut self.layers {
            let y = match layer {
                FrameLayer::Dense(layer) => layer.step(&self.output),
                FrameLayer::Recurrent(layer) => layer.step(&self.output),
            };
            self.output.clear();
            self.output.extend_from_slice(y);
        }
        &self.output
    }

    /// Forgets all frames.
    pub fn reset(&mut self) {
        for layer in &mut self.layers {
            match layer {
                FrameLayer::Dense(layer) => layer.reset(),
                FrameLayer::Recurrent(layer) => layer.reset(),
            }
        }
    }
}
