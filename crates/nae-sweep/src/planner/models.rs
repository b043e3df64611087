//! The models of a run: those of speakers, and universal ones with their parts.

use std::collections::{BTreeSet, HashMap};

use super::{Planned, Planner};
use crate::cell::{self, Id, TrainedOn, Training};
use crate::dataset::duration_s;
use crate::error::SweepError;
use crate::stand_in::ModelFile;
use crate::system_config::Join;
use crate::unknown_model::UnknownModel;

/// Models, and what stands in for them.
#[derive(Debug, Default)]
pub(super) struct Models {
    /// Those of speakers.
    pub own: Planned,
    /// Universal ones by variant, seed, pair and place in it.
    pub universal: HashMap<(usize, u64, usize, usize), Id>,
    /// Those from elsewhere, by variant.
    pub files: HashMap<usize, ModelFile>,
}

impl Planner<'_> {
    /// Lists all models.
    pub(super) fn plan_models(&mut self) -> Result<Models, SweepError> {
        let mut models = Models::default();
        for variant in 0..self.manifest.variants.len() {
            let with = &self.manifest.variants[variant];
            if with.stems.is_some() {
                continue;
            }
            // joint encoders are trained against sound
            let is_universal =
                with.config.unknown == UnknownModel::Universal && with.config.join == Join::No;
            if let UnknownModel::Model(location) = &with.config.unknown {
                let file = ModelFile::find(location, &with.config.audio)?;
                models.files.insert(variant, file);
            }
            let speakers = self.own_models(variant);
            for &seed in &self.experiment.seeds {
                for &speaker in &speakers {
                    let id = self.training(variant, speaker, seed, TrainedOn::Clips)?;
                    models.own.insert((variant, seed, speaker), id);
                }
            }
            if is_universal {
                self.plan_universal(variant, &mut models)?;
            }
        }
        Ok(models)
    }

    /// Speakers that a variant has models of: without mixtures all, else those that are known in one.
    fn own_models(&self, variant: usize) -> BTreeSet<usize> {
        let manifest = &self.manifest;
        if manifest.pairs.is_empty() {
            return (0..manifest.speakers.len()).collect();
        }
        let is_treated_as_known = manifest.variants[variant].config.unknown == UnknownModel::Known;
        let mut speakers = BTreeSet::new();
        for pair in self.pairs_of(variant) {
            let unknown = manifest.unknown_places(variant, pair);
            let members = manifest.pairs[pair].iter().enumerate();
            let known =
                members.filter(|(place, _)| is_treated_as_known || !unknown.contains(place));
            speakers.extend(known.map(|(_, &speaker)| speaker));
        }
        speakers
    }

    /// Lists a model, once.
    fn training(
        &mut self,
        variant: usize,
        speaker: usize,
        seed: u64,
        on: TrainedOn,
    ) -> Result<Id, SweepError> {
        let config = &self.manifest.variants[variant].config;
        let of = &self.manifest.speakers[speaker];
        let id = match &on {
            TrainedOn::Clips => cell::training(config, of, seed)?,
            TrainedOn::Part => cell::training(&config.of_universal_parts(), of, seed)?,
            TrainedOn::Merged(parts) => cell::merging(parts, seed)?,
        };
        if self.seen.insert(id.clone()) {
            self.manifest.trainings.push(Training {
                id: id.clone(),
                variant,
                speaker,
                seed,
                on,
            });
        }
        Ok(id)
    }

    /// Lists universal models of everyone but those who are mixed, and their parts.
    fn plan_universal(&mut self, variant: usize, models: &mut Models) -> Result<(), SweepError> {
        let mut wanted = Vec::new();
        for pair in self.pairs_of(variant) {
            for place in self.manifest.unknown_places(variant, pair) {
                wanted.push((pair, place, self.others(variant, pair, place)?));
            }
        }
        let all: BTreeSet<usize> = wanted
            .iter()
            .flat_map(|(_, _, others)| others)
            .copied()
            .collect();
        for &seed in &self.experiment.seeds {
            let mut parts = HashMap::new();
            for &speaker in &all {
                let id = self.training(variant, speaker, seed, TrainedOn::Part)?;
                parts.insert(speaker, id);
            }
            for (pair, place, others) in &wanted {
                let own = others
                    .iter()
                    .map(|speaker| parts[speaker].clone())
                    .collect();
                let speaker = self.manifest.pairs[*pair][*place];
                let id = self.training(variant, speaker, seed, TrainedOn::Merged(own))?;
                models.universal.insert((variant, seed, *pair, *place), id);
            }
        }
        Ok(())
    }

    /// All sources of a source's pool with training sound but those that it is mixed with.
    pub(super) fn others(
        &self,
        variant: usize,
        pair: usize,
        place: usize,
    ) -> Result<Vec<usize>, SweepError> {
        let manifest = &self.manifest;
        let members = &manifest.pairs[pair];
        let own = &manifest.speakers[members[place]];
        let is_other = |&index: &usize| {
            let other = &manifest.speakers[index];
            let found_s = duration_s(&other.train);
            let is_enough = found_s > 0.0 && found_s >= self.experiment.data.min_train_s;
            other.pool == own.pool && !members.contains(&index) && is_enough
        };
        let others: Vec<usize> = (0..manifest.speakers.len()).filter(is_other).collect();
        match others.is_empty() {
            false => Ok(others),
            true => Err(SweepError::NoOthers {
                name: manifest.variants[variant].system.clone(),
                pair: manifest.pair_name(pair),
                source_name: own.name.clone(),
                pool: own.pool.word(),
            }),
        }
    }
}
