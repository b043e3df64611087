//! One model to train, with its input and its training record.

use nae_model::optim::OptimizationRun;
use nae_model::{Metadata, Network, TrainingSummary};

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
    pub frames: Frames,
}

/// Checks a job's settings and turns its clips into spectra.
pub(crate) fn prepare<'a>(job: &Job<'a>) -> Result<Prepared<'a>, TrainError> {
    job.recipe.validate()?;
    let recipe = job.recipe;
    let frames = Frames::from_clips(job.clips, &recipe.audio, recipe.train.silence_db)?;
    Ok(Prepared {
        name: job.name,
        recipe,
        seed: job.seed,
        frames,
    })
}

impl Prepared<'_> {
    /// Training record of the job's model, for its file.
    ///
    /// - `seconds`: of optimisation
    pub fn metadata(&self, run: &OptimizationRun<Network>, seconds: f64) -> Metadata {
        Metadata {
            name: self.name.into(),
            audio: self.recipe.audio,
            architecture: self.recipe.model.architecture(),
            gain: self.frames.gain,
            training: TrainingSummary {
                clips: self.frames.records.clone(),
                duration_s: self.frames.duration_s,
                frames: self.frames.magnitude.frames(),
                loss: run.loss,
                steps: run.steps,
                seed: self.seed,
                seconds,
                interrupted: run.is_interrupted,
                tool_version: env!("CARGO_PKG_VERSION").into(),
            },
        }
    }
}
