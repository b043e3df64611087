//! Searching the activations that explain mixtures.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_kernels::Parallelism;
use nae_model::init::from_host;
use nae_model::loss::{Target, objective};
use nae_model::optim::{Descent, Flow, Plan, Progress, descend};
use nae_model::random::generator;
use nae_model::spectra::upload;
use nae_model::{Activations, Decoder};
use rand::RngExt;
use rayon::prelude::*;

use crate::error::SeparateError;
use crate::mask::recompress;
use crate::settings::Start;
use crate::sources::{FrozenModel, Search};

/// All sources' activations: what one run optimises.
#[derive(Module, Debug)]
pub struct Latents {
    /// One leaf for every source.
    pub sources: Vec<Activations>,
}

/// A mixture and the models to explain it with.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The sources' models.
    pub search: &'a Search,
    /// The mixture's magnitudes at the models' rate.
    pub mixture: &'a Magnitude,
    /// Brings the mixture to the level the models were trained at.
    pub gain: f64,
}

/// Where a run ended.
#[derive(Debug)]
pub struct Found {
    /// Every source's part of the mixture, `[1, bins, frames]` each, off the tape; all to the same
    /// exponent.
    pub estimates: Vec<Tensor<3>>,
    /// Every source's activations, `[rank, frames]` each, off the tape.
    pub activations: Vec<Tensor<2>>,
    /// Loss before the last step of the window that was kept.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Whether the observer stopped the run.
    pub is_interrupted: bool,
}

impl Search {
    /// Whether scenes of both can be explained together: sources' decoders of one shape, and the
    /// same settings.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let alike = |(ours, theirs): (&FrozenModel, &FrozenModel)| {
            ours.compression == theirs.compression && ours.decoder.has_shape_of(&theirs.decoder)
        };
        self.config == other.config
            && self.count() == other.count()
            && self.runs() == other.runs()
            && (0..self.runs()).all(|run| {
                let pairs = self.models_of(run).into_iter().zip(other.models_of(run));
                pairs.into_iter().all(alike)
            })
    }
}

/// Explains the magnitudes of mixtures, each as a sum of its sources' spectra, all at once.
///
/// - `scenes`: of searches whose decoders have the same shapes, and with the same settings
/// - `run`: number of the run, which picks models and start
///
/// # Errors
/// [`SeparateError::Descent`], for a scene whose loss stops being finite or for all if the device
/// fails.
pub fn explain(
    scenes: &[Scene<'_>],
    run: usize,
    sharing: Parallelism,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Vec<Result<Found, SeparateError>>, SeparateError> {
    let Some(first) = scenes.first() else {
        return Ok(Vec::new());
    };
    let (config, tape) = (&first.search.config, &first.search.tape);
    let sources = Sources::of(scenes, run);
    let frames: Vec<usize> = scenes.iter().map(|scene| scene.mixture.frames()).collect();
    let longest = frames.iter().copied().max().unwrap_or(0);
    let parts = sharing.parts(longest, 1, tape);
    let latents = start(scenes, &sources, run);
    let mut own = Vec::with_capacity(parts.len());
    let mut starts = Vec::with_capacity(parts.len());
    for part in &parts {
        let heard: Vec<Magnitude> = scenes
            .iter()
            .map(|scene| {
                let end = part.end.min(scene.mixture.frames());
                scene
                    .mixture
                    .select(&(part.start.min(end)..end).collect::<Vec<_>>())
            })
            .collect();
        let counts: Vec<usize> = heard.iter().map(Magnitude::frames).collect();
        let heard = heard
            .iter()
            .zip(scenes)
            .map(|(heard, scene)| (heard, scene.gain));
        let spectrum = upload(&heard.collect::<Vec<_>>(), sources.compression, tape);
        own.push(Part {
            target: Target::new(spectrum, config.eps)
                .padded(&counts)
                .part_of(longest),
            optimizer: config.optimizer.build(&config.rprop),
        });
        let of_part = |h: &Tensor<3>| h.clone().narrow(2, part.start, part.len());
        let leaves = latents.iter().map(of_part);
        let leaves = leaves.map(|h| Activations::new(h, config.activations));
        starts.push(Latents {
            sources: leaves.collect(),
        });
    }
    let plan = Plan {
        stage: "separating",
        max_steps: config.max_steps,
        window: config.window,
        judged: 1,
        tolerance: config.tolerance,
    };
    let runs = descend(
        plan,
        scenes.len(),
        starts,
        |latents, step| {
            let rate = config
                .schedule
                .rate(config.learning_rate, step.number, config.max_steps);
            // frames know nothing of each other: each thread has its own
            let of_part = |(part, latents): (&mut Part, Latents)| {
                let values: Vec<_> = latents.sources.iter().map(Activations::value).collect();
                let Some(estimate) = sources.decode(&values).into_iter().reduce(|a, b| a + b)
                else {
                    return (latents, None);
                };
                let lambdas = [config.sparsity];
                let losses = objective(&part.target, estimate, &values, &lambdas, step.wanted());
                let gradients =
                    GradientsParams::from_grads(losses.clone().sum().backward(), &latents);
                let stepped = part.optimizer.step(rate, latents, gradients);
                let leaves = stepped.sources.into_iter();
                let leaves = leaves.map(Activations::projected).collect();
                (Latents { sources: leaves }, Some(losses.inner()))
            };
            let found = own.par_iter_mut().zip(latents).map(of_part);
            let (latents, losses): (Vec<_>, Vec<_>) = found.unzip();
            (latents, losses.into_iter().flatten().reduce(|a, b| a + b))
        },
        observe,
    )?;
    let end = |i: usize, end: Descent<Vec<Latents>>, scene: &Scene<'_>| {
        let own = Sources::of(std::slice::from_ref(scene), run);
        let parts = || end.best.iter();
        let values: Vec<Tensor<3>> = (0..own.decoders.len())
            .map(|source| {
                let of_part = |latents: &Latents| latents.sources[source].value().inner();
                let whole = Tensor::cat(parts().map(of_part).collect(), 2);
                whole.narrow(0, i, 1).narrow(2, 0, frames[i])
            })
            .collect();
        Found {
            estimates: own.decode(&values),
            activations: values.into_iter().map(|h| h.squeeze_dim(0)).collect(),
            loss: end.loss,
            steps: end.steps,
            is_interrupted: end.is_interrupted,
        }
    };
    let runs = runs.into_iter().zip(scenes).enumerate();
    Ok(runs
        .map(|(i, (run, scene))| Ok(end(i, run?, scene)))
        .collect())
}

/// The decoders of every source, those of all scenes stacked.
struct Sources {
    decoders: Vec<Decoder>,
    /// Every decoder's exponent over the common one, one a source.
    exponents: Vec<f64>,
    /// Exponent of the spectra that are summed. Sums need one: the smallest, which compresses most.
    /// Models of another are brought to it element by element.
    compression: f64,
    eps: f64,
}

impl Sources {
    /// The models of run number `run`.
    fn of(scenes: &[Scene<'_>], run: usize) -> Self {
        let models: Vec<Vec<&FrozenModel>> = scenes
            .iter()
            .map(|scene| scene.search.models_of(run))
            .collect();
        let first = models.first().map_or(&[] as &[_], Vec::as_slice);
        let exponents = first.iter().map(|model| model.compression);
        let compression = exponents.clone().fold(1.0, f64::min);
        // one set of models serves all its scenes as it is
        let is_one_set = scenes
            .windows(2)
            .all(|pair| std::ptr::eq(pair[0].search, pair[1].search));
        let decoder = |source: usize| {
            if is_one_set {
                first[source].decoder.clone()
            } else {
                let own: Vec<&Decoder> = models.iter().map(|own| &own[source].decoder).collect();
                Decoder::stack(&own)
            }
        };
        Self {
            decoders: (0..first.len()).map(decoder).collect(),
            exponents: exponents.map(|own| compression / own).collect(),
            compression,
            eps: scenes.first().map_or(0.0, |scene| scene.search.config.eps),
        }
    }

    /// Every source's spectra, `[scenes, bins, frames]` each.
    fn decode(&self, activations: &[Tensor<3>]) -> Vec<Tensor<3>> {
        let decoders = self.decoders.iter().zip(&self.exponents);
        let decode = |((decoder, &exponent), h): ((&Decoder, &f64), &Tensor<3>)| {
            recompress(decoder.decode(h.clone()), exponent, self.eps)
        };
        decoders.zip(activations).map(decode).collect()
    }
}

/// Activations a run starts at, `[scenes, rank, frames]` for every source.
fn start(scenes: &[Scene<'_>], sources: &Sources, run: usize) -> Vec<Tensor<3>> {
    let Some(Scene {
        search, mixture, ..
    }) = scenes.first()
    else {
        return Vec::new();
    };
    let is_random =
        search.config.start == Start::Random || run >= search.runs() / search.config.starts;
    let count = sources.decoders.len() as f64;
    if !is_random {
        let heard: Vec<_> = scenes
            .iter()
            .map(|scene| (scene.mixture, scene.gain))
            .collect();
        let read = |(decoder, exponent): (&Decoder, &f64)| {
            let compression = sources.compression / exponent;
            // every model reads the whole mixture: all of it N times would be N times too much
            decoder
                .encode(upload(&heard, compression, &search.tape))
                .div_scalar(count)
        };
        return sources
            .decoders
            .iter()
            .zip(&sources.exponents)
            .map(read)
            .collect();
    }
    let ranks: Vec<usize> = sources.decoders.iter().map(Decoder::rank).collect();
    let scale = (2.0 / (ranks.iter().sum::<usize>() + mixture.bins()) as f64).sqrt() as f32;
    let longest = scenes
        .iter()
        .map(|scene| scene.mixture.frames())
        .max()
        .unwrap_or(0);
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); ranks.len()];
    for scene in scenes {
        let mut rng = generator(scene.search.seed, &format!("start {run}"));
        for (values, rank) in values.iter_mut().zip(&ranks) {
            for _ in 0..*rank {
                let frames = scene.mixture.frames();
                values.extend((0..frames).map(|_| scale * rng.random_range(0.0..1.0f32)));
                values.extend((frames..longest).map(|_| scale));
            }
        }
    }
    let upload = |(values, rank)| from_host(values, [scenes.len(), rank, longest], &search.tape);
    values.into_iter().zip(ranks).map(upload).collect()
}

/// What stays with one thread's frames.
struct Part {
    target: Target,
    optimizer: ModuleOptimizer,
}
