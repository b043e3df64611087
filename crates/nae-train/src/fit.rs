//! Fitting autoencoders: frames in, the same frames out.

use burn::module::Module;
use burn::optim::GradientsParams;
use nae_model::Nae;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Descent, DescentError, Flow, Plan, Progress, descend};
use rayon::prelude::*;

use crate::batches::{Batches, FrameRows, LatentNoise, Spectra};
use crate::copies::{first, step_copies};
use crate::error::TrainError;
use crate::seeds::Seeds;
use crate::settings::TrainConfig;

/// Networks of a stack, each at its own best, and how they got there.
pub type Fitted = Vec<Result<Descent<Nae>, DescentError>>;

/// Each run's own network, out of the stacks that all were part of.
pub(crate) fn members(runs: Vec<Result<Descent<Nae>, DescentError>>) -> Fitted {
    if let [_] = runs.as_slice() {
        return runs;
    }
    let own = |(i, run): (usize, Result<Descent<Nae>, _>)| {
        run.map(|run| run.map(|stack| stack.member(i)))
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
/// [`TrainError::Model`] if the device fails, [`DescentError::Diverged`] for a model whose loss stops
/// being finite.
pub fn fit(
    network: Nae,
    spectra: &Spectra,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let device = spectra.values.device();
    let longest = spectra.longest();
    let is_whole =
        config.batch_frames == 0 || spectra.frames.iter().all(|&f| config.batch_frames >= f);
    let size = if is_whole {
        longest
    } else {
        config.batch_frames.min(longest)
    };
    let parts = spectra.shares(size);
    let (whole, rows): (Vec<Target>, _) = if is_whole {
        let own = parts.iter().map(|part| spectra.frames_in(part));
        let split = spectra.split(&parts)?.into_iter().zip(own);
        let target =
            |(x, frames): (_, Vec<usize>)| Target::new(x, config.eps).padded(&frames).part_of(size);
        (split.map(target).collect(), None)
    } else {
        (Vec::new(), Some(FrameRows::new(spectra)?))
    };
    let mut batches: Vec<Batches> = spectra
        .frames
        .iter()
        .zip(seeds.generators("batches"))
        .map(|(&frames, rng)| Batches::new(frames, size, rng))
        .collect();
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("latent noise"));
    let copies = vec![network; parts.len().max(1)];
    let optimizer = |_| config.optimizer.build(&config.rprop);
    let mut optimizers: Vec<_> = copies.iter().map(optimizer).collect();
    let plan = Plan {
        stage: "autoencoder",
        max_steps: config.max_steps,
        window: config.window,
        // by default about one pass over 25 s of sound; the same number whatever else is in the stack
        judged: if config.batch_frames == 0 {
            1
        } else {
            config.window.div_ceil(2)
        },
        tolerance: config.tolerance,
    };

    let runs = descend(
        plan,
        seeds.count(),
        copies,
        |networks, step| {
            let drawn: Vec<&[i32]> = if is_whole {
                Vec::new()
            } else {
                batches.iter_mut().map(Batches::draw).collect()
            };
            // each thread has a network of its own on a tape of its own, with the same values
            let of_part = |(i, (part, network)): (usize, (&std::ops::Range<usize>, &Nae))| {
                let network = network.clone().fork(&device);
                let target = match &rows {
                    None => whole[i].clone(),
                    Some(rows) => {
                        let own: Vec<&[i32]> = drawn
                            .iter()
                            .map(|frames| {
                                &frames[part.start.min(frames.len())..part.end.min(frames.len())]
                            })
                            .collect();
                        let counts: Vec<usize> = own.iter().map(|frames| frames.len()).collect();
                        Target::new(rows.pick(&own), config.eps)
                            .padded(&counts)
                            .part_of(size)
                    }
                };
                let encoded = network.encode(target.spectrum.clone());
                let latent = encoded.last().unwrap_or(&target.spectrum).clone();
                let latent = noise.apply(latent, step.number, part.start);
                let (hidden, estimate) = network.decode(latent);
                let hidden = encoded.iter().chain(&hidden);
                let losses = objective(&target, estimate, hidden, lambdas, step.wanted());
                let gradients =
                    GradientsParams::from_grads(losses.clone().sum().backward(), &network);
                (losses.inner(), gradients)
            };
            let found = parts.par_iter().zip(&networks).enumerate().map(of_part);
            let (losses, gradients): (Vec<_>, Vec<_>) = found.unzip();
            let rate = config
                .schedule
                .rate(config.learning_rate, step.number, config.max_steps);
            let networks = step_copies(networks, &mut optimizers, &gradients, rate);
            (networks, losses.into_iter().reduce(|a, b| a + b))
        },
        observe,
    )?;
    let of_run = |run: Result<Descent<Vec<Nae>>, _>| run.map(|run| run.map(first));
    Ok(members(runs.into_iter().map(of_run).collect()))
}
