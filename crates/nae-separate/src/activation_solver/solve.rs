//! One run: minimises the loss over all sources' activations.

use std::ops::Range;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_kernels::Parallelism;
use nae_model::Activations;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Flow, OptimizationRun, Plan, Progress, Step, optimize};
use nae_model::spectra::{read, upload};
use rayon::prelude::*;

use super::batch::{BatchItem, StackedDecoders};
use super::initial::initial_activations;
use crate::error::SeparateError;
use crate::settings::SeparateConfig;

/// What one run found for one mixture.
#[derive(Debug)]
pub struct Solution {
    /// Every source's estimated spectrum, `[1, bins, frames]` each, of one compression, without
    /// gradients.
    pub estimates: Vec<Tensor<3>>,
    /// Every source's activations, `[rank, frames]` each, without gradients.
    pub activations: Vec<Tensor<2>>,
    /// Loss of the best window, before its last step.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Whether the observer stopped the run.
    pub is_interrupted: bool,
}

/// All sources' activations: what a run optimises.
#[derive(Module, Debug)]
struct Latents {
    /// One leaf for every source.
    sources: Vec<Activations>,
}

/// What belongs to one thread's frames besides their activations.
struct Chunk {
    target: Target,
    optimizer: ModuleOptimizer,
}

/// Models the magnitudes of mixtures, each as a sum of its sources' spectra, all mixtures at once.
///
/// - `items`: solvers whose decoders have the same shapes, and with the same settings
/// - `run`: number of the run, which decides models and initial activations
///
/// # Errors
/// For a mixture [`SeparateError::NotFinite`] if one of its models gives such numbers, and
/// [`SeparateError::Optimization`] if its loss is no longer finite; for all of them if the device fails.
pub fn solve(
    items: &[BatchItem<'_>],
    run: usize,
    parallelism: Parallelism,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Vec<Result<Solution, SeparateError>>, SeparateError> {
    let Some(first) = items.first() else {
        return Ok(Vec::new());
    };
    let config = &first.solver.config;
    let decoders = StackedDecoders::new(items, run)?;
    let frames = items.iter().map(|item| item.mixture.frames());
    let longest = frames.max().unwrap_or(0);
    let ranges = parallelism.parts(longest, 1, &first.solver.autodiff_device);
    let initial = initial_activations(items, &decoders, run);
    let latents = ranges.iter().map(|range| leaves(&initial, range, config));
    let latents = latents.collect();
    let chunk = |range| Chunk::new(items, range, longest, decoders.compression);
    let mut chunks: Vec<Chunk> = ranges.iter().map(chunk).collect();
    let plan = Plan {
        stage: "separating",
        max_steps: config.max_steps,
        window: config.window,
        evaluated: 1,
        tolerance: config.tolerance,
    };
    let runs = optimize(
        plan,
        items.len(),
        latents,
        |latents: Vec<Latents>, step| {
            // frames do not depend on each other: each thread optimises its own
            let step_chunk = |(chunk, latents): (&mut Chunk, Latents)| {
                chunk.step(latents, &decoders, config, step)
            };
            let stepped = chunks.par_iter_mut().zip(latents).map(step_chunk);
            let (latents, losses): (Vec<_>, Vec<_>) = stepped.unzip();
            (latents, losses.into_iter().flatten().reduce(|a, b| a + b))
        },
        observe,
    )?;
    let runs = runs.into_iter().enumerate();
    Ok(runs
        .map(|(index, ended)| match ended {
            Ok(ended) => solution(&items[index], index, run, ended),
            Err(error) => Err(unusable_model(&items[index], run)?.unwrap_or(error.into())),
        })
        .collect())
}

/// Why a mixture's loss is not finite, if that is because a model gives such numbers from the start:
/// then no other learning rate would help.
fn unusable_model(
    item: &BatchItem<'_>,
    run: usize,
) -> Result<Option<SeparateError>, SeparateError> {
    let item = std::slice::from_ref(item);
    let decoders = StackedDecoders::new(item, run)?;
    let estimates = decoders.decode(&initial_activations(item, &decoders, run));
    for (estimate, source) in estimates.into_iter().zip(item[0].solver.decoders_of(run)) {
        if !read(estimate.inner())?.iter().all(|x| x.is_finite()) {
            let model = format!("the model of `{}`", source.name);
            return Ok(Some(SeparateError::NotFinite { model }));
        }
    }
    Ok(None)
}

/// A range of frames of the initial activations, as leaves to be optimised.
fn leaves(initial: &[Tensor<3>], range: &Range<usize>, config: &SeparateConfig) -> Latents {
    let leaf = |h: &Tensor<3>| {
        let own = h.clone().narrow(2, range.start, range.len());
        Activations::new(own, config.activations)
    };
    Latents {
        sources: initial.iter().map(leaf).collect(),
    }
}

impl Chunk {
    /// - `range`: the chunk's frames, of `longest` in all
    fn new(
        items: &[BatchItem<'_>],
        range: &Range<usize>,
        longest: usize,
        compression: f64,
    ) -> Self {
        let own = |item: &BatchItem<'_>| {
            let end = range.end.min(item.mixture.frames());
            let frames: Vec<usize> = (range.start.min(end)..end).collect();
            item.mixture.select(&frames)
        };
        let own: Vec<Magnitude> = items.iter().map(own).collect();
        let counts: Vec<usize> = own.iter().map(Magnitude::frames).collect();
        let own = own.iter().zip(items).map(|(own, item)| (own, item.gain));
        let own: Vec<_> = own.collect();
        // every item has the first one's settings and device
        let solver = items[0].solver;
        let config = &solver.config;
        let spectrum = upload(&own, compression, &solver.autodiff_device);
        Self {
            target: Target::new(spectrum, config.eps)
                .padded(&counts)
                .part_of(longest),
            optimizer: config.optimizer.build(&config.rprop),
        }
    }

    /// Takes one step; returns the new activations and every item's loss, `[items]`.
    fn step(
        &mut self,
        latents: Latents,
        decoders: &StackedDecoders,
        config: &SeparateConfig,
        step: Step,
    ) -> (Latents, Option<Tensor<1>>) {
        let values: Vec<_> = latents.sources.iter().map(Activations::value).collect();
        let estimates = decoders.decode(&values).into_iter();
        let Some(estimate) = estimates.reduce(|a, b| a + b) else {
            return (latents, None);
        };
        let lambdas = [config.sparsity];
        let losses = objective(
            &self.target,
            estimate,
            &values,
            &lambdas,
            step.loss_output(),
        );
        let gradients = GradientsParams::from_grads(losses.clone().sum().backward(), &latents);
        let rate = config
            .schedule
            .rate(config.learning_rate, step.number, config.max_steps);
        let stepped = self.optimizer.step(rate, latents, gradients);
        let projected = stepped.sources.into_iter().map(Activations::projected);
        let latents = Latents {
            sources: projected.collect(),
        };
        (latents, Some(losses.inner()))
    }
}

/// The solution of item number `index` from the best activations of its run.
fn solution(
    item: &BatchItem<'_>,
    index: usize,
    run: usize,
    ended: OptimizationRun<Vec<Latents>>,
) -> Result<Solution, SeparateError> {
    let decoders = StackedDecoders::new(std::slice::from_ref(item), run)?;
    let activations = |source: usize| {
        let chunks = ended.best.iter();
        let chunks = chunks.map(|latents| latents.sources[source].value().inner());
        let whole = Tensor::cat(chunks.collect(), 2);
        whole
            .narrow(0, index, 1)
            .narrow(2, 0, item.mixture.frames())
    };
    let activations: Vec<Tensor<3>> = (0..decoders.decoders.len()).map(activations).collect();
    Ok(Solution {
        estimates: decoders.decode(&activations),
        activations: activations.into_iter().map(|h| h.squeeze_dim(0)).collect(),
        loss: ended.loss,
        steps: ended.steps,
        is_interrupted: ended.is_interrupted,
    })
}
