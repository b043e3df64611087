//! Estimates masks from a mixture's magnitudes, with any mask estimator.

use burn::tensor::{Device, Tensor};
use nae_audio::Magnitude;
use nae_model::AudioConfig;
use nae_model::optim::{Flow, Progress};
use nae_model::spectra::{download, level};

use crate::activation_solver::ActivationSolver;
use crate::error::SeparateError;
use crate::mask_estimator::{MaskEstimate, MaskEstimator};
use crate::mean_masks::{MeanMasks, Placed};
use crate::settings::SeparateConfig;
use crate::sources::{Source, check_names};

/// Separates mixtures into a fixed set of sources.
#[derive(Debug)]
pub struct Separator {
    pub(crate) names: Vec<String>,
    pub(crate) audio: AudioConfig,
    pub(crate) config: SeparateConfig,
    estimator: Estimator,
}

/// What estimates the masks.
#[derive(Debug)]
enum Estimator {
    /// Known by its type, as mixtures of several separators can be solved in one batch.
    Activations(Box<ActivationSolver>),
    Other(Box<dyn MaskEstimator>),
}

/// Masks and how they were estimated.
#[derive(Debug)]
pub struct Masks {
    /// One for every source, in `[0, 1]`, summing to one.
    pub masks: Vec<Magnitude>,
    /// Every source's activations in the last run, `[rank, frames]` each; empty for silence.
    pub activations: Vec<Tensor<2>>,
    /// Final loss, the mean over runs; 0 for silence.
    pub loss: f64,
    /// Steps taken in all runs.
    pub steps: usize,
    /// Whether the observer stopped the optimisation.
    pub is_interrupted: bool,
}

impl Separator {
    /// Separates by optimising activations: freezes the models' decoders on `device`.
    ///
    /// - `seed`: of random initial activations
    ///
    /// # Errors
    /// [`SeparateError`] for no sources or equal names, models with different spectrogram settings,
    /// settings out of range, or free activations with non-negative bases.
    pub fn new(
        sources: &[Source],
        config: SeparateConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, SeparateError> {
        let solver = ActivationSolver::new(sources, config.clone(), seed, device)?;
        let models = sources.iter().flat_map(|source| &source.models);
        let audio = models.map(|model| model.metadata.audio).next();
        let names = sources.iter().map(|source| source.name.clone()).collect();
        let audio = audio.ok_or(SeparateError::NoSources)?;
        let estimator = Estimator::Activations(Box::new(solver));
        Self::from_parts(names, audio, config, estimator)
    }

    /// Also makes a stem of what no source explains: where the sources' decoded spectra are below the
    /// mixture's, the difference counts as one more source. The stems then still sum to the mixture.
    ///
    /// # Errors
    /// [`SeparateError::SameName`] for a name that is taken, [`SeparateError::NoResidual`] for masks that do not come from
    /// optimised activations.
    pub fn with_residual(mut self, name: impl Into<String>) -> Result<Self, SeparateError> {
        let name = name.into();
        let Estimator::Activations(solver) = &mut self.estimator else {
            return Err(SeparateError::NoResidual { name });
        };
        solver.has_residual = true;
        self.names.push(name);
        check_names(self.names.iter().map(String::as_str))?;
        Ok(self)
    }

    /// Separates with any mask estimator, which gives one mask for every name.
    ///
    /// Of the settings only levels and blocks count here.
    ///
    /// # Errors
    /// [`SeparateError`] for no or equal names and settings out of range.
    pub fn with_estimator(
        names: Vec<String>,
        audio: AudioConfig,
        config: SeparateConfig,
        estimator: Box<dyn MaskEstimator>,
    ) -> Result<Self, SeparateError> {
        Self::from_parts(names, audio, config, Estimator::Other(estimator))
    }

    /// Averages the masks of several separators, which have the same sources in any order.
    ///
    /// Levels and blocks are those of the first.
    ///
    /// # Errors
    /// [`SeparateError::OtherSources`] for other sources or spectrogram settings; [`SeparateError::NoSources`] for no
    /// separator.
    pub fn mean(separators: Vec<Self>) -> Result<Self, SeparateError> {
        let Some(first) = separators.first() else {
            return Err(SeparateError::NoSources);
        };
        let (names, audio, config) = (first.names.clone(), first.audio, first.config.clone());
        let mut placed = Vec::with_capacity(separators.len());
        for separator in separators {
            let place = |name: &String| separator.names.iter().position(|own| own == name);
            let order: Option<Vec<usize>> = names.iter().map(place).collect();
            let is_same = separator.names.len() == names.len() && separator.audio == audio;
            let Some(order) = order.filter(|_| is_same) else {
                return Err(SeparateError::OtherSources {
                    expected: format!("{} ({audio})", names.join(", ")),
                    came: format!("{} ({})", separator.names.join(", "), separator.audio),
                });
            };
            let estimator: Box<dyn MaskEstimator> = match separator.estimator {
                Estimator::Activations(solver) => solver,
                Estimator::Other(estimator) => estimator,
            };
            placed.push(Placed { estimator, order });
        }
        Self::with_estimator(names, audio, config, Box::new(MeanMasks(placed)))
    }

    fn from_parts(
        names: Vec<String>,
        audio: AudioConfig,
        config: SeparateConfig,
        estimator: Estimator,
    ) -> Result<Self, SeparateError> {
        config.validate()?;
        if names.is_empty() {
            return Err(SeparateError::NoSources);
        }
        check_names(names.iter().map(String::as_str))?;
        Ok(Self {
            names,
            audio,
            config,
            estimator,
        })
    }

    /// The sources' names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Sample rate and STFT of the spectra that the estimator takes.
    pub fn audio(&self) -> AudioConfig {
        self.audio
    }

    /// The solver, if masks come from optimised activations.
    pub(crate) fn activation_solver(&self) -> Option<&ActivationSolver> {
        match &self.estimator {
            Estimator::Activations(solver) => Some(solver),
            Estimator::Other(_) => None,
        }
    }

    /// Linear gain that brings a mixture to the level its models were trained at: N sources of unit
    /// standard deviation make a mixture of √N. `None` for silence.
    pub fn gain_for(&self, mixture: &Magnitude) -> Option<f64> {
        let level = level(mixture, self.config.silence_db as f32);
        let sources = match &self.estimator {
            Estimator::Activations(solver) => solver.source_count(),
            Estimator::Other(_) => self.names.len(),
        };
        (level > 0.0).then(|| (sources as f64).sqrt() / level)
    }

    /// Masks for a mixture's magnitudes at the models' rate.
    ///
    /// The mixture is brought to the models' level first ([`gain_for`](Self::gain_for)), so the
    /// masks do not depend on its own. Silence is shared equally.
    ///
    /// # Errors
    /// [`SeparateError`] if the device fails, an optimisation diverges or a model gives numbers that are
    /// not finite.
    pub fn masks(
        &self,
        mixture: &Magnitude,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Masks, SeparateError> {
        let Some(gain) = self.gain_for(mixture) else {
            return self.equal_masks(mixture);
        };
        let estimator: &dyn MaskEstimator = match &self.estimator {
            Estimator::Activations(solver) => solver.as_ref(),
            Estimator::Other(estimator) => estimator.as_ref(),
        };
        Masks::download(estimator.estimate_masks(mixture, gain, observe)?)
    }

    fn equal_masks(&self, mixture: &Magnitude) -> Result<Masks, SeparateError> {
        let sources = self.names.len();
        let equal = vec![1.0 / sources as f32; mixture.bins() * mixture.frames()];
        let mask = Magnitude::new(mixture.bins(), mixture.frames(), equal)?;
        Ok(Masks {
            masks: vec![mask; sources],
            activations: Vec::new(),
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
        })
    }
}

impl Masks {
    /// Reads masks back from the device.
    ///
    /// # Errors
    /// [`SeparateError::NotFinite`] for a mask that is not finite: no stem is made of it.
    pub(crate) fn download(estimate: MaskEstimate) -> Result<Self, SeparateError> {
        let mut masks = Vec::with_capacity(estimate.masks.len());
        for mask in estimate.masks {
            let frames = mask.dims()[1];
            masks.extend(download(mask.unsqueeze(), &[frames])?);
        }
        let mut numbers = masks.iter().flat_map(Magnitude::data);
        if !numbers.all(|x| x.is_finite()) {
            let model = "one of the models".into();
            return Err(SeparateError::NotFinite { model });
        }
        Ok(Self {
            masks,
            activations: estimate.activations,
            loss: estimate.loss,
            steps: estimate.steps,
            is_interrupted: estimate.is_interrupted,
        })
    }
}
