//! The settings that each kind of cell depends on, in the form that its identity is a hash of.
//!
//! Two rules make equal work equal text, and keep it so from version to version:
//!
//! - A setting that does not apply is left out: those of NMF for a network, those of a joint encoder
//!   where models are not joined.
//! - A setting that a later version adds is left out while it has the value that means what was done
//!   before ([`Canonical`]). So finished cells stay finished.
//!
//! Keys are sorted, and numbers are written with the fewest digits that read back as the same number.

use nae_config::{Canonical, Setting};
use nae_joint::BodyKind;
use nae_model::architecture::TrainingMethod;
use nae_model::optim::OptimizerKind;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::SweepError;
use crate::system_config::{Join, SystemConfig};
use crate::unknown_model::UnknownModel;

impl SystemConfig {
    /// The settings that a trained model depends on, as JSON: those that do not apply to its kind
    /// or optimiser are left out, so that they neither distinguish models nor fill columns.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if serialisation itself fails.
    pub fn of_training(&self) -> Result<Map<String, Value>, SweepError> {
        let members = self.recipe().members(0);
        let methods = members.iter();
        let methods: Vec<TrainingMethod> = methods
            .map(|member| member.recipe.model.architecture().training_method())
            .collect();
        let mut tree = tree(&[
            ("audio", canonical(&self.audio)?),
            ("model", Value::Object(self.of_models()?)),
            ("train", canonical(&self.train)?),
        ]);
        let mut drop: Vec<String> = Vec::new();
        if methods.contains(&TrainingMethod::Gradients) {
            if !methods.contains(&TrainingMethod::MultiplicativeUpdates) {
                drop.push("train.nmf".into());
            }
            if self.train.optimizer != OptimizerKind::Rprop {
                drop.push("train.rprop".into());
            }
            if self.train.refine.passes == 0 {
                drop.extend(
                    ["batches", "activation_rate", "decoder_rate", "max_frames"]
                        .map(|key| format!("train.refine.{key}")),
                );
            }
        } else {
            let kept = [
                "tolerance",
                "window",
                "sparsity",
                "silence_db",
                "eps",
                "nmf",
                "ensemble",
            ];
            if let Some(Value::Object(train)) = tree.get("train") {
                let others = train.keys().filter(|key| !kept.contains(&key.as_str()));
                drop.extend(others.map(|key| format!("train.{key}")));
            }
        }
        for key in drop {
            remove(&mut tree, &key);
        }
        Ok(tree)
    }

    /// The settings of `[model]` that the models of a source depend on.
    fn of_models(&self) -> Result<Map<String, Value>, SweepError> {
        let kinds = self.train.ensemble.as_slice();
        if kinds.is_empty() {
            return Ok(self.model.architecture().identity()?);
        }
        let Value::Object(mut model) = canonical(&self.model)? else {
            return Ok(Map::new());
        };
        let is_set_by_all = |key: &str| kinds.iter().all(|kind| kind.sets().contains(&key));
        model.retain(|key, _| !is_set_by_all(key));
        if model.contains_key("hidden") {
            // what `auto` stands for may be another tomorrow
            let mut hidden = Vec::new();
            for member in self.recipe().members(0) {
                let own = to_json(&member.recipe.model.nonlinearity())?;
                let is_set = member
                    .kind
                    .is_some_and(|kind| kind.sets().contains(&"hidden"));
                if !is_set && !hidden.contains(&own) {
                    hidden.push(own);
                }
            }
            let words: Vec<&str> = hidden.iter().filter_map(Value::as_str).collect();
            model.insert("hidden".into(), words.join("+").into());
        }
        Ok(model)
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
        // unless bases are learnt on the mixture as well
        let learns = !self.data.unknown.0.is_empty() && self.unknown == UnknownModel::Free;
        if self.join != Join::No
            && !learns
            && let Some(Value::Object(separate)) = tree.get_mut("separate")
        {
            // a joint encoder optimises nothing
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
        if !self.data.unknown.0.is_empty() {
            tree.insert("unknown".into(), to_json(&self.unknown)?);
        }
        let mut columns = Vec::new();
        flatten(&tree, "", &mut columns);
        for (key, value) in self.of_layers(&tree) {
            if !columns.iter().any(|(known, _)| *known == key) {
                columns.push((key, value));
            }
        }
        Ok(columns)
    }
}

impl SystemConfig {
    /// What a stack's lists of layers amount to, under the keys that other kinds have; nothing for
    /// those, so that their columns stay what they were.
    fn of_layers(&self, tree: &Map<String, Value>) -> Vec<(String, Value)> {
        let layers = tree.get("model").and_then(|model| model.get("decoder"));
        let Some(layers) = layers.and_then(Value::as_array) else {
            return Vec::new();
        };
        let architecture = self.model.architecture();
        let span = layers.last().and_then(|last| last.get("span")).cloned();
        let cell = layers.iter().find_map(|layer| layer.get("cell")).cloned();
        vec![
            ("model.layers".into(), Value::from(architecture.depth())),
            ("model.rank".into(), Value::from(architecture.rank())),
            ("model.span".into(), span.unwrap_or_else(|| Value::from(1))),
            (
                "model.cell".into(),
                cell.unwrap_or_else(|| Value::from("none")),
            ),
        ]
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
    use nae_train::MemberKind;

    fn nmf() -> SystemConfig {
        let mut config = SystemConfig::default();
        config.model.kind = ModelKind::Nmf;
        config
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
        let mut other = SystemConfig::default();
        other.train.nmf.updates = 7;
        other.separate.max_steps = 7;
        assert_eq!(
            SystemConfig::default().of_training().unwrap(),
            other.of_training().unwrap()
        );
        assert_ne!(
            SystemConfig::default().of_separation().unwrap(),
            other.of_separation().unwrap()
        );
    }

    #[test]
    fn of_a_joined_system_the_joint_encoder_matters_and_the_search_does_not() {
        let joined = |change: fn(&mut SystemConfig)| {
            let mut config = SystemConfig {
                join: Join::Memories,
                ..SystemConfig::default()
            };
            change(&mut config);
            config.columns().unwrap()
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
        let mut searched = SystemConfig::default();
        searched.joint.steps = 7;
        assert_eq!(
            SystemConfig::default().columns().unwrap(),
            searched.columns().unwrap()
        );
    }

    #[test]
    fn settings_that_apply_do_matter() {
        let change: [fn(&mut SystemConfig); 5] = [
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
        let mut other = SystemConfig::default();
        other.model.layers = 2;
        assert_ne!(
            SystemConfig::default().of_training().unwrap(),
            other.of_training().unwrap()
        );
    }

    #[test]
    fn of_an_ensemble_what_any_member_depends_on_matters() {
        use MemberKind::{Conv, Dense, Nmf, Shallow};
        let ensemble = |kinds: &[MemberKind], change: fn(&mut SystemConfig)| {
            let mut config = SystemConfig::default();
            config.train.ensemble = kinds.to_vec();
            change(&mut config);
            config.of_training().unwrap()
        };
        let all: [fn(&mut SystemConfig); 4] = [
            |s| s.model.layers = 6,
            |s| s.model.rank = 7,
            |s| s.train.nmf.updates = 7,
            |s| s.train.refine.passes = 7,
        ];
        for (kinds, matters) in [
            (&[Dense, Nmf][..], [true, true, true, true]),
            (&[Shallow, Conv], [false, true, false, true]),
            (&[Nmf], [false, true, true, false]),
        ] {
            let base = ensemble(kinds, |_| {});
            assert_ne!(base, SystemConfig::default().of_training().unwrap());
            for (change, matters) in all.into_iter().zip(matters) {
                assert_eq!(base != ensemble(kinds, change), matters, "{kinds:?}");
            }
        }
        // the order gives the first, which is joined
        assert_ne!(
            ensemble(&[Dense, Nmf], |_| {}),
            ensemble(&[Nmf, Dense], |_| {})
        );
    }

    #[test]
    fn columns_of_a_stack_have_what_those_of_other_kinds_have() {
        let mut config = SystemConfig::default();
        config.model.span = 4;
        config.model.cell = nae_model::config::Cell::Gru;
        let columns = config.columns().unwrap();
        for (key, value) in [
            ("model.layers", Value::from(4)),
            ("model.rank", Value::from(100)),
            ("model.span", Value::from(4)),
            ("model.cell", Value::from("gru")),
        ] {
            let came = columns.iter().find(|(name, _)| name == key);
            assert_eq!(came.map(|(_, value)| value), Some(&value), "{key}");
        }
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
