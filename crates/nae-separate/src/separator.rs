//! From a mixture to stems, whatever explains it.

use burn::tensor::Device;
use nae_model::AudioConfig;

use crate::error::SeparateError;
use crate::explainer::Explainer;
use crate::settings::SeparateConfig;
use crate::sources::{Search, Source};

/// Separates mixtures into a fixed set of sources.
#[derive(Debug)]
pub struct Separator {
    pub(crate) names: Vec<String>,
    pub(crate) audio: AudioConfig,
    pub(crate) config: SeparateConfig,
    pub(crate) explainer: Box<dyn Explainer>,
}

impl Separator {
    /// Separates by optimised activations: freezes the models' decoders on `device`.
    ///
    /// # Errors
    /// [`SeparateError`] for no or equally named sources, models that analyse sound differently,
    /// settings out of range, or free activations with non-negative bases.
    pub fn new(
        sources: &[Source],
        config: SeparateConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, SeparateError> {
        let search = Search::new(sources, config.clone(), seed, device)?;
        let models = sources.iter().flat_map(|source| &source.models);
        let audio = models.map(|model| model.card.audio).next();
        let names = sources.iter().map(|source| source.name.clone()).collect();
        let audio = audio.ok_or(SeparateError::NoSources)?;
        Self::with_explainer(names, audio, config, Box::new(search))
    }

    /// Separates by whatever finds the masks, one for every name.
    ///
    /// Of the settings only levels and blocks count here.
    ///
    /// # Errors
    /// [`SeparateError`] for no or equal names and settings out of range.
    pub fn with_explainer(
        names: Vec<String>,
        audio: AudioConfig,
        config: SeparateConfig,
        explainer: Box<dyn Explainer>,
    ) -> Result<Self, SeparateError> {
        config.validate()?;
        if names.is_empty() {
            return Err(SeparateError::NoSources);
        }
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(SeparateError::SameName { name: name.clone() });
            }
        }
        Ok(Self {
            names,
            audio,
            config,
            explainer,
        })
    }

    /// The sources' names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How the models analyse sound.
    pub fn audio(&self) -> AudioConfig {
        self.audio
    }
}
