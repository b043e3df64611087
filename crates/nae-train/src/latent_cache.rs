//! What a trained model keeps of its clips: latents and residual codes.

use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use nae_audio::{Stft, without_offset};
use nae_model::architecture::Context;
use nae_model::latent_cache::MAX_FRAMES;
use nae_model::loss::{Target, growing, objective};
use nae_model::optim::{Adam, Flow, Plan, optimize};
use nae_model::spectra::{read, upload};
use nae_model::{ActivationForm, Activations, Decoder, Latent, LatentCache, Model};

use crate::clip::TrainingClip;
use crate::error::TrainError;

/// Steps of Adam from the encoder's activations, and their size: as in separation.
const STEPS: usize = 40;
const RATE: f64 = 1.0;

/// Activations that start lower start at this where they are updated multiplicatively.
const LEAST: f64 = 1e-2;

/// Activations for which the model's frozen decoder approximates the clips, in their order, silence
/// included, and the residual between clips and decoded spectra; as many clips as fit into
/// [`MAX_FRAMES`], the last one cut short.
///
/// - `clips`: mono sound at the model's rate
///
/// # Errors
/// [`TrainError`] from the transform or a diverging run.
pub fn store_latents(
    model: &Model,
    clips: &[TrainingClip],
    device: &Device,
) -> Result<Option<LatentCache>, TrainError> {
    let audio = &model.metadata.audio;
    let stft = Stft::new(audio.stft())?;
    let bins = audio.stft().bins();
    let (mut values, mut lengths, mut left) = (Vec::new(), Vec::new(), MAX_FRAMES);
    for clip in clips {
        let centred = without_offset(&clip.samples, audio.sample_rate);
        // no more than what is kept: clips may be long
        let needed = centred.len().min(left * audio.hop + audio.n_fft);
        let magnitude = stft.analyze(&centred[..needed])?.magnitude();
        let frames = magnitude.frames().min(left);
        if frames > 0 {
            values.extend_from_slice(&magnitude.data()[..frames * bins]);
            lengths.push(frames);
            left -= frames;
        }
    }
    if lengths.is_empty() {
        return Ok(None);
    }
    let observed = nae_audio::Magnitude::new(bins, values.len() / bins, values)?;
    let autodiff_device = device.clone().autodiff();
    let decoder = model.network.decoder(Latent::Bottleneck, &autodiff_device);
    let gained = [(&observed, model.metadata.gain)];
    let spectrum = upload(
        &gained,
        model.metadata.architecture.compression(),
        &autodiff_device,
    );
    let target = Target::new(spectrum.clone(), nae_model::loss::DEFAULT_EPS);
    let activations = fitted(&decoder, &target)?;
    // as magnitudes again, both with the model's gain
    let magnitudes = |compressed: Tensor<3>| {
        read(compressed.powf_scalar(1.0 / model.metadata.architecture.compression()))
    };
    let decoded = decoder.decode(Tensor::from_inner(activations.clone()));
    let decoded = magnitudes(decoded.inner())?;
    let memory = LatentCache::new(decoder.rank(), lengths, &read(activations)?);
    let observed = magnitudes(spectrum.inner())?;
    Ok(memory.map(|memory| memory.with_residual_codes(&decoded, &observed)))
}

/// Activations for which the decoder approximates the target, outside the graph.
///
/// # Shapes
/// - output: `[1, rank, frames]`
fn fitted(decoder: &Decoder, target: &Target) -> Result<Tensor<3>, TrainError> {
    let start = decoder.encode(target.spectrum.clone());
    // as in separation: of one linear layer that sees several frames, by multiplicative updates
    let is_linear = decoder.needs_nonnegative_activations();
    let growing = (is_linear && decoder.context() != Context::NONE)
        .then(|| gradient_of_growing(decoder, target));
    let start = match growing {
        Some(_) => Activations::new(start.clamp_min(LEAST), ActivationForm::Nonnegative),
        None => Activations::new(start, ActivationForm::Preactivation),
    };
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    let plan = Plan {
        stage: "storing latents",
        max_steps: STEPS,
        window: STEPS / 4,
        evaluated: 1,
        tolerance: 0.0,
    };
    let found = optimize(
        plan,
        1,
        start.clone(),
        |activations, step| {
            let estimate = decoder.decode(activations.value());
            let loss = objective(target, estimate, &[], &[0.0], step.loss_output());
            let gradients = loss.clone().sum().backward();
            let mut gradients = GradientsParams::from_grads(gradients, &activations);
            let stepped = match (&growing, gradients.remove::<3>(activations.leaf.id)) {
                (Some(growing), Some(gradient)) => {
                    let ratio = gradient / growing.clone();
                    activations.multiplied(ratio.neg().add_scalar(1.0).clamp_min(0.0))
                }
                (_, Some(gradient)) => {
                    gradients.register(activations.leaf.id, gradient);
                    optimizer.step(RATE, activations, gradients)
                }
                (_, None) => activations,
            };
            (stepped, Some(loss.inner()))
        },
        &mut |_| Flow::Continue,
    )?;
    let best = match found.into_iter().next() {
        Some(found) => found?.best,
        None => start,
    };
    Ok(best.value().inner())
}

/// Gradient of the part of the objective that grows with the activations of a linear decoder, above
/// zero everywhere.
///
/// # Shapes
/// - output: `[1, rank, frames]`, outside the graph
fn gradient_of_growing(decoder: &Decoder, target: &Target) -> Tensor<3> {
    let [_, _, frames] = target.spectrum.dims();
    let options = (&target.spectrum.device(), target.spectrum.dtype());
    let h = Tensor::<3>::ones([1, decoder.rank(), frames], options).require_grad();
    let growing = growing(target, decoder.decode(h.clone()), [&h], &[0.0]);
    let gradient = h.grad(&growing.sum().backward());
    let gradient = gradient.unwrap_or_else(|| h.inner().zeros_like());
    gradient.clamp_min(f64::from(f32::MIN_POSITIVE))
}
