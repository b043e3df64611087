//! One model to train, with its input and its training record.

use std::borrow::Cow;

use nae_model::layer_list::LayerList;
use nae_model::optim::OptimizationRun;
use nae_model::{Context, HiddenUnits, Metadata, Model, Network, ParentRecord, TrainingSummary};

use crate::Recipe;
use crate::clip::TrainingClip;
use crate::error::TrainError;
use crate::frames::Frames;

/// One model to train.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The source's name.
    pub name: &'a str,
    /// Clean sound of the source at `recipe.audio.sample_rate`.
    pub clips: &'a [TrainingClip],
    /// Architecture and optimisation.
    pub recipe: &'a Recipe,
    /// Seed of all random draws.
    pub seed: u64,
}

/// A job with its spectra in the place of its clips.
pub(crate) struct Prepared<'a> {
    pub name: &'a str,
    pub recipe: &'a Recipe,
    pub seed: u64,
    /// Borrowed where models of several kinds learn from the same.
    pub frames: Cow<'a, Frames>,
    /// What training goes on from, of the recipe's architecture; random weights without.
    pub parent: Option<&'a Model>,
}

/// Checks a job's settings and turns its clips into spectra.
pub(crate) fn prepare<'a>(job: &Job<'a>) -> Result<Prepared<'a>, TrainError> {
    let recipe = job.recipe;
    recipe.validate()?;
    let silence_db = recipe.train.silence_db;
    let frames = Frames::from_clips(job.clips, &recipe.audio, silence_db, recipe.segments())?;
    Prepared::new(job.name, recipe, job.seed, Cow::Owned(frames))
}

/// Frames that an estimate depends on; of a recurrence, which takes what there is, its own.
fn frames_seen(context: Context) -> usize {
    match context {
        Context::Frames { before, after } => before.saturating_add(after).saturating_add(1),
        Context::Whole => 1,
    }
}

impl<'a> Prepared<'a> {
    /// # Errors
    /// [`TrainError::SpanTooLong`] for bases that are longer than a clip: none of its frames would fit.
    pub fn new(
        name: &'a str,
        recipe: &'a Recipe,
        seed: u64,
        frames: Cow<'a, Frames>,
    ) -> Result<Self, TrainError> {
        let architecture = recipe.model.architecture();
        let contexts = [architecture.context(), architecture.encoder_context()];
        let (span, stft) = (
            contexts.map(frames_seen).into_iter().max().unwrap_or(1),
            recipe.audio.stft(),
        );
        for (record, clip) in frames.records.iter().zip(&frames.usage.clips) {
            let samples = clip.duration_s * f64::from(recipe.audio.sample_rate);
            let of_clip = stft.frames(samples.round() as usize);
            if span > of_clip {
                return Err(TrainError::SpanTooLong {
                    key: match recipe.model.decoder {
                        LayerList::Auto => "model.span",
                        LayerList::Layers(_) => "model.decoder",
                    },
                    span,
                    clip: record.name.clone(),
                    frames: of_clip,
                });
            }
        }
        Ok(Self {
            name,
            recipe,
            seed,
            frames,
            parent: None,
        })
    }

    /// The same job from a model, of the recipe's architecture, in the place of random weights.
    pub fn from(self, parent: Option<&'a Model>) -> Self {
        Self { parent, ..self }
    }

    /// Training record of the job's model, for its file.
    ///
    /// - `seconds`: of optimisation
    /// - `units`: hidden units of the network
    pub fn metadata(
        &self,
        run: &OptimizationRun<Network>,
        seconds: f64,
        units: Option<HiddenUnits>,
    ) -> Result<Metadata, TrainError> {
        let parents = self.parent.map(parents).transpose()?.unwrap_or_default();
        Ok(Metadata {
            name: self.name.into(),
            audio: self.recipe.audio,
            architecture: self.recipe.model.architecture(),
            gain: self.frames.gain,
            training: TrainingSummary {
                clips: self.frames.records.clone(),
                duration_s: self.frames.duration_s,
                frames: self.frames.count(),
                loss: run.loss,
                steps: run.steps,
                seed: self.seed,
                seconds,
                interrupted: run.is_interrupted,
                tool_version: env!("CARGO_PKG_VERSION").into(),
                units,
                beside: None,
                merged: Vec::new(),
                parents,
            },
        })
    }
}

/// What a model that goes on from `parent` says of it, and of what that had gone on from.
fn parents(parent: &Model) -> Result<Vec<ParentRecord>, TrainError> {
    let training = &parent.metadata.training;
    let mut parents = vec![ParentRecord {
        name: parent.metadata.name.clone(),
        fingerprint: parent.fingerprint()?,
        clips: training.clips.clone(),
        duration_s: training.duration_s,
        steps: training.steps,
        merged: training.merged.clone(),
    }];
    parents.extend(training.parents.iter().cloned());
    Ok(parents)
}
