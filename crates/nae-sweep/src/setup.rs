//! Everything that decides one system's cells, and which of it matters to which.

use nae_config::{Canonical, Choice, ConfigError, CrossCheck, Setting, Settings};
use nae_joint::{BodyKind, JointConfig};
use nae_model::architecture::TrainingMethod;
use nae_model::optim::OptimizerKind;
use nae_model::{AudioConfig, ModelConfig};
use nae_separate::SeparateConfig;
use nae_train::{Recipe, TrainConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::SweepError;

nae_config::settings! {
    /// Amounts and levels of sound, the part of `[data]` that a grid may vary.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Amounts {
        /// Training sound of a speaker at most: the first seconds.
        pub train_s: f64 = 25.0, in 0.001..=1e6, unit "seconds", try "25";
        /// Length of a mixture.
        pub mixture_s: f64 = 5.0, in 0.001..=1e6, unit "seconds", try "5";
        /// Level of a mixture's first source over each of the others.
        pub level_db: f64 = 0.0, in -100.0..=100.0, unit "dB", try "0";
    }
}

impl CrossCheck for Amounts {}

/// Whether the models of a pair are joined, and on what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// They separate by optimised activations.
    #[default]
    No,
    /// Joined on what they remember of their training clips.
    Memories,
    /// Joined on their training clips.
    Clips,
}

impl Choice for Join {}

nae_config::settings! {
    /// The settings of one system at one point of its grid.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Setup {
        /// Amounts of sound.
        pub data: Amounts = Amounts::default();
        /// Whether, and on what, a joint encoder that separates is trained.
        pub join: Join = Join::No;
        /// How sound becomes spectra.
        pub audio: AudioConfig = AudioConfig::default();
        /// Architecture.
        pub model: ModelConfig = ModelConfig::default();
        /// Training.
        pub train: TrainConfig = TrainConfig::default();
        /// Separation.
        pub separate: SeparateConfig = SeparateConfig::default();
        /// Joint encoder.
        pub joint: JointConfig = JointConfig::default();
    }
}

impl CrossCheck for Setup {}

impl Setup {
    /// Checks every range.
    ///
    /// # Errors
    /// The first key that is out of range.
    pub fn validate(&self) -> Result<(), SweepError> {
        Settings::check(&self.data, "data").map_err(ConfigError::from)?;
        self.recipe().validate()?;
        self.separate.validate()?;
        self.joint.validate()?;
        Ok(())
    }

    /// What training needs.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            audio: self.audio,
            model: self.model.clone(),
            train: self.train.clone(),
        }
    }

    /// The settings that a trained model depends on, as JSON: those that do not apply to its kind
    /// or optimiser are left out, so that they neither tell models apart nor fill columns.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if serialisation itself fails.
    pub fn of_training(&self) -> Result<Map<String, Value>, SweepError> {
        let architecture = self.model.architecture();
        let mut tree = tree(&[
            ("audio", canonical(&self.audio)?),
            ("model", Value::Object(architecture.identity()?)),
            ("train", canonical(&self.train)?),
        ]);
        let mut drop: Vec<String> = Vec::new();
        match architecture.training_method() {
            TrainingMethod::MultiplicativeUpdates => {
                let kept = [
                    "tolerance",
                    "window",
                    "sparsity",
                    "silence_db",
                    "eps",
                    "nmf",
                ];
                if let Some(Value::Object(train)) = tree.get("train") {
                    let others = train.keys().filter(|key| !kept.contains(&key.as_str()));
                    drop.extend(others.map(|key| format!("train.{key}")));
                }
            }
            TrainingMethod::Gradients => {
                drop.push("train.nmf".into());
                if self.train.optimizer != OptimizerKind::Rprop {
                    drop.push("train.rprop".into());
                }
                if self.train.refine.passes == 0 {
                    drop.extend(
                        ["batches", "activation_rate", "decoder_rate", "max_frames"]
                            .map(|key| format!("train.refine.{key}")),
                    );
                }
            }
        }
        for key in drop {
            remove(&mut tree, &key);
        }
        Ok(tree)
    }

    /// The settings that a joint encoder depends on besides its models, as JSON; nothing where the
    /// models are not joined.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if serialisation itself fails.
    pub fn of_joining(&self) -> Result<Map<String, Value>, SweepError> {
        if self.join == Join::No {
            return Ok(Map::new());
        }
        let mut tree = tree(&[
            ("join", canonical(&self.join)?),
            ("joint", canonical(&self.joint)?),
        ]);
        if self.joint.body != BodyKind::Conv {
            remove(&mut tree, "joint.blocks");
            remove(&mut tree, "joint.kernel");
        }
        if self.joint.body == BodyKind::None {
            remove(&mut tree, "joint.hearing");
        }
        Ok(tree)
    }

    /// The settings that a separation depends on besides its models, as JSON.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if serialisation itself fails.
    pub fn of_separation(&self) -> Result<Map<String, Value>, SweepError> {
        let mut tree = tree(&[("separate", canonical(&self.separate)?)]);
        if self.separate.optimizer != OptimizerKind::Rprop {
            remove(&mut tree, "separate.rprop");
        }
        if self.join != Join::No
            && let Some(Value::Object(separate)) = tree.get_mut("separate")
        {
            // a joint encoder searches for nothing
            separate
                .retain(|key, _| ["silence_db", "block_s", "overlap_s"].contains(&key.as_str()));
        }
        Ok(tree)
    }

    /// All settings that matter, as dotted keys and single values.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if serialisation itself fails.
    pub fn columns(&self) -> Result<Vec<(String, Value)>, SweepError> {
        let mut tree = tree(&[("data", canonical(&self.data)?)]);
        tree.extend(self.of_training()?);
        tree.extend(self.of_joining()?);
        tree.extend(self.of_separation()?);
        let mut columns = Vec::new();
        flatten(&tree, "", &mut columns);
        Ok(columns)
    }
}

/// The canonical text of settings, as JSON.
fn canonical<T: Setting>(settings: &T) -> Result<Value, SweepError> {
    to_json(&Canonical(settings))
}

/// A value as JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Value, SweepError> {
    serde_json::to_value(value).map_err(|error| SweepError::Damaged {
        path: "the settings".into(),
        message: error.to_string(),
    })
}

fn tree(parts: &[(&str, Value)]) -> Map<String, Value> {
    parts
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

fn remove(tree: &mut Map<String, Value>, key: &str) {
    match key.split_once('.') {
        None => {
            tree.remove(key);
        }
        Some((section, rest)) => {
            if let Some(Value::Object(inner)) = tree.get_mut(section) {
                remove(inner, rest);
            }
        }
    }
}

fn flatten(tree: &Map<String, Value>, prefix: &str, columns: &mut Vec<(String, Value)>) {
    for (key, value) in tree {
        let full = format!("{prefix}{key}");
        match value {
            Value::Object(inner) => flatten(inner, &format!("{full}."), columns),
            Value::Array(_) => columns.push((full, Value::String(value.to_string()))),
            _ => columns.push((full, value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_model::ModelKind;

    fn nmf() -> Setup {
        let mut setup = Setup::default();
        setup.model.kind = ModelKind::Nmf;
        setup
    }

    #[test]
    fn settings_that_do_not_apply_do_not_matter() {
        let mut other = nmf();
        other.model.layers = 2;
        other.train.max_steps = 7;
        other.train.rprop.increase = 1.3;
        other.separate.rprop.increase = 1.3;
        assert_eq!(nmf().of_training().unwrap(), other.of_training().unwrap());
        assert_eq!(
            nmf().of_separation().unwrap(),
            other.of_separation().unwrap()
        );
        let mut other = Setup::default();
        other.train.nmf.updates = 7;
        other.separate.max_steps = 7;
        assert_eq!(
            Setup::default().of_training().unwrap(),
            other.of_training().unwrap()
        );
        assert_ne!(
            Setup::default().of_separation().unwrap(),
            other.of_separation().unwrap()
        );
    }

    #[test]
    fn of_a_joined_system_the_joint_encoder_matters_and_the_search_does_not() {
        let joined = |change: fn(&mut Setup)| {
            let mut setup = Setup {
                join: Join::Memories,
                ..Setup::default()
            };
            change(&mut setup);
            setup.columns().unwrap()
        };
        let base = joined(|_| {});
        assert_eq!(base, joined(|s| s.separate.max_steps = 7));
        assert_ne!(base, joined(|s| s.joint.steps = 7));
        assert_ne!(base, joined(|s| s.join = Join::Clips));
        assert_eq!(
            joined(|s| s.joint.body = BodyKind::Gru),
            joined(|s| {
                s.joint.body = BodyKind::Gru;
                s.joint.kernel = 3;
            })
        );
        let mut searched = Setup::default();
        searched.joint.steps = 7;
        assert_eq!(
            Setup::default().columns().unwrap(),
            searched.columns().unwrap()
        );
    }

    #[test]
    fn settings_that_apply_do_matter() {
        let change: [fn(&mut Setup); 5] = [
            |s| s.model.rank = 7,
            |s| s.train.sparsity = 0.1,
            |s| s.audio.hop = 128,
            |s| s.train.nmf.updates = 7,
            |s| s.model.compression = 1.0,
        ];
        for change in change {
            let mut other = nmf();
            change(&mut other);
            assert_ne!(nmf().of_training().unwrap(), other.of_training().unwrap());
        }
        let mut other = Setup::default();
        other.model.layers = 2;
        assert_ne!(
            Setup::default().of_training().unwrap(),
            other.of_training().unwrap()
        );
    }

    #[test]
    fn columns_hold_what_matters_under_dotted_keys() {
        let columns = nmf().columns().unwrap();
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        for name in [
            "data.train_s",
            "audio.hop",
            "model.rank",
            "train.nmf.updates",
            "separate.max_steps",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(!names.contains(&"model.layers"));
        assert!(
            columns
                .iter()
                .all(|(_, value)| !value.is_object() && !value.is_array())
        );
    }
}
