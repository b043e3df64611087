//! Identities of cells: hashes of all that their results depend on.

use nae_files::sha256_hex;
use nae_joint::PretrainedWeights;
use nae_metrics::scores::MetricGroup;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cell_settings::to_json;
use crate::dataset::{Recording, Speaker, duration_s};
use crate::error::SweepError;
use crate::system_config::{MixSpec, SystemConfig};

/// Increased whenever the same settings give other results, so that older results are not used
/// again.
pub const SCHEMA: u32 = 4;

/// A cell's identity: 64 hexadecimal digits.
pub type Id = String;

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Identity.
    pub id: Id,
    /// Index of a variant whose settings it has.
    pub variant: usize,
    /// Index of the speaker.
    pub speaker: usize,
    /// Seed.
    pub seed: u64,
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
    /// Identities of the models, in the pair's order.
    pub models: Vec<Id>,
}

/// One mixture to separate and score with one variant's models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Identities of the models, in the pair's order.
    pub models: Vec<Id>,
    /// Identity of their joint encoder, where they are joined.
    #[serde(default)]
    pub joint: Option<Id>,
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

/// Identity of one mixture's separation and scores.
///
/// - `models`: what separates: the models of the pair, or their joint encoder alone
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn separation(
    config: &SystemConfig,
    models: &[Id],
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

/// What a mixture is made of, as a text that equals only its own.
///
/// # Errors
/// [`SweepError::Damaged`] if serialisation itself fails.
pub fn mixture(
    config: &SystemConfig,
    speakers: &[&Speaker],
    place: Place,
) -> Result<Id, SweepError> {
    let MixSpec {
        mixture_s,
        level_db,
        ..
    } = config.data;
    let clips: Vec<Vec<&str>> = speakers
        .iter()
        .map(|speaker| checksums(&speaker.test))
        .collect();
    hash(&json!({
        "clips": clips,
        "sample_rate": to_json(&config.audio.sample_rate)?,
        "mixture_s": mixture_s,
        "level_db": level_db,
        "index": place.index,
        "of": place.of,
    }))
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
mod tests {
    use super::*;
    use crate::system_config::Join;

    fn speaker(name: &str, sha256: &str, duration_s: f64) -> Speaker {
        let recording = |part: &str| Recording {
            path: format!("/{name}/{part}.wav").into(),
            sha256: format!("{sha256}-{part}"),
            duration_s,
        };
        Speaker {
            name: name.into(),
            train: vec![recording("train")],
            test: vec![recording("test")],
        }
    }

    fn train(config: &SystemConfig, speaker: &Speaker, seed: u64) -> Id {
        training(config, speaker, seed).unwrap()
    }

    #[test]
    fn names_paths_and_settings_of_separation_do_not_change_a_model() {
        let base = train(&SystemConfig::default(), &speaker("a", "1", 30.0), 0);
        let mut config = SystemConfig::default();
        config.separate.max_steps = 5;
        config.data.mixture_s = 2.0;
        config.data.level_db = 6.0;
        assert_eq!(base, train(&config, &speaker("another", "1", 30.0), 0));
        assert_eq!(base.len(), 64);
    }

    #[test]
    fn sound_settings_seed_and_amount_change_a_model() {
        let base = train(&SystemConfig::default(), &speaker("a", "1", 30.0), 0);
        assert_ne!(
            base,
            train(&SystemConfig::default(), &speaker("a", "2", 30.0), 0)
        );
        assert_ne!(
            base,
            train(&SystemConfig::default(), &speaker("a", "1", 30.0), 1)
        );
        let mut config = SystemConfig::default();
        config.train.learning_rate = 1e-3;
        assert_ne!(base, train(&config, &speaker("a", "1", 30.0), 0));
        let mut config = SystemConfig::default();
        config.data.train_s = 10.0;
        assert_ne!(base, train(&config, &speaker("a", "1", 30.0), 0));
    }

    #[test]
    fn more_sound_than_there_is_changes_nothing() {
        let mut config = SystemConfig::default();
        let base = train(&config, &speaker("a", "1", 18.0), 0);
        config.data.train_s = 60.0;
        assert_eq!(base, train(&config, &speaker("a", "1", 18.0), 0));
    }

    #[test]
    fn material_settings_models_names_and_seed_change_a_joint_encoder() {
        let (a, b) = (speaker("a", "1", 6.0), speaker("b", "2", 6.0));
        let models = ["m".to_owned(), "n".to_owned()];
        let id = |config: &SystemConfig, models: &[Id], speakers: &[&Speaker], seed| {
            joining(config, models, speakers, seed).unwrap()
        };
        let config = SystemConfig {
            join: Join::Memories,
            ..SystemConfig::default()
        };
        let base = id(&config, &models, &[&a, &b], 0);
        let clips = SystemConfig {
            join: Join::Clips,
            ..SystemConfig::default()
        };
        let mut steps = config.clone();
        steps.joint.steps = 7;
        let others = [
            id(&clips, &models, &[&a, &b], 0),
            id(&steps, &models, &[&a, &b], 0),
            id(&config, &models[..1], &[&a, &b], 0),
            id(&config, &models, &[&a, &speaker("c", "2", 6.0)], 0),
            id(&config, &models, &[&a, &b], 1),
        ];
        for other in others {
            assert_ne!(base, other);
        }
        let mut searched = config.clone();
        searched.separate.max_steps = 5;
        assert_eq!(base, id(&searched, &models, &[&a, &b], 0));
    }

    #[test]
    fn models_mixture_scores_and_seed_change_a_separation() {
        let (a, b) = (speaker("a", "1", 6.0), speaker("b", "2", 6.0));
        let place = Place { index: 0, of: 3 };
        let models = ["m".to_owned(), "n".to_owned()];
        let id = |config: &SystemConfig,
                  models: &[Id],
                  speakers: &[&Speaker],
                  place,
                  seed,
                  groups: &[MetricGroup]| {
            separation(config, models, speakers, place, seed, groups).unwrap()
        };
        let config = SystemConfig::default();
        let base = id(&config, &models, &[&a, &b], place, 0, &MetricGroup::ALL);
        let mut louder = config.clone();
        louder.data.level_db = 3.0;
        let mut steps = config.clone();
        steps.separate.max_steps = 5;
        let others = [
            id(&louder, &models, &[&a, &b], place, 0, &MetricGroup::ALL),
            id(&steps, &models, &[&a, &b], place, 0, &MetricGroup::ALL),
            id(
                &config,
                &models[..1],
                &[&a, &b],
                place,
                0,
                &MetricGroup::ALL,
            ),
            id(&config, &models, &[&b, &a], place, 0, &MetricGroup::ALL),
            id(
                &config,
                &models,
                &[&a, &b],
                Place { index: 1, of: 3 },
                0,
                &MetricGroup::ALL,
            ),
            id(&config, &models, &[&a, &b], place, 1, &MetricGroup::ALL),
            id(
                &config,
                &models,
                &[&a, &b],
                place,
                0,
                &[MetricGroup::BssEval],
            ),
        ];
        for other in others {
            assert_ne!(base, other);
        }
    }
}
