//! Learning unknown sources on a mixture.

use burn::tensor::{Device, Tensor};
use nae_model::config::BasisNorm;
use nae_model::init::from_host;
use nae_model::multiplicative::unit_length;
use nae_model::network::Extent;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::spectra::{level, upload};
use nae_model::{ClipRecord, Metadata, Model, ModelConfig, ModelKind, Network, TrainingSummary};
use rand::RngExt;
use std::time::Instant;

use super::excerpts::Excerpts;
use crate::activation_solver::{ActivationSolver, BatchItem, learn_bases};
use crate::error::SeparateError;
use crate::settings::SeparateConfig;
use crate::sources::{Source, check_names};

/// A source without a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its name, and that of its stem.
    pub name: String,
    /// Number of its bases.
    pub rank: usize,
}

impl Unknown {
    /// Names of its bases as sources of their own, `NAME-1` and so on, with as many digits each.
    pub fn component_names(&self) -> Vec<String> {
        let digits = self.rank.to_string().len();
        let name = |i: usize| format!("{}-{i:0digits$}", self.name);
        (1..=self.rank).map(name).collect()
    }
}

/// Sources to separate a mixture into, of which some were learnt on it.
#[derive(Debug)]
pub struct Learnt {
    /// The known sources and then the unknown ones: each has a model for every model of the known source
    /// that has most.
    pub sources: Vec<Source>,
    /// Whether the observer stopped it.
    pub is_interrupted: bool,
}

/// Shortest mixture that anything is learnt on, in seconds.
const SHORTEST_S: f64 = 1.0;

/// Frames that a basis needs at least.
const FRAMES_A_BASIS: usize = 2;

/// Learns unknown sources on a mixture, beside known ones of any kind.
///
/// - `known`: may be empty, and then nothing tells one part of the mixture from another
/// - `excerpts`: analysed as the known models analyse sound
/// - `compression`: exponent of the spectra without known sources, whose own it is otherwise
/// - `record`: the recording, if the new models are to say what they were learnt on
/// - `seed`: of the initial bases
///
/// # Errors
/// [`SeparateError::SameName`] for equal names; [`SeparateError::Unknown`] for a rank or a mixture with too little sound;
/// [`SeparateError::Optimization`] if the loss is no longer finite, or the device fails.
#[allow(
    clippy::too_many_arguments,
    reason = "each is a fact of its own that no other call shares"
)]
pub fn learn(
    known: Vec<Source>,
    unknown: &[Unknown],
    excerpts: &Excerpts,
    compression: f64,
    record: Option<&ClipRecord>,
    config: &SeparateConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Learnt, SeparateError> {
    config.validate()?;
    let known_names = known.iter().map(|source| source.name.as_str());
    check_names(known_names.chain(unknown.iter().map(|own| own.name.as_str())))?;
    let level = level(&excerpts.magnitude, config.silence_db as f32);
    check_sound(unknown, excerpts, level, config)?;
    let mut sources = known;
    let count = sources.len() + unknown.len();
    let learner = Learner {
        excerpts,
        // as for separation: N sources of unit deviation
        gain: (count as f64).sqrt() / level,
        record,
        config,
        seed,
        device,
    };
    let runs = sources.iter().map(|source| source.models.len()).max();
    let mut models: Vec<Vec<Model>> = unknown.iter().map(|_| Vec::new()).collect();
    let mut is_interrupted = false;
    for run in 0..runs.unwrap_or(1) {
        let of_run = |source: &Source| Source {
            models: vec![source.models[run % source.models.len()].clone()],
            ..source.clone()
        };
        let beside: Vec<Source> = sources.iter().map(of_run).collect();
        let learnt = learner.learn(&beside, unknown, compression, run, observe)?;
        for (models, model) in models.iter_mut().zip(learnt) {
            is_interrupted |= model.metadata.training.interrupted;
            models.push(model);
        }
        if is_interrupted {
            break;
        }
    }
    let new = unknown.iter().zip(models);
    sources.extend(new.map(|(unknown, models)| Source::new(unknown.name.clone(), models)));
    Ok(Learnt {
        sources,
        is_interrupted,
    })
}

/// Every basis of a source's first model as a source of its own, called as in
/// [`Unknown::component_names`].
///
/// # Errors
/// [`SeparateError::Model`] for a model without bases.
pub fn components(source: &Source, device: &Device) -> Result<Vec<Source>, SeparateError> {
    let Some(model) = source.models.first() else {
        return Err(SeparateError::NoSources);
    };
    let metadata = &model.metadata;
    let Some(bases) = model.network.bases() else {
        return Err(SeparateError::NoSources);
    };
    let all = Unknown {
        name: source.name.clone(),
        rank: bases.dims()[3],
    };
    let component = |(i, name): (usize, String)| {
        let architecture = settings(1, metadata.architecture.compression()).architecture();
        let bins = metadata.audio.stft().bins();
        let rng = &mut generator(0, "component");
        let network = Network::new(&architecture, bins, Extent::Whole, rng, device);
        let network = network.with_bases(bases.clone().narrow(3, i, 1));
        let metadata = Metadata {
            name: name.clone(),
            architecture,
            ..metadata.clone()
        };
        let model = Model {
            metadata,
            network,
            latent_cache: None,
        };
        Source::new(name, vec![model])
    };
    let names = all.component_names().into_iter().enumerate();
    Ok(names.map(component).collect())
}

/// Settings of the factorisation that stands for an unknown source.
fn settings(rank: usize, compression: f64) -> ModelConfig {
    ModelConfig {
        kind: ModelKind::Nmf,
        rank,
        compression,
        basis_norm: BasisNorm::L2,
        ..ModelConfig::default()
    }
}

/// What all runs have in common.
struct Learner<'a> {
    excerpts: &'a Excerpts,
    gain: f64,
    record: Option<&'a ClipRecord>,
    config: &'a SeparateConfig,
    seed: u64,
    device: &'a Device,
}

impl Learner<'_> {
    /// A model of every unknown source beside one model of each known source.
    fn learn(
        &self,
        known: &[Source],
        unknown: &[Unknown],
        compression: f64,
        run: usize,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Vec<Model>, SeparateError> {
        let started = Instant::now();
        let models = known.iter().flat_map(|source| &source.models);
        let compressions = models.map(|model| model.metadata.architecture.compression());
        let compression = compressions.reduce(f64::min).unwrap_or(compression);
        let names: Vec<String> = known.iter().map(|source| source.name.clone()).collect();
        let initial: Vec<Model> = unknown
            .iter()
            .map(|unknown| self.initial(unknown, &names, compression, run))
            .collect();
        let new = initial
            .iter()
            .map(|model| Source::new(model.metadata.name.clone(), vec![model.clone()]));
        let sources: Vec<Source> = known.iter().cloned().chain(new).collect();
        let solver = ActivationSolver::new(&sources, self.config.clone(), self.seed, self.device)?;
        let item = BatchItem {
            solver: &solver,
            mixture: &self.excerpts.magnitude,
            gain: self.gain,
        };
        let networks = initial.iter().map(|model| model.network.clone()).collect();
        let learnt = learn_bases(&item, 0, networks, observe)?;
        let finished = initial
            .into_iter()
            .zip(learnt.best)
            .map(|(model, network)| {
                let Metadata { training, .. } = model.metadata;
                let training = TrainingSummary {
                    loss: learnt.loss,
                    steps: learnt.steps,
                    seconds: started.elapsed().as_secs_f64(),
                    interrupted: learnt.is_interrupted,
                    ..training
                };
                Model {
                    metadata: Metadata {
                        training,
                        ..model.metadata
                    },
                    network,
                    latent_cache: None,
                }
            });
        Ok(finished.collect())
    }

    /// A factorisation whose bases are the mixture's mean spectrum with noise.
    fn initial(&self, unknown: &Unknown, known: &[String], compression: f64, run: usize) -> Model {
        let architecture = settings(unknown.rank, compression).architecture();
        let bins = self.excerpts.audio.stft().bins();
        let mut rng = generator(self.seed, &format!("unknown {} {run}", unknown.name));
        let network = Network::new(&architecture, bins, Extent::Whole, &mut rng, self.device);
        let mixture = [(&self.excerpts.magnitude, self.gain)];
        let mean = upload(&mixture, compression, self.device).mean_dim(2);
        let count = bins * unknown.rank;
        let factors = (0..count).map(|_| rng.random_range(0.5..1.0f32)).collect();
        let factors: Tensor<3> = from_host(factors, [1, bins, unknown.rank], self.device);
        let bases = unit_length(mean * factors);
        Model {
            metadata: Metadata {
                name: unknown.name.clone(),
                audio: self.excerpts.audio,
                architecture,
                gain: self.gain,
                training: TrainingSummary {
                    clips: self.record.into_iter().cloned().collect(),
                    duration_s: self.excerpts.duration_s,
                    frames: self.excerpts.magnitude.frames(),
                    seed: self.seed,
                    tool_version: env!("CARGO_PKG_VERSION").into(),
                    beside: Some(known.to_vec()),
                    ..TrainingSummary::default()
                },
            },
            network: network.with_bases(bases.unsqueeze_dim(1)),
            latent_cache: None,
        }
    }
}

/// A mixture must have enough sound to learn from.
fn check_sound(
    unknown: &[Unknown],
    excerpts: &Excerpts,
    level: f64,
    config: &SeparateConfig,
) -> Result<(), SeparateError> {
    let duration_s = excerpts.recording_s;
    if duration_s < SHORTEST_S {
        return Err(SeparateError::Unknown(format!(
            "the mixture is {duration_s:.2} s long, too short to learn an unknown source on: at least {SHORTEST_S} s are needed. Try a longer excerpt of the recording, or a model of every source."
        )));
    }
    if level <= 0.0 {
        return Err(SeparateError::Unknown(
            "the mixture is silent, and nothing can be learnt on silence. Try another recording."
                .into(),
        ));
    }
    let active = excerpts
        .magnitude
        .active_frames(config.silence_db as f32)
        .len();
    for Unknown { name, rank } in unknown {
        let most = active / FRAMES_A_BASIS;
        if *rank == 0 || *rank > most {
            return Err(SeparateError::Unknown(format!(
                "the unknown source `{name}` has rank {rank}, and a mixture with {} that are not silent can teach 1 to {most}. Try `--unknown {name}:rank={}`.",
                nae_files::count(active, "frame"),
                most.clamp(1, 20)
            )));
        }
    }
    Ok(())
}
