//! Searching the activations that explain a mixture.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Tensor, TensorData};
use nae_audio::Magnitude;
use nae_kernels::shares;
use nae_model::Activations;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, Plan, Progress, descend};
use nae_model::random::generator;
use nae_model::spectra::upload;
use rand::RngExt;
use rayon::prelude::*;

use crate::error::SeparateError;
use crate::explainer::{Explained, Explainer};
use crate::mask::{ratio_masks, recompress};
use crate::settings::Start;
use crate::sources::{FrozenModel, Search};

/// All sources' activations: what one run optimises.
#[derive(Module, Debug)]
pub struct Latents {
    /// One leaf for every source.
    pub sources: Vec<Activations>,
}

/// Where a run ended.
#[derive(Debug)]
pub struct Found {
    /// Every source's part of the mixture, `[bins, frames]` each, off the tape; all to the same
    /// exponent.
    pub estimates: Vec<Tensor<2>>,
    /// Every source's activations, `[rank, frames]` each, off the tape.
    pub activations: Vec<Tensor<2>>,
    /// Loss (mean over the last window of steps).
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Whether the observer stopped the run.
    pub is_interrupted: bool,
}

impl Explainer for Search {
    /// Masks averaged over all runs.
    fn explain(
        &self,
        mixture: &Magnitude,
        gain: f64,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Explained, SeparateError> {
        let mut explained = Explained {
            masks: Vec::new(),
            activations: Vec::new(),
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
        };
        let mut done = 0;
        for run in 0..self.runs() {
            let found = self.run(mixture, gain, run, observe)?;
            let masks = ratio_masks(&found.estimates, self.config.mask_exponent);
            explained.masks = if done == 0 {
                masks
            } else {
                let sums = explained.masks.into_iter().zip(masks);
                sums.map(|(a, b)| a + b).collect()
            };
            explained.loss += found.loss;
            explained.steps += found.steps;
            explained.activations = found.activations;
            done += 1;
            if found.is_interrupted {
                explained.is_interrupted = true;
                break;
            }
        }
        let share = 1.0 / f64::from(done.max(1));
        explained.loss *= share;
        if done > 1 {
            let masks = explained.masks.into_iter();
            explained.masks = masks.map(|mask| mask.mul_scalar(share)).collect();
        }
        Ok(explained)
    }
}

impl Search {
    /// Explains a mixture's magnitudes as a sum of the sources' spectra.
    ///
    /// - `gain`: brings the mixture to the level the models were trained at
    /// - `run`: number of the run, which picks models and start
    ///
    /// # Errors
    /// [`SeparateError::Descent`] if the loss stops being finite.
    pub fn run(
        &self,
        mixture: &Magnitude,
        gain: f64,
        run: usize,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Found, SeparateError> {
        let config = &self.config;
        let models = self.models_of(run);
        // Sums need one exponent: the smallest, which compresses most. Models of another exponent
        // are brought to it element by element.
        let compression = models
            .iter()
            .map(|model| model.compression)
            .fold(1.0, f64::min);
        let parts = shares(mixture.frames(), 1, &self.tape);
        let latents = self.start(&models, mixture, gain, run);
        let mut own = Vec::with_capacity(parts.len());
        let mut starts = Vec::with_capacity(parts.len());
        for part in &parts {
            let heard = mixture.select(&part.clone().collect::<Vec<_>>());
            let spectrum = upload(&heard, gain, compression, &self.tape);
            own.push(Part {
                target: Target::new(spectrum, config.eps).part_of(mixture.frames()),
                optimizer: config.optimizer.build(&config.rprop),
            });
            let of_part = |h: &Tensor<2>| h.clone().narrow(1, part.start, part.len());
            let sources = latents.iter().map(of_part);
            let sources = sources.map(|h| Activations::new(h, config.activations));
            starts.push(Latents {
                sources: sources.collect(),
            });
        }
        let decode = |latents: &Latents| -> Vec<Tensor<2>> {
            let pairs = models.iter().zip(&latents.sources);
            pairs
                .map(|(model, h)| {
                    recompress(
                        model.decoder.decode(h.value()),
                        compression / model.compression,
                        config.eps,
                    )
                })
                .collect()
        };
        let plan = Plan {
            stage: "separating",
            max_steps: config.max_steps,
            window: config.window,
            tolerance: config.tolerance,
        };
        let descent = descend(
            plan,
            starts,
            |latents, step| {
                let rate = config
                    .schedule
                    .rate(config.learning_rate, step, config.max_steps);
                // frames know nothing of each other: each thread has its own
                let of_part = |(part, latents): (&mut Part, Latents)| {
                    let Some(estimate) = decode(&latents).into_iter().reduce(|a, b| a + b) else {
                        return (latents, None);
                    };
                    let values: Vec<Tensor<2>> = match config.sparsity {
                        0.0 => Vec::new(),
                        _ => latents.sources.iter().map(Activations::value).collect(),
                    };
                    let loss = objective(&part.target, estimate, &values, config.sparsity);
                    let gradients = GradientsParams::from_grads(loss.backward(), &latents);
                    let stepped = part.optimizer.step(rate, latents, gradients);
                    let sources = stepped.sources.into_iter();
                    let sources = sources.map(Activations::projected).collect();
                    (Latents { sources }, Some(loss.inner()))
                };
                let found = own.par_iter_mut().zip(latents).map(of_part);
                let (latents, losses): (Vec<_>, Vec<_>) = found.unzip();
                (latents, losses.into_iter().flatten().reduce(|a, b| a + b))
            },
            observe,
        )?;
        let join = |of_part: &dyn Fn(&Latents) -> Vec<Tensor<2>>| -> Vec<Tensor<2>> {
            let parts: Vec<Vec<Tensor<2>>> = descent.best.iter().map(of_part).collect();
            let source = |i: usize| parts.iter().map(|part| part[i].clone().inner()).collect();
            (0..models.len())
                .map(|i| Tensor::cat(source(i), 1))
                .collect()
        };
        Ok(Found {
            estimates: join(&decode),
            activations: join(&|latents| latents.sources.iter().map(Activations::value).collect()),
            loss: descent.loss,
            steps: descent.steps,
            is_interrupted: descent.is_interrupted,
        })
    }

    /// Activations a run starts at, `[rank, frames]` for every source.
    fn start(
        &self,
        models: &[&FrozenModel],
        mixture: &Magnitude,
        gain: f64,
        run: usize,
    ) -> Vec<Tensor<2>> {
        let is_random =
            self.config.start == Start::Random || run >= self.runs() / self.config.starts;
        let rank: usize = models.iter().map(|model| model.decoder.rank()).sum();
        let scale = (2.0 / (rank + mixture.bins()) as f64).sqrt() as f32;
        let mut rng = generator(self.seed, &format!("start {run}"));
        let start = |model: &&FrozenModel| {
            if is_random {
                let shape = [model.decoder.rank(), mixture.frames()];
                let values: Vec<f32> = (0..shape[0] * shape[1])
                    .map(|_| scale * rng.random_range(0.0..1.0f32))
                    .collect();
                Tensor::from_data(TensorData::new(values, shape), &self.tape)
            } else {
                let heard = upload(mixture, gain, model.compression, &self.tape);
                // every model reads the whole mixture: all of it N times would be N times too much
                model.decoder.encode(heard).div_scalar(models.len() as f64)
            }
        };
        models.iter().map(start).collect()
    }
}

/// What stays with one thread's frames.
struct Part {
    target: Target,
    optimizer: ModuleOptimizer,
}
