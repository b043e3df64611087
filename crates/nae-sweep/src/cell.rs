//! Identities of cells: hashes of all that their results depend on.

use std::path::PathBuf;

use nae_files::sha256_hex;
use nae_joint::PretrainedWeights;
use nae_metrics::scores::MetricGroup;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cell_settings::to_json;
use crate::dataset::{Recording, Speaker, duration_s};
use crate::error::SweepError;
pub use crate::id::Id;
use crate::stand_in::{StandIn, WithoutModel};
use crate::system_config::{BASES_EACH, SystemConfig};

/// Increased whenever the same settings give other results, so that older results are not used
/// again.
pub const SCHEMA: u32 = 4;

/// Kinds of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellKind {
    /// A trained model.
    Model,
    /// A joint encoder.
    Joint,
    /// A separated and scored mixture.
    Scores,
}

/// A cell by its place in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub kind: CellKind,
    pub index: usize,
}

/// One model to train.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Identity.
    pub id: Id,
    /// Index of a variant whose settings it has.
    pub variant: usize,
    /// Index of the speaker; of a universal model, that of a source which it stands in for.
    pub speaker: usize,
    /// Seed.
    pub seed: u64,
    /// What it is of.
    #[serde(default, skip_serializing_if = "TrainedOn::is_clips")]
    pub on: TrainedOn,
}

/// What a model is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainedOn {
    /// The speaker's clips, with the variant's settings.
    #[default]
    Clips,
    /// The speaker's clips, as a part of universal models: a factorisation of a few bases.
    Part,
    /// Bases of the models with these identities.
    Merged(Vec<Id>),
}

impl TrainedOn {
    fn is_clips(&self) -> bool {
        *self == Self::Clips
    }

    /// Identities of the models that it is made of.
    pub(crate) fn parts(&self) -> &[Id] {
        match self {
            Self::Merged(parts) => parts,
            Self::Clips | Self::Part => &[],
        }
    }
}

/// One joint encoder to train for the models of a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joining {
    /// Identity.
    pub id: Id,
    /// Index of a variant whose settings it has.
    pub variant: usize,
    /// Index of the pair.
    pub pair: usize,
    /// Seed.
    pub seed: u64,
    /// Identities of the models of the sources that have one, in the pair's order.
    pub models: Vec<Id>,
    /// What stands for the source without a model, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

/// What stands for a joint encoder's source without a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Against {
    /// The source's place in the pair, from 0.
    pub place: usize,
    /// Indices of the speakers whose training sound stands for it.
    pub speakers: Vec<usize>,
}

/// One mixture to separate and score with one variant's models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Separation {
    /// Identity.
    pub id: Id,
    /// Index of the variant.
    pub variant: usize,
    /// Index of the pair.
    pub pair: usize,
    /// Number of the mixture, from 0.
    pub mixture: usize,
    /// Seed.
    pub seed: u64,
    /// Identities of the models of the sources that have one of their own, in the pair's order.
    pub models: Vec<Id>,
    /// Identity of their joint encoder, where they are joined.
    #[serde(default)]
    pub joint: Option<Id>,
    /// The pair's other sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_model: Vec<WithoutModel>,
    /// Places of the pair's sources that `data.unknown` names, from 0, whatever stands in for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<usize>,
    /// The stems that are scored where another program made them, in the pair's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stems: Vec<StemFile>,
}

impl Separation {
    /// Identities of all models of the run that it needs.
    pub(crate) fn needed_models(&self) -> impl Iterator<Item = &Id> {
        let stand_ins = self.without_model.iter();
        let universal = stand_ins.filter_map(|source| match &source.by {
            StandIn::Universal(id) => Some(id),
            StandIn::Free | StandIn::Bank | StandIn::Model(_) => None,
        });
        self.models.iter().chain(universal)
    }

    /// What every source of the pair is separated with; nothing for stems that exist.
    ///
    /// - `sources`: how many the pair has
    pub(crate) fn sources(&self, sources: usize) -> Vec<SeparatedWith<'_>> {
        if !self.stems.is_empty() {
            return Vec::new();
        }
        let mut models = self.models.iter();
        let source = |place| {
            let without = self.without_model.iter().find(|own| own.place == place);
            match without {
                Some(without) => Some(SeparatedWith::StandIn(&without.by)),
                None => models.next().map(SeparatedWith::Model),
            }
        };
        (0..sources).filter_map(source).collect()
    }
}

/// What a source is separated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeparatedWith<'a> {
    /// Its own model.
    Model(&'a Id),
    /// Something in the place of its model.
    StandIn(&'a StandIn),
}

/// A stem that another program made, as it was when the run was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StemFile {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
}

/// Which of a pair's mixtures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the mixture, from 0.
    pub index: usize,
    /// Mixtures of every pair.
    pub of: usize,
}

/// Identity of the model of `speaker`.
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn training(config: &SystemConfig, speaker: &Speaker, seed: u64) -> Result<Id, SweepError> {
    // a longer limit than there is sound changes nothing
    let train_s = config.data.train_s.min(duration_s(&speaker.train));
    hash(&json!({
        "schema": SCHEMA,
        "kind": "train",
        "settings": config.of_training()?,
        "train_s": train_s,
        "clips": checksums(&speaker.train),
        "seed": seed,
    }))
}

/// Identity of the universal model of `parts`.
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn merging(parts: &[Id], seed: u64) -> Result<Id, SweepError> {
    hash(&json!({
        "schema": SCHEMA,
        "kind": "merge",
        "bases_each": BASES_EACH,
        "models": parts,
        "seed": seed,
    }))
}

/// Identity of the joint encoder of `models`.
///
/// The file names its sources, and their phases are drawn by name, so names matter here. The
/// training clips are those of the models.
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn joining(
    config: &SystemConfig,
    models: &[Id],
    speakers: &[&Speaker],
    seed: u64,
) -> Result<Id, SweepError> {
    let names: Vec<&str> = speakers.iter().map(|s| s.name.as_str()).collect();
    hash(&json!({
        "schema": SCHEMA,
        "kind": "join",
        "settings": config.of_joining()?,
        // another start gives another joint encoder
        "start": PretrainedWeights::default_fingerprint(),
        "models": models,
        "names": names,
        "seed": seed,
    }))
}

/// Identity of the joint encoder of `models` and of one more source, which the training sound of others stands
/// for.
///
/// - `speakers`: those of the pair
/// - `place`: of the source without a model, from 0
/// - `bank`: those whose sound stands for it
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn joining_against(
    config: &SystemConfig,
    models: &[Id],
    speakers: &[&Speaker],
    (place, bank): (usize, &[&Speaker]),
    seed: u64,
) -> Result<Id, SweepError> {
    let sound = |own: &&Speaker| {
        let train_s = config.data.train_s.min(duration_s(&own.train));
        json!({ "clips": checksums(&own.train), "train_s": train_s })
    };
    hash(&json!({
        "of_known": joining(config, models, speakers, seed)?,
        "place": place,
        "against": bank.iter().map(sound).collect::<Vec<Value>>(),
    }))
}

/// Identity of one mixture's separation and scores.
///
/// - `models`: what separates: the models of the pair, or their joint encoder alone; where a source has none,
///   what stands in for it (a model, or nothing)
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn separation<M: Serialize>(
    config: &SystemConfig,
    models: &[M],
    speakers: &[&Speaker],
    place: Place,
    seed: u64,
    groups: &[MetricGroup],
) -> Result<Id, SweepError> {
    let groups: Vec<&str> = groups.iter().map(|group| group.id()).collect();
    hash(&json!({
        "schema": SCHEMA,
        "kind": "separate",
        "settings": config.of_separation()?,
        "models": models,
        "mixture": mixture(config, speakers, place)?,
        "seed": seed,
        "scores": groups,
    }))
}

/// Identity of the scores of stems that another program made.
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn scoring(
    config: &SystemConfig,
    stems: &[StemFile],
    speakers: &[&Speaker],
    place: Place,
    groups: &[MetricGroup],
) -> Result<Id, SweepError> {
    let groups: Vec<&str> = groups.iter().map(|group| group.id()).collect();
    let checksums: Vec<&str> = stems.iter().map(|stem| stem.sha256.as_str()).collect();
    hash(&json!({
        "schema": SCHEMA,
        "kind": "score",
        "stems": checksums,
        "mixture": mixture(config, speakers, place)?,
        "scores": groups,
    }))
}

/// What stands for a source in the identity of a separation.
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub(crate) fn stand_in(
    config: &SystemConfig,
    with: SeparatedWith<'_>,
    name: &str,
) -> Result<Value, SweepError> {
    Ok(match with {
        SeparatedWith::Model(id) | SeparatedWith::StandIn(StandIn::Universal(id)) => json!(id),
        // every setting, whatever the defaults of the day are; its first bases are drawn by name
        SeparatedWith::StandIn(StandIn::Free) => {
            json!({ "free": to_json(&config.separate.unknown)?, "name": name })
        }
        // the identity of the joint encoder has it
        SeparatedWith::StandIn(StandIn::Bank) => Value::Null,
        SeparatedWith::StandIn(StandIn::Model(model)) => json!({ "file": model.sha256 }),
    })
}

/// What a mixture is made of, as a text that equals only its own.
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn mixture(
    config: &SystemConfig,
    speakers: &[&Speaker],
    place: Place,
) -> Result<Id, SweepError> {
    let mix = &config.data;
    let clips: Vec<Vec<&str>> = speakers
        .iter()
        .map(|speaker| checksums(&speaker.test))
        .collect();
    let durations: Vec<f64> = speakers.iter().map(|own| duration_s(&own.test)).collect();
    let length_s = mix.length_s(&durations).unwrap_or(mix.mixture_s);
    let mut identity = json!({
        "clips": clips,
        "sample_rate": to_json(&config.audio.sample_rate)?,
        "mixture_s": length_s,
        "level_db": mix.level_db,
        "index": place.index,
        "of": place.of,
    });
    // what changes nothing is left out, so that mixtures of before are the same
    if durations.iter().any(|duration_s| *duration_s < length_s) {
        identity["loop"] = json!(true);
    }
    if mix.levels_db.iter().any(|level| *level != 0.0) {
        identity["levels_db"] = json!(mix.levels_db);
    }
    hash(&identity)
}

fn checksums(recordings: &[Recording]) -> Vec<&str> {
    recordings
        .iter()
        .map(|recording| recording.sha256.as_str())
        .collect()
}

/// Keys of JSON objects are sorted, so equal values have equal text.
fn hash(value: &Value) -> Result<Id, SweepError> {
    Ok(sha256_hex(value.to_string().as_bytes()))
}

#[cfg(test)]
mod tests;
