//! What a trained model keeps of its clips: latents and residual codes.

use burn::tensor::{Device, Tensor};
use nae_audio::{Stft, without_offset};
use nae_model::latent_cache::MAX_FRAMES;
use nae_model::loss::Target;
use nae_model::spectra::{read, upload};
use nae_model::{Latent, LatentCache, Model};

use crate::clip::TrainingClip;
use crate::error::TrainError;
use crate::free_activations::fitted;

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
