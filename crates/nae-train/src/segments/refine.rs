//! Refinement of decoders that see several frames: together with activations of whole segments.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use nae_model::init::from_host;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, OptimizationRun, OptimizerKind, Plan, Progress, Schedule, optimize};
use nae_model::spectra::read;
use nae_model::{ActivationForm, Activations, Network};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::batch::SegmentBatch;
use super::fit::{as_many_of_each, parts};
use super::sampler::tiles;
use super::shape::SegmentShape;
use super::sound::Sound;
use crate::error::TrainError;
use crate::fit::{Fitted, select_networks};
use crate::frame_rows::FrameRows;
use crate::latent_noise::LatentNoise;
use crate::replicas::{Rates, first, step_replicas};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;

/// Frames of a segment that count: long ones, of which context is a small part.
const CORE: usize = 64;

/// How refinement divides a model's sound: into segments, and these into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    shape: SegmentShape,
    /// Number of batches, none of which is empty.
    count: usize,
}

impl Division {
    /// - `counted`: whether each of the model's frames counts
    /// - `shape`: with the context that its kind needs
    pub fn new(counted: &[bool], shape: SegmentShape, config: &TrainConfig) -> Self {
        let context = shape.before + shape.after;
        let core = counted.len().saturating_sub(context).clamp(1, CORE);
        let shape = SegmentShape { core, ..shape };
        let most = match config.refine.max_frames {
            0 => usize::MAX,
            frames => frames.div_ceil(core),
        };
        let segments = tiles(counted, shape, 0).len().min(most);
        Self {
            shape,
            count: config.refine.batches.clamp(1, segments.max(1)),
        }
    }
}

/// Minimises every model's training loss over decoder and activations, as
/// [`refine`](crate::refine::refine) does, with segments in the place of frames. Every segment has
/// activations of its own in its context, too, so that none answers for another's frames.
///
/// # Errors
/// As [`refine`](crate::refine::refine).
pub(crate) fn refine(
    network: Network,
    sound: &Sound,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let settings = &config.refine;
    let device = sound.spectra.values.device();
    let divisions = sound.counted.iter();
    let divisions = divisions.map(|counted| Division::new(counted, sound.shape, config));
    // models are in one stack only if theirs are equal
    let Some(Division { shape, count }) = divisions.min_by_key(|own| own.count) else {
        return Ok(Vec::new());
    };
    let frames = shape.frames();
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("refining noise"));
    let (mut batches, activations) = deal(&network, sound, (shape, count), config, seeds)?;
    let steps = settings.passes * count;
    let plan = Plan {
        stage: "refining",
        max_steps: steps,
        // whole passes, so that windows can be compared
        window: config.window.next_multiple_of(count),
        evaluated: count,
        tolerance: config.tolerance,
    };
    // steps get the decoder only: Burn keeps in the graph that the encoder's weights were copied,
    // copy after copy, and looks through all of that in every step
    let decoder = network.without_encoder();
    let threads = batches.iter().map(Vec::len).fold(1, usize::max);
    let mut optimizers: Vec<_> = (0..threads).map(|_| adam(config)).collect();
    let runs = optimize(
        plan,
        seeds.count(),
        (vec![decoder; threads], activations),
        |(networks, mut activations), step| {
            let rate = |full| Schedule::Cosine.rate(full, step.number, steps);
            // each thread has a decoder of its own on a graph of its own, with the same values
            let of_part = |((part, activations), network): ((&mut Part, Activations), &Network)| {
                let network = network.clone().fork(&device);
                let activations = activations.train();
                let latent = activations.value();
                let noised = noise.apply_segments(latent.clone(), step.number, part.first, frames);
                let decoded = network.decode_segments(noised, frames);
                let hidden = std::iter::once(&latent).chain(&decoded.hidden);
                let output = step.loss_output();
                let losses = objective(&part.target, decoded.estimate, hidden, lambdas, output);
                let mut gradients = losses.clone().sum().backward();
                let of_decoder = GradientsParams::from_module(&mut gradients, &network);
                let of_activations = GradientsParams::from_module(&mut gradients, &activations);
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
    let whole = |(replicas, _): (Vec<Network>, _)| first(replicas).with_encoder_of(&network);
    let of_run = |run: Result<OptimizationRun<(Vec<Network>, _)>, _>| run.map(|run| run.map(whole));
    Ok(select_networks(runs.into_iter().map(of_run).collect()))
}

fn adam(config: &TrainConfig) -> ModuleOptimizer {
    OptimizerKind::Adam.build(&config.rprop)
}

/// What stays with one thread's segments of a batch.
struct Part {
    /// Number of the first segment in its batch.
    first: usize,
    target: Target,
    /// Of these segments' activations.
    optimizer: ModuleOptimizer,
}

/// Batches of segments in parts for the threads, and the activations of each part that its frames start
/// at: what the encoder makes of them.
type Dealt = (Vec<Vec<Part>>, Vec<Vec<Activations>>);

/// Divides every model's segments into batches.
fn deal(
    network: &Network,
    sound: &Sound,
    (shape, count): (SegmentShape, usize),
    config: &TrainConfig,
    seeds: &Seeds,
) -> Result<Dealt, TrainError> {
    let device = sound.spectra.values.device();
    let rows = FrameRows::new(&sound.spectra)?;
    let orders = orders(sound, shape, config.refine.max_frames, seeds);
    let mut batches = Vec::with_capacity(count);
    let mut activations = Vec::with_capacity(count);
    for number in 0..count {
        let of_batch = |order: &Vec<usize>| {
            let edge = |number| order.len() * number / count;
            order[edge(number)..edge(number + 1)].to_vec()
        };
        let own: Vec<Vec<usize>> = orders.iter().map(of_batch).collect();
        let batch = SegmentBatch {
            starts: as_many_of_each(own),
            counted: &sound.counted,
            shape,
            eps: config.eps,
        };
        let (mut of_threads, mut starts) = (Vec::new(), Vec::new());
        for range in parts(sound, shape, batch.len()) {
            let (x, target) = batch.part(&rows, &range);
            // through the host: what was picked is a view, and would be put in order every step
            let dims = x.dims();
            let x = from_host(read(x)?, dims, &device);
            let start = network.encode_segments(x, shape.frames()).latent;
            // off the graph between its steps: what Burn keeps for leaves on it slows all steps down
            starts.push(Activations::new(start, ActivationForm::Preactivation).valid());
            of_threads.push(Part {
                first: range.start,
                target,
                optimizer: adam(config),
            });
        }
        batches.push(of_threads);
        activations.push(starts);
    }
    Ok((batches, activations))
}

/// Every model's segments in random order, at most so many that `max_frames` count; all for 0.
fn orders(sound: &Sound, shape: SegmentShape, max_frames: usize, seeds: &Seeds) -> Vec<Vec<usize>> {
    let rngs = seeds.generators("refined segments");
    let order = sound.counted.iter().zip(rngs).map(|(counted, mut rng)| {
        let mut order = tiles(counted, shape, 0);
        order.shuffle(&mut rng);
        if max_frames > 0 {
            order.truncate(max_frames.div_ceil(shape.core));
        }
        order
    });
    order.collect()
}
