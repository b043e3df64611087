//! Fitting the autoencoder: frames in, the same frames out.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use nae_model::Nae;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Descent, Flow, Plan, Progress, descend};
use nae_model::random::generator;

use crate::batches::{Batches, Frames, noisy};
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
    let frames = spectrum.dims()[1];
    let all = Target::new(spectrum.clone(), config.eps);
    let is_whole = config.batch_frames == 0 || config.batch_frames >= frames;
    let rows = (!is_whole).then(|| Frames::new(spectrum)).transpose()?;
    let mut batches = Batches::new(frames, config.batch_frames, generator(seed, "batches"));
    let mut noise_rng = generator(seed, "latent noise");
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
            let batch = match &rows {
                None => all.clone(),
                Some(rows) => Target::new(rows.pick(batches.draw()), config.eps),
            };
            let encoded = network.encode(batch.spectrum.clone());
            let latent = encoded.last().unwrap_or(&batch.spectrum).clone();
            let latent = noisy(latent, config.latent_noise, &mut noise_rng);
            let (hidden, estimate) = network.decode(latent);
            let hidden = encoded.iter().chain(&hidden);
            let loss = objective(&batch, estimate, hidden, config.sparsity);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            let rate = config
                .schedule
                .rate(config.learning_rate, step, config.max_steps);
            (optimizer.step(rate, network, gradients), Some(loss.inner()))
        },
        observe,
    )?)
}
