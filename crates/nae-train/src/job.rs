//! One model to train, with its input and its training record.

use nae_model::optim::OptimizationRun;
use nae_model::{Metadata, Network, TrainingSummary};

use crate::Recipe;
use crate::error::TrainError;
use crate::frames::{Frames, TrainingClip};

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

/// A job with its spectra.
pub(crate) struct Prepared<'a> {
    pub job: Job<'a>,
    pub frames: Frames,
}

/// Checks a job's settings and turns its clips into spectra.
pub(crate) fn prepare<'a>(job: &Job<'a>) -> Result<Prepared<'a>, TrainError> {
    job.recipe.validate()?;
    let recipe = job.recipe;
    let frames = Frames::from_clips(job.clips, &recipe.audio, recipe.train.silence_db)?;
    Ok(Prepared { job: *job, frames })
}

impl Prepared<'_> {
    /// Training record of the job's model, for its file.
    ///
    /// - `seconds`: of optimisation
    pub fn metadata(&self, run: &OptimizationRun<Network>, seconds: f64) -> Metadata {
        let Job {
            name,
            clips,
            recipe,
            seed,
        } = self.job;
        Metadata {
            name: name.into(),
            audio: recipe.audio,
            architecture: recipe.model.architecture(),
            gain: self.frames.gain,
            training: TrainingSummary {
                clips: clips.iter().map(|clip| clip.record.clone()).collect(),
                duration_s: self.frames.duration_s,
                frames: self.frames.magnitude.frames(),
                loss: run.loss,
                steps: run.steps,
                seed,
                seconds,
                interrupted: run.is_interrupted,
                tool_version: env!("CARGO_PKG_VERSION").into(),
            },
        }
    }
}
