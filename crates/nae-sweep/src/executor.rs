//! The work itself: one model trained, one set of models joined, one mixture separated and scored.

mod joining;
mod separators;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use burn::tensor::Device;
use nae_audio::Clip;
use nae_files::retry::retrying_if;
use nae_metrics::scores::{Evaluation, MetricGroup, Scores, named};
use nae_metrics::{Estimate, Reference};
use nae_model::optim::{Flow, Progress};
use nae_model::{Ensemble, Model};
use nae_separate::{Separated, Separator, ideal_ratio_mask};
use nae_train::{Job, Member, Recipe, TrainingClip, Usage};
use rayon::prelude::*;

use crate::cell::{self, CellKind, Id, Place, Separation, TrainedOn, Training};
use crate::dataset::Speaker;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::{Outcome, Seal};
use crate::sound::{Mixture, Sounds};
use crate::store::Store;
use crate::system_config::BASES_EACH;
use separators::Prepared;

/// Floor and ceiling of one source.
type Bounds = (Scores, Scores);

/// Models of a source, and the checksums of those that they were put together from.
pub(crate) type Made = (Ensemble, Option<Vec<String>>);

/// Stems of another program as a separation, which took no time here.
fn made_elsewhere(stems: Vec<Clip>) -> Separated {
    Separated {
        stems,
        activations: Vec::new(),
        loss: 0.0,
        steps: 0,
        is_interrupted: false,
    }
}

/// A separation with its stems in the order of a mixture's sources: a joint encoder has the source without a
/// model last.
///
/// - `names`: of the stems
fn in_order(mut separated: Separated, names: &[String], sources: &[&Speaker]) -> Separated {
    let place = |name: &str| sources.iter().position(|source| source.name == name);
    let mut stems: Vec<_> = names.iter().zip(separated.stems).collect();
    stems.sort_by_key(|(name, _)| place(name));
    separated.stems = stems.into_iter().map(|(_, stem)| stem).collect();
    separated
}

/// Works on cells: what they all need, at one place.
pub(crate) struct Executor<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    groups: Vec<MetricGroup>,
    sounds: Sounds<'a>,
    device: &'a Device,
    /// Floor and ceiling of mixtures seen before: all systems share them.
    bounds: Mutex<HashMap<Id, Arc<Vec<Bounds>>>>,
    /// Checksums of the weights of models and joint encoders.
    weights: Mutex<HashMap<Id, String>>,
    /// Warnings about recordings that were logged: many cells share a recording.
    warned: Mutex<BTreeSet<String>>,
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Executor<'a> {
    pub fn new(
        store: &'a Store,
        manifest: &'a Manifest,
        device: &'a Device,
        stop: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Self {
            store,
            manifest,
            groups: manifest.metric_groups(),
            sounds: Sounds::new(&manifest.speakers),
            device,
            bounds: Mutex::default(),
            weights: Mutex::default(),
            warned: Mutex::default(),
            stop,
        }
    }

    /// Trains models of one recipe, more than one as one stack; or puts a universal model together, whose
    /// parts' checksums come with it.
    pub fn train(&self, cells: &[&Training]) -> Vec<Result<Made, SweepError>> {
        if let [cell] = cells
            && let TrainedOn::Merged(parts) = &cell.on
        {
            return vec![self.merge(parts, cell.seed)];
        }
        let trained = self.train_on_clips(cells).into_iter();
        trained.map(|models| Ok((models?, None))).collect()
    }

    /// Puts bases of several models side by side.
    fn merge(&self, parts: &[Id], seed: u64) -> Result<Made, SweepError> {
        let made_from = self.checksums(CellKind::Model, parts);
        let parts = parts.iter().map(|id| self.models(id));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let mut observe = |_: &Progress| self.flow();
        let merged = nae_train::merge(
            "universal",
            &parts,
            BASES_EACH,
            seed,
            self.device,
            &mut observe,
        )?;
        match merged.model.metadata.training.interrupted {
            true => Err(SweepError::Stopped),
            false => Ok((Ensemble::new(vec![merged.model])?, Some(made_from))),
        }
    }

    fn train_on_clips(&self, cells: &[&Training]) -> Vec<Result<Ensemble, SweepError>> {
        let prepared: Vec<_> = cells
            .iter()
            .map(|cell| self.prepare_training(cell))
            .collect();
        let mut jobs = Vec::new();
        for (cell, prepared) in cells.iter().zip(&prepared) {
            if let Ok((members, clips)) = prepared {
                let name = &self.manifest.speakers[cell.speaker].name;
                jobs.extend(members.iter().map(|member| Job {
                    name,
                    clips,
                    recipe: &member.recipe,
                    seed: member.seed,
                }));
            }
        }
        let mut observe = |_: &Progress| self.flow();
        let mut trained = match jobs.as_slice() {
            // alone a model's frames are shared by the threads there are
            [
                Job {
                    name,
                    clips,
                    recipe,
                    seed,
                },
            ] => vec![nae_train::train(
                name,
                clips,
                recipe,
                *seed,
                self.device,
                &mut observe,
            )],
            jobs => nae_train::train_many(jobs, self.device, &mut observe),
        }
        .into_iter();
        let outcome = |prepared: Result<(Vec<Member>, _), SweepError>| {
            let (members, _) = prepared?;
            // all of the cell's before the first error, as those of the next follow
            let models: Vec<_> = trained.by_ref().take(members.len()).collect();
            let models = members.iter().zip(models);
            let models = models.map(|(member, model)| {
                let model = model.map_err(|error| member.explain(error, members.len()))?;
                match model.metadata.training.interrupted {
                    true => Err(SweepError::Stopped),
                    false => Ok(model),
                }
            });
            let models = models.collect::<Result<Vec<Model>, SweepError>>()?;
            match models.len() == members.len() {
                true => Ok(Ensemble::new(models)?),
                false => Err(SweepError::Stopped),
            }
        };
        prepared.into_iter().map(outcome).collect()
    }

    /// The models to train for a cell, and the clips to train them on.
    fn prepare_training(
        &self,
        cell: &Training,
    ) -> Result<(Vec<Member>, Vec<TrainingClip>), SweepError> {
        let recipe = self.manifest.config_of(cell).recipe();
        let clips = self.training_clips(cell.variant, cell.speaker)?;
        self.warn_of_poor_clips(cell.speaker, &clips, &recipe)?;
        Ok((recipe.members(cell.seed), clips))
    }

    /// Logs which recordings give little to train on, each once.
    fn warn_of_poor_clips(
        &self,
        speaker: usize,
        clips: &[TrainingClip],
        recipe: &Recipe,
    ) -> Result<(), SweepError> {
        let samples: Vec<&[f32]> = clips.iter().map(|clip| clip.samples.as_slice()).collect();
        let silence_db = recipe.train.silence_db;
        let usage = Usage::of_clips(&samples, &recipe.audio, silence_db)?;
        let speaker = &self.manifest.speakers[speaker];
        let recordings = speaker.train.iter();
        let names: Vec<String> = recordings
            .map(|recording| recording.path.display().to_string())
            .collect();
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in usage.warnings(&names, ("train.silence_db", silence_db)) {
            let warning = format!("{}: {warning}", speaker.name);
            if !warned.contains(&warning) {
                log::warn!("{warning}");
                warned.insert(warning);
            }
        }
        Ok(())
    }

    fn training_clips(
        &self,
        variant: usize,
        speaker: usize,
    ) -> Result<Vec<TrainingClip>, SweepError> {
        let config = &self.manifest.variants[variant].config;
        let rate = config.audio.sample_rate;
        self.sounds.training(speaker, config.data.train_s, rate)
    }

    /// Separates mixtures, more than one as one stack, and scores them.
    pub fn separate(&self, cells: &[&Separation]) -> Vec<Result<Outcome, SweepError>> {
        let started = Instant::now();
        let separated = self.stems(cells);
        let seconds = started.elapsed().as_secs_f64() / cells.len().max(1) as f64;
        let jobs: Vec<_> = cells.iter().zip(separated).collect();
        jobs.into_par_iter()
            .map(|(cell, separated)| {
                let (sound, separated) = separated?;
                self.score(cell, &sound, &separated, seconds)
            })
            .collect()
    }

    /// Separates mixtures, or reads the stems that another program made of them.
    pub fn stems(&self, cells: &[&Separation]) -> Vec<Result<(Mixture, Separated), SweepError>> {
        let prepared: Vec<_> = cells.iter().map(|cell| self.prepare(cell)).collect();
        let ready = prepared.iter().flatten();
        let jobs: Vec<(&Separator, &Clip)> = ready
            .filter_map(|(sound, prepared)| match prepared {
                Prepared::Separator(separator) => Some((separator.as_ref(), &sound.mixture)),
                Prepared::Stems(_) => None,
            })
            .collect();
        let mut observe = |_: &Progress| self.flow();
        let mut separated = match jobs.as_slice() {
            // alone a mixture's frames are shared by the threads there are
            [(separator, mixture)] => vec![separator.separate(mixture, &mut observe)],
            jobs => nae_separate::separate_many(jobs, &mut observe),
        }
        .into_iter();
        let outcome =
            |(prepared, cell): (Result<(Mixture, Prepared), SweepError>, &&Separation)| {
                let (sound, prepared) = prepared?;
                let separator = match prepared {
                    Prepared::Separator(separator) => separator,
                    Prepared::Stems(stems) => return Ok((sound, made_elsewhere(stems))),
                };
                let separated = separated.next().ok_or(SweepError::Stopped)??;
                match separated.is_interrupted {
                    true => Err(SweepError::Stopped),
                    false => {
                        let members = self.manifest.members(cell.pair);
                        Ok((sound, in_order(separated, separator.names(), &members)))
                    }
                }
            };
        prepared.into_iter().zip(cells).map(outcome).collect()
    }

    fn score(
        &self,
        cell: &Separation,
        sound: &Mixture,
        separated: &Separated,
        seconds: f64,
    ) -> Result<Outcome, SweepError> {
        let started = Instant::now();
        let config = &self.manifest.variants[cell.variant].config;
        let rate = config.audio.sample_rate;
        let references: Vec<Reference<'_>> = sound
            .references
            .iter()
            .map(|samples| Reference(samples))
            .collect();
        let evaluation = Evaluation::new(&references, rate, &self.groups)?;
        let stems: Vec<Vec<f32>> = separated.stems.iter().map(Clip::mixdown).collect();
        let estimates: Vec<Estimate<'_>> = stems.iter().map(|samples| Estimate(samples)).collect();
        let scores = evaluation.score_all(&estimates)?;
        let speakers = self.manifest.members(cell.pair);
        let id = cell::mixture(config, &speakers, self.place(cell))?;
        let mixture = sound.mixture.mixdown();
        let bounds = self.bounds(id, &evaluation, &references, &mixture, rate)?;
        let named = |(scores, bounds): (&Scores, &Bounds)| named(scores, Some(bounds));
        let sources = scores.iter().zip(bounds.iter()).map(named);
        Ok(Outcome {
            sources: sources.map(|scores| scores.into_iter().collect()).collect(),
            loss: separated.loss,
            steps: separated.steps,
            seconds,
            scoring_s: started.elapsed().as_secs_f64(),
            tool_version: env!("CARGO_PKG_VERSION").into(),
            seal: Seal {
                made_from: Some(match &cell.joint {
                    Some(joint) => self.checksums(CellKind::Joint, std::slice::from_ref(joint)),
                    None => {
                        let models: Vec<Id> = cell.needed_models().cloned().collect();
                        self.checksums(CellKind::Model, &models)
                    }
                }),
                ..Seal::default()
            },
        })
    }

    fn models(&self, id: &str) -> Result<Ensemble, SweepError> {
        let path = self.store.model_path(id);
        retrying_if(&path, SweepError::is_transient, || {
            Ok(Ensemble::load(&path, self.device)?)
        })
    }

    /// Checksums of the weights of some models or joint encoders, each read once.
    fn checksums(&self, kind: CellKind, ids: &[Id]) -> Vec<String> {
        let mut known = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |id: &Id| {
            let read = || self.store.weights_checksum(kind, id).unwrap_or_default();
            known.entry(id.clone()).or_insert_with(read).clone()
        };
        ids.iter().map(&mut of).collect()
    }

    fn place(&self, cell: &Separation) -> Place {
        Place {
            index: cell.mixture,
            of: self.manifest.mixtures_of(cell.variant),
        }
    }

    /// Floor (the mixture as the estimate) and ceiling (the ideal ratio mask) of every source.
    fn bounds(
        &self,
        mixture_id: Id,
        evaluation: &Evaluation<'_>,
        references: &[Reference<'_>],
        mixture: &[f32],
        sample_rate: u32,
    ) -> Result<Arc<Vec<Bounds>>, SweepError> {
        let known = || self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bounds) = known().get(&mixture_id) {
            return Ok(Arc::clone(bounds));
        }
        let floor = evaluation.score_against_each(&Estimate(mixture))?;
        let truth: Vec<&[f32]> = references.iter().map(|reference| reference.0).collect();
        let ideal = ideal_ratio_mask(&truth, mixture, sample_rate)?;
        let ideal: Vec<Estimate<'_>> = ideal.iter().map(|samples| Estimate(samples)).collect();
        let ceiling = evaluation.score_all(&ideal)?;
        let bounds = Arc::new(floor.into_iter().zip(ceiling).collect::<Vec<_>>());
        known().insert(mixture_id, Arc::clone(&bounds));
        Ok(bounds)
    }

    fn flow(&self) -> Flow {
        match (self.stop)() {
            true => Flow::Stop,
            false => Flow::Continue,
        }
    }
}
