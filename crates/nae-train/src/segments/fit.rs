//! Fits autoencoders that see several frames to segments of training sound.

use std::ops::Range;

use burn::module::Module;
use burn::optim::GradientsParams;
use nae_model::Network;
use nae_model::loss::objective;
use nae_model::optim::{Flow, OptimizationRun, Progress, optimize};
use rayon::prelude::*;

use super::batch::SegmentBatch;
use super::sampler::{SegmentSampler, tiles};
use super::shape::SegmentShape;
use super::sound::Sound;
use crate::error::TrainError;
use crate::fit::{Fitted, plan, select_networks};
use crate::frame_rows::FrameRows;
use crate::latent_noise::LatentNoise;
use crate::replicas::{Rates, first, step_replicas};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;

/// Minimises every model's `D(X‖X̂) + λ·|H|₁` over all weights, as [`fit`](crate::fit::fit) does, a few
/// segments a step.
///
/// # Errors
/// As [`fit`](crate::fit::fit).
pub(crate) fn fit(
    network: Network,
    sound: &Sound,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let device = sound.spectra.values.device();
    let shape = sound.shape;
    let frames = shape.frames();
    let rows = FrameRows::new(&sound.spectra)?;
    let mut drawn = Drawn::new(sound, config, seeds);
    let count = drawn.count();
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("latent noise"));
    let parts = parts(sound, shape, count);
    let replicas = vec![network; parts.len().max(1)];
    let optimizer = |_| config.optimizer.build(&config.rprop);
    let mut optimizers: Vec<_> = replicas.iter().map(optimizer).collect();
    let runs = optimize(
        plan(config),
        seeds.count(),
        replicas,
        |networks, step| {
            let batch = SegmentBatch {
                starts: drawn.next(),
                counted: &sound.counted,
                shape,
                eps: config.eps,
            };
            // each thread has a network of its own on a graph of its own, with the same values
            let of_part = |(part, network): (&Range<usize>, &Network)| {
                let network = network.clone().fork(&device);
                let (x, target) = batch.part(&rows, part);
                let encoded = network.encode_segments(x, frames);
                let latent = encoded.latent.clone();
                let noised = noise.apply_segments(latent, step.number, part.start, frames);
                let decoded = network.decode_segments(noised, frames);
                let hidden = encoded.layers().chain(&decoded.hidden);
                let output = step.loss_output();
                let losses = objective(&target, decoded.estimate, hidden, lambdas, output);
                let gradients = losses.clone().sum().backward();
                let gradients = GradientsParams::from_grads(gradients, &network);
                (losses.inner(), gradients)
            };
            let found = parts.par_iter().zip(&networks).map(of_part);
            let (losses, gradients): (Vec<_>, Vec<_>) = found.unzip();
            let rate = |full| config.schedule.rate(full, step.number, config.max_steps);
            let rates = Rates::of(config, shape.after + 1).map(rate);
            let networks = step_replicas(networks, &mut optimizers, &gradients, rates);
            (networks, losses.into_iter().reduce(|a, b| a + b))
        },
        observe,
    )?;
    let of_run = |run: Result<OptimizationRun<Vec<Network>>, _>| run.map(|run| run.map(first));
    Ok(select_networks(runs.into_iter().map(of_run).collect()))
}

/// The segments of each step.
enum Drawn {
    /// All of every model's sound in every step.
    Whole(Vec<Vec<Option<usize>>>),
    /// So many random ones of every model.
    Random(Vec<SegmentSampler>, usize),
}

impl Drawn {
    fn new(sound: &Sound, config: &TrainConfig, seeds: &Seeds) -> Self {
        let shape = sound.shape;
        if config.batch_frames == 0 {
            let tiles = sound.counted.iter().map(|counted| tiles(counted, shape, 0));
            return Self::Whole(as_many_of_each(tiles.collect()));
        }
        let samplers = sound.counted.iter().zip(seeds.generators("segments"));
        let samplers = samplers.map(|(counted, rng)| SegmentSampler::new(counted, shape, rng));
        let count = config.batch_frames.div_ceil(shape.core);
        Self::Random(samplers.collect(), count)
    }

    /// Segments of a model in a step.
    fn count(&self) -> usize {
        match self {
            Self::Whole(starts) => starts.first().map_or(0, Vec::len),
            Self::Random(_, count) => *count,
        }
    }

    /// Where the next step's segments begin.
    fn next(&mut self) -> Vec<Vec<Option<usize>>> {
        match self {
            Self::Whole(starts) => starts.clone(),
            Self::Random(samplers, count) => {
                let draw = |sampler: &mut SegmentSampler| {
                    let drawn = sampler.draw(*count).into_iter();
                    drawn.map(Some).collect()
                };
                samplers.iter_mut().map(draw).collect()
            }
        }
    }
}

/// Every model's segments, filled up with missing ones to as many as the longest has.
pub(super) fn as_many_of_each(all: Vec<Vec<usize>>) -> Vec<Vec<Option<usize>>> {
    let most = all.iter().map(Vec::len).max().unwrap_or(0);
    let padded = |own: Vec<usize>| {
        let mut starts: Vec<Option<usize>> = own.into_iter().map(Some).collect();
        starts.resize(most, None);
        starts
    };
    all.into_iter().map(padded).collect()
}

/// Segments that each thread has.
pub(super) fn parts(sound: &Sound, shape: SegmentShape, count: usize) -> Vec<Range<usize>> {
    let frames = shape.frames();
    let device = sound.spectra.values.device();
    let ranges = sound.spectra.sharing.parts(count * frames, frames, &device);
    let ranges = ranges.into_iter();
    ranges
        .map(|range| range.start / frames..range.end / frames)
        .collect()
}
