//! A recurrent layer, frame by frame.

use nae_kernels::frame::{FrameRecurrence, product};

use crate::error::ModelError;
use crate::layers::Recurrent;
use crate::spectra::read;

/// [`Recurrent`] of one model with its state.
#[derive(Clone, Debug)]
pub struct FrameRecurrent {
    weight: Vec<f32>,
    recurrence: FrameRecurrence,
    is_gate: bool,
    inputs: usize,
    products: Vec<f32>,
    output: Vec<f32>,
}

impl FrameRecurrent {
    /// One model's layer as it is now; `None` for a stack of several.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the numbers cannot be read back.
    pub fn new(layer: &Recurrent) -> Result<Option<Self>, ModelError> {
        let [models, rows, inputs] = layer.weight.dims();
        if models != 1 {
            return Ok(None);
        }
        let (units, recurrence) = (layer.units(), layer.recurrence());
        let own = read(layer.recurrent.val())?;
        Ok(Some(Self {
            weight: read(layer.weight.val())?,
            recurrence: FrameRecurrence::new(recurrence.cell(), units, own, Vec::new()),
            is_gate: recurrence.is_gate(),
            inputs,
            products: vec![0.0; rows],
            output: vec![0.0; units],
        }))
    }

    /// Numbers of a frame that it takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Takes the next frame.
    ///
    /// # Shapes
    /// - `x`: `inputs`; output: `units`
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        product(&self.weight, x, &mut self.products);
        let state = self.recurrence.step(&self.products);
        if self.is_gate {
            for ((y, x), h) in self.output.iter_mut().zip(x).zip(state) {
                *y = x + x * h;
            }
        } else {
            self.output.copy_from_slice(state);
        }
        &self.output
    }

    /// Back to a state of zero.
    pub fn reset(&mut self) {
        self.recurrence.reset();
    }
}
