//! Fitting the autoencoder: frames in, the same frames out.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use nae_kernels::shares;
use nae_model::Nae;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Descent, Flow, Plan, Progress, descend};
use nae_model::random::generator;
use rayon::prelude::*;

use crate::batches::{Batches, FrameRows, LatentNoise, NOISE_BLOCK, split};
use crate::error::TrainError;
use crate::settings::TrainConfig;

/// A network and how it got there.
pub type Fitted = Descent<Nae>;

/// Minimises `D(X‖X̂) + λ·|H|₁` over all weights.
///
/// # Shapes
/// - `spectrum`: `[bins, frames]`, compressed, on a device that records gradients
///
/// # Errors
/// [`TrainError::Descent`] if the loss stops being finite.
pub fn fit(
    network: Nae,
    spectrum: &Tensor<2>,
    config: &TrainConfig,
    seed: u64,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let device = spectrum.device();
    let frames = spectrum.dims()[1];
    let is_whole = config.batch_frames == 0 || config.batch_frames >= frames;
    let size = if is_whole {
        frames
    } else {
        config.batch_frames
    };
    let parts = shares(size, NOISE_BLOCK, &device);
    let part_of = |spectrum| Target::new(spectrum, config.eps).part_of(size);
    let (whole, rows): (Vec<Target>, _) = if is_whole {
        let spectra = split(spectrum, &parts)?;
        (spectra.into_iter().map(part_of).collect(), None)
    } else {
        (Vec::new(), Some(FrameRows::new(spectrum)?))
    };
    let mut batches = Batches::new(frames, size, generator(seed, "batches"));
    let noise = LatentNoise::new(config.latent_noise, generator(seed, "latent noise"));
    let mut optimizer = config.optimizer.build(&config.rprop);
    let plan = Plan {
        stage: "autoencoder",
        max_steps: config.max_steps,
        window: config.window,
        tolerance: config.tolerance,
    };

    Ok(descend(
        plan,
        network,
        |network, step| {
            let batch = if is_whole { &[] } else { batches.draw() };
            // each thread has a network of its own on a tape of its own, with the same values
            let of_part = |(i, part): (usize, &std::ops::Range<usize>)| {
                let network = network.clone().fork(&device);
                let target = match &rows {
                    None => whole[i].clone(),
                    Some(rows) => part_of(rows.pick(&batch[part.clone()])),
                };
                let encoded = network.encode(target.spectrum.clone());
                let latent = encoded.last().unwrap_or(&target.spectrum).clone();
                let latent = noise.apply(latent, step, part.start);
                let (hidden, estimate) = network.decode(latent);
                let hidden = encoded.iter().chain(&hidden);
                let loss = objective(&target, estimate, hidden, config.sparsity);
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                (loss.inner(), gradients)
            };
            let found: Vec<_> = parts.par_iter().enumerate().map(of_part).collect();
            let mut sum = GradientsAccumulator::new();
            let mut losses = Vec::with_capacity(found.len());
            for (loss, gradients) in found {
                sum.accumulate(&network, gradients);
                losses.push(loss);
            }
            let rate = config
                .schedule
                .rate(config.learning_rate, step, config.max_steps);
            let network = optimizer.step(rate, network, sum.grads());
            (network, losses.into_iter().reduce(|a, b| a + b))
        },
        observe,
    )?)
}
