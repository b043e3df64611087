//! Burn's causal recurrent layers, frame by frame.

use burn::nn::gru::Gru;
use burn::nn::{Linear, Lstm};
use nae_kernels::RecurrentCell;
use nae_kernels::frame::{FrameRecurrence, product};
use nae_model::ModelError;
use nae_model::spectra::read;

/// A gated layer with its state.
#[derive(Clone, Debug)]
pub(super) struct FrameGates {
    /// `[gates·units, inputs]`, row after row.
    weight: Vec<f32>,
    bias: Vec<f32>,
    products: Vec<f32>,
    recurrence: FrameRecurrence,
}

impl FrameGates {
    pub fn gru(gru: &Gru) -> Result<Self, ModelError> {
        let gates = [&gru.reset_gate, &gru.update_gate, &gru.new_gate];
        let pairs = gates.map(|gate| (&gate.input_transform, &gate.hidden_transform));
        Self::new(RecurrentCell::Gru, gru.d_hidden, &pairs)
    }

    /// `None` without a forget gate, which all of ours have.
    pub fn lstm(lstm: &Lstm) -> Result<Option<Self>, ModelError> {
        let Some(forget_gate) = &lstm.forget_gate else {
            return Ok(None);
        };
        let gates = [
            &lstm.input_gate,
            forget_gate,
            &lstm.cell_gate,
            &lstm.output_gate,
        ];
        let pairs = gates.map(|gate| (&gate.input_transform, &gate.hidden_transform));
        Self::new(RecurrentCell::Lstm, lstm.d_hidden, &pairs).map(Some)
    }

    /// - `gates`: what every gate does to the input and to the state, in the cell's order
    fn new(
        cell: RecurrentCell,
        units: usize,
        gates: &[(&Linear, &Linear)],
    ) -> Result<Self, ModelError> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        let (mut own, mut own_bias) = (Vec::new(), Vec::new());
        for (input, hidden) in gates {
            append(input, &mut weight, &mut bias)?;
            append(hidden, &mut own, &mut own_bias)?;
        }
        Ok(Self {
            products: vec![0.0; bias.len()],
            weight,
            bias,
            recurrence: FrameRecurrence::new(cell, units, own, own_bias),
        })
    }

    /// Takes the next frame and leaves the state in its place.
    pub fn step(&mut self, values: &mut [f32]) {
        product(&self.weight, values, &mut self.products);
        for (y, b) in self.products.iter_mut().zip(&self.bias) {
            *y += b;
        }
        values.copy_from_slice(self.recurrence.step(&self.products));
    }
}

/// Appends a layer's rows and biases: Burn's weights are `[inputs, outputs]`.
fn append(linear: &Linear, weight: &mut Vec<f32>, bias: &mut Vec<f32>) -> Result<(), ModelError> {
    let outputs = linear.weight.dims()[1];
    weight.extend(read(linear.weight.val().transpose())?);
    match &linear.bias {
        Some(values) => bias.extend(read(values.val())?),
        None => bias.extend(std::iter::repeat_n(0.0, outputs)),
    }
    Ok(())
}
