//! The frozen decoders of all sources and the settings to solve with.

use burn::tensor::Device;
use nae_model::{ActivationForm, Decoder, Model};

use super::adjusted::Adjusted;
use crate::error::SeparateError;
use crate::settings::{SeparateConfig, SolverKind};
use crate::sources::Source;

/// Estimates masks by optimising the activations of the sources' frozen decoders.
#[derive(Debug)]
pub struct ActivationSolver {
    /// Every source's decoders, one a model.
    sources: Vec<Vec<FrozenDecoder>>,
    /// As the models ask for.
    pub(super) config: SeparateConfig,
    pub(super) seed: u64,
    /// The device of the activations, which records gradients.
    pub(super) autodiff_device: Device,
    /// Whether what no source explains gets a mask of its own, the last one.
    pub(crate) has_residual: bool,
}

/// A frozen decoder and the compression of its spectra.
#[derive(Clone, Debug)]
pub(super) struct FrozenDecoder {
    /// Name of the source.
    pub name: String,
    pub decoder: Decoder,
    /// Exponent of the decoded magnitudes, in `(0, 1]`.
    pub compression: f64,
    /// λ of the penalty on its spectra.
    pub penalty: f64,
}

/// Multiplicative updates ask for a decoder of one linear layer, and for spectra of one compression.
fn check_multiplicative(
    name: &str,
    model: &Model,
    decoder: &Decoder,
    first: &Model,
) -> Result<(), SeparateError> {
    let compression = model.metadata.architecture.compression();
    let others = first.metadata.architecture.compression();
    let reason = match decoder.needs_nonnegative_activations() {
        false => "its decoder must be one linear layer (NMF, NMFD, or 2 layers with `model.output = \"linear\"`; `separate.latent = \"first\"` adds the layers before)".to_owned(),
        true if compression != others => format!(
            "its `model.compression` of {compression} must be that of `{}`, {others}",
            first.metadata.name
        ),
        true => return Ok(()),
    };
    Err(SeparateError::Multiplicative {
        name: name.into(),
        architecture: model.metadata.architecture.describe(),
        reason,
    })
}

impl ActivationSolver {
    /// Freezes the models' decoders on `device`.
    ///
    /// # Errors
    /// [`SeparateError`] for no sources, models with different spectrogram settings, settings out of
    /// range, free activations with non-negative bases, or multiplicative updates of a model that
    /// cannot be solved that way.
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
                first.metadata.agrees_with(&model.metadata)?;
            }
        }
        let Adjusted { config, penalties } = Adjusted::new(sources, config);
        let autodiff_device = device.clone().autodiff();
        let freeze = |source: &Source, model: &Model, penalty: f64| {
            let name = source.name.as_str();
            let decoder = model.network.decoder(config.latent, &autodiff_device);
            let is_free = config.activations == ActivationForm::Free;
            if config.solver == SolverKind::Multiplicative {
                check_multiplicative(name, model, &decoder, first)?;
            }
            if is_free && decoder.needs_nonnegative_activations() {
                return Err(SeparateError::FreeActivations { name: name.into() });
            }
            Ok(FrozenDecoder {
                name: name.into(),
                decoder,
                compression: model.metadata.architecture.compression(),
                penalty,
            })
        };
        let freeze_all = |(source, penalty): (&Source, f64)| {
            let models = source.models.iter();
            let frozen = models.map(|model| freeze(source, model, penalty));
            frozen.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            sources: sources
                .iter()
                .zip(penalties)
                .map(freeze_all)
                .collect::<Result<Vec<_>, _>>()?,
            config,
            seed,
            autodiff_device,
            has_residual: false,
        })
    }

    /// Number of sources.
    pub(crate) fn source_count(&self) -> usize {
        self.sources.len()
    }

    /// Runs whose masks are averaged: enough for every model of every source to take part, times
    /// the configured starts.
    pub(super) fn runs(&self) -> usize {
        self.sources.iter().map(Vec::len).max().unwrap_or(1) * self.config.starts
    }

    /// The decoders of run number `run`, one for every source; sources with fewer models repeat
    /// theirs.
    pub(super) fn decoders_of(&self, run: usize) -> Vec<&FrozenDecoder> {
        self.sources
            .iter()
            .map(|models| &models[run % models.len()])
            .collect()
    }

    /// Whether mixtures of both can be solved in one batch: decoders of the same shapes, and the same
    /// settings.
    pub(super) fn can_batch_with(&self, other: &Self) -> bool {
        let is_same_shape = |(ours, theirs): (&FrozenDecoder, &FrozenDecoder)| {
            (ours.compression, ours.penalty) == (theirs.compression, theirs.penalty)
                && ours.decoder.batchable(&theirs.decoder)
        };
        self.config == other.config
            && self.has_residual == other.has_residual
            && self.source_count() == other.source_count()
            && self.runs() == other.runs()
            && (0..self.runs()).all(|run| {
                let pairs = self
                    .decoders_of(run)
                    .into_iter()
                    .zip(other.decoders_of(run));
                pairs.into_iter().all(is_same_shape)
            })
    }
}
