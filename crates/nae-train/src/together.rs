//! Many models at once: those of one shape as one stack of tensors.
//!
//! A small model's steps are so short that the operations around the arithmetic cost more than it
//! does. A stack of models shares them: every tensor has a dimension for models, and one operation
//! serves all. On the CPU each thread has a stack of its own, small enough for its cache; on other
//! devices stacks are as large as memory allows. Every model draws the random numbers it would draw
//! alone, so that it comes out the same up to rounding.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use nae_kernels::{MemoryCost, Parallelism, batch_size};
use nae_model::optim::{DescentError, Flow, Progress};
use nae_model::random::generator;
use nae_model::spectra::upload;
use nae_model::{Card, Model, ModelKind, Nae, TrainingSummary};
use rayon::prelude::*;

use crate::batches::Spectra;
use crate::error::TrainError;
use crate::fit::{Fitted, fit};
use crate::frames::{Frames, TrainingClip};
use crate::nmf;
use crate::refine::refine;
use crate::seeds::Seeds;
use crate::{Recipe, TrainConfig};

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
    job: Job<'a>,
    frames: Frames,
}

/// Checks a job's settings and turns its clips into spectra.
pub(crate) fn prepare<'a>(job: &Job<'a>) -> Result<Prepared<'a>, TrainError> {
    job.recipe.validate()?;
    let recipe = job.recipe;
    let frames = Frames::from_clips(job.clips, &recipe.audio, recipe.train.silence_db)?;
    Ok(Prepared { job: *job, frames })
}

/// Trains many models, in the order of the jobs: what [`train`](crate::train) does for one.
///
/// Jobs whose recipes differ in nothing but `train.sparsity` train together, whatever their clips
/// and seeds.
///
/// - `observe`: called once a window of steps of every stack, from several threads in turn, with the
///   mean loss over its models; [`Flow::Stop`] ends all training with the best so far
///
/// # Errors
/// Every job's own, as for [`train`](crate::train).
pub fn train_many(
    jobs: &[Job<'_>],
    device: &Device,
    observe: &mut (dyn FnMut(&Progress) -> Flow + Send),
) -> Vec<Result<Model, TrainError>> {
    let prepared: Vec<_> = jobs.par_iter().map(prepare).collect();
    let mut ready = Vec::with_capacity(jobs.len());
    let mut outcomes = Vec::with_capacity(jobs.len());
    for (i, prepared) in prepared.into_iter().enumerate() {
        outcomes.push(match prepared {
            Ok(prepared) => {
                ready.push((i, prepared));
                Err(TrainError::Stack(format!(
                    "expected a model of every job, and none came of number {i}: train it alone"
                )))
            }
            Err(error) => Err(error),
        });
    }
    let stacks = stacks(&ready, device);
    let sharing = match stacks.as_slice() {
        [only] if only.len() == 1 => Parallelism::Frames,
        _ => Parallelism::Batch,
    };
    let observe = Mutex::new(observe);
    let train = |stack: &Vec<usize>| {
        let jobs: Vec<&Prepared<'_>> = stack.iter().map(|&i| &ready[i].1).collect();
        train_stack(&jobs, sharing, device, &mut |progress| {
            // a thread that panicked has nothing to say any more
            let mut observe = observe.lock().unwrap_or_else(PoisonError::into_inner);
            observe(progress)
        })
    };
    let found = side_by_side(&stacks, train);
    for (stack, models) in stacks.iter().zip(found) {
        for (&i, model) in stack.iter().zip(models) {
            outcomes[ready[i].0] = model;
        }
    }
    outcomes
}

/// What `work` makes of every item, on all threads. Each has a pool of its own, so that nothing
/// within hands parts of its work to the others and waits for them.
fn side_by_side<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let pool = |_| rayon::ThreadPoolBuilder::new().num_threads(1).build().ok();
    let threads = rayon::current_num_threads().min(items.len());
    let pools: Vec<_> = (0..threads).filter_map(pool).collect();
    if pools.len() < 2 {
        return items.iter().map(work).collect();
    }
    let found: Vec<Mutex<Option<T>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let lane = || {
        let take = || {
            let i = next.fetch_add(1, Ordering::Relaxed);
            items.get(i).zip(found.get(i))
        };
        while let Some((item, slot)) = take() {
            let made = work(item);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        }
    };
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| pool.install(lane));
        }
    });
    let taken = |slot: Mutex<Option<T>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.into_iter().filter_map(taken).collect()
}

/// Which jobs train together: alike but for sparsity, of similar length, no more than fit.
fn stacks(ready: &[(usize, Prepared<'_>)], device: &Device) -> Vec<Vec<usize>> {
    let mut alike: Vec<(Recipe, Vec<usize>)> = Vec::new();
    for (i, (_, prepared)) in ready.iter().enumerate() {
        let mut recipe = prepared.job.recipe.clone();
        if recipe.model.kind == ModelKind::Nae {
            recipe.train.sparsity = 0.0;
        }
        match alike.iter_mut().find(|(other, _)| *other == recipe) {
            Some((_, members)) => members.push(i),
            None => alike.push((recipe, vec![i])),
        }
    }
    let mut stacks = Vec::new();
    for (recipe, mut members) in alike {
        let frames = |i: &usize| ready[*i].1.frames.magnitude.frames();
        members.sort_by_key(frames);
        let longest = members.last().map_or(0, frames);
        let size = batch_size(members.len(), footprint(&recipe, longest), device);
        stacks.extend(members.chunks(size).map(<[usize]>::to_vec));
    }
    // long ones first, so that threads end together
    stacks.sort_by_key(|stack| {
        let frames = |i: &usize| ready[*i].1.frames.magnitude.frames();
        std::cmp::Reverse(stack.iter().map(frames).sum::<usize>())
    });
    stacks
}

/// About how many bytes one model's training takes. A step reads and writes its frames' spectrum and
/// estimate, hidden layers with their gradients, and weights with gradients and moments; in memory
/// lies the whole spectrum, with as many numbers again for every product and gradient of all frames.
fn footprint(recipe: &Recipe, frames: usize) -> MemoryCost {
    let bins = recipe.audio.stft().bins();
    let sizes = recipe.model.sizes(bins);
    let weights: usize = sizes.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let units: usize = sizes.iter().sum();
    let hidden = units.saturating_sub(2 * bins);
    let train = &recipe.train;
    let of_step = match (recipe.model.kind, train.batch_frames) {
        (ModelKind::Nmf, _) | (_, 0) => frames,
        (_, batch) => batch.max(frames / train.refine.batches.max(1)).min(frames),
    };
    let bytes = |numbers: usize| size_of::<f32>() * (8 * weights + numbers);
    MemoryCost {
        step: bytes(of_step * (2 * bins + 3 * hidden)),
        total: bytes(frames * (4 * units + 4 * bins)),
    }
}

/// Trains jobs whose recipes differ in nothing but `train.sparsity` as one stack.
pub(crate) fn train_stack(
    jobs: &[&Prepared<'_>],
    sharing: Parallelism,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Vec<Result<Model, TrainError>> {
    let Some(first) = jobs.first() else {
        return Vec::new();
    };
    let recipe = first.job.recipe;
    let started = Instant::now();
    let tape = device.clone().autodiff();
    let magnitudes: Vec<_> = jobs
        .iter()
        .map(|own| (&own.frames.magnitude, own.frames.gain))
        .collect();
    let spectra = Spectra {
        values: upload(&magnitudes, recipe.model.compression, &tape),
        frames: magnitudes
            .iter()
            .map(|(magnitude, _)| magnitude.frames())
            .collect(),
        sharing,
    };
    let bins = recipe.audio.stft().bins();
    let networks: Vec<Nae> = jobs
        .iter()
        .map(|own| {
            Nae::new(
                &recipe.model,
                bins,
                &mut generator(own.job.seed, "weights"),
                &tape,
            )
        })
        .collect();
    let seeds = Seeds(jobs.iter().map(|own| own.job.seed).collect());
    let lambdas: Vec<f64> = jobs
        .iter()
        .map(|own| own.job.recipe.train.sparsity)
        .collect();
    let fitted = match recipe.model.kind {
        ModelKind::Nmf => nmf::fit(
            &Nae::stack(&networks),
            &spectra,
            &recipe.model,
            &recipe.train,
            &seeds,
            observe,
        ),
        ModelKind::Nae => autoencoders(
            &networks,
            &spectra,
            &recipe.train,
            &lambdas,
            &seeds,
            observe,
        ),
    };
    let runs = match fitted {
        Ok(runs) => runs,
        Err(error) => {
            // the device's failure is everybody's
            let message = error.to_string();
            return jobs
                .iter()
                .map(|_| Err(TrainError::Stack(message.clone())))
                .collect();
        }
    };
    let seconds = started.elapsed().as_secs_f64() / jobs.len() as f64;
    let finish = |(own, run): (
        &&Prepared<'_>,
        Result<nae_model::optim::Descent<Nae>, DescentError>,
    )| {
        let run = run?;
        Ok(Model {
            card: own.card(run.loss, run.steps, seconds, run.is_interrupted),
            // off the tape: what Burn keeps for every parameter on it slows each later step down
            network: run.best.valid(),
            memory: None,
        })
    };
    jobs.iter().zip(runs).map(finish).collect()
}

impl Prepared<'_> {
    fn card(&self, loss: f64, steps: usize, seconds: f64, interrupted: bool) -> Card {
        let Job {
            name,
            clips,
            recipe,
            seed,
        } = self.job;
        Card {
            name: name.into(),
            audio: recipe.audio,
            model: recipe.model.clone(),
            gain: self.frames.gain,
            training: TrainingSummary {
                clips: clips.iter().map(|clip| clip.record.clone()).collect(),
                duration_s: self.frames.duration_s,
                frames: self.frames.magnitude.frames(),
                loss,
                steps,
                seed,
                seconds,
                interrupted,
                tool_version: env!("CARGO_PKG_VERSION").into(),
            },
        }
    }
}

/// Fits the autoencoders, then refines their decoders.
fn autoencoders(
    networks: &[Nae],
    spectra: &Spectra,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let stack = |networks: &[Nae]| match networks {
        [one] => one.clone(),
        _ => Nae::stack(networks),
    };
    let mut fitted = fit(stack(networks), spectra, config, lambdas, seeds, observe)?;
    let goes_on = |run: &&Result<nae_model::optim::Descent<Nae>, _>| {
        run.as_ref().is_ok_and(|run| !run.is_interrupted)
    };
    let started: Vec<Nae> = fitted
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
    let (spectra, lambdas, seeds) = (
        spectra.only(&chosen),
        chosen.iter().map(|&i| lambdas[i]).collect::<Vec<_>>(),
        Seeds(chosen.iter().map(|&i| seeds.0[i]).collect()),
    );
    let refined = refine(stack(&started), &spectra, config, &lambdas, &seeds, observe)?;
    for (i, refined) in chosen.into_iter().zip(refined) {
        let before = fitted[i].as_ref().map_or(0, |run| run.steps);
        fitted[i] = refined.map(|mut run| {
            run.steps += before;
            run
        });
    }
    Ok(fitted)
}
