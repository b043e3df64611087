//! The manifest: every cell of a run, written once when it is planned.

use std::collections::{HashMap, HashSet};

use nae_joint::MAX_SOURCES;
use nae_metrics::scores::MetricGroup;
use serde::{Deserialize, Serialize};

use crate::cell::{self, Cell, CellKind, Id, Joining, Place, SCHEMA, Separation, Training};
use crate::dataset::{Dataset, Speaker};
use crate::error::SweepError;
use crate::experiment::Experiment;
use crate::system::Variant;
use crate::system_config::Join;

/// Identities by variant, seed, and speaker or pair.
type Planned = HashMap<(usize, u64, usize), Id>;

/// What a run consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`] when it was planned.
    pub schema: u32,
    /// Version of nae.
    pub tool_version: String,
    /// The experiment's name.
    pub name: String,
    /// The speakers, with the checksums of their recordings.
    pub speakers: Vec<Speaker>,
    /// Indices into `speakers`.
    pub pairs: Vec<Vec<usize>>,
    /// Mixtures of every pair.
    pub mixtures: usize,
    /// What is scored: identities of metric groups.
    pub families: Vec<String>,
    /// Every system at every point of its grid.
    pub variants: Vec<Variant>,
    /// Models, each once however many cells share it; models of one recipe stand together.
    pub trainings: Vec<Training>,
    /// Joint encoders, one for every joined variant, pair and seed.
    #[serde(default)]
    pub joinings: Vec<Joining>,
    /// Separations, one for every variant, pair, mixture and seed.
    pub separations: Vec<Separation>,
}

impl Manifest {
    /// Everything in it that files are called after: identities of cells, names of sources.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = &str> {
        let trainings = self.trainings.iter().map(|cell| &cell.id);
        let joinings = self.joinings.iter();
        let joinings = joinings.flat_map(|cell| cell.models.iter().chain([&cell.id]));
        let separations = self.separations.iter();
        let separations = separations.flat_map(|cell| {
            let own = cell.joint.iter().chain([&cell.id]);
            cell.models.iter().chain(own)
        });
        let speakers = self.speakers.iter().map(|speaker| &speaker.name);
        let names = trainings.chain(joinings).chain(separations);
        names.chain(speakers).map(String::as_str)
    }

    /// Looks at the sound and lists all cells.
    ///
    /// # Errors
    /// [`SweepError`] for sound that is missing or too little, and settings that do not fit.
    pub fn plan(experiment: &Experiment) -> Result<Self, SweepError> {
        let variants = experiment.variants()?;
        let longest = variants
            .iter()
            .map(|variant| variant.config.data.mixture_s)
            .fold(0.0, f64::max);
        let dataset = Dataset::find(&experiment.data, longest)?;
        let mut manifest = Self {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            name: experiment.name.clone(),
            speakers: dataset.speakers,
            pairs: dataset.pairs,
            mixtures: experiment.data.mixtures,
            families: experiment
                .groups
                .iter()
                .map(|group| group.id().to_owned())
                .collect(),
            variants,
            trainings: Vec::new(),
            joinings: Vec::new(),
            separations: Vec::new(),
        };
        let models = manifest.plan_models(&experiment.seeds)?;
        let joints = manifest.plan_joints(&experiment.seeds, &models)?;
        manifest.plan_separations(experiment, &models, &joints)?;
        Ok(manifest)
    }

    /// Lists all models; their identities by variant, seed and speaker.
    fn plan_models(&mut self, seeds: &[u64]) -> Result<Planned, SweepError> {
        let (mut models, mut seen) = (Planned::new(), HashSet::new());
        for (variant, with) in self.variants.iter().enumerate() {
            for &seed in seeds {
                for (speaker, of) in self.speakers.iter().enumerate() {
                    let id = cell::training(&with.config, of, seed)?;
                    models.insert((variant, seed, speaker), id.clone());
                    if seen.insert(id.clone()) {
                        self.trainings.push(Training {
                            id,
                            variant,
                            speaker,
                            seed,
                        });
                    }
                }
            }
        }
        Ok(models)
    }

    /// Lists all joint encoders; their identities by variant, seed and pair.
    fn plan_joints(&mut self, seeds: &[u64], models: &Planned) -> Result<Planned, SweepError> {
        let (mut joints, mut seen) = (Planned::new(), HashSet::new());
        let is_joined = |(_, with): &(usize, &Variant)| with.config.join != Join::No;
        for (variant, with) in self.variants.iter().enumerate().filter(is_joined) {
            for &seed in seeds {
                for (pair, members) in self.pairs.iter().enumerate() {
                    if members.len() > MAX_SOURCES {
                        return Err(SweepError::TooManyToJoin {
                            name: with.system.clone(),
                            pair: self.pair_name(pair),
                            came: members.len(),
                        });
                    }
                    let models = of_members(models, variant, seed, members);
                    let id = cell::joining(&with.config, &models, &self.members(pair), seed)?;
                    joints.insert((variant, seed, pair), id.clone());
                    if seen.insert(id.clone()) {
                        self.joinings.push(Joining {
                            id,
                            variant,
                            pair,
                            seed,
                            models,
                        });
                    }
                }
            }
        }
        Ok(joints)
    }

    /// Lists all separations. A mixture's cells of all variants stand together, so that its floor and
    /// ceiling are still known.
    fn plan_separations(
        &mut self,
        experiment: &Experiment,
        models: &Planned,
        joints: &Planned,
    ) -> Result<(), SweepError> {
        let mut separations = Vec::new();
        for (pair, members) in self.pairs.iter().enumerate() {
            let speakers = self.members(pair);
            for mixture in 0..self.mixtures {
                let place = Place {
                    index: mixture,
                    of: self.mixtures,
                };
                for (variant, with) in self.variants.iter().enumerate() {
                    for &seed in &experiment.seeds {
                        let models = of_members(models, variant, seed, members);
                        let joint = joints.get(&(variant, seed, pair)).cloned();
                        let id = cell::separation(
                            &with.config,
                            joint.as_ref().map_or(&models, std::slice::from_ref),
                            &speakers,
                            place,
                            seed,
                            &experiment.groups,
                        )?;
                        separations.push(Separation {
                            id,
                            variant,
                            pair,
                            mixture,
                            seed,
                            models,
                            joint,
                        });
                    }
                }
            }
        }
        self.separations = separations;
        Ok(())
    }

    /// A pair's members.
    pub fn members(&self, pair: usize) -> Vec<&Speaker> {
        let members = self.pairs[pair].iter();
        members.map(|&i| &self.speakers[i]).collect()
    }

    /// Names of a pair's members, joined by `+`.
    pub fn pair_name(&self, pair: usize) -> String {
        let names = self.members(pair).into_iter();
        names
            .map(|speaker| speaker.name.as_str())
            .collect::<Vec<_>>()
            .join("+")
    }

    /// A training in words.
    pub fn training_label(&self, training: &Training) -> String {
        let speaker = &self.speakers[training.speaker].name;
        format!(
            "model of {speaker}: {}, seed {}",
            self.variants[training.variant].label, training.seed
        )
    }

    /// A joining in words.
    pub fn joining_label(&self, joining: &Joining) -> String {
        format!(
            "joint encoder of {}: {}, seed {}",
            self.pair_name(joining.pair),
            self.variants[joining.variant].label,
            joining.seed
        )
    }

    /// A cell's identity.
    pub(crate) fn id(&self, kind: CellKind, index: usize) -> &str {
        match kind {
            CellKind::Model => &self.trainings[index].id,
            CellKind::Joint => &self.joinings[index].id,
            CellKind::Scores => &self.separations[index].id,
        }
    }

    /// What a cell cannot begin without: for a mixture its models, then their joint encoder.
    pub(crate) fn needs(&self, cell: Cell) -> impl Iterator<Item = (CellKind, &str)> {
        let (models, joint) = match cell.kind {
            CellKind::Model => (&[][..], None),
            CellKind::Joint => (&self.joinings[cell.index].models[..], None),
            CellKind::Scores => {
                let separation = &self.separations[cell.index];
                (&separation.models[..], separation.joint.as_deref())
            }
        };
        let models = models.iter().map(|id| (CellKind::Model, id.as_str()));
        models.chain(joint.map(|id| (CellKind::Joint, id)))
    }

    /// What a result is computed with: the joint encoder where there is one, else the models.
    pub(crate) fn made_from(&self, cell: Cell) -> Vec<(CellKind, &str)> {
        let mut needs: Vec<_> = self.needs(cell).collect();
        if needs.iter().any(|(kind, _)| *kind == CellKind::Joint) {
            needs.retain(|(kind, _)| *kind == CellKind::Joint);
        }
        needs
    }

    /// Cells of a kind, each identity once.
    pub(crate) fn cells(&self, kind: CellKind) -> Vec<Cell> {
        let all = |count| (0..count).map(|index| Cell { kind, index }).collect();
        match kind {
            CellKind::Model => all(self.trainings.len()),
            CellKind::Joint => all(self.joinings.len()),
            CellKind::Scores => self.distinct_separations().collect(),
        }
    }

    /// The separations, the first of each identity.
    pub(crate) fn distinct_separations(&self) -> impl Iterator<Item = Cell> {
        let mut seen = HashSet::new();
        let separations = self.separations.iter().enumerate();
        let first = separations.filter(move |(_, cell)| seen.insert(cell.id.as_str()));
        first.map(|(index, _)| Cell {
            kind: CellKind::Scores,
            index,
        })
    }

    /// Checks that everything it refers to is in it.
    ///
    /// # Errors
    /// What is not, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let within = |what: &str, index: usize, of: usize| match index < of {
            true => Ok(()),
            false => Err(format!("it names {what} {index} of {of}, counted from 0")),
        };
        for &member in self.pairs.iter().flatten() {
            within("speaker", member, self.speakers.len())?;
        }
        let variants = self.variants.len();
        for cell in &self.trainings {
            within("variant", cell.variant, variants)?;
            within("speaker", cell.speaker, self.speakers.len())?;
        }
        let models: HashSet<&str> = self.trainings.iter().map(|cell| cell.id.as_str()).collect();
        let joints: HashSet<&str> = self.joinings.iter().map(|cell| cell.id.as_str()).collect();
        let of_pair = |variant: usize, pair: usize, of: &[Id]| {
            within("variant", variant, variants)?;
            within("pair", pair, self.pairs.len())?;
            let unknown = of.iter().find(|id| !models.contains(id.as_str()));
            match unknown {
                Some(id) => Err(format!("it needs the model {id}, but does not list it")),
                None if of.len() != self.pairs[pair].len() => Err(format!(
                    "a cell of {} sources has {} models",
                    self.pairs[pair].len(),
                    of.len()
                )),
                None => Ok(()),
            }
        };
        for cell in &self.joinings {
            of_pair(cell.variant, cell.pair, &cell.models)?;
        }
        for cell in &self.separations {
            of_pair(cell.variant, cell.pair, &cell.models)?;
            within("mixture", cell.mixture, self.mixtures)?;
            if let Some(id) = cell.joint.as_deref().filter(|id| !joints.contains(id)) {
                return Err(format!(
                    "it needs the joint encoder {id}, but does not list it"
                ));
            }
        }
        Ok(())
    }

    /// A cell in words.
    pub(crate) fn label(&self, kind: CellKind, index: usize) -> String {
        match kind {
            CellKind::Model => self.training_label(&self.trainings[index]),
            CellKind::Joint => self.joining_label(&self.joinings[index]),
            CellKind::Scores => self.separation_label(&self.separations[index]),
        }
    }

    /// A separation in words.
    pub fn separation_label(&self, separation: &Separation) -> String {
        let pair = self.pair_name(separation.pair);
        let Separation {
            mixture,
            variant,
            seed,
            ..
        } = separation;
        format!(
            "mixture {mixture} of {pair}: {}, seed {seed}",
            self.variants[*variant].label
        )
    }

    /// What is scored.
    pub fn metric_groups(&self) -> Vec<MetricGroup> {
        let is_named = |group: &MetricGroup| self.families.iter().any(|id| id == group.id());
        MetricGroup::ALL.into_iter().filter(is_named).collect()
    }
}

/// Identities of a pair's models, in its order.
fn of_members(models: &Planned, variant: usize, seed: u64, members: &[usize]) -> Vec<Id> {
    let of = |&speaker: &usize| models[&(variant, seed, speaker)].clone();
    members.iter().map(of).collect()
}
