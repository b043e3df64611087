//! Refining: the decoder and the training frames' own activations, optimised together.
//!
//! The encoder's one pass cannot find the best activations of a frame, so a decoder trained
//! behind it learns to make up for that. Separation does not use the encoder, only the decoder:
//! letting every training frame have free activations, starting at the encoder's, fits the
//! decoder to the way it will be used. The encoder stays as it was.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, OptimizerKind, Plan, Progress, Schedule, descend};
use nae_model::{ActivationForm, Activations, Nae};
use rayon::prelude::*;

use crate::batches::{Batches, FrameRows, LatentNoise, Spectra};
use crate::error::TrainError;
use crate::fit::{Fitted, members};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;

/// Minimises every model's training loss over decoder and activations, full batch, Adam with a
/// cosine. Arguments as for [`fit`](crate::fit::fit).
///
/// # Errors
/// [`TrainError::Model`] if the device fails,
/// [`DescentError::Diverged`](nae_model::optim::DescentError) for a model whose loss stops being
/// finite.
pub fn refine(
    network: Nae,
    spectra: &Spectra,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let settings = &config.refine;
    let device = spectra.values.device();
    let spectra = &chosen(spectra, settings.max_frames, seeds)?;
    let frames = spectra.longest();
    let parts = spectra.shares(frames);
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("refining noise"));
    let adam = || OptimizerKind::Adam.build(&config.rprop);
    let mut decoder_optimizer = adam();
    let mut own = Vec::with_capacity(parts.len());
    let mut activations = Vec::with_capacity(parts.len());
    for (part, spectrum) in parts.iter().zip(spectra.split(&parts)?) {
        let encoded = network.encode(spectrum.clone());
        let start = encoded.last().unwrap_or(&spectrum).clone();
        activations.push(Activations::new(start, ActivationForm::Preactivation));
        let target = Target::new(spectrum, config.eps).padded(&spectra.frames_in(part));
        own.push(Part {
            first: part.start,
            target: target.part_of(frames),
            optimizer: adam(),
        });
    }
    let plan = Plan {
        stage: "refining",
        max_steps: settings.steps,
        window: config.window,
        tolerance: config.tolerance,
    };

    let runs = descend(
        plan,
        seeds.count(),
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
                let losses = objective(&part.target, estimate, hidden, lambdas);
                let mut gradients = losses.clone().sum().backward();
                let of_decoder = GradientsParams::from_module(&mut gradients, &network.decoder);
                let of_activations = GradientsParams::from_module(&mut gradients, &activations);
                let rate = rate(settings.activation_rate);
                let activations = part.optimizer.step(rate, activations, of_activations);
                (activations, (of_decoder, losses.inner()))
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
    let of_run = |run: Result<_, _>| {
        run.map(|run: nae_model::optim::Descent<(Nae, _)>| run.map(|(network, _)| network))
    };
    Ok(members(runs.into_iter().map(of_run).collect()))
}

/// At most `max_frames` frames of every model, a random choice; all of them for 0.
fn chosen(spectra: &Spectra, max_frames: usize, seeds: &Seeds) -> Result<Spectra, TrainError> {
    if max_frames == 0 || spectra.longest() <= max_frames {
        return Ok(spectra.clone());
    }
    let choose = |(&frames, rng)| -> Vec<i32> {
        if frames <= max_frames {
            (0..frames as i32).collect()
        } else {
            Batches::new(frames, max_frames, rng).draw().to_vec()
        }
    };
    let choice = spectra
        .frames
        .iter()
        .zip(seeds.generators("refined frames"))
        .map(choose);
    let choice: Vec<Vec<i32>> = choice.collect();
    let indices: Vec<&[i32]> = choice.iter().map(Vec::as_slice).collect();
    Ok(Spectra {
        values: FrameRows::new(spectra)?.pick(&indices),
        frames: indices.iter().map(|own| own.len()).collect(),
        sharing: spectra.sharing,
    })
}

/// What stays with one thread's frames.
struct Part {
    /// Number of the first frame.
    first: usize,
    target: Target,
    /// Of these frames' activations.
    optimizer: ModuleOptimizer,
}
