//! Many models at once: those of one shape as one stack of tensors.
//!
//! A small model's steps are so short that the operations around the arithmetic cost more than it
//! does. A stack of models shares them: every tensor has a dimension for models, and one operation
//! serves all. On the CPU each thread has a stack of its own, small enough for its cache; on other
//! devices stacks are as large as memory allows. Every model draws the random numbers it would draw
//! alone, so that it comes out the same but for rounding (see [reproducibility](crate#reproducibility)).

use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use nae_kernels::{MemoryCost, Parallelism, batch_size};
use nae_model::Model;
use nae_model::architecture::{Cost, TrainingMethod};
use nae_model::optim::{Flow, Progress};
use rayon::prelude::*;

use crate::Recipe;
use crate::error::TrainError;
use crate::job::{Job, Prepared, prepare};
use crate::parallel_map::parallel_map;
use crate::segments::Division;
use crate::stack::train_stack;

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
                    "job {i} returned no model; train it alone"
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
    let found = parallel_map(&stacks, train);
    for (stack, models) in stacks.iter().zip(found) {
        for (&i, model) in stack.iter().zip(models) {
            outcomes[ready[i].0] = model;
        }
    }
    outcomes
}

/// What models of one stack have in common: recipes but for sparsity, and how refinement divides the
/// sound of kinds that see several frames.
type Alike = (Recipe, Option<Division>);

/// Which jobs train together: alike, of similar length, no more than fit.
fn stacks(ready: &[(usize, Prepared<'_>)], device: &Device) -> Vec<Vec<usize>> {
    let mut alike: Vec<(Alike, Vec<usize>)> = Vec::new();
    for (i, (_, prepared)) in ready.iter().enumerate() {
        let mut recipe = prepared.recipe.clone();
        if recipe.model.architecture().training_method() == TrainingMethod::Gradients {
            recipe.train.sparsity = 0.0;
        }
        let shape = recipe.segments();
        let counted = &prepared.frames.counted;
        let division = shape.map(|shape| Division::new(counted, shape, &recipe.train));
        let own = (recipe, division);
        match alike.iter_mut().find(|(other, _)| *other == own) {
            Some((_, members)) => members.push(i),
            None => alike.push((own, vec![i])),
        }
    }
    let mut stacks = Vec::new();
    for ((recipe, _), mut members) in alike {
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
/// estimate, hidden layers with their gradients, and weights with gradients and moments; memory
/// holds the whole spectrum, and as many numbers again for every product and gradient of all
/// frames.
fn footprint(recipe: &Recipe, frames: usize) -> MemoryCost {
    let bins = recipe.audio.stft().bins();
    let architecture = recipe.model.architecture();
    let Cost { weights, units, .. } = architecture.cost(bins);
    let hidden = units.saturating_sub(2 * bins);
    let train = &recipe.train;
    let of_step = match (architecture.training_method(), train.batch_frames) {
        (TrainingMethod::MultiplicativeUpdates, _) | (_, 0) => frames,
        (TrainingMethod::Gradients, batch) => {
            batch.max(frames / train.refine.batches.max(1)).min(frames)
        }
    };
    let bytes = |numbers: usize| size_of::<f32>() * (8 * weights + numbers);
    MemoryCost {
        step: bytes(of_step * (2 * bins + 3 * hidden)),
        total: bytes(frames * (4 * units + 4 * bins)),
    }
}
