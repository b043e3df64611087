//! Optimises a decoder and the activations of batches of training sound together.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use nae_model::loss::{Target, objective};
use nae_model::network::Decoding;
use nae_model::optim::{Flow, OptimizationRun, OptimizerKind, Plan, Progress, Schedule, optimize};
use nae_model::{ActivationForm, Activations, Network};
use rayon::prelude::*;

use crate::error::TrainError;
use crate::fit::{Fitted, select_networks};
use crate::replicas::{Rates, first, step_replicas};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;

/// The refinement of one stack of models.
pub(crate) struct Refinement<'a> {
    pub config: &'a TrainConfig,
    /// One for every model, or one for all.
    pub lambdas: &'a [f64],
    pub seeds: &'a Seeds,
    /// A device that records gradients.
    pub device: Device,
}

/// What stays with one thread's part of a batch.
pub(crate) struct Part {
    /// Number of the part's first frame or segment in its batch.
    first: usize,
    target: Target,
    /// Of the part's activations.
    optimizer: ModuleOptimizer,
}

/// Batches in parts for the threads, and the activations of each part that it starts at: what the
/// encoder makes of its sound.
pub(crate) type Dealt = (Vec<Vec<Part>>, Vec<Vec<Activations>>);

impl Refinement<'_> {
    /// A part of a batch, and its activations.
    ///
    /// - `first`: number of the part's first frame or segment in its batch
    ///
    /// # Shapes
    /// - `start`: `[models, rank, frames]`
    pub fn part(&self, first: usize, target: Target, start: Tensor<3>) -> (Part, Activations) {
        let part = Part {
            first,
            target,
            optimizer: self.adam(),
        };
        // off the graph between its steps: what Burn keeps for leaves on it slows all steps down
        let activations = Activations::new(start, ActivationForm::Preactivation).valid();
        (part, activations)
    }

    fn adam(&self) -> ModuleOptimizer {
        OptimizerKind::Adam.build(&self.config.rprop)
    }

    /// Takes all passes over the batches, one step a batch.
    ///
    /// - `decode`: what a network makes of a part's activations with the noise of a step: network,
    ///   activations, number of the step, number of the part's first frame or segment
    pub fn run(
        &self,
        network: &Network,
        (mut batches, activations): Dealt,
        decode: impl Fn(&Network, Tensor<3>, usize, usize) -> Decoding + Sync,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Fitted, TrainError> {
        let settings = &self.config.refine;
        let count = batches.len();
        let steps = settings.passes * count;
        let plan = Plan {
            stage: "refining",
            max_steps: steps,
            // whole passes, so that windows can be compared
            window: self.config.window.next_multiple_of(count),
            evaluated: count,
            tolerance: self.config.tolerance,
        };
        // steps get the decoder only: Burn keeps in the graph that the encoder's weights were copied,
        // copy after copy, and looks through all of that in every step
        let decoder = network.without_encoder();
        let threads = batches.iter().map(Vec::len).fold(1, usize::max);
        let mut optimizers: Vec<_> = (0..threads).map(|_| self.adam()).collect();
        let runs = optimize(
            plan,
            self.seeds.count(),
            (vec![decoder; threads], activations),
            |(networks, mut activations), step| {
                let rate = |full| Schedule::Cosine.rate(full, step.number, steps);
                // each thread has a decoder of its own on a graph of its own, with the same values
                let of_part =
                    |((part, activations), network): ((&mut Part, Activations), &Network)| {
                        let network = network.clone().fork(&self.device);
                        let activations = activations.train();
                        let latent = activations.value();
                        let decoded = decode(&network, latent.clone(), step.number, part.first);
                        let hidden = std::iter::once(&latent).chain(&decoded.hidden);
                        let output = step.loss_output();
                        let losses =
                            objective(&part.target, decoded.estimate, hidden, self.lambdas, output);
                        let mut gradients = losses.clone().sum().backward();
                        let of_decoder = GradientsParams::from_module(&mut gradients, &network);
                        let of_activations =
                            GradientsParams::from_module(&mut gradients, &activations);
                        let rate = rate(settings.activation_rate);
                        let activations = part.optimizer.step(rate, activations, of_activations);
                        (activations.valid(), (of_decoder, losses.inner()))
                    };
                let batch = step.number % count;
                let before = std::mem::take(&mut activations[batch]);
                let parts = batches[batch].par_iter_mut().zip(before);
                let found = parts.zip(&networks).map(of_part);
                let (after, (gradients, losses)): (Vec<_>, (Vec<_>, Vec<_>)) = found.unzip();
                activations[batch] = after;
                let rates = Rates::all(rate(settings.decoder_rate));
                let networks = step_replicas(networks, &mut optimizers, &gradients, rates);
                let loss = losses.into_iter().reduce(|a, b| a + b);
                ((networks, activations), loss)
            },
            observe,
        )?;
        let whole = |(replicas, _): (Vec<Network>, _)| first(replicas).with_encoder_of(network);
        let of_run =
            |run: Result<OptimizationRun<(Vec<Network>, _)>, _>| run.map(|run| run.map(whole));
        Ok(select_networks(runs.into_iter().map(of_run).collect()))
    }
}
