//! One run: minimises the loss over all sources' activations.

use std::borrow::Cow;

use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_kernels::Parallelism;
use nae_model::optim::{Flow, OptimizationRun, Plan, Progress, optimize};
use nae_model::spectra::{read, upload};
use rayon::prelude::*;

use super::batch::{BatchItem, StackedDecoders};
use super::chunk::{Chunk, Latents, start};
use super::initial::initial_activations;
use super::segments::{self, Share};
use crate::error::SeparateError;

/// What one run found for one mixture.
#[derive(Debug)]
pub struct Solution {
    /// Every source's estimated spectrum, `[1, bins, frames]` each, of one compression, without
    /// gradients; where it is asked for, also that of what no source explains.
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
    let lead = segments::lead(decoders.context());
    let mixtures = items.iter().map(|item| with_lead(item, lead));
    let mixtures = mixtures.collect::<Result<Vec<_>, _>>()?;
    let items = &with_mixtures(items, &mixtures);
    let longest = mixtures.iter().map(|mixture| mixture.frames()).max();
    let longest = longest.unwrap_or(0) - lead;
    let device = &first.solver.autodiff_device;
    let shares = segments::shares(decoders.context(), longest, parallelism, device);
    let (mut chunks, latents) = start(items, &shares, &decoders, run);
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
            Ok(ended) => solution(&items[index], index, run, (&shares, lead), ended),
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
    let initial = initial_activations(item, &decoders, run);
    let estimates = decoders.decode(&initial, item[0].mixture.frames());
    for (estimate, source) in estimates.into_iter().zip(item[0].solver.decoders_of(run)) {
        if !read(estimate.inner())?.iter().all(|x| x.is_finite()) {
            let model = format!("the model of `{}`", source.name);
            return Ok(Some(SeparateError::NotFinite { model }));
        }
    }
    Ok(None)
}

/// An item's mixture with `lead` frames of silence in front.
pub(super) fn with_lead<'a>(
    item: &BatchItem<'a>,
    lead: usize,
) -> Result<Cow<'a, Magnitude>, SeparateError> {
    if lead == 0 {
        return Ok(Cow::Borrowed(item.mixture));
    }
    let (bins, frames) = (item.mixture.bins(), item.mixture.frames());
    let mut values = vec![0.0; lead * bins];
    values.extend_from_slice(item.mixture.data());
    Ok(Cow::Owned(Magnitude::new(bins, lead + frames, values)?))
}

/// The same items with other mixtures.
fn with_mixtures<'a>(
    items: &[BatchItem<'a>],
    mixtures: &'a [Cow<'_, Magnitude>],
) -> Vec<BatchItem<'a>> {
    let own = |(item, mixture): (&BatchItem<'a>, &'a Cow<'_, Magnitude>)| BatchItem {
        mixture: mixture.as_ref(),
        ..*item
    };
    items.iter().zip(mixtures).map(own).collect()
}

/// The solution of item number `index` from the best activations of its run.
fn solution(
    item: &BatchItem<'_>,
    index: usize,
    run: usize,
    (shares, lead): (&[Share], usize),
    ended: OptimizationRun<Vec<Latents>>,
) -> Result<Solution, SeparateError> {
    let decoders = StackedDecoders::new(std::slice::from_ref(item), run)?;
    let frames = item.mixture.frames();
    let activations = |source: usize| {
        let chunks = ended.best.iter().zip(shares);
        let kept = chunks.flat_map(|(latents, share)| {
            let own = latents.sources[source].value().inner();
            let mut first = 0;
            let kept = share.iter().map(move |segment| {
                let start = first + segment.kept.start - segment.places.start;
                first += segment.places.len();
                own.clone().narrow(2, start, segment.kept.len())
            });
            kept.collect::<Vec<_>>()
        });
        let whole = Tensor::cat(kept.collect(), 2);
        whole.narrow(0, index, 1).narrow(2, 0, frames)
    };
    let activations: Vec<Tensor<3>> = (0..decoders.decoders.len()).map(activations).collect();
    let of_mixture = |all: Tensor<3>| match lead {
        0 => all,
        _ => all.narrow(2, lead, frames - lead),
    };
    let mut estimates = decoders.decode(&activations, frames);
    if item.solver.has_residual {
        let device = activations.first().map(Tensor::device);
        let sum = estimates.iter().cloned().reduce(|a, b| a + b);
        if let (Some(sum), Some(device)) = (sum, device) {
            let mixture = [(item.mixture, item.gain)];
            let mixture = upload(&mixture, decoders.compression, &device);
            estimates.push((mixture - sum).clamp_min(0.0));
        }
    }
    let estimates = estimates.into_iter();
    Ok(Solution {
        estimates: estimates.map(of_mixture).collect(),
        activations: activations
            .into_iter()
            .map(|h| of_mixture(h).squeeze_dim(0))
            .collect(),
        loss: ended.loss,
        steps: ended.steps,
        is_interrupted: ended.is_interrupted,
    })
}
