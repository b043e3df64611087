//! The manifest: every cell of a run, written once when it is planned.

use std::borrow::Cow;
use std::collections::HashSet;

use nae_metrics::scores::MetricGroup;
use serde::{Deserialize, Serialize};

use crate::cell::{Cell, CellKind, Id, Joining, Separation, TrainedOn, Training};
use crate::dataset::{Speaker, duration_s};
use crate::system::Variant;
use crate::system_config::SystemConfig;

/// A set of mixtures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedScenario {
    /// Its name.
    pub name: String,
    /// Indices into the manifest's pairs.
    pub pairs: Vec<usize>,
    /// Mixtures of every pair.
    pub mixtures: usize,
}

/// What a run consists of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`](crate::cell::SCHEMA) when it was planned.
    pub schema: u32,
    /// Version of nae.
    pub tool_version: String,
    /// The experiment's name.
    pub name: String,
    /// The speakers, with the checksums of their recordings.
    pub speakers: Vec<Speaker>,
    /// Indices into `speakers`.
    pub pairs: Vec<Vec<usize>>,
    /// Mixtures of every pair, where the experiment names no scenarios.
    pub mixtures: usize,
    /// Sets of mixtures, where the experiment names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<PlannedScenario>,
    /// What was left out, and why, in sentences without a full stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
        let trainings = self.trainings.iter();
        let trainings = trainings.flat_map(|cell| cell.on.parts().iter().chain([&cell.id]));
        let joinings = self.joinings.iter();
        let joinings = joinings.flat_map(|cell| cell.models.iter().chain([&cell.id]));
        let separations = self.separations.iter();
        let separations = separations.flat_map(|cell| {
            let own = cell.joint.iter().chain([&cell.id]);
            cell.needed_models().chain(own)
        });
        let speakers = self.speakers.iter().map(|speaker| &speaker.name);
        let names = trainings.chain(joinings).chain(separations);
        names.chain(speakers).map(String::as_str)
    }

    /// Pairs that a variant's scenario mixes.
    pub(crate) fn pairs_of(&self, variant: usize) -> Vec<usize> {
        match self.scenario_of(variant) {
            Some(scenario) => scenario.pairs.clone(),
            None => (0..self.pairs.len()).collect(),
        }
    }

    /// Mixtures of every pair of a variant's scenario.
    pub fn mixtures_of(&self, variant: usize) -> usize {
        let scenario = self.scenario_of(variant);
        scenario.map_or(self.mixtures, |scenario| scenario.mixtures)
    }

    /// The scenario whose mixtures a variant separates, where the experiment names scenarios.
    pub fn scenario_of(&self, variant: usize) -> Option<&PlannedScenario> {
        self.scenarios.get(self.variants[variant].scenario?)
    }

    /// The name of a variant's scenario and a colon, to stand before something of it.
    pub(crate) fn scenario_prefix(&self, variant: usize) -> String {
        let scenario = self.scenario_of(variant);
        scenario.map_or_else(String::new, |scenario| format!("{}: ", scenario.name))
    }

    /// Places of a pair's sources that have no model for a variant, from 0.
    pub(crate) fn unknown_places(&self, variant: usize, pair: usize) -> Vec<usize> {
        let members = self.members(pair).into_iter();
        let members = members.map(|speaker| (speaker.name.as_str(), speaker.pool));
        let unknown = &self.variants[variant].config.data.unknown;
        unknown.places(members)
    }

    /// Seconds of test sound of a pair's members.
    pub(crate) fn durations_s(&self, pair: usize) -> Vec<f64> {
        let members = self.members(pair).into_iter();
        members.map(|speaker| duration_s(&speaker.test)).collect()
    }

    /// The settings that a model is trained with.
    pub(crate) fn config_of(&self, training: &Training) -> Cow<'_, SystemConfig> {
        let config = &self.variants[training.variant].config;
        match training.on {
            TrainedOn::Part => Cow::Owned(config.of_universal_parts()),
            TrainedOn::Clips | TrainedOn::Merged(_) => Cow::Borrowed(config),
        }
    }

    /// What a mixture's folder is called: its sources, its number, and the beginning of its identity, so that
    /// files of other mixtures are never taken for its own.
    ///
    /// - `id`: identity of the mixture
    pub(crate) fn mixture_name(&self, pair: usize, mixture: usize, id: &str) -> String {
        const MOST: usize = 150;
        let sources: String = self.pair_name(pair).chars().take(MOST).collect();
        let id: String = id.chars().take(8).collect();
        format!("{sources} {mixture} {id}")
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
        let what = match training.on {
            TrainedOn::Clips => "model of",
            TrainedOn::Part => "part of universal models, of",
            TrainedOn::Merged(_) => "universal model in the place of",
        };
        format!(
            "{what} {speaker}: {}, seed {}",
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

    /// What a cell cannot begin without: for a mixture its models, then their joint encoder; for a universal
    /// model its parts.
    pub(crate) fn needs(&self, cell: Cell) -> impl Iterator<Item = (CellKind, &str)> {
        let (models, joint): (Vec<&Id>, _) = match cell.kind {
            CellKind::Model => (self.trainings[cell.index].on.parts().iter().collect(), None),
            CellKind::Joint => (self.joinings[cell.index].models.iter().collect(), None),
            CellKind::Scores => {
                let separation = &self.separations[cell.index];
                let models = separation.needed_models().collect();
                (models, separation.joint.as_deref())
            }
        };
        let models = models.into_iter().map(|id| (CellKind::Model, id.as_str()));
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
        for scenario in self.variants.iter().filter_map(|variant| variant.scenario) {
            within("scenario", scenario, self.scenarios.len())?;
        }
        for &pair in self.scenarios.iter().flat_map(|scenario| &scenario.pairs) {
            within("pair", pair, self.pairs.len())?;
        }
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
                None => Ok(()),
            }
        };
        let complete = |pair: usize, models: usize| match self.pairs[pair].len() {
            sources if sources == models => Ok(()),
            sources => Err(format!("a cell of {sources} sources has {models} models")),
        };
        let single = self
            .trainings
            .iter()
            .filter(|cell| cell.on.parts().is_empty());
        let single: HashSet<&str> = single.map(|cell| cell.id.as_str()).collect();
        for cell in &self.trainings {
            let mut parts = cell.on.parts().iter();
            if let Some(id) = parts.find(|id| !single.contains(id.as_str())) {
                return Err(format!("it needs the model {id}, but does not list it"));
            }
        }
        for cell in &self.joinings {
            of_pair(cell.variant, cell.pair, &cell.models)?;
            let against = cell.against.iter();
            complete(cell.pair, cell.models.len() + against.clone().count())?;
            for against in against {
                within("source", against.place, self.pairs[cell.pair].len())?;
                for &speaker in &against.speakers {
                    within("speaker", speaker, self.speakers.len())?;
                }
            }
        }
        for cell in &self.separations {
            let needed: Vec<Id> = cell.needed_models().cloned().collect();
            of_pair(cell.variant, cell.pair, &needed)?;
            let sources = self.pairs[cell.pair].len();
            match cell.stems.is_empty() {
                true => complete(cell.pair, cell.models.len() + cell.without_model.len())?,
                false => complete(cell.pair, cell.stems.len())?,
            }
            let without = cell.without_model.iter().map(|source| source.place);
            for place in without.chain(cell.unknown.iter().copied()) {
                within("source", place, sources)?;
            }
            within("mixture", cell.mixture, self.mixtures_of(cell.variant))?;
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
