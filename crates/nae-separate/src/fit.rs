//! Searching the activations that explain a mixture.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use nae_audio::Magnitude;
use nae_model::Activations;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, Plan, Progress, descend};
use nae_model::random::generator;
use nae_model::spectra::upload;
use rand::RngExt;

use crate::error::SeparateError;
use crate::settings::Start;
use crate::sources::{FrozenModel, Separator};

/// All sources' activations: what one run optimises.
#[derive(Module, Debug)]
pub struct Latents {
    /// One leaf for every source.
    pub sources: Vec<Activations>,
}

/// Where a run ended.
#[derive(Debug)]
pub struct Explained {
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

impl Separator {
    /// Explains a mixture's magnitudes as a sum of the sources' spectra.
    ///
    /// - `gain`: brings the mixture to the level the models were trained at
    /// - `run`: number of the run, which picks models and start
    ///
    /// # Errors
    /// [`SeparateError::Descent`] if the loss stops being finite.
    pub fn explain(
        &self,
        mixture: &Magnitude,
        gain: f64,
        run: usize,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Explained, SeparateError> {
        let config = &self.config;
        let models = self.models_of(run);
        // Sums need one exponent: the smallest, which compresses most. Models of another exponent
        // are brought to it element by element.
        let compression = models
            .iter()
            .map(|model| model.compression)
            .fold(1.0, f64::min);
        let target = Target::new(upload(mixture, gain, compression, &self.tape), config.eps);
        // what each model's encoder reads; most often all models have one exponent
        let heard = |model: &FrozenModel| {
            if model.compression == compression {
                target.spectrum.clone()
            } else {
                upload(mixture, gain, model.compression, &self.tape)
            }
        };
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
        let mut optimizer = config.optimizer.build(&config.rprop);
        let plan = Plan {
            stage: "separating",
            max_steps: config.max_steps,
            window: config.window,
            tolerance: config.tolerance,
        };
        let descent = descend(
            plan,
            self.start(&models, target.spectrum.dims(), run, heard),
            |latents, step| {
                let Some(estimate) = decode(&latents).into_iter().reduce(|a, b| a + b) else {
                    return (latents, None);
                };
                let values: Vec<Tensor<2>> = match config.sparsity {
                    0.0 => Vec::new(),
                    _ => latents.sources.iter().map(Activations::value).collect(),
                };
                let loss = objective(&target, estimate, &values, config.sparsity);
                let gradients = GradientsParams::from_grads(loss.backward(), &latents);
                let rate = config
                    .schedule
                    .rate(config.learning_rate, step, config.max_steps);
                let stepped = optimizer.step(rate, latents, gradients);
                let sources = stepped
                    .sources
                    .into_iter()
                    .map(Activations::projected)
                    .collect();
                (Latents { sources }, Some(loss.inner()))
            },
            observe,
        )?;
        Ok(Explained {
            estimates: decode(&descent.best)
                .into_iter()
                .map(Tensor::inner)
                .collect(),
            activations: descent
                .best
                .sources
                .iter()
                .map(|h| h.value().inner())
                .collect(),
            loss: descent.loss,
            steps: descent.steps,
            is_interrupted: descent.is_interrupted,
        })
    }

    /// Activations a run starts at.
    ///
    /// - `heard`: the mixture as a model's encoder reads it
    fn start(
        &self,
        models: &[&FrozenModel],
        [bins, frames]: [usize; 2],
        run: usize,
        heard: impl Fn(&FrozenModel) -> Tensor<2>,
    ) -> Latents {
        let is_random =
            self.config.start == Start::Random || run >= self.runs() / self.config.starts;
        let rank: usize = models.iter().map(|model| model.decoder.rank()).sum();
        let scale = (2.0 / (rank + bins) as f64).sqrt() as f32;
        let mut rng = generator(self.seed, &format!("start {run}"));
        let start = |model: &&FrozenModel| {
            let h = if is_random {
                let shape = [model.decoder.rank(), frames];
                let values: Vec<f32> = (0..shape[0] * shape[1])
                    .map(|_| scale * rng.random_range(0.0..1.0f32))
                    .collect();
                Tensor::from_data(TensorData::new(values, shape), &self.tape)
            } else {
                model.decoder.encode(heard(model))
            };
            Activations::new(h, self.config.activations)
        };
        Latents {
            sources: models.iter().map(start).collect(),
        }
    }
}

/// `x^exponent`, untouched for exponent 1; ε keeps the gradient finite at zero.
fn recompress(x: Tensor<2>, exponent: f64, eps: f64) -> Tensor<2> {
    if exponent == 1.0 {
        x
    } else {
        x.add_scalar(eps).powf_scalar(exponent)
    }
}
