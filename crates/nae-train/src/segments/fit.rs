//! Fits autoencoders that see several frames to segments of training sound.

use std::ops::Range;

use burn::module::Module;
use burn::optim::GradientsParams;
use nae_model::Network;
use nae_model::loss::objective;
use nae_model::optim::{Flow, OptimizationRun, Progress, optimize};
use rayon::prelude::*;

use super::batch::SegmentBatch;
use super::sampler::SegmentSampler;
use super::shape::SegmentShape;
use super::sound::Sound;
use crate::error::TrainError;
use crate::fit::{Fitted, plan, select_networks};
use crate::frame_rows::FrameRows;
use crate::latent_noise::LatentNoise;
use crate::replicas::{Rates, first, step_replicas};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;

/// The encoder's learning rate over the decoder's, for one frame of its window: units of an encoder
/// that takes larger steps die.
const ENCODER_RATE: f64 = 2.0 / 15.0;

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
    let samplers = sound.counted.iter().zip(seeds.generators("segments"));
    let samplers = samplers.map(|(counted, rng)| SegmentSampler::new(counted, shape, rng));
    let mut samplers: Vec<_> = samplers.collect();
    let count = segments_of_a_step(sound, config);
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("latent noise"));
    let parts = parts(sound, shape, count);
    let encoder_rate = config.learning_rate * ENCODER_RATE / (shape.after + 1) as f64;
    let replicas = vec![network; parts.len().max(1)];
    let optimizer = |_| config.optimizer.build(&config.rprop);
    let mut optimizers: Vec<_> = replicas.iter().map(optimizer).collect();
    let runs = optimize(
        plan(config),
        seeds.count(),
        replicas,
        |networks, step| {
            let draw = |sampler: &mut SegmentSampler| {
                let drawn = sampler.draw(count).into_iter();
                drawn.map(Some).collect()
            };
            let batch = SegmentBatch {
                starts: samplers.iter_mut().map(draw).collect(),
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
            let rates = Rates::of(config, encoder_rate).map(rate);
            let networks = step_replicas(networks, &mut optimizers, &gradients, rates);
            (networks, losses.into_iter().reduce(|a, b| a + b))
        },
        observe,
    )?;
    let of_run = |run: Result<OptimizationRun<Vec<Network>>, _>| run.map(|run| run.map(first));
    Ok(select_networks(runs.into_iter().map(of_run).collect()))
}

/// As many segments as have about the frames of a mini-batch; all of the sound for 0.
fn segments_of_a_step(sound: &Sound, config: &TrainConfig) -> usize {
    let wanted = match config.batch_frames {
        0 => sound.spectra.longest(),
        frames => frames,
    };
    wanted.div_ceil(sound.shape.core).max(1)
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
