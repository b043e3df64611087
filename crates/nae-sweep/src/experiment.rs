//! The experiment file: read strictly, overridden by `--set`, resolved to systems.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use nae_config::grid::{self, Axis};
use nae_config::{Keys, overlay, put};
use nae_joint::JointConfig;
use nae_metrics::scores::MetricGroup;
use serde::Deserialize;
use toml::{Table, Value};

use crate::cell_settings::to_json;
use crate::data::Data;
use crate::error::SweepError;
use crate::keys::{keys, settings_tree};
use crate::lists::Seeds;
use crate::metric_groups::ScoreSettings;
use crate::overrides::{absolute, assign};
use crate::system::{System, Variant, config_from};
use crate::system_config::{Join, MixSpec, SystemConfig};

/// Sections that hold a system's settings.
const SECTIONS: [&str; 5] = ["audio", "model", "train", "separate", "joint"];

/// One `[[system]]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SystemFile {
    name: String,
    config: Option<PathBuf>,
    audio: Table,
    model: Table,
    train: Table,
    separate: Table,
    joint: Table,
    join: Option<Join>,
    grid: Table,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sweep {
    grid: Table,
}

/// The file as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    name: String,
    seeds: Seeds,
    data: Data,
    scores: ScoreSettings,
    audio: Table,
    model: Table,
    train: Table,
    separate: Table,
    joint: Table,
    join: Option<Join>,
    system: Vec<SystemFile>,
    sweep: Sweep,
}

/// An experiment with nothing left open: every path absolute, every default written out.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Name, for the report.
    pub name: String,
    /// Seeds of every model and separation.
    pub seeds: Vec<u64>,
    /// Whose sound.
    pub data: Data,
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
        file.resolve(path, &folder, &set)
    }

    /// Every system at every point of its grid.
    ///
    /// # Errors
    /// [`SweepError::Value`] for grid values that do not fit their key.
    pub fn variants(&self) -> Result<Vec<Variant>, SweepError> {
        let mut variants = Vec::new();
        for system in &self.systems {
            let mut seen = HashSet::new();
            for point in grid::points(&system.axes) {
                let variant = system.at(&point)?;
                // a grid over settings that do not matter to this system says nothing new
                if seen.insert(to_json(&variant.config.columns()?)?.to_string()) {
                    variants.push(variant);
                }
            }
        }
        Ok(variants)
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
            one.insert("name".into(), Value::String(system.name.clone()));
            let mut grid = Table::new();
            for axis in &system.axes {
                put(&mut grid, &axis.key, Value::Array(axis.values.clone()));
            }
            one.insert("grid".into(), Value::Table(grid));
            systems.push(Value::Table(one));
        }
        table.insert("system".into(), Value::Array(systems));
        toml::to_string(&table).map_err(bad)
    }
}

impl File {
    fn resolve(self, path: &Path, folder: &Path, set: &[Axis]) -> Result<Experiment, SweepError> {
        if self.system.is_empty() {
            return Err(SweepError::NoSystem);
        }
        if self.seeds.0.is_empty() {
            return Err(SweepError::NoSeed);
        }
        self.data.validate()?;
        let known = settings_tree();
        let common = grid::axes(&self.sweep.grid, &known)?;
        let mix = MixSpec {
            train_s: self.data.train_s,
            mixture_s: self.data.mixture_s,
            level_db: self.data.level_db,
        };
        let mut systems: Vec<System> = Vec::new();
        for system in &self.system {
            let name = system.name.trim().to_owned();
            if systems.iter().any(|other| other.name == name) {
                return Err(SweepError::SameSystem { name });
            }
            let mut layers = Table::new();
            overlay(
                &mut layers,
                &layer(
                    [
                        &self.audio,
                        &self.model,
                        &self.train,
                        &self.separate,
                        &self.joint,
                    ],
                    self.join,
                    &name,
                )?,
            );
            if let Some(config) = &system.config {
                overlay(&mut layers, &read_config(&folder.join(config))?);
            }
            overlay(
                &mut layers,
                &layer(
                    [
                        &system.audio,
                        &system.model,
                        &system.train,
                        &system.separate,
                        &system.joint,
                    ],
                    system.join,
                    &name,
                )?,
            );
            let mut base = config_from(layers, &name)?;
            base.data = mix;
            let mut axes = common.clone();
            for axis in grid::axes(&system.grid, &known)?
                .into_iter()
                .chain(set.iter().cloned())
            {
                grid::replace(&mut axes, axis);
            }
            let is_meant = !system.joint.is_empty() || system.grid.contains_key("joint");
            let mut system = System { name, base, axes };
            if !system.joins() {
                if is_meant {
                    return Err(SweepError::NotJoined { name: system.name });
                }
                system.base.joint = JointConfig::default();
                system.axes.retain(|axis| !axis.key.starts_with("joint."));
            }
            systems.push(system);
        }
        let name = match self.name.trim() {
            "" => path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            name => name.to_owned(),
        };
        let mut data = self.data;
        for path in [&mut data.speakers, &mut data.manifest]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&path);
        }
        for source in data.sources.values_mut() {
            for path in source.train.iter_mut().chain(&mut source.test) {
                *path = folder.join(&path);
            }
        }
        let experiment = Experiment {
            name,
            seeds: self.seeds.0,
            data,
            groups: self.scores.groups,
            systems,
        };
        for variant in experiment.variants()? {
            variant.config.validate()?;
        }
        Ok(experiment)
    }
}

/// Settings as one tree.
fn layer(parts: [&Table; 5], join: Option<Join>, place: &str) -> Result<Table, SweepError> {
    let named = SECTIONS.iter().zip(parts);
    let mut layer: Table = named
        .map(|(name, part)| ((*name).to_owned(), Value::Table(part.clone())))
        .collect();
    if let Some(join) = join {
        let value = Value::try_from(join).map_err(|error| SweepError::Value {
            place: place.into(),
            message: error.to_string(),
        })?;
        layer.insert("join".into(), value);
    }
    Ok(layer)
}

/// A settings file that a system builds on.
fn read_config(path: &Path) -> Result<Table, SweepError> {
    let mut known = settings_tree();
    known.remove("data");
    known.remove("join");
    let keys = Keys {
        known,
        hint: "`nae settings` prints all of them.",
    };
    Ok(nae_config::read::<SystemConfig>(path, &keys)?.1)
}
