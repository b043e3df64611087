//! Universal models: bases of several models side by side in one factorisation.
//!
//! A factorisation of many voices, ten bases of each, models a voice that none of them is: beside a
//! model of the noise it separates voices without a model of their own (D. L. Sun, G. J. Mysore,
//! *Universal speech models for speaker independent single channel source separation*, ICASSP 2013;
//! without their block sparsity, which gains nothing here).
//!
//! What a model has more of than is asked for is reduced to a factorisation of the sound in its latent
//! cache. Bases have unit norm, so that models of any level fit together.

mod bases;

use burn::tensor::{Device, Tensor};
use nae_model::error::setting;
use nae_model::init::from_host;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::{Ensemble, MergedSource, Metadata, Model, TrainingSummary};

pub use bases::Reduction;
use bases::{Bases, Plan, factorisation, shown};

use crate::error::TrainError;

/// Bases that a model has at most, as `model.rank`.
pub const MOST_BASES: usize = 4096;

/// A merged model, and what each source gave to it.
#[derive(Debug)]
pub struct Merged {
    /// The factorisation.
    pub model: Model,
    /// One for every source, in their order.
    pub parts: Vec<MergedPart>,
}

/// What one source gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedPart {
    /// Number of its bases.
    pub rank: usize,
    /// How they came to be so many.
    pub reduction: Reduction,
}

/// Puts bases of several models side by side, in their order.
///
/// - `name`: the new model's
/// - `rank_each`: bases of each source; one with fewer gives all that it has
/// - `seed`: of the factorisations
///
/// # Errors
/// [`TrainError::Model`] for sources that analyse sound in different ways or a number of bases out of range,
/// [`TrainError::Compressions`], [`TrainError::TooManyBases`], [`TrainError::NoBases`],
/// [`TrainError::SilentCache`], [`TrainError::NoClips`] without sources; all before any work. As
/// [`nmf::fit`](crate::nmf::fit) afterwards.
pub fn merge(
    name: &str,
    sources: &[Ensemble],
    rank_each: usize,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Merged, TrainError> {
    let plans = plans(sources, rank_each, device)?;
    let (Some(first), Some(compression)) =
        (sources.first(), plans.first().map(|plan| plan.compression))
    else {
        return Err(TrainError::NoClips);
    };
    let part = |plan: &Plan| MergedPart {
        rank: plan.rank,
        reduction: plan.reduction,
    };
    let parts: Vec<MergedPart> = plans.iter().map(part).collect();
    let mut bases: Vec<Bases> = Vec::with_capacity(plans.len());
    for plan in plans {
        let own = plan.bases(seed, device, observe)?;
        let is_interrupted = own.is_interrupted;
        bases.push(own);
        if is_interrupted {
            break;
        }
    }
    let audio = first.first().metadata.audio;
    let bins = audio.stft().bins();
    let (rank, values) = side_by_side(&bases, bins);
    let architecture = factorisation(rank, compression).architecture();
    let blank = architecture.network(bins, &mut generator(seed, "weights"), device);
    let values: Tensor<4> = from_host(values, [1, bins, rank], device).unsqueeze_dim(1);
    let model = Model {
        network: blank.with_bases(values),
        metadata: Metadata {
            name: name.into(),
            audio,
            architecture,
            gain: common_gain(sources),
            training: TrainingSummary {
                seed,
                ..summary(sources, &parts, &bases)
            },
        },
        latent_cache: None,
    };
    Ok(Merged { model, parts })
}

/// What every source gives, checked against the others.
fn plans(sources: &[Ensemble], rank_each: usize, device: &Device) -> Result<Vec<Plan>, TrainError> {
    if !(1..=MOST_BASES).contains(&rank_each) {
        let range = format!("1 to {MOST_BASES}");
        return Err(setting("rank-each", &range, rank_each, "10").into());
    }
    let mut plans: Vec<Plan> = Vec::with_capacity(sources.len());
    for source in sources {
        sources[0]
            .first()
            .metadata
            .agrees_with(&source.first().metadata)?;
        let plan = Plan::new(source, rank_each, device)?;
        if let Some(first) = plans.first()
            && first.compression != plan.compression
        {
            return Err(TrainError::Compressions {
                left: shown(sources[0].first()),
                left_compression: first.compression,
                right: shown(source.first()),
                right_compression: plan.compression,
            });
        }
        plans.push(plan);
    }
    let rank = plans.iter().map(|plan| plan.rank).sum();
    match rank {
        0..=MOST_BASES => Ok(plans),
        came => Err(TrainError::TooManyBases {
            came,
            most: MOST_BASES,
        }),
    }
}

/// Columns of all bases in order: their number, and `[bins, number]`, row-major.
fn side_by_side(bases: &[Bases], bins: usize) -> (usize, Vec<f32>) {
    let ranks: Vec<usize> = bases.iter().map(|own| own.values.len() / bins).collect();
    let row = |bin: usize| {
        let of = move |(own, &rank)| -> &[f32] {
            let own: &Bases = own;
            &own.values[bin * rank..(bin + 1) * rank]
        };
        bases.iter().zip(&ranks).flat_map(of).copied()
    };
    (ranks.iter().sum(), (0..bins).flat_map(row).collect())
}

/// The factor that would bring the sound of all sources together to unit standard deviation.
fn common_gain(sources: &[Ensemble]) -> f64 {
    let seconds = |source: &Ensemble| {
        let seconds = source.first().metadata.training.duration_s;
        // files may hold any number
        if seconds.is_finite() && seconds > 0.0 {
            seconds
        } else {
            1.0
        }
    };
    let power = |source: &Ensemble| source.first().metadata.gain.powi(-2) * seconds(source);
    let all: f64 = sources.iter().map(seconds).sum();
    let gain = (sources.iter().map(power).sum::<f64>() / all).powf(-0.5);
    gain.clamp(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX))
}

/// The clips of all sources, and what became of them. There is no loss, as nothing was trained as a whole,
/// and no time, so that equal models make equal files.
fn summary(sources: &[Ensemble], parts: &[MergedPart], bases: &[Bases]) -> TrainingSummary {
    let mut all = TrainingSummary {
        tool_version: env!("CARGO_PKG_VERSION").into(),
        steps: bases.iter().map(|own| own.steps).sum(),
        interrupted: bases.iter().any(|own| own.is_interrupted),
        ..TrainingSummary::default()
    };
    for (source, part) in sources.iter().zip(parts) {
        let metadata = &source.first().metadata;
        let training = &metadata.training;
        all.clips.extend(training.clips.iter().cloned());
        all.duration_s += training.duration_s;
        all.frames = all.frames.saturating_add(training.frames);
        match part.reduction {
            // a merged model is what it was merged from
            Reduction::None if !training.merged.is_empty() => {
                all.merged.extend(training.merged.iter().cloned());
            }
            _ => all.merged.push(MergedSource {
                name: metadata.name.clone(),
                rank: part.rank,
            }),
        }
    }
    all
}
