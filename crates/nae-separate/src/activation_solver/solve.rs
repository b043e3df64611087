//! One run: minimises the loss over all sources' activations.

use std::borrow::Cow;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_kernels::Parallelism;
use nae_model::loss::{Target, growing, objective};
use nae_model::optim::{Flow, OptimizationRun, Plan, Progress, Step, optimize};
use nae_model::spectra::{read, upload};
use nae_model::{ActivationForm, Activations, Decoder};
use rayon::prelude::*;

use super::batch::{BatchItem, StackedDecoders};
use super::initial::initial_activations;
use super::segments::{self, Segment, Share};
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
    /// Frames of a segment.
    segment: usize,
    /// For every source with multiplicative updates the gradient of what grows with its activations.
    growing: Vec<Option<Tensor<3>>>,
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
    let mixtures = with_lead(items, lead)?;
    let items = &with_mixtures(items, &mixtures);
    let longest = mixtures.iter().map(|mixture| mixture.frames()).max();
    let longest = longest.unwrap_or(0) - lead;
    let device = &first.solver.autodiff_device;
    let shares = segments::shares(decoders.context(), longest, parallelism, device);
    let initial = initial_activations(items, &decoders, run);
    let latents = shares
        .iter()
        .map(|share| leaves(&initial, share, &decoders, config));
    let latents = latents.collect();
    let chunk = |share| Chunk::new(items, share, &shares, &decoders);
    let mut chunks: Vec<Chunk> = shares.iter().map(chunk).collect();
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

/// The mixtures with `lead` frames of silence in front.
fn with_lead<'a>(
    items: &[BatchItem<'a>],
    lead: usize,
) -> Result<Vec<Cow<'a, Magnitude>>, SeparateError> {
    let own = |item: &BatchItem<'a>| {
        if lead == 0 {
            return Ok(Cow::Borrowed(item.mixture));
        }
        let (bins, frames) = (item.mixture.bins(), item.mixture.frames());
        let mut values = vec![0.0; lead * bins];
        values.extend_from_slice(item.mixture.data());
        let longer = Magnitude::new(bins, lead + frames, values)?;
        Ok(Cow::Owned(longer))
    };
    items.iter().map(own).collect()
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

/// Some segments of the initial activations, as leaves to be optimised.
fn leaves(
    initial: &[Tensor<3>],
    share: &Share,
    decoders: &StackedDecoders,
    config: &SeparateConfig,
) -> Latents {
    let leaf = |(source, h): (usize, &Tensor<3>)| {
        let own = |segment: &Segment| {
            let places = &segment.places;
            h.clone().narrow(2, places.start, places.len())
        };
        let own = match share.as_slice() {
            [only] => own(only),
            all => Tensor::cat(all.iter().map(own).collect(), 2),
        };
        match decoders.is_multiplicative(source, config) {
            // an update multiplies: from zero nothing comes back
            true => Activations::new(own.clamp_min(LEAST_START), ActivationForm::Nonnegative),
            false => Activations::new(own, config.activations),
        }
    };
    Latents {
        sources: initial.iter().enumerate().map(leaf).collect(),
    }
}

/// Activations that start lower start at this where they are updated multiplicatively.
const LEAST_START: f64 = 1e-2;

impl Chunk {
    /// - `share`: the chunk's segments, of those in `all` shares
    fn new(
        items: &[BatchItem<'_>],
        share: &Share,
        all: &[Share],
        decoders: &StackedDecoders,
    ) -> Self {
        // every item has the first one's settings and device
        let solver = items[0].solver;
        let config = &solver.config;
        let spectrum = |segment: &Segment| {
            let own = |item: &BatchItem<'_>| {
                let end = segment.places.end.min(item.mixture.frames());
                let frames: Vec<usize> = (segment.places.start.min(end)..end).collect();
                item.mixture.select(&frames)
            };
            let own: Vec<Magnitude> = items.iter().map(own).collect();
            let own = own.iter().zip(items).map(|(own, item)| (own, item.gain));
            let own: Vec<_> = own.collect();
            upload(&own, decoders.compression, &solver.autodiff_device)
        };
        let spectrum = match share.as_slice() {
            [only] => spectrum(only),
            all => Tensor::cat(all.iter().map(spectrum).collect(), 2),
        };
        let target = Target::new(spectrum, config.eps);
        let segment = share.first().map_or(0, |segment| segment.places.len());
        let mut chunk = Self {
            target: counting(target, items, share, all),
            optimizer: config.optimizer.build(&config.rprop),
            segment,
            growing: Vec::new(),
        };
        let sources = 0..decoders.decoders.len();
        let growing = sources.map(|source| {
            let is_multiplicative = decoders.is_multiplicative(source, config);
            is_multiplicative.then(|| chunk.growing_part(&decoders.decoders[source], config))
        });
        chunk.growing = growing.collect();
        chunk
    }

    /// The gradient, with respect to a source's activations, of the part of the objective that grows
    /// with them. Its decoder is linear: it is the same everywhere.
    fn growing_part(&self, decoder: &Decoder, config: &SeparateConfig) -> Tensor<3> {
        let [items, _, frames] = self.target.spectrum.dims();
        let options = (&self.target.spectrum.device(), self.target.spectrum.dtype());
        let h = Tensor::<3>::ones([items, decoder.rank(), frames], options).require_grad();
        let estimate = decoder.decode_segments(h.clone(), self.segment);
        let growing = growing(&self.target, estimate, [&h], &[config.sparsity]);
        let gradients = growing.sum().backward();
        h.grad(&gradients).unwrap_or_else(|| h.inner().zeros_like())
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
        let estimates = decoders.decode(&values, self.segment).into_iter();
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
        let mut gradients = GradientsParams::from_grads(losses.clone().sum().backward(), &latents);
        let latents = self.updated(latents, &mut gradients);
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

    /// Activations after their multiplicative updates, whose gradients are taken out of all.
    fn updated(&self, latents: Latents, gradients: &mut GradientsParams) -> Latents {
        let sources = latents.sources.into_iter().zip(&self.growing);
        let updated = sources.map(|(activations, growing)| {
            let Some(growing) = growing else {
                return activations;
            };
            match gradients.remove::<3>(activations.leaf.id) {
                None => activations,
                Some(gradient) => {
                    // zero only where nothing depends on an activation, and then so is the gradient
                    let ratio = gradient / growing.clone().clamp_min(f64::from(f32::MIN_POSITIVE));
                    let factor = ratio.neg().add_scalar(1.0).clamp_min(0.0);
                    activations.multiplied(factor)
                }
            }
        });
        Latents {
            sources: updated.collect(),
        }
    }
}

/// A target whose objective is over the frames of the mixtures that count in some segments.
fn counting(target: Target, items: &[BatchItem<'_>], share: &Share, all: &[Share]) -> Target {
    let lengths = all.iter().flatten().map(|segment| segment.places.len());
    let total: usize = lengths.sum();
    let is_plain = |segment: &Segment| segment.counted == segment.places;
    if let [segment] = share.as_slice()
        && all.iter().flatten().all(is_plain)
    {
        let own = |item: &BatchItem<'_>| {
            let end = segment.places.end.min(item.mixture.frames());
            end.saturating_sub(segment.places.start)
        };
        let counts: Vec<usize> = items.iter().map(own).collect();
        return target.padded(&counts).part_of(total);
    }
    let counts = |item: &BatchItem<'_>, share: &Share| -> Vec<bool> {
        let frames = item.mixture.frames();
        let of_segment = |segment: &Segment| {
            let Segment {
                places, counted, ..
            } = segment.clone();
            places.map(move |place| counted.contains(&place) && place < frames)
        };
        share.iter().flat_map(of_segment).collect()
    };
    let factor = |item: &BatchItem<'_>| {
        let counted = all.iter().flat_map(|share| counts(item, share));
        total as f64 / counted.filter(|counts| *counts).count().max(1) as f64
    };
    let counted: Vec<bool> = items.iter().flat_map(|item| counts(item, share)).collect();
    target
        .counting(&counted, items.iter().map(factor).collect())
        .part_of(total)
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
    let estimates = decoders.decode(&activations, frames).into_iter();
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
