//! Refining: the decoder and the training frames' own activations, optimised together.
//!
//! The encoder's one pass cannot find the best activations of a frame, so a decoder trained
//! behind it learns to make up for that. Separation does not use the encoder, only the decoder:
//! letting every training frame have free activations, starting at the encoder's, fits the
//! decoder to the way it will be used. The encoder stays as it was.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, OptimizerKind, Plan, Progress, Schedule, descend};
use nae_model::random::generator;
use nae_model::{ActivationForm, Activations, Nae};

use crate::batches::{Batches, Frames, noisy};
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
    let mut spectrum = spectrum.clone();
    if settings.max_frames > 0 && settings.max_frames < frames {
        let mut choice = Batches::new(
            frames,
            settings.max_frames,
            generator(seed, "refined frames"),
        );
        spectrum = Frames::new(&spectrum)?.pick(choice.draw());
    }
    let target = Target::new(spectrum, config.eps);
    let start = network
        .encode(target.spectrum.clone())
        .pop()
        .unwrap_or_else(|| target.spectrum.clone());
    let activations = Activations::new(start, ActivationForm::Preactivation);
    let mut noise_rng = generator(seed, "refining noise");
    let adam = || OptimizerKind::Adam.build(&config.rprop);
    let (mut decoder_optimizer, mut activation_optimizer) = (adam(), adam());
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
            let latent = activations.value();
            let noised = noisy(latent.clone(), config.latent_noise, &mut noise_rng);
            let (hidden, estimate) = network.decode(noised);
            let hidden = std::iter::once(&latent).chain(&hidden);
            let loss = objective(&target, estimate, hidden, config.sparsity);
            let mut gradients = loss.backward();
            let decoder_gradients = GradientsParams::from_module(&mut gradients, &network.decoder);
            let activation_gradients = GradientsParams::from_module(&mut gradients, &activations);
            let rate = |full| Schedule::Cosine.rate(full, step, settings.steps);
            network.decoder = decoder_optimizer.step(
                rate(settings.decoder_rate),
                network.decoder,
                decoder_gradients,
            );
            let activations = activation_optimizer.step(
                rate(settings.activation_rate),
                activations,
                activation_gradients,
            );
            ((network, activations), Some(loss.inner()))
        },
        observe,
    )?;
    Ok(run.map(|(network, _)| network))
}
