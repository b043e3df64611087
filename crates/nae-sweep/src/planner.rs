//! From an experiment to the cells of its manifest.

mod models;

use std::collections::{HashMap, HashSet};

use nae_joint::MAX_SOURCES;
use serde_json::Value;

use crate::cell::{self, Against, Id, Joining, Place, SCHEMA, SeparatedWith, Separation};
use crate::dataset::{Dataset, Speaker, Use, Wanted};
use crate::error::SweepError;
use crate::experiment::Experiment;
use crate::manifest::{Manifest, PlannedScenario};
use crate::pool::Pool;
use crate::stand_in::{StandIn, WithoutModel};
use crate::stems::stem_files;
use crate::system::Variant;
use crate::system_config::Join;
use crate::unknown_model::UnknownModel;
use models::Models;

/// Identities by variant, seed, and speaker or pair.
type Planned = HashMap<(usize, u64, usize), Id>;

impl Manifest {
    /// Looks at the sound and lists all cells.
    ///
    /// # Errors
    /// [`SweepError`] for sound that is missing or too little, and settings that do not fit.
    pub fn plan(experiment: &Experiment) -> Result<Self, SweepError> {
        let mut notes = Vec::new();
        let variants = variants(experiment, &mut notes)?;
        let dataset = Dataset::find(&experiment.data, &wanted(experiment, &variants))?;
        notes.extend(dataset.notes);
        let named = |(scenario, pairs): (&crate::scenario::Scenario, &Vec<usize>)| {
            (!scenario.name.is_empty()).then(|| PlannedScenario {
                name: scenario.name.clone(),
                pairs: pairs.clone(),
                mixtures: scenario.data.mixtures,
            })
        };
        let scenarios = experiment.scenarios.iter().zip(&dataset.of_wanted);
        let manifest = Self {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            name: experiment.name.clone(),
            speakers: dataset.speakers,
            pairs: dataset.pairs,
            mixtures: experiment.data.mixtures,
            scenarios: scenarios.filter_map(named).collect(),
            notes,
            families: experiment
                .groups
                .iter()
                .map(|group| group.id().to_owned())
                .collect(),
            variants,
            ..Self::default()
        };
        let mut planner = Planner {
            experiment,
            manifest,
            seen: HashSet::new(),
        };
        planner.leave_out_short_mixtures();
        planner.note_unused_noises();
        let models = planner.plan_models()?;
        let joints = planner.plan_joints(&models.own)?;
        planner.plan_separations(&models, &joints)?;
        Ok(planner.manifest)
    }
}

/// All variants but those of stems that are not there yet.
fn variants(experiment: &Experiment, notes: &mut Vec<String>) -> Result<Vec<Variant>, SweepError> {
    let mut variants = experiment.variants()?;
    for system in &experiment.systems {
        let missing = system.stems.as_ref().filter(|folder| !folder.is_dir());
        if let Some(folder) = missing {
            notes.push(format!(
                "the system `{}` is left out: there is no folder {}. Write the mixtures (`nae sweep mixtures RUN --out DIR`), let the program make stems of them there, and plan again",
                system.name,
                folder.display()
            ));
            variants.retain(|variant| variant.system != system.name);
        } else if variants.iter().all(|variant| variant.system != system.name) {
            notes.push(format!(
                "the system `{}` is left out: it takes part in none of the scenarios",
                system.name
            ));
        }
    }
    match variants.is_empty() {
        true => Err(SweepError::NoSystem),
        false => Ok(variants),
    }
}

/// What the systems want of every scenario.
fn wanted<'a>(experiment: &'a Experiment, variants: &'a [Variant]) -> Vec<Wanted<'a>> {
    let of_scenario = |(index, scenario): (usize, &'a crate::scenario::Scenario)| {
        let own = variants.iter();
        let own = own.filter(move |variant| variant.scenario.unwrap_or(0) == index);
        let uses = own.map(|variant| Use {
            mix: &variant.config.data,
            unknown: variant.stems.is_none().then_some(&variant.config.unknown),
            join: variant.config.join,
        });
        Wanted {
            pairs: &scenario.data.pairs,
            uses: uses.collect(),
        }
    };
    experiment
        .scenarios
        .iter()
        .enumerate()
        .map(of_scenario)
        .collect()
}

/// A manifest in the making.
struct Planner<'a> {
    experiment: &'a Experiment,
    manifest: Manifest,
    /// Identities of the models that are listed.
    seen: HashSet<Id>,
}

impl Planner<'_> {
    /// Pairs that a variant separates mixtures of.
    fn pairs_of(&self, variant: usize) -> Vec<usize> {
        let manifest = &self.manifest;
        let mix = &manifest.variants[variant].config.data;
        let mut pairs = manifest.pairs_of(variant);
        pairs.retain(|&pair| mix.length_s(&manifest.durations_s(pair)).is_ok());
        pairs
    }

    /// Says which mixtures have too little sound.
    fn leave_out_short_mixtures(&mut self) {
        let manifest = &self.manifest;
        let mut notes: Vec<String> = Vec::new();
        for (variant, with) in manifest.variants.iter().enumerate() {
            for pair in manifest.pairs_of(variant) {
                let durations = manifest.durations_s(pair);
                let Err(short) = with.config.data.length_s(&durations) else {
                    continue;
                };
                let note = format!(
                    "{}{} is left out: {} has {:.2} s of test sound, and `{}` asks for {} s",
                    manifest.scenario_prefix(variant),
                    manifest.pair_name(pair),
                    manifest.members(pair)[short.place].name,
                    durations[short.place],
                    short.key,
                    short.needed_s
                );
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        self.manifest.notes.extend(notes);
    }

    /// Says that there is a folder of noises which nothing is made of.
    fn note_unused_noises(&mut self) {
        let members = self.manifest.pairs.iter().flatten();
        let mut pools = members.map(|&member| self.manifest.speakers[member].pool);
        if self.experiment.data.noises.is_some()
            && !self.manifest.pairs.is_empty()
            && !pools.any(|pool| pool == Pool::Noises)
        {
            self.manifest.notes.push("no mixture has a noise of `data.noises`: `data.pairs` is about speakers only. A rule such as { of = [\"speakers\", \"noises\"], each = \"noises\" } mixes both".into());
        }
    }

    /// Lists all joint encoders; their identities by variant, seed and pair.
    fn plan_joints(&mut self, models: &Planned) -> Result<Planned, SweepError> {
        let (mut joints, mut seen) = (Planned::new(), HashSet::new());
        let manifest = &self.manifest;
        let is_joined = |(_, with): &(usize, &Variant)| with.config.join != Join::No;
        let mut joinings = Vec::new();
        for (variant, with) in manifest.variants.iter().enumerate().filter(is_joined) {
            let pairs = self.pairs_of(variant);
            for &seed in &self.experiment.seeds {
                for &pair in &pairs {
                    let members = &manifest.pairs[pair];
                    if members.len() > MAX_SOURCES {
                        return Err(SweepError::TooManyToJoin {
                            name: with.system.clone(),
                            pair: manifest.pair_name(pair),
                            came: members.len(),
                        });
                    }
                    let against = self.against(variant, pair)?;
                    let is_known = |place: &usize| {
                        against
                            .as_ref()
                            .is_none_or(|against| against.place != *place)
                    };
                    let known = (0..members.len()).filter(is_known);
                    let models: Vec<Id> = known
                        .map(|place| models[&(variant, seed, members[place])].clone())
                        .collect();
                    let speakers = manifest.members(pair);
                    let id = match &against {
                        None => cell::joining(&with.config, &models, &speakers, seed)?,
                        Some(against) => {
                            let bank = against.speakers.iter();
                            let bank: Vec<&Speaker> =
                                bank.map(|&own| &manifest.speakers[own]).collect();
                            let against = (against.place, bank.as_slice());
                            cell::joining_against(&with.config, &models, &speakers, against, seed)?
                        }
                    };
                    joints.insert((variant, seed, pair), id.clone());
                    if seen.insert(id.clone()) {
                        joinings.push(Joining {
                            id,
                            variant,
                            pair,
                            seed,
                            models,
                            against,
                        });
                    }
                }
            }
        }
        self.manifest.joinings = joinings;
        Ok(joints)
    }

    /// What stands for a pair's source without a model when its models are joined.
    fn against(&self, variant: usize, pair: usize) -> Result<Option<Against>, SweepError> {
        let with = &self.manifest.variants[variant];
        let unknown = self.manifest.unknown_places(variant, pair);
        match (unknown.as_slice(), &with.config.unknown) {
            ([], _) | (_, UnknownModel::Known) => Ok(None),
            (&[place], UnknownModel::Free | UnknownModel::Universal) => Ok(Some(Against {
                place,
                speakers: self.others(variant, pair, place)?,
            })),
            _ => Err(SweepError::JoinedUnknown {
                name: with.system.clone(),
                pair: self.manifest.pair_name(pair),
            }),
        }
    }

    /// Lists all separations. A mixture's cells of all variants stand together, so that its floor and
    /// ceiling are still known.
    fn plan_separations(&mut self, models: &Models, joints: &Planned) -> Result<(), SweepError> {
        let variants = 0..self.manifest.variants.len();
        let pairs: Vec<HashSet<usize>> = variants
            .clone()
            .map(|variant| self.pairs_of(variant).into_iter().collect())
            .collect();
        let mixtures: Vec<usize> = variants
            .map(|variant| self.manifest.mixtures_of(variant))
            .collect();
        let most = mixtures.iter().copied().max().unwrap_or(0);
        for pair in 0..self.manifest.pairs.len() {
            for mixture in 0..most {
                for (variant, (pairs, &of)) in pairs.iter().zip(&mixtures).enumerate() {
                    if !pairs.contains(&pair) || mixture >= of {
                        continue;
                    }
                    let place = Place { index: mixture, of };
                    for &seed in &self.experiment.seeds {
                        let empty = Separation {
                            variant,
                            pair,
                            mixture,
                            seed,
                            joint: joints.get(&(variant, seed, pair)).cloned(),
                            unknown: self.manifest.unknown_places(variant, pair),
                            ..Separation::default()
                        };
                        let cell = self.separation(empty, place, models)?;
                        self.manifest.separations.push(cell);
                    }
                }
            }
        }
        Ok(())
    }

    /// A separation with what it needs, and its identity.
    fn separation(
        &self,
        mut cell: Separation,
        place: Place,
        models: &Models,
    ) -> Result<Separation, SweepError> {
        let manifest = &self.manifest;
        let (variant, seed, pair) = (cell.variant, cell.seed, cell.pair);
        let with = &manifest.variants[variant];
        let (config, groups) = (&with.config, &self.experiment.groups);
        let speakers = manifest.members(pair);
        if let Some(folder) = &with.stems {
            let mixture = cell::mixture(config, &speakers, place)?;
            let folder = folder.join(manifest.mixture_name(pair, cell.mixture, &mixture));
            cell.stems = stem_files(&with.system, &folder, &speakers)?;
            cell.id = cell::scoring(config, &cell.stems, &speakers, place, groups)?;
            return Ok(cell);
        }
        for (number, &speaker) in manifest.pairs[pair].iter().enumerate() {
            let by = match &config.unknown {
                _ if !cell.unknown.contains(&number) => None,
                UnknownModel::Known => None,
                UnknownModel::Free => Some(StandIn::Free),
                UnknownModel::Universal if cell.joint.is_some() => Some(StandIn::Bank),
                UnknownModel::Universal => {
                    let id = &models.universal[&(variant, seed, pair, number)];
                    Some(StandIn::Universal(id.clone()))
                }
                UnknownModel::Model(_) => Some(StandIn::Model(models.files[&variant].clone())),
            };
            match by {
                None => cell
                    .models
                    .push(models.own[&(variant, seed, speaker)].clone()),
                Some(by) => cell.without_model.push(WithoutModel { place: number, by }),
            }
        }
        cell.id = match &cell.joint {
            Some(joint) => {
                let mut made_with = vec![Value::from(joint.as_str())];
                for source in cell
                    .without_model
                    .iter()
                    .filter(|own| own.by == StandIn::Free)
                {
                    let (by, name) = (
                        SeparatedWith::StandIn(&source.by),
                        &speakers[source.place].name,
                    );
                    made_with.push(cell::stand_in(config, by, name)?);
                }
                cell::separation(config, &made_with, &speakers, place, seed, groups)?
            }
            None => {
                let sources = cell.sources(speakers.len()).into_iter().zip(&speakers);
                let sources = sources
                    .map(|(source, speaker)| cell::stand_in(config, source, &speaker.name))
                    .collect::<Result<Vec<_>, _>>()?;
                cell::separation(config, &sources, &speakers, place, seed, groups)?
            }
        };
        Ok(cell)
    }
}
