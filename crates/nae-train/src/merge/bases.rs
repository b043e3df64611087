//! So many bases of one model.

use burn::tensor::{Device, Tensor};
use nae_model::config::{BasisNorm, Bias, Output};
use nae_model::init::from_host;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::spectra::{read, upload};
use nae_model::{Architecture, Ensemble, Model, ModelConfig, ModelKind, reconstruct};

use crate::error::TrainError;
use crate::nmf;
use crate::seeds::Seeds;
use crate::settings::TrainConfig;
use crate::spectra::Spectra;

/// How a model came to give as many bases as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// It has no more than were asked for: they are as it has them.
    None,
    /// They were fitted to the sound in its latent cache.
    LatentCache,
    /// It has no latent cache: they were fitted to the bases that it has, all of which count equally.
    Bases,
}

/// Bases, or what they are to be fitted to, before any work is done.
pub(super) struct Plan {
    /// Number of bases that there will be.
    pub rank: usize,
    pub reduction: Reduction,
    /// Exponent γ of the spectra.
    pub compression: f64,
    /// Bases themselves, or compressed spectra.
    spectra: Columns,
}

/// Columns of one length, `[bins, count]`, row-major.
#[derive(Clone)]
struct Columns {
    bins: usize,
    count: usize,
    values: Vec<f32>,
}

/// Bases of unit norm.
pub(super) struct Bases {
    /// `[bins, rank]`, row-major.
    pub values: Vec<f32>,
    /// Updates that fitted them.
    pub steps: usize,
    pub is_interrupted: bool,
}

impl Plan {
    /// What a source gives: all bases of its factorisation, or of a shallow autoencoder, if it has no more
    /// than `most`; else `most` that are fitted to its latent cache, or to its bases if it has none.
    ///
    /// # Errors
    /// [`TrainError::NoBases`] for a source with neither bases nor cache, [`TrainError::SilentCache`] for
    /// one whose cache is silent; [`TrainError::Model`] if the device fails.
    pub fn new(source: &Ensemble, most: usize, device: &Device) -> Result<Self, TrainError> {
        let linear = linear_member(source);
        let bases = linear.map(linear_bases).transpose()?.flatten();
        if let (Some(model), Some(bases)) = (linear, &bases)
            && bases.count <= most
        {
            return Ok(Self::of(model, Reduction::None, bases.count, bases.clone()));
        }
        let mut members = source.members().iter();
        let cached = members.find(|model| model.latent_cache.is_some());
        if let Some(model) = cached {
            let spectra = cached_spectra(model, device)?;
            return Ok(Self::of(model, Reduction::LatentCache, most, spectra));
        }
        match (linear, bases) {
            (Some(model), Some(bases)) => Ok(Self::of(model, Reduction::Bases, most, bases)),
            _ => {
                let members = source.members().iter();
                let members = members.map(|model| model.metadata.architecture.describe());
                Err(TrainError::NoBases {
                    name: shown(source.first()),
                    architecture: members.collect::<Vec<_>>().join(", "),
                })
            }
        }
    }

    fn of(model: &Model, reduction: Reduction, rank: usize, spectra: Columns) -> Self {
        Self {
            rank,
            reduction,
            compression: model.metadata.architecture.compression(),
            spectra,
        }
    }

    /// The bases.
    ///
    /// # Errors
    /// As [`nmf::fit`].
    pub fn bases(
        self,
        seed: u64,
        device: &Device,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Bases, TrainError> {
        let Columns {
            bins,
            count,
            values,
        } = self.spectra;
        if self.reduction == Reduction::None {
            return Ok(Bases {
                values,
                steps: 0,
                is_interrupted: false,
            });
        }
        let device = device.clone().autodiff();
        let spectra = Spectra::one(from_host(values, [1, bins, count], &device));
        let settings = factorisation(self.rank, self.compression);
        let mut rng = generator(seed, "weights");
        let network = settings.architecture().network(bins, &mut rng, &device);
        let config = TrainConfig::default();
        let seeds = Seeds(vec![seed]);
        let fitted = nmf::fit(
            nmf::Start::Drawn(&network),
            &spectra,
            None,
            &settings,
            &config,
            &seeds,
            observe,
        )?;
        let Some(run) = fitted.into_iter().next().transpose()? else {
            return Err(TrainError::NoClips);
        };
        let values = match run.best.bases() {
            Some(bases) => read(bases)?,
            None => Vec::new(),
        };
        Ok(Bases {
            values,
            steps: run.steps,
            is_interrupted: run.is_interrupted,
        })
    }
}

/// A model's name, which comes from a file, without what the terminal must not see.
pub(super) fn shown(model: &Model) -> String {
    model.metadata.name.escape_debug().to_string()
}

/// Settings of a factorisation with bases of unit norm.
pub(super) fn factorisation(rank: usize, compression: f64) -> ModelConfig {
    ModelConfig {
        kind: ModelKind::Nmf,
        rank,
        compression,
        basis_norm: BasisNorm::L2,
        ..ModelConfig::default()
    }
}

/// The member whose bases sum to spectra: a factorisation, or else an autoencoder of two layers.
fn linear_member(source: &Ensemble) -> Option<&Model> {
    let find = |is_kind: &dyn Fn(&Architecture) -> bool| {
        let mut members = source.members().iter();
        members.find(|model| is_kind(&model.metadata.architecture))
    };
    let is_shallow = |architecture: &Architecture| match architecture {
        Architecture::Dense(dense) => {
            dense.layers == 2 && dense.output == Output::Linear && dense.bias == Bias::None
        }
        _ => false,
    };
    find(&|architecture| matches!(architecture, Architecture::Nmf(nmf) if nmf.span == 1))
        .or_else(|| find(&is_shallow))
}

/// A linear model's bases, brought to unit norm, without those that are zero: these decode to silence.
fn linear_bases(model: &Model) -> Result<Option<Columns>, TrainError> {
    let Some(bases) = model.network.bases() else {
        return Ok(None);
    };
    let [_, _, bins, rank] = bases.dims();
    let values = read(bases)?;
    let norm = |k: usize| {
        let column = values.iter().skip(k).step_by(rank);
        column.map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
    };
    let norms: Vec<f64> = (0..rank).map(norm).collect();
    let alive: Vec<usize> = (0..rank).filter(|&k| norms[k] > 0.0).collect();
    let row = |row: &[f32]| -> Vec<f32> {
        let of = |&k: &usize| (f64::from(row[k]) / norms[k]) as f32;
        alive.iter().map(of).collect()
    };
    let values = values.chunks_exact(rank).flat_map(row).collect();
    Ok((!alive.is_empty()).then_some(Columns {
        bins,
        count: alive.len(),
        values,
    }))
}

/// Compressed spectra of a model's latent cache, silent frames left out as in training.
fn cached_spectra(model: &Model, device: &Device) -> Result<Columns, TrainError> {
    let silence_db = TrainConfig::default().silence_db as f32;
    let sound = reconstruct(model, device)?;
    let active = sound.map(|sound| sound.select(&sound.active_frames(silence_db)));
    let Some(active) = active.filter(|active| active.frames() > 0) else {
        return Err(TrainError::SilentCache { name: shown(model) });
    };
    let compression = model.metadata.architecture.compression();
    let values: Tensor<3> = upload(&[(&active, 1.0)], compression, device);
    Ok(Columns {
        bins: active.bins(),
        count: active.frames(),
        values: read(values)?,
    })
}
