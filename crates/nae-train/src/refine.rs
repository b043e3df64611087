//! Refining: the decoder and the training frames' own activations, optimised together.
//!
//! The encoder's one pass cannot find the best activations of a frame, so a decoder trained
//! behind it learns to make up for that. Separation does not use the encoder, only the decoder:
//! letting every training frame have free activations, starting at the encoder's, fits the
//! decoder to the way it will be used. The encoder stays as it was.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_kernels::shares;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, OptimizerKind, Plan, Progress, Schedule, descend};
use nae_model::random::generator;
use nae_model::{ActivationForm, Activations, Nae};
use rayon::prelude::*;

use crate::batches::{Batches, FrameRows, LatentNoise, NOISE_BLOCK, split};
use crate::error::TrainError;
use crate::fit::Fitted;
use crate::settings::TrainConfig;

/// Minimises the training loss over decoder and activations, full batch, Adam with a cosine.
///
/// # Shapes
/// - `spectrum`: `[bins, frames]`, compressed, on a device that records gradients
///
/// # Errors
/// [`TrainError::Descent`] if the loss stops being finite.
pub fn refine(
    network: Nae,
    spectrum: &Tensor<2>,
    config: &TrainConfig,
    seed: u64,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let settings = &config.refine;
    let frames = spectrum.dims()[1];
    let device = spectrum.device();
    let mut spectrum = spectrum.clone();
    if settings.max_frames > 0 && settings.max_frames < frames {
        let mut choice = Batches::new(
            frames,
            settings.max_frames,
            generator(seed, "refined frames"),
        );
        spectrum = FrameRows::new(&spectrum)?.pick(choice.draw());
    }
    let frames = spectrum.dims()[1];
    let parts = shares(frames, NOISE_BLOCK, &device);
    let noise = LatentNoise::new(config.latent_noise, generator(seed, "refining noise"));
    let adam = || OptimizerKind::Adam.build(&config.rprop);
    let mut decoder_optimizer = adam();
    let mut own = Vec::with_capacity(parts.len());
    let mut activations = Vec::with_capacity(parts.len());
    for (part, spectrum) in parts.iter().zip(split(&spectrum, &parts)?) {
        let encoded = network.encode(spectrum.clone());
        let start = encoded.last().unwrap_or(&spectrum).clone();
        activations.push(Activations::new(start, ActivationForm::Preactivation));
        own.push(Part {
            first: part.start,
            target: Target::new(spectrum, config.eps).part_of(frames),
            optimizer: adam(),
        });
    }
    let plan = Plan {
        stage: "refining",
        max_steps: settings.steps,
        window: config.window,
        tolerance: config.tolerance,
    };

    let run = descend(
        plan,
        (network, activations),
        |(mut network, activations), step| {
            let rate = |full| Schedule::Cosine.rate(full, step, settings.steps);
            // each thread has a decoder of its own on a tape of its own, with the same values
            let of_part = |(part, activations): (&mut Part, Activations)| {
                let network = network.clone().fork(&device);
                let latent = activations.value();
                let noised = noise.apply(latent.clone(), step, part.first);
                let (hidden, estimate) = network.decode(noised);
                let hidden = std::iter::once(&latent).chain(&hidden);
                let loss = objective(&part.target, estimate, hidden, config.sparsity);
                let mut gradients = loss.backward();
                let of_decoder = GradientsParams::from_module(&mut gradients, &network.decoder);
                let of_activations = GradientsParams::from_module(&mut gradients, &activations);
                let rate = rate(settings.activation_rate);
                let activations = part.optimizer.step(rate, activations, of_activations);
                (activations, (of_decoder, loss.inner()))
            };
            let found = own.par_iter_mut().zip(activations).map(of_part);
            let (activations, found): (Vec<_>, Vec<_>) = found.unzip();
            let mut sum = GradientsAccumulator::new();
            let mut losses = Vec::with_capacity(found.len());
            for (gradients, loss) in found {
                sum.accumulate(&network.decoder, gradients);
                losses.push(loss);
            }
            let rate = rate(settings.decoder_rate);
            network.decoder = decoder_optimizer.step(rate, network.decoder, sum.grads());
            let loss = losses.into_iter().reduce(|a, b| a + b);
            ((network, activations), loss)
        },
        observe,
    )?;
    Ok(run.map(|(network, _)| network))
}

/// What stays with one thread's frames.
struct Part {
    /// Number of the first frame.
    first: usize,
    target: Target,
    /// Of these frames' activations.
    optimizer: ModuleOptimizer,
}
