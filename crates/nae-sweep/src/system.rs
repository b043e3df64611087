//! Systems, and what they are at each point of their grids.

use std::path::PathBuf;

use nae_config::grid::{self, Axis, Point};
use nae_config::put;
use nae_separate::settings::SolverKind;
use nae_train::MemberKind;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::error::SweepError;
use crate::scenario::Scenario;
use crate::system_config::{Join, SystemConfig};
use crate::unknown_model::UNKNOWN;

/// One system: settings, and the grid over some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// What rows call it.
    pub name: String,
    /// Its settings apart from the grid.
    pub base: SystemConfig,
    /// Its grid.
    pub axes: Vec<Axis>,
    /// The scenarios that it takes part in; none: all.
    pub scenarios: Vec<String>,
    /// A folder of stems that another program made, which are scored instead.
    pub stems: Option<PathBuf>,
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
    /// Index of the scenario whose mixtures it separates, where the experiment names scenarios.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<usize>,
    /// The folder of the stems that are scored, where another program makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stems: Option<PathBuf>,
}

impl Variant {
    /// All settings that matter to it, as dotted keys and single values.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if serialisation itself fails.
    pub fn columns(&self) -> Result<Vec<(String, Json)>, SweepError> {
        let mut columns = self.config.columns()?;
        if let Some(stems) = &self.stems {
            columns.retain(|(key, _)| {
                key.starts_with("data.") && key != "data.train_s" || key == "audio.sample_rate"
            });
            columns.push(("stems".into(), Json::from(stems.to_string_lossy())));
        }
        Ok(columns)
    }
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

    /// The system with a scenario's mixtures, and its grid in place of the system's over the same keys.
    pub(crate) fn within(&self, scenario: &Scenario) -> Self {
        let mut system = self.clone();
        system.base.data = scenario.data.mix();
        for axis in &scenario.axes {
            grid::replace(&mut system.axes, axis.clone());
        }
        if !scenario.name.is_empty() {
            system.scenarios = vec![scenario.name.clone()];
        }
        system
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
            _ => key.starts_with("data.") || columns.iter().any(|(name, _)| name == key),
        };
        Ok(Variant {
            system: self.name.clone(),
            label: self.label(point, matters),
            config,
            scenario: None,
            stems: self.stems.clone(),
        })
    }

    /// The name with those of the varied keys that matter.
    fn label(&self, point: &Point, matters: impl Fn(&str) -> bool) -> String {
        let mut words = vec![self.name.clone()];
        // of a system within a scenario
        if let [scenario] = self.scenarios.as_slice() {
            words.push(format!("scenario {scenario}"));
        }
        for (key, value) in point {
            let mut axes = self.axes.iter();
            if matters(key) && axes.any(|axis| axis.key == *key && axis.values.len() > 1) {
                let last = match key.as_str() {
                    UNKNOWN => "unknown by",
                    key => key.rsplit('.').next().unwrap_or(key),
                };
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
