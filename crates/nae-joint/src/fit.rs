//! Training a network through frozen decoders.

use std::ops::Range;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use nae_kernels::{Activation, DivergenceOptions, LossOutput, Parallelism, divergence, mask_loss};
use nae_model::ModelError;
use nae_model::loss::DEFAULT_EPS;
use nae_model::optim::{Adam, Flow, OptimizationRun, Plan, Progress, Schedule, Step, optimize};
use nae_model::random::generator;
use rayon::prelude::*;

use crate::decoders::Decoders;
use crate::dropout::Dropout;
use crate::error::JointError;
use crate::network::EncoderNetwork;
use crate::sampler::{Batch, MixtureSampler, Split};
use crate::settings::{JointConfig, LossKind};

/// Validation mixtures that a window is evaluated by.
const VALIDATION_MIXTURES: usize = 24;

/// Minimises the loss of masks over the network's weights.
///
/// - `device`: of the network and the decoders, with gradients
///
/// # Errors
/// [`JointError::Optimization`] if the loss is no longer finite.
pub fn fit(
    network: EncoderNetwork,
    decoders: &Decoders,
    sampler: &MixtureSampler,
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<OptimizationRun<EncoderNetwork>, JointError> {
    let validation = (config.held_back > 0.0).then(|| Validation::new(decoders, sampler, device));
    let task = Task {
        decoders,
        sampler,
        config,
        dropout: Dropout::new(config.dropout, generator(seed, "dropout")),
        device,
        output: match validation {
            None => LossOutput::ValueAndGradient,
            Some(_) => LossOutput::GradientOnly,
        },
    };
    let columns = config.mixtures * config.frames;
    let parts = Parallelism::Frames.parts(columns, config.frames, device);
    let mut optimizer = ModuleOptimizer::from(Adam {
        decay: config.weight_decay,
    });
    let plan = Plan {
        stage: "joining",
        max_steps: config.steps,
        window: config.window,
        evaluated: if validation.is_some() {
            1
        } else {
            config.window
        },
        tolerance: config.tolerance,
    };
    let mut runs = optimize(
        plan,
        1,
        network,
        |network, step| {
            let (loss, gradients) = task.gradients(&network, step, &parts);
            let rate = Schedule::Cosine.rate(config.learning_rate, step.number, config.steps);
            let network = optimizer.step(rate, network, gradients);
            let loss = match &validation {
                None => loss,
                // evaluated on the last step of a window
                Some(validation) => step.is_evaluated.then(|| validation.loss(&network, config)),
            };
            (network, loss)
        },
        observe,
    )?;
    match runs.pop() {
        Some(run) => Ok(run?),
        None => Err(ModelError::Device("the optimisation returned no run".into()).into()),
    }
}

/// What every step of a run has in common.
struct Task<'a> {
    decoders: &'a Decoders,
    sampler: &'a MixtureSampler,
    config: &'a JointConfig,
    dropout: Dropout,
    device: &'a Device,
    output: LossOutput,
}

impl Task<'_> {
    /// Loss and gradients of one step's mixtures, each of `parts` (ranges of columns) on a thread.
    fn gradients(
        &self,
        network: &EncoderNetwork,
        step: Step,
        parts: &[Range<usize>],
    ) -> (Option<Tensor<1>>, GradientsParams) {
        let Self { config, device, .. } = *self;
        let frames = config.frames;
        let columns = config.mixtures * frames;
        // each thread has a copy of the network in a graph of its own
        let of_part = |part: &Range<usize>| {
            let network = network.clone().fork(device);
            let mixtures = part.start / frames..part.end / frames;
            let number = step.number;
            let dropout = &self.dropout;
            let factors = dropout.factors(config.width, frames, number, mixtures.clone(), device);
            let batch = self.sampler.draw(number, mixtures, Split::Train, device);
            let weight = part.len() as f64 / columns as f64;
            let activations = network.forward(batch.input.clone(), frames, factors);
            let decoders = self.decoders;
            let loss = objective(decoders, activations, batch, config, weight, self.output);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            (loss.inner(), gradients)
        };
        let of_parts: Vec<_> = parts.par_iter().map(of_part).collect();
        let mut sum = GradientsAccumulator::new();
        let mut losses = Vec::with_capacity(of_parts.len());
        for (loss, gradients) in of_parts {
            sum.accumulate(network, gradients);
            losses.push(loss);
        }
        (losses.into_iter().reduce(|a, b| a + b), sum.grads())
    }
}

/// Validation mixtures, and decoders without gradients.
struct Validation {
    batch: Batch,
    decoders: Decoders,
}

impl Validation {
    fn new(decoders: &Decoders, sampler: &MixtureSampler, device: &Device) -> Self {
        let device = device.clone().inner();
        Self {
            batch: sampler.draw(0, 0..VALIDATION_MIXTURES, Split::Validation, &device),
            decoders: decoders.to_device(&device),
        }
    }

    fn loss(&self, network: &EncoderNetwork, config: &JointConfig) -> Tensor<1> {
        let network = network.clone().valid();
        let batch = self.batch.clone();
        let activations = network.forward(batch.input.clone(), config.frames, None);
        let output = LossOutput::ValueAndGradient;
        objective(&self.decoders, activations, batch, config, 1.0, output)
    }
}

/// The loss of some mixtures, times their weight among all.
///
/// # Shapes
/// - `activations`: `[Σ rank, mixtures·frames]`
/// - output: `[1]`
fn objective(
    decoders: &Decoders,
    activations: Tensor<2>,
    batch: Batch,
    config: &JointConfig,
    weight: f64,
    output: LossOutput,
) -> Tensor<1> {
    let amplitudes = decoders.amplitudes(activations, config.frames);
    let estimates: Tensor<3> = Tensor::stack(amplitudes, 0);
    match config.loss {
        LossKind::Mask => mask_loss(estimates, batch.mixture, batch.targets, weight),
        LossKind::Kl => {
            let powers = estimates.square().add_scalar(DEFAULT_EPS);
            let masks = powers.clone() / powers.sum_dim(0);
            let products = masks * batch.mixture.unsqueeze_dim(0);
            let options = DivergenceOptions {
                eps: DEFAULT_EPS,
                weight,
                output,
            };
            divergence(products, batch.targets, Activation::Identity, options).mean()
        }
    }
}
