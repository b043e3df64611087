//! The set of sources a mixture is made of, frozen and ready to be searched over.

use burn::tensor::Device;
use nae_model::{ActivationForm, Decoder, Model, ModelKind, Output};

use crate::error::SeparateError;
use crate::settings::SeparateConfig;

/// One source: a name and one or more models of it, whose masks are averaged.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the source and of its stem.
    pub name: String,
    /// At least one model.
    pub models: Vec<Model>,
}

/// A source's frozen decoders.
#[derive(Debug)]
struct FrozenSource {
    decoders: Vec<FrozenModel>,
}

/// A frozen decoder and the exponent of the spectra it speaks of.
#[derive(Clone, Debug)]
pub(crate) struct FrozenModel {
    pub decoder: Decoder,
    pub compression: f64,
}

/// Searches the activations under which the sources' frozen decoders explain a mixture.
#[derive(Debug)]
pub struct Search {
    sources: Vec<FrozenSource>,
    pub(crate) config: SeparateConfig,
    pub(crate) seed: u64,
    /// Records gradients: activations live here.
    pub(crate) tape: Device,
}

impl Search {
    /// Freezes the models' decoders on `device`.
    ///
    /// # Errors
    /// [`SeparateError`] for no sources, models that analyse sound differently, settings out of
    /// range, or free activations with non-negative bases.
    pub fn new(
        sources: &[Source],
        config: SeparateConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, SeparateError> {
        config.validate()?;
        let first = sources
            .iter()
            .flat_map(|source| &source.models)
            .next()
            .ok_or(SeparateError::NoSources)?;
        for source in sources {
            if source.models.is_empty() {
                return Err(SeparateError::NoSources);
            }
            for model in &source.models {
                first.card.agrees_with(&model.card)?;
                let config_of = &model.card.model;
                let is_one_layer = config_of.depth() - config_of.encoder_layers() == 1;
                let is_linear = is_one_layer
                    && (config_of.kind == ModelKind::Nmf || config_of.output == Output::Linear);
                if config.activations == ActivationForm::Free && is_linear {
                    return Err(SeparateError::FreeActivations {
                        name: source.name.clone(),
                    });
                }
            }
        }
        let tape = device.clone().autodiff();
        let freeze = |model: &Model| FrozenModel {
            decoder: model.network.decoder_from(config.latent, &tape),
            compression: model.card.model.compression,
        };
        Ok(Self {
            sources: sources
                .iter()
                .map(|source| FrozenSource {
                    decoders: source.models.iter().map(freeze).collect(),
                })
                .collect(),
            config,
            seed,
            tape,
        })
    }

    /// Number of sources.
    pub(crate) fn count(&self) -> usize {
        self.sources.len()
    }

    /// Runs whose masks are averaged: enough for every model of every source to take part, times
    /// the configured starts.
    pub(crate) fn runs(&self) -> usize {
        self.sources
            .iter()
            .map(|source| source.decoders.len())
            .max()
            .unwrap_or(1)
            * self.config.starts
    }

    /// The models of run number `run`, one for every source; sources with fewer models repeat them.
    pub(crate) fn models_of(&self, run: usize) -> Vec<&FrozenModel> {
        self.sources
            .iter()
            .map(|source| &source.decoders[run % source.decoders.len()])
            .collect()
    }
}
