//! Examples to listen to, computed again: results hold scores, not stems.

use burn::tensor::Device;
use nae_audio::Clip;

use crate::cell::{Separation, Training};
use crate::error::SweepError;
use crate::executor::Executor;
use crate::manifest::Manifest;
use crate::sound::Sounds;
use crate::store::Store;

/// A mixture, its true sources and its stems, all at one sample rate.
#[derive(Clone, Debug)]
pub struct ListeningExample {
    /// The mixture.
    pub mixture: Clip,
    /// The true sources, in the pair's order.
    pub references: Vec<Clip>,
    /// The stems, in the pair's order.
    pub stems: Vec<Clip>,
}

/// Separates a finished cell's mixture once more.
///
/// # Errors
/// [`SweepError`] if a model or a recording is missing.
pub fn separation(
    store: &Store,
    manifest: &Manifest,
    cell: &Separation,
    device: &Device,
) -> Result<ListeningExample, SweepError> {
    let executor = Executor::new(store, manifest, device, &|| false);
    let separated = executor.stems(&[cell]).pop();
    let (sound, separated) = separated.unwrap_or(Err(SweepError::Stopped))?;
    let rate = sound.mixture.sample_rate();
    let clip = |samples: Vec<f32>| Clip::mono(samples, rate);
    Ok(ListeningExample {
        mixture: sound.mixture,
        references: sound.references.into_iter().map(clip).collect(),
        stems: separated.stems,
    })
}

/// The sound that a model was trained on, its clips one after another.
///
/// # Errors
/// [`SweepError`] if a recording is missing or changed.
pub fn training(manifest: &Manifest, cell: &Training) -> Result<Clip, SweepError> {
    let config = &manifest.variants[cell.variant].config;
    let rate = config.audio.sample_rate;
    let clips =
        Sounds::new(&manifest.speakers).training(cell.speaker, config.data.train_s, rate)?;
    let samples = clips.into_iter().flat_map(|clip| clip.samples).collect();
    Ok(Clip::mono(samples, rate))
}
