//! Systems, and what they are at each point of their grids.

use nae_config::grid::{Axis, Point};
use nae_config::put;
use nae_separate::settings::SolverKind;
use nae_train::MemberKind;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::error::SweepError;
use crate::system_config::{Join, SystemConfig};

/// One system: settings, and the grid over some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// What rows call it.
    pub name: String,
    /// Its settings apart from the grid.
    pub base: SystemConfig,
    /// Its grid.
    pub axes: Vec<Axis>,
}

/// A system at one point of its grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The system's name.
    pub system: String,
    /// The name with what the grid varies.
    pub label: String,
    /// All settings; a manifest calls them `setup`.
    #[serde(rename = "setup", with = "nae_config::canonical")]
    pub config: SystemConfig,
}

impl System {
    /// Whether it joins its models anywhere on its grid.
    pub(crate) fn joins(&self) -> bool {
        let no = Value::String("no".into());
        match self.axes.iter().find(|axis| axis.key == "join") {
            Some(axis) => axis.values.iter().any(|value| *value != no),
            None => self.base.join != Join::No,
        }
    }

    /// The settings at one point of the grid.
    pub(crate) fn at(&self, point: &Point) -> Result<Variant, SweepError> {
        let mut table = Table::try_from(&self.base).map_err(|error| SweepError::Value {
            place: self.name.clone(),
            message: error.to_string(),
        })?;
        for (key, value) in point {
            put(&mut table, key, value.clone());
        }
        let config = config_from(table, &self.label(point, |_| true))?;
        let columns = config.columns()?;
        let inert = config.model.architecture().inert();
        let is_single = config.train.ensemble.is_empty();
        let matters = |key: &str| match key.strip_prefix("model.") {
            // every key of a model says something of it but those that its kind has no use for
            Some(key) if is_single => !inert.contains(&key),
            _ => columns.iter().any(|(name, _)| name == key),
        };
        Ok(Variant {
            system: self.name.clone(),
            label: self.label(point, matters),
            config,
        })
    }

    /// The name with those of the varied keys that matter.
    fn label(&self, point: &Point, matters: impl Fn(&str) -> bool) -> String {
        let mut words = vec![self.name.clone()];
        for (key, value) in point {
            let mut axes = self.axes.iter();
            if matters(key) && axes.any(|axis| axis.key == *key && axis.values.len() > 1) {
                let last = key.rsplit('.').next().unwrap_or(key);
                words.push(format!("{last} {}", shown(value)));
            }
        }
        words.join(", ")
    }
}

/// Settings out of a tree of them. What a tree leaves out is what it was when experiments, or the model's
/// kind, began, so that an experiment means the same in every version and its cells stay what they are:
/// one model a source, compression 0.5, 60 steps and a mask exponent of 2, and for kinds of the first version one learning rate and no
/// multiplicative updates in separation.
pub(crate) fn config_from(table: Table, place: &str) -> Result<SystemConfig, SweepError> {
    let names = |section: &str, key: &str| {
        let section = table.get(section).and_then(Value::as_table);
        section.is_some_and(|section| section.contains_key(key))
    };
    let (exponent, solver) = (
        names("separate", "mask_exponent"),
        names("separate", "solver"),
    );
    let factor = names("train", "encoder_factor");
    let compression = names("model", "compression");
    let steps = names("separate", "max_steps");
    let config = SystemConfig::deserialize(Value::Table(table));
    let mut config = config.map_err(|error| SweepError::Value {
        place: place.into(),
        message: error.to_string().trim_end().replace('\n', " "),
    })?;
    if config.train.ensemble == [MemberKind::Auto] {
        config.train.ensemble.clear();
    }
    if !compression {
        config.model.compression = 0.5;
    }
    if !steps {
        config.separate.max_steps = 60;
    }
    if !exponent {
        config.separate.mask_exponent = 2.0;
    }
    if config.model.architecture().format_version() == 1 {
        if !solver {
            config.separate.solver = SolverKind::Gradient;
        }
        if !factor {
            config.train.encoder_factor = 1.0;
        }
    }
    Ok(config)
}

/// A value of a grid in a label.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) if items.iter().all(Value::is_str) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            words.join(" + ")
        }
        Value::Array(items) if items.iter().all(Value::is_table) => {
            let layers: Vec<&Table> = items.iter().filter_map(Value::as_table).collect();
            shown_layers(&layers)
        }
        value => value.to_string(),
    }
}

/// A list of layers in a label: `dense 60 → 2 × gru 60 → conv bins span 4`.
fn shown_layers(layers: &[&Table]) -> String {
    let of_layer = |layer: &Table| {
        let entries = layer.iter();
        let entries = entries.map(|(key, value)| format!("{key} {}", shown(value)));
        entries.collect::<Vec<_>>().join(" ")
    };
    let of_run = |run: &[&Table]| match run {
        [] => String::new(),
        [one] => of_layer(one),
        [first, ..] => format!("{} × {}", run.len(), of_layer(first)),
    };
    let runs = layers.chunk_by(|a, b| a == b);
    runs.map(of_run).collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> SystemConfig {
        config_from(text.parse().unwrap(), "a").unwrap()
    }

    #[test]
    fn what_experiments_leave_out_is_what_it_was_when_they_began() {
        for text in ["", "[train]\nmax_steps = 3", "[train]\nensemble = ['auto']"] {
            let config = config(text);
            assert!(config.train.ensemble.is_empty());
            assert_eq!(config.train.encoder_factor, 1.0);
            assert_eq!(config.separate.mask_exponent, 2.0);
            assert_eq!(config.separate.max_steps, 60);
            assert_eq!(config.separate.solver, SolverKind::Gradient);
        }
        // kinds that came with them
        let convolutive = config("model = { span = 4 }");
        assert_eq!(convolutive.train.encoder_factor, 0.0);
        assert_eq!(convolutive.separate.mask_exponent, 2.0);
        assert_eq!(convolutive.separate.solver, SolverKind::Auto);
        assert!(config_from("separate = 3".parse().unwrap(), "a").is_err());
    }

    #[test]
    fn what_experiments_name_is_taken() {
        let named = config(
            "train = { ensemble = ['nmf'], encoder_factor = 0 }\nseparate = { max_steps = 40, mask_exponent = 3, solver = 'auto' }",
        );
        assert_eq!(named.train.ensemble, [MemberKind::Nmf]);
        assert_eq!(named.train.encoder_factor, 0.0);
        assert_eq!(named.separate.mask_exponent, 3.0);
        assert_eq!(named.separate.max_steps, 40);
        assert_eq!(named.separate.solver, SolverKind::Auto);
    }
}
