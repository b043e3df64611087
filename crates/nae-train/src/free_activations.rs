//! Free activations: those for which a frozen decoder approximates a spectrum.

use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_model::architecture::Context;
use nae_model::loss::{Target, growing, objective};
use nae_model::multiplicative::factor;
use nae_model::optim::{Adam, Flow, Plan, optimize};
use nae_model::{ActivationForm, Activations, Decoder};

use crate::error::TrainError;

/// Steps of Adam from the encoder's activations, and their size: as in separation.
const STEPS: usize = 40;
const RATE: f64 = 1.0;

/// Activations that start lower start at this where they are updated multiplicatively.
const LEAST: f64 = 1e-2;

/// Activations for which the decoder approximates the target, outside the graph.
///
/// # Shapes
/// - output: `[1, rank, frames]`
pub(crate) fn fitted(decoder: &Decoder, target: &Target) -> Result<Tensor<3>, TrainError> {
    let start = decoder.encode(target.spectrum.clone());
    // as in separation: of one linear layer that sees several frames, by multiplicative updates
    let is_linear = decoder.needs_nonnegative_activations();
    let growing = (is_linear && decoder.context() != Context::NONE)
        .then(|| gradient_of_growing(decoder, target));
    let start = match growing {
        Some(_) => Activations::new(start.clamp_min(LEAST), ActivationForm::Nonnegative),
        None => Activations::new(start, ActivationForm::Preactivation),
    };
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    let plan = Plan {
        stage: "activations",
        max_steps: STEPS,
        window: STEPS / 4,
        evaluated: 1,
        tolerance: 0.0,
    };
    let found = optimize(
        plan,
        1,
        start.clone(),
        |activations, step| {
            let estimate = decoder.decode(activations.value());
            let loss = objective(target, estimate, &[], &[0.0], step.loss_output());
            let gradients = loss.clone().sum().backward();
            let mut gradients = GradientsParams::from_grads(gradients, &activations);
            let stepped = match (&growing, gradients.remove::<3>(activations.leaf.id)) {
                (Some(growing), Some(gradient)) => {
                    activations.multiplied(factor(gradient, growing.clone()))
                }
                (_, Some(gradient)) => {
                    gradients.register(activations.leaf.id, gradient);
                    optimizer.step(RATE, activations, gradients)
                }
                (_, None) => activations,
            };
            (stepped, Some(loss.inner()))
        },
        &mut |_| Flow::Continue,
    )?;
    let best = match found.into_iter().next() {
        Some(found) => found?.best,
        None => start,
    };
    Ok(best.value().inner())
}

/// Gradient of the part of the objective that grows with the activations of a linear decoder.
///
/// # Shapes
/// - output: `[1, rank, frames]`, outside the graph
fn gradient_of_growing(decoder: &Decoder, target: &Target) -> Tensor<3> {
    let [_, _, frames] = target.spectrum.dims();
    let options = (&target.spectrum.device(), target.spectrum.dtype());
    let h = Tensor::<3>::ones([1, decoder.rank(), frames], options).require_grad();
    let growing = growing(target, decoder.decode(h.clone()), [&h], &[0.0]);
    let gradient = h.grad(&growing.sum().backward());
    gradient.unwrap_or_else(|| h.inner().zeros_like())
}
