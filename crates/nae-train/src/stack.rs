//! Training of one stack: models of one recipe as one set of tensors.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use nae_kernels::Parallelism;
use nae_model::architecture::TrainingMethod;
use nae_model::optim::{Flow, OptimizationRun, Progress};
use nae_model::random::generator;
use nae_model::spectra::{read, upload};
use nae_model::{Latent, Model, Network};

use crate::dead_units::hidden_units;
use crate::equalize;
use crate::error::TrainError;
use crate::fit::{Fitted, fit};
use crate::job::Prepared;
use crate::matched::match_networks;
use crate::nmf;
use crate::refine::refine;
use crate::seeds::Seeds;
use crate::segments::{self, Sound, mask_of};
use crate::settings::{InitialWeights, TrainConfig};
use crate::spectra::Spectra;

/// Trains jobs whose recipes differ in nothing but `train.sparsity` as one stack.
pub(crate) fn train_stack(
    jobs: &[&Prepared<'_>],
    sharing: Parallelism,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Vec<Result<Model, TrainError>> {
    let started = Instant::now();
    let runs = match fit_stack(jobs, sharing, device, observe) {
        Ok(runs) => runs,
        Err(error) => {
            // a failure of the device ends all jobs
            let message = error.to_string();
            let failed = |_| Err(TrainError::Stack(message.clone()));
            return jobs.iter().map(failed).collect();
        }
    };
    let seconds = started.elapsed().as_secs_f64() / jobs.len() as f64;
    let finish = |(job, run): (&&Prepared<'_>, Result<OptimizationRun<Network>, _>)| {
        let run = run?;
        // off the graph: what Burn keeps for every parameter in it slows each later step down
        let network = run.best.clone().valid();
        refuse_silent(&network, job, device)?;
        let units = hidden_units(&network, job, device)?;
        Ok(Model {
            metadata: job.metadata(&run, seconds, units)?,
            network,
            latent_cache: None,
        })
    };
    jobs.iter().zip(runs).map(finish).collect()
}

/// Refuses a model all of whose units are dead: whatever it is given, it decodes to silence.
fn refuse_silent(network: &Network, job: &Prepared<'_>, device: &Device) -> Result<(), TrainError> {
    let frames = &job.frames;
    let step = frames.magnitude.frames().div_ceil(CHECKED_FRAMES).max(1);
    let some: Vec<usize> = (0..frames.magnitude.frames()).step_by(step).collect();
    let compression = job.recipe.model.compression;
    let x = upload(
        &[(&frames.magnitude.select(&some), frames.gain)],
        compression,
        device,
    );
    let decoder = network.decoder(Latent::Bottleneck, device);
    let peak = |tensor: Tensor<3>| Ok::<f32, TrainError>(read(tensor.max())?[0]);
    let (expected, found) = (peak(x.clone())?, peak(decoder.decode(decoder.encode(x)))?);
    if found <= SILENCE * expected {
        return Err(TrainError::SilentModel {
            name: job.name.to_owned(),
        });
    }
    Ok(())
}

/// Frames on which a model must make a sound, a choice of all.
const CHECKED_FRAMES: usize = 256;

/// A model whose loudest estimate is this small beside the loudest training frame is silent.
const SILENCE: f32 = 1e-6;

/// Fits the networks of all jobs by the method of their kind.
fn fit_stack(
    jobs: &[&Prepared<'_>],
    sharing: Parallelism,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let Some(first) = jobs.first() else {
        return Ok(Vec::new());
    };
    let recipe = first.recipe;
    let architecture = recipe.model.architecture();
    let autodiff_device = device.clone().autodiff();
    let magnitudes: Vec<_> = jobs
        .iter()
        .map(|own| (&own.frames.magnitude, own.frames.gain))
        .collect();
    let spectra = Spectra {
        values: upload(&magnitudes, architecture.compression(), &autodiff_device),
        frames: magnitudes
            .iter()
            .map(|(magnitude, _)| magnitude.frames())
            .collect(),
        sharing,
    };
    let bins = recipe.audio.stft().bins();
    let network = |(i, own): (usize, &&Prepared<'_>)| {
        let mut rng = generator(own.seed, "weights");
        let network = architecture.network(bins, &mut rng, &autodiff_device);
        let Some(parent) = own.parent else {
            return Ok(network);
        };
        let x = spectra.values.clone().inner();
        let x = x.narrow(0, i, 1).narrow(2, 0, spectra.frames[i]);
        equalize::equalized(network, parent, &x, device)
    };
    let networks = jobs.iter().enumerate().map(network);
    let networks: Vec<Network> = networks.collect::<Result<_, TrainError>>()?;
    let is_new = jobs.iter().all(|own| own.parent.is_none());
    let seeds = Seeds(jobs.iter().map(|own| own.seed).collect());
    let counted: Vec<Vec<bool>> = jobs.iter().map(|own| own.frames.counted.clone()).collect();
    let shape = recipe.segments();
    match architecture.training_method() {
        TrainingMethod::MultiplicativeUpdates => {
            let stack = Network::stack(&networks.iter().collect::<Vec<_>>())?;
            let (model, train) = (&recipe.model, &recipe.train);
            let mask = shape.map(|_| mask_of(&spectra, &counted));
            let start = match is_new {
                true => nmf::Start::Drawn(&stack),
                false => nmf::Start::Given(&stack),
            };
            nmf::fit(start, &spectra, mask, model, train, &seeds, observe)
        }
        TrainingMethod::Gradients => {
            let lambda = |own: &&Prepared<'_>| own.recipe.train.sparsity;
            let lambdas: Vec<f64> = jobs.iter().map(lambda).collect();
            let is_matched = match recipe.train.initial_weights {
                // excerpts are no good weights for hidden layers between others
                InitialWeights::Auto => shape.is_some() && architecture.depth() == 2,
                InitialWeights::Random => false,
                InitialWeights::Matched => true,
            };
            let (networks, initial_weights) = match is_matched {
                true if !is_new => (networks, InitialWeights::Matched),
                true => (
                    match_networks(networks, &spectra, &counted, &seeds),
                    InitialWeights::Matched,
                ),
                false => (networks, InitialWeights::Random),
            };
            let train = &TrainConfig {
                initial_weights,
                ..recipe.train.clone()
            };
            let material = match shape {
                None => Material::Frames(spectra),
                Some(shape) => Material::Segments(Sound {
                    spectra,
                    counted,
                    shape,
                }),
            };
            autoencoders(&networks, &material, train, &lambdas, &seeds, observe)
        }
    }
}

/// What autoencoders are fitted to.
enum Material {
    /// Single frames in any order.
    Frames(Spectra),
    /// Sound in order, for kinds that see several frames.
    Segments(Sound),
}

impl Material {
    /// That of some models, in the given order.
    fn only(&self, models: &[usize]) -> Self {
        match self {
            Self::Frames(spectra) => Self::Frames(spectra.only(models)),
            Self::Segments(sound) => Self::Segments(sound.only(models)),
        }
    }

    fn fit(
        &self,
        network: Network,
        config: &TrainConfig,
        lambdas: &[f64],
        seeds: &Seeds,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Fitted, TrainError> {
        match self {
            Self::Frames(spectra) => fit(network, spectra, config, lambdas, seeds, observe),
            Self::Segments(sound) => segments::fit(network, sound, config, lambdas, seeds, observe),
        }
    }

    fn refine(
        &self,
        network: Network,
        config: &TrainConfig,
        lambdas: &[f64],
        seeds: &Seeds,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Fitted, TrainError> {
        match self {
            Self::Frames(spectra) => refine(network, spectra, config, lambdas, seeds, observe),
            Self::Segments(sound) => {
                segments::refine(network, sound, config, lambdas, seeds, observe)
            }
        }
    }
}

/// Fits the autoencoders, then refines their decoders.
fn autoencoders(
    networks: &[Network],
    material: &Material,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let stack = |networks: &[Network]| match networks {
        [one] => Ok(one.clone()),
        _ => Network::stack(&networks.iter().collect::<Vec<_>>()),
    };
    let mut fitted = material.fit(stack(networks)?, config, lambdas, seeds, observe)?;
    let goes_on = |run: &&Result<OptimizationRun<Network>, _>| {
        run.as_ref().is_ok_and(|run| !run.is_interrupted)
    };
    let started: Vec<Network> = fitted
        .iter()
        .filter(goes_on)
        .flatten()
        .map(|run| run.best.clone())
        .collect();
    if config.refine.passes == 0 || started.is_empty() {
        return Ok(fitted);
    }
    let chosen: Vec<usize> = (0..fitted.len())
        .filter(|&i| goes_on(&&fitted[i]))
        .collect();
    let (material, lambdas, seeds) = (
        material.only(&chosen),
        chosen.iter().map(|&i| lambdas[i]).collect::<Vec<_>>(),
        Seeds(chosen.iter().map(|&i| seeds.0[i]).collect()),
    );
    let refined = material.refine(stack(&started)?, config, &lambdas, &seeds, observe)?;
    for (i, refined) in chosen.into_iter().zip(refined) {
        let before = fitted[i].as_ref().map_or(0, |run| run.steps);
        fitted[i] = refined.map(|mut run| {
            run.steps += before;
            run
        });
    }
    Ok(fitted)
}
