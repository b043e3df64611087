//! Spectra of a model's training clips from its latent cache.

use burn::tensor::{Device, Tensor};
use nae_audio::Magnitude;

use crate::config::Latent;
use crate::error::ModelError;
use crate::file::Model;
use crate::init::from_host;
use crate::spectra::download;

/// Magnitudes of the clips in a model's latent cache, one after the other and at the model's level: its
/// activations decoded, corrected by its residual codes. `None` without a cache.
///
/// # Errors
/// [`ModelError::Device`] if the device fails.
pub fn reconstruct(model: &Model, device: &Device) -> Result<Option<Magnitude>, ModelError> {
    let Some(cache) = &model.latent_cache else {
        return Ok(None);
    };
    let decoder = model.network.decoder(Latent::Bottleneck, device);
    let shape = [1, cache.rank(), cache.frames()];
    let activations = from_host(cache.values(), shape, device);
    let decoded: Tensor<3> = decoder
        .decode(activations)
        .powf_scalar(1.0 / model.metadata.architecture.compression());
    let factors = cache.residual_factors(decoded.dims()[1]);
    let factors = from_host(factors, decoded.dims(), device);
    Ok(download(decoded * factors, &[cache.frames()])?.pop())
}
