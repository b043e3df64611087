//! Experiments: read strictly, overridden by `--set`, resolved to systems.

use std::collections::HashSet;
use std::path::Path;

use nae_config::grid::{self, Axis};
use nae_config::put;
use nae_metrics::scores::MetricGroup;
use serde::Deserialize;
use toml::{Table, Value};

use crate::cell_settings::to_json;
use crate::data::Data;
use crate::error::SweepError;
use crate::experiment_file::File;
use crate::keys::{SHARED, keys};
use crate::metric_groups::ScoreSettings;
use crate::overrides::{absolute, assign};
use crate::scenario::Scenario;
use crate::system::{System, Variant};

/// Most points that the grids of all systems may have together.
const MOST_VARIANTS: usize = 10_000;

/// An experiment with nothing left open: every path absolute, every default written out.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Name, for the report.
    pub name: String,
    /// Seeds of every model and separation.
    pub seeds: Vec<u64>,
    /// Whose sound.
    pub data: Data,
    /// Sets of mixtures; one without a name where the experiment names none.
    pub scenarios: Vec<Scenario>,
    /// What is scored.
    pub groups: Vec<MetricGroup>,
    /// What is compared.
    pub systems: Vec<System>,
}

impl Experiment {
    /// Reads an experiment and applies `KEY=VALUE` overrides in turn.
    ///
    /// Paths in the file count from its folder, paths in overrides from the current one. An
    /// override of a setting (`model.rank=20`, `model.rank=10,20`, `model.rank=10..=50 step 10`)
    /// holds for all systems and replaces their grids over that key.
    ///
    /// # Errors
    /// [`SweepError`] for a key that is not known, a value of the wrong type or range, and
    /// everything else that can be checked without reading the sound.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, SweepError> {
        let folder = absolute(path)?
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        let keys = keys()?;
        let (_, mut table) = nae_config::read::<File>(path, &keys)?;
        let mut set = Vec::new();
        for assignment in overrides {
            set.extend(assign(&mut table, assignment, &keys)?);
            // this assignment's own type errors, before they drown in the whole
            let table = Value::Table(table.clone());
            File::deserialize(table).map_err(|error| SweepError::Value {
                place: format!("--set {assignment}"),
                message: error.message().to_owned(),
            })?;
        }
        let file = File::deserialize(Value::Table(table)).map_err(|error| SweepError::Toml {
            path: path.into(),
            message: error.message().to_owned(),
        })?;
        Self::resolve(&file, path, &folder, &set)
    }

    /// Leaves nothing open, and checks every range.
    fn resolve(file: &File, path: &Path, folder: &Path, set: &[Axis]) -> Result<Self, SweepError> {
        file.check()?;
        let experiment = Self {
            name: file.name(path),
            seeds: file.seeds.0.clone(),
            data: file.data(folder),
            scenarios: file.scenarios(folder, set)?,
            groups: file.scores.groups.clone(),
            systems: file.systems(folder, set)?,
        };
        for variant in experiment.variants()? {
            variant.config.validate()?;
        }
        Ok(experiment)
    }

    /// Every system in every scenario that it takes part in, at every point of its grid.
    ///
    /// # Errors
    /// [`SweepError::Value`] for grid values that do not fit their key; [`SweepError::EmptyAxis`],
    /// [`SweepError::TooManyVariants`].
    pub fn variants(&self) -> Result<Vec<Variant>, SweepError> {
        self.check_grids()?;
        let mut variants = Vec::new();
        for system in &self.systems {
            for (scenario, system) in self.within_scenarios(system) {
                let mut seen = HashSet::new();
                for point in grid::points(&system.axes) {
                    let variant = Variant {
                        scenario,
                        ..system.at(&point)?
                    };
                    // a grid over settings that do not matter to this system says nothing new
                    if seen.insert(to_json(&variant.columns()?)?.to_string()) {
                        variants.push(variant);
                    }
                }
            }
        }
        Ok(variants)
    }

    /// A system with the mixtures and the grid of every scenario that it takes part in, with the scenario's
    /// index where it has a name.
    fn within_scenarios(&self, system: &System) -> Vec<(Option<usize>, System)> {
        let takes_part = |(_, scenario): &(usize, &Scenario)| {
            system.scenarios.is_empty() || system.scenarios.contains(&scenario.name)
        };
        let scenarios = self.scenarios.iter().enumerate().filter(takes_part);
        let within = |(index, scenario): (usize, &Scenario)| {
            let index = (!scenario.name.is_empty()).then_some(index);
            (index, system.within(scenario))
        };
        scenarios.map(within).collect()
    }

    /// Counts the points of all grids before memory is taken for them.
    fn check_grids(&self) -> Result<(), SweepError> {
        let mut came = 0usize;
        for system in &self.systems {
            if let Some(axis) = system.axes.iter().find(|axis| axis.values.is_empty()) {
                return Err(SweepError::EmptyAxis {
                    name: system.name.clone(),
                    key: axis.key.clone(),
                });
            }
            for (_, within) in self.within_scenarios(system) {
                if let Some(axis) = within.axes.iter().find(|axis| axis.values.is_empty()) {
                    return Err(SweepError::EmptyAxis {
                        name: system.name.clone(),
                        key: axis.key.clone(),
                    });
                }
                came = came.saturating_add(grid::count(&within.axes));
            }
        }
        match came > MOST_VARIANTS {
            true => Err(SweepError::TooManyVariants {
                came,
                most: MOST_VARIANTS,
            }),
            false => Ok(()),
        }
    }

    /// The experiment as a file that gives the same cells again.
    ///
    /// # Errors
    /// [`SweepError::Toml`] if serialisation itself fails.
    pub fn to_toml(&self) -> Result<String, SweepError> {
        let bad = |error: toml::ser::Error| SweepError::Toml {
            path: "experiment".into(),
            message: error.to_string(),
        };
        let mut table = Table::new();
        table.insert("name".into(), Value::String(self.name.clone()));
        let seeds = self.seeds.iter().map(|seed| Value::Integer(*seed as i64));
        table.insert("seeds".into(), Value::Array(seeds.collect()));
        table.insert("data".into(), Value::try_from(&self.data).map_err(bad)?);
        let named = |scenario: &&Scenario| !scenario.name.is_empty();
        let mut scenarios = Vec::new();
        for scenario in self.scenarios.iter().filter(named) {
            let mut one = Table::try_from(&scenario.data).map_err(bad)?;
            for key in SHARED {
                one.remove(key);
            }
            one.insert("name".into(), Value::String(scenario.name.clone()));
            one.insert("grid".into(), Value::Table(grid_of(&scenario.axes)));
            scenarios.push(Value::Table(one));
        }
        if !scenarios.is_empty() {
            table.insert("scenario".into(), Value::Array(scenarios));
        }
        let scores = ScoreSettings {
            groups: self.groups.clone(),
        };
        table.insert("scores".into(), Value::try_from(scores).map_err(bad)?);
        let mut systems = Vec::new();
        for system in &self.systems {
            let mut one = Table::try_from(&system.base).map_err(bad)?;
            one.remove("data");
            if !system.joins() {
                // written out, they would be refused as settings of a joint encoder that is not there
                one.remove("joint");
            }
            if let Some(stems) = &system.stems {
                // it has no settings but those of sound
                one.retain(|key, _| key == "audio");
                one.insert("stems".into(), Value::try_from(stems).map_err(bad)?);
            } else {
                one.insert("grid".into(), Value::Table(grid_of(&system.axes)));
            }
            one.insert("name".into(), Value::String(system.name.clone()));
            let taking_part = self.scenarios.iter().map(|scenario| &scenario.name);
            let own = taking_part.filter(|name| system.scenarios.contains(name));
            let own: Vec<Value> = own.cloned().map(Value::String).collect();
            if !own.is_empty() {
                one.insert("scenarios".into(), Value::Array(own));
            }
            systems.push(Value::Table(one));
        }
        table.insert("system".into(), Value::Array(systems));
        toml::to_string(&table).map_err(bad)
    }
}

/// A grid as it is written.
fn grid_of(axes: &[Axis]) -> Table {
    let mut grid = Table::new();
    for axis in axes {
        put(&mut grid, &axis.key, Value::Array(axis.values.clone()));
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str, overrides: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.toml");
        std::fs::write(&path, text).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        Experiment::load(&path, &overrides).unwrap_err().to_string()
    }

    #[test]
    fn grids_of_more_points_than_memory_holds_are_refused_with_their_number() {
        let axes = "model.rank = '1..=1000'\ntrain.max_steps = '1..=1000'\n";
        let error = error_of(&format!("[sweep.grid]\n{axes}[[system]]\nname = 'a'"), &[]);
        assert!(error.contains("1000000 points"), "{error}");
        let systems: String = (0..11)
            .map(|name| {
                format!("[[system]]\nname = '{name}'\ngrid = {{ model.rank = '1..=1000' }}\n")
            })
            .collect();
        let error = error_of(&systems, &[]);
        assert!(error.contains("11000 points"), "{error}");
        let sets = ["model.rank=1..=1000", "train.max_steps=1..=1000", "seeds=0"];
        let error = error_of("[[system]]\nname = 'a'", &sets);
        assert!(error.contains("1000000 points"), "{error}");
    }

    #[test]
    fn a_key_of_a_grid_without_a_value_is_named_and_its_system_is_not_dropped() {
        let error = error_of("[[system]]\nname = 'a'\ngrid = { model.rank = [] }", &[]);
        assert!(
            error.contains("`a`") && error.contains("`model.rank`"),
            "{error}"
        );
        let error = error_of("[[system]]\nname = 'a'", &["model.rank=[]"]);
        assert!(error.contains("`model.rank`"), "{error}");
    }
}
