//! Activations as free parameters: what refining and separation search over.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use nae_config::Choice;
use nae_kernels::activate;
use serde::{Deserialize, Serialize};

use crate::nonlinearity::{Nonlinearity, inverse_softplus};

/// How a free tensor stands for activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationForm {
    /// `H = Z`, of either sign, as in the authors' script.
    Free,
    /// `H = Z`, set back to zero wherever a step made it negative.
    Nonnegative,
    /// `H = ln(1 + e^Z)`: non-negative by construction, and steps are relative where H is small.
    Preactivation,
}

impl Choice for ActivationForm {}

/// One source's activations as a leaf tensor.
#[derive(Module, Debug)]
pub struct Activations {
    /// `Z`, `[models, rank, frames]`.
    pub leaf: Param<Tensor<3>>,
    #[module(skip)]
    form: ActivationForm,
}

/// Activations below this start at it in pre-activation form: lower ones would need many steps
/// to come back, and an encoder is not sure enough for that.
const START_FLOOR: f64 = 1e-2;

impl Activations {
    /// A leaf that starts at the given activations.
    ///
    /// # Shapes
    /// - `start`: `[models, rank, frames]`, non-negative
    pub fn new(start: Tensor<3>, form: ActivationForm) -> Self {
        let leaf = match form {
            ActivationForm::Free | ActivationForm::Nonnegative => start,
            ActivationForm::Preactivation => inverse_softplus(start, START_FLOOR),
        };
        Self {
            leaf: Param::from_tensor(leaf.detach()),
            form,
        }
    }

    /// The activations the leaf stands for.
    ///
    /// # Shapes
    /// - output: `[models, rank, frames]`, non-negative unless [`ActivationForm::Free`]
    pub fn value(&self) -> Tensor<3> {
        match self.form {
            ActivationForm::Free | ActivationForm::Nonnegative => self.leaf.val(),
            ActivationForm::Preactivation => {
                activate(self.leaf.val(), Nonlinearity::Softplus.activation(1.0))
            }
        }
    }

    /// The leaf times a factor, outside the graph: a multiplicative update is a step, not a part of
    /// the objective.
    ///
    /// # Shapes
    /// - `factor`: `[models, rank, frames]`, outside the graph
    pub fn multiplied(self, factor: Tensor<3>) -> Self {
        let Self { leaf, form } = self;
        let leaf = leaf.map(|z| Tensor::from_inner(z.inner() * factor).require_grad());
        Self { leaf, form }
    }

    /// Back into the allowed range after a step.
    pub fn projected(self) -> Self {
        if self.form != ActivationForm::Nonnegative {
            return self;
        }
        let Self { leaf, form } = self;
        // out of the autodiff graph and back: a projection is part of the step, not of the objective
        let leaf = leaf.map(|z| Tensor::from_inner(z.inner().clamp_min(0.0)).require_grad());
        Self { leaf, form }
    }
}
