//! Recurrent layers with non-negative output.
//!
//! | cell | output |
//! |---|---|
//! | `rnn` | `h_t = max(0, W·x_t + V·h_{t−1})` |
//! | `gru` | `x_t ⊙ (1 + h_t)` of a gated recurrent unit (Cho et al., EMNLP 2014, with the reset gate after the product) |
//! | `lstm` | `x_t ⊙ (1 + h_t)` of a long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000) |
//!
//! Gated states lie in (−1, 1): they amplify or attenuate a non-negative input and leave it
//! non-negative. In the place of the input they lose one to two decibels in separation. Every
//! segment begins with a state of zero.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use nae_kernels::{RecurrenceSpec, RecurrentCell, matmul, recurrence};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::dense::leaf;
use crate::init::{from_host, glorot_uniform};

/// The recurrence of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recurrence {
    /// A plain recurrence with ReLU.
    Rnn,
    /// A gated recurrent unit as a gate on the input.
    Gru,
    /// A long short-term memory as a gate on the input.
    Lstm,
}

impl Recurrence {
    /// Numbers of the state's size that a frame's products have.
    pub fn gates(self) -> usize {
        self.cell().gates()
    }

    /// The operation that works it out.
    pub fn cell(self) -> RecurrentCell {
        match self {
            Self::Rnn => RecurrentCell::Rnn,
            Self::Gru => RecurrentCell::Gru,
            Self::Lstm => RecurrentCell::Lstm,
        }
    }

    /// The word that stands for it in settings and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rnn => "rnn",
            Self::Gru => "gru",
            Self::Lstm => "lstm",
        }
    }

    /// Whether outputs are gated inputs, so that there are as many.
    pub fn is_gate(self) -> bool {
        self != Self::Rnn
    }
}

/// What a recurrence of ReLUs starts with: each unit keeps half of its own state.
const KEPT: f32 = 0.5;

/// Recurrent layer with non-negative output, of one model or of several of one shape.
#[derive(Module, Debug)]
pub struct Recurrent {
    /// `W`, `[models, gates·units, inputs]`, sign free.
    pub weight: Param<Tensor<3>>,
    /// `V`, `[models, gates·units, units]`, sign free.
    pub recurrent: Param<Tensor<3>>,
    #[module(skip)]
    recurrence: Recurrence,
}

impl Recurrent {
    /// One model's layer: `W` Glorot-uniform; `V` half the identity of a plain recurrence, else
    /// Glorot-uniform.
    pub fn new(
        units: usize,
        inputs: usize,
        recurrence: Recurrence,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let rows = recurrence.gates() * units;
        let weight = glorot_uniform(rows, inputs, rng, device);
        let recurrent = match recurrence {
            Recurrence::Rnn => {
                let entry = |i: usize| if i / units == i % units { KEPT } else { 0.0 };
                from_host(
                    (0..units * units).map(entry).collect(),
                    [1, units, units],
                    device,
                )
            }
            Recurrence::Gru | Recurrence::Lstm => glorot_uniform(rows, units, rng, device),
        };
        Self::from_tensors(weight, recurrent, recurrence)
    }

    /// A layer around given values.
    ///
    /// # Shapes
    /// - `weight`: `[models, gates·units, inputs]`; `recurrent`: `[models, gates·units, units]`
    pub fn from_tensors(weight: Tensor<3>, recurrent: Tensor<3>, recurrence: Recurrence) -> Self {
        Self {
            weight: Param::from_tensor(weight),
            recurrent: Param::from_tensor(recurrent),
            recurrence,
        }
    }

    /// The recurrence.
    pub fn recurrence(&self) -> Recurrence {
        self.recurrence
    }

    /// Number of inputs that a frame has.
    pub fn inputs(&self) -> usize {
        self.weight.dims()[2]
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.recurrent.dims()[2]
    }

    /// Puts other numbers in the input weight's place.
    ///
    /// # Shapes
    /// - `weight`: `[models, gates·units, inputs]`
    pub fn set_weight(&mut self, weight: Tensor<3>) {
        self.weight = Param::from_tensor(leaf(weight));
    }

    /// Outputs of segments of `segment` frames, one after the other.
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`, non-negative
    /// - output: `[models, units, frames]`, non-negative
    pub fn forward(&self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        let spec = RecurrenceSpec {
            cell: self.recurrence.cell(),
            frames: segment.clamp(1, x.dims()[2].max(1)),
        };
        let products = matmul(self.weight.val(), x.clone());
        let states = recurrence(products, self.recurrent.val(), spec);
        match self.recurrence.is_gate() {
            true => x.clone() + x * states,
            false => states,
        }
    }

    /// The layers of several models of one shape as one, in order; `None` without layers.
    pub fn stack(layers: &[&Self]) -> Option<Self> {
        let first = layers.first()?;
        let join = |of: fn(&Self) -> &Param<Tensor<3>>| {
            let all = layers.iter().map(|layer| of(layer).val()).collect();
            leaf(Tensor::cat(all, 0))
        };
        let weight = join(|layer| &layer.weight);
        let recurrent = join(|layer| &layer.recurrent);
        Some(Self::from_tensors(weight, recurrent, first.recurrence))
    }

    /// The layer of model number `model` of a stack, alone.
    pub fn select(&self, model: usize) -> Self {
        let alone = |tensor: &Param<Tensor<3>>| leaf(tensor.val().narrow(0, model, 1));
        Self::from_tensors(alone(&self.weight), alone(&self.recurrent), self.recurrence)
    }

    /// The layer as it is now, on `device`; no parameter requires a gradient.
    pub fn frozen(&self, device: &Device) -> Self {
        let on_device = |tensor: &Param<Tensor<3>>| {
            let tensor = tensor.val();
            let options = (device, tensor.dtype());
            Tensor::from_data(tensor.into_data(), options)
        };
        let (weight, recurrent) = (on_device(&self.weight), on_device(&self.recurrent));
        Self::from_tensors(weight, recurrent, self.recurrence).no_grad()
    }

    /// Whether layers can be stacked: of one shape and recurrence.
    pub fn batchable(&self, other: &Self) -> bool {
        self.weight.dims()[1..] == other.weight.dims()[1..]
            && self.recurrent.dims()[1..] == other.recurrent.dims()[1..]
            && self.recurrence == other.recurrence
    }
}
