//! Refinement: optimises the decoder together with activations of the training frames.
//!
//! One pass of the encoder does not give the best activations of a frame, and a decoder trained
//! with it learns to compensate for that. Separation uses the decoder only. Free activations of
//! every training frame, initialised by the encoder, fit the decoder to that use. The encoder is
//! unchanged.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use nae_model::init::from_host;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, OptimizationRun, OptimizerKind, Plan, Progress, Schedule, optimize};
use nae_model::spectra::read;
use nae_model::{ActivationForm, Activations, Network};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::error::TrainError;
use crate::fit::{Fitted, select_networks};
use crate::frame_rows::FrameRows;
use crate::latent_noise::{LatentNoise, NOISE_BLOCK};
use crate::replicas::{Rates, first, step_replicas};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;
use crate::spectra::Spectra;

/// Minimises every model's training loss over decoder and activations, with Adam and a cosine.
/// Frames are divided into batches once, which steps take in turn: a frame keeps its activations
/// and their moments, and the decoder moves several times a pass. Arguments as for
/// [`fit`](crate::fit::fit).
///
/// # Errors
/// [`TrainError::Model`] if the device fails,
/// [`OptimizationError::Diverged`](nae_model::optim::OptimizationError) for a model whose loss stops
/// being finite.
pub fn refine(
    network: Network,
    spectra: &Spectra,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let settings = &config.refine;
    let device = spectra.values.device();
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("refining noise"));
    let (mut batches, activations) = deal(&network, spectra, config, seeds)?;
    let steps = settings.passes * settings.batches;
    let plan = Plan {
        stage: "refining",
        max_steps: steps,
        // whole passes, so that windows can be compared
        window: config.window.next_multiple_of(settings.batches),
        evaluated: settings.batches,
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
                let noised = noise.apply(latent.clone(), step.number, part.first);
                let decoded = network.decode(noised);
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
            let batch = step.number % settings.batches;
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

/// Batches of frames in parts for the threads, and the activations of each part that its frames start
/// at: what the encoder makes of them.
type Dealt = (Vec<Vec<Part>>, Vec<Vec<Activations>>);

/// Divides every model's frames into batches.
fn deal(
    network: &Network,
    spectra: &Spectra,
    config: &TrainConfig,
    seeds: &Seeds,
) -> Result<Dealt, TrainError> {
    let settings = &config.refine;
    let device = spectra.values.device();
    let rows = FrameRows::new(spectra)?;
    let orders = orders(spectra, settings.max_frames, seeds);
    let mut batches = Vec::with_capacity(settings.batches);
    let mut activations = Vec::with_capacity(settings.batches);
    for number in 0..settings.batches {
        let of_batch = |order: &'_ Vec<i32>| {
            let edge = |number| edge(order.len(), number, settings.batches);
            order[edge(number)..edge(number + 1)].to_vec()
        };
        let own: Vec<Vec<i32>> = orders.iter().map(of_batch).collect();
        let size = own.iter().map(Vec::len).max().unwrap_or(0);
        let mut parts = Vec::new();
        let mut starts = Vec::new();
        for range in spectra.shares(size) {
            let of_part = |own: &'_ Vec<i32>| {
                let end = range.end.min(own.len());
                own[range.start.min(end)..end].to_vec()
            };
            let indices: Vec<Vec<i32>> = own.iter().map(of_part).collect();
            let counts: Vec<usize> = indices.iter().map(Vec::len).collect();
            let indices: Vec<&[i32]> = indices.iter().map(Vec::as_slice).collect();
            // through the host: what was picked is a view, and would be put in order every step
            let picked = rows.pick(&indices);
            let shape = picked.dims();
            let spectrum = from_host(read(picked)?, shape, &device);
            let target = Target::new(spectrum, config.eps).padded(&counts);
            let start = network.encode(target.spectrum.clone()).latent;
            // off the graph between its steps: what Burn keeps for leaves on it slows all steps down
            starts.push(Activations::new(start, ActivationForm::Preactivation).valid());
            parts.push(Part {
                first: range.start,
                target: target.part_of(size),
                optimizer: adam(config),
            });
        }
        batches.push(parts);
        activations.push(starts);
    }
    Ok((batches, activations))
}

/// Where batch number `number` of `frames` divided into `batches` begins. At whole blocks if there
/// are enough: matrix products first put spectra of other widths in another order.
fn edge(frames: usize, number: usize, batches: usize) -> usize {
    let even = frames * number / batches;
    if number == batches || frames < 2 * NOISE_BLOCK * batches {
        even
    } else {
        (even + NOISE_BLOCK / 2) / NOISE_BLOCK * NOISE_BLOCK
    }
}

/// Every model's frames in random order, at most `max_frames` of them; all of them for 0.
fn orders(spectra: &Spectra, max_frames: usize, seeds: &Seeds) -> Vec<Vec<i32>> {
    let order = |(&frames, mut rng): (&usize, ChaCha8Rng)| {
        let mut order: Vec<i32> = (0..frames as i32).collect();
        order.shuffle(&mut rng);
        if max_frames > 0 {
            order.truncate(max_frames);
        }
        order
    };
    let rngs = seeds.generators("refined frames");
    spectra.frames.iter().zip(rngs).map(order).collect()
}

/// What stays with one thread's frames of a batch.
struct Part {
    /// Number of the first frame in its batch.
    first: usize,
    target: Target,
    /// Of these frames' activations.
    optimizer: ModuleOptimizer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_all_frames_and_none_is_empty() {
        for (frames, batches) in [(8, 6), (383, 6), (384, 6), (1563, 6), (4000, 1), (100, 7)] {
            let edges: Vec<usize> = (0..=batches).map(|n| edge(frames, n, batches)).collect();
            assert_eq!((edges[0], edges[batches]), (0, frames));
            assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{edges:?}");
        }
    }
}
