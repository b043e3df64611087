//! Fits autoencoders to training frames.

use std::ops::Range;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use nae_model::Network;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, OptimizationError, OptimizationRun, Plan, Progress, Step, optimize};
use rayon::prelude::*;

use crate::batches::Batches;
use crate::error::TrainError;
use crate::frame_rows::FrameRows;
use crate::latent_noise::LatentNoise;
use crate::replicas::{Rates, first, step_replicas};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;
use crate::spectra::Spectra;

/// Networks of a stack, each at its own best, and how they got there.
pub type Fitted = Vec<Result<OptimizationRun<Network>, OptimizationError>>;

/// Each run's own network, out of the stacks that all were part of.
pub(crate) fn select_networks(
    runs: Vec<Result<OptimizationRun<Network>, OptimizationError>>,
) -> Fitted {
    if let [_] = runs.as_slice() {
        return runs;
    }
    let own = |(i, run): (usize, Result<OptimizationRun<Network>, _>)| {
        run.map(|run| run.map(|stack| stack.select(i)))
    };
    runs.into_iter().enumerate().map(own).collect()
}

/// Minimises every model's `D(X‖X̂) + λ·|H|₁` over all weights.
///
/// - `network`: as many networks as there are spectra and seeds, stacked
/// - `spectra`: on a device that records gradients
/// - `lambdas`: one for every model, or one for all, in the place of `config.sparsity`
///
/// # Errors
/// [`TrainError::Model`] if the device fails, [`OptimizationError::Diverged`] for a model whose loss
/// stops being finite.
pub fn fit(
    network: Network,
    spectra: &Spectra,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let device = spectra.values.device();
    let mut input = Input::new(spectra, config, seeds)?;
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("latent noise"));
    let replicas = vec![network; input.parts.len().max(1)];
    let optimizer = |_| config.optimizer.build(&config.rprop);
    let mut optimizers: Vec<_> = replicas.iter().map(optimizer).collect();
    let runs = optimize(
        plan(config),
        seeds.count(),
        replicas,
        |networks, step| {
            let drawn = input.draw();
            // each thread has a network of its own on a graph of its own, with the same values
            let of_part = |(i, network): (usize, &Network)| {
                let network = network.clone().fork(&device);
                let target = input.target(i, &drawn, config.eps);
                let first = input.parts[i].start;
                let losses = losses(&network, &target, lambdas, (&noise, step, first));
                let gradients = losses.clone().sum().backward();
                let gradients = GradientsParams::from_grads(gradients, &network);
                (losses.inner(), gradients)
            };
            let parts = 0..input.parts.len();
            let found = parts.into_par_iter().zip(&networks).map(of_part);
            let (losses, gradients): (Vec<_>, Vec<_>) = found.unzip();
            let rate = |full| config.schedule.rate(full, step.number, config.max_steps);
            let rates = Rates::of(config, 1).map(rate);
            let networks = step_replicas(networks, &mut optimizers, &gradients, rates);
            (networks, losses.into_iter().reduce(|a, b| a + b))
        },
        observe,
    )?;
    let of_run = |run: Result<OptimizationRun<Vec<Network>>, _>| run.map(|run| run.map(first));
    Ok(select_networks(runs.into_iter().map(of_run).collect()))
}

pub(crate) fn plan(config: &TrainConfig) -> Plan {
    Plan {
        stage: "autoencoder",
        max_steps: config.max_steps,
        window: config.window,
        // by default about one pass over 25 s of sound; the same number whatever else is in the stack
        evaluated: if config.batch_frames == 0 {
            1
        } else {
            config.window.div_ceil(2)
        },
        tolerance: config.tolerance,
    }
}

/// Every model's objective through encoder, noise and decoder.
fn losses(
    network: &Network,
    target: &Target,
    lambdas: &[f64],
    (noise, step, first): (&LatentNoise, Step, usize),
) -> Tensor<1> {
    let encoded = network.encode(target.spectrum.clone());
    let latent = noise.apply(encoded.latent.clone(), step.number, first);
    let decoded = network.decode(latent);
    let hidden = encoded.layers().chain(&decoded.hidden);
    objective(
        target,
        decoded.estimate,
        hidden,
        lambdas,
        step.loss_output(),
    )
}

/// The frames of each step, and how threads share them.
struct Input {
    /// Frames in a step.
    size: usize,
    /// Those of a step that each thread has.
    parts: Vec<Range<usize>>,
    frames: StepFrames,
}

enum StepFrames {
    /// All of them in every step, one target a thread.
    Whole(Vec<Target>),
    /// Random ones of every model.
    MiniBatches {
        rows: Box<FrameRows>,
        batches: Vec<Batches>,
    },
}

impl Input {
    fn new(spectra: &Spectra, config: &TrainConfig, seeds: &Seeds) -> Result<Self, TrainError> {
        let longest = spectra.longest();
        let is_whole =
            config.batch_frames == 0 || spectra.frames.iter().all(|&f| config.batch_frames >= f);
        let size = if is_whole {
            longest
        } else {
            config.batch_frames.min(longest)
        };
        let parts = spectra.shares(size);
        let frames = if is_whole {
            let own = parts.iter().map(|part| spectra.frames_in(part));
            let split = spectra.split(&parts)?.into_iter().zip(own);
            let target = |(x, frames): (_, Vec<usize>)| {
                Target::new(x, config.eps).padded(&frames).part_of(size)
            };
            StepFrames::Whole(split.map(target).collect())
        } else {
            let models = spectra.frames.iter().zip(seeds.generators("batches"));
            StepFrames::MiniBatches {
                rows: Box::new(FrameRows::new(spectra)?),
                batches: models
                    .map(|(&frames, rng)| Batches::new(frames, size, rng))
                    .collect(),
            }
        };
        Ok(Self {
            size,
            parts,
            frames,
        })
    }

    /// Indices of the next step's frames, some for every model; none if a step is on all frames.
    fn draw(&mut self) -> Vec<Vec<i32>> {
        match &mut self.frames {
            StepFrames::Whole(_) => Vec::new(),
            StepFrames::MiniBatches { batches, .. } => {
                let drawn = batches.iter_mut().map(|batches| batches.draw().to_vec());
                drawn.collect()
            }
        }
    }

    /// What part number `part` of a step's frames is to become.
    fn target(&self, part: usize, drawn: &[Vec<i32>], eps: f64) -> Target {
        let rows = match &self.frames {
            StepFrames::Whole(targets) => return targets[part].clone(),
            StepFrames::MiniBatches { rows, .. } => rows,
        };
        let part = &self.parts[part];
        let own: Vec<&[i32]> = drawn
            .iter()
            .map(|frames| &frames[part.start.min(frames.len())..part.end.min(frames.len())])
            .collect();
        let counts: Vec<usize> = own.iter().map(|frames| frames.len()).collect();
        Target::new(rows.pick(&own), eps)
            .padded(&counts)
            .part_of(self.size)
    }
}
