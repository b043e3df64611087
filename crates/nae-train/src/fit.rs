//! Fitting the autoencoder: frames in, the same frames out.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use nae_model::Nae;
use nae_model::loss::{Target, generalised_kl, sparsity};
use nae_model::optim::{Flow, Plan, Progress, descend};
use nae_model::random::generator;

use crate::batches::{Batches, indices, latent_noise};
use crate::error::TrainError;
use crate::settings::TrainConfig;

/// A network and how it got there.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The network with the lowest loss.
    pub network: Nae,
    /// That loss, the mean over a window of steps.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Whether the observer stopped the run.
    pub is_interrupted: bool,
}

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
    let target = Target::new(spectrum.clone(), config.eps);
    let frames = target.frames();
    let mut batches = Batches::new(frames, config.batch_frames, generator(seed, "batches"));
    let mut noise_rng = generator(seed, "latent noise");
    let mut optimizer = config.optimizer.build(&config.rprop);
    let plan = Plan {
        stage: "autoencoder",
        max_steps: config.max_steps,
        window: config.window,
        tolerance: config.tolerance,
    };

    let run = descend(
        plan,
        network,
        |network, step| {
            let batch = if config.batch_frames == 0 || config.batch_frames >= frames {
                target.clone()
            } else {
                target.select(indices(batches.draw(), &device))
            };
            let encoded = network.encode(batch.spectrum.clone());
            let mut latent = encoded.last().unwrap_or(&batch.spectrum).clone();
            if config.latent_noise > 0.0 {
                latent = latent.clone()
                    * latent_noise(latent.dims(), config.latent_noise, &mut noise_rng, &device);
            }
            let mut hidden = network.decode(latent);
            let estimate = hidden.pop().unwrap_or_else(|| batch.spectrum.clone());
            let mut loss = generalised_kl(&batch, estimate);
            if let Some(penalty) = sparsity(encoded.iter().chain(&hidden), config.sparsity) {
                loss = loss + penalty;
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            let rate = config
                .schedule
                .rate(config.learning_rate, step, config.max_steps);
            (optimizer.step(rate, network, gradients), Some(loss.inner()))
        },
        observe,
    )?;
    Ok(Fitted {
        network: run.best,
        loss: run.loss,
        steps: run.steps,
        is_interrupted: run.is_interrupted,
    })
}
