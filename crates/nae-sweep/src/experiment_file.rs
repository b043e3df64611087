//! The experiment file as it is written, and the systems that it describes.

use std::path::{Path, PathBuf};

use nae_config::grid::{self, Axis};
use nae_config::{Keys, overlay};
use nae_joint::JointConfig;
use serde::Deserialize;
use toml::{Table, Value};

use crate::data::Data;
use crate::error::SweepError;
use crate::keys::settings_tree;
use crate::lists::Seeds;
use crate::metric_groups::ScoreSettings;
use crate::overrides::resolve_models;
use crate::scenario::Scenario;
use crate::system::{System, config_from};
use crate::system_config::{Join, SystemConfig};
use crate::unknown_model::UNKNOWN;

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
    unknown: Option<String>,
    /// Stems that another program made; such a system has no settings but `audio`.
    stems: Option<PathBuf>,
    /// The scenarios that it takes part in; none: all.
    scenarios: Vec<String>,
    grid: Table,
}

/// One `[[scenario]]` as written: what it changes of `[data]` stands beside its name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ScenarioFile {
    name: String,
    grid: Table,
    #[serde(flatten)]
    data: Table,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sweep {
    grid: Table,
}

/// The file as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub name: String,
    pub seeds: Seeds,
    pub data: Data,
    pub scores: ScoreSettings,
    audio: Table,
    model: Table,
    train: Table,
    separate: Table,
    joint: Table,
    join: Option<Join>,
    unknown: Option<String>,
    scenario: Vec<ScenarioFile>,
    /// Those of the scenarios that take part; none: all.
    scenarios: Vec<String>,
    system: Vec<SystemFile>,
    sweep: Sweep,
}

impl File {
    /// Refuses an experiment of nothing.
    pub fn check(&self) -> Result<(), SweepError> {
        if self.system.is_empty() {
            return Err(SweepError::NoSystem);
        }
        if self.seeds.0.is_empty() {
            return Err(SweepError::NoSeed);
        }
        self.data.validate()
    }

    /// The experiment's name: its own, or that of its file.
    pub fn name(&self, path: &Path) -> String {
        match self.name.trim() {
            "" => path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            name => name.to_owned(),
        }
    }

    /// The scenarios that take part; without any `[[scenario]]` one without a name, which is `[data]`.
    ///
    /// - `set`: overrides, which replace grids over the same keys
    pub fn scenarios(&self, folder: &Path, set: &[Axis]) -> Result<Vec<Scenario>, SweepError> {
        let mut scenarios: Vec<Scenario> = Vec::new();
        for file in &self.scenario {
            let name = file.name.trim();
            if name.is_empty() || name.contains(',') {
                return Err(SweepError::ScenarioName { name: name.into() });
            }
            if scenarios.iter().any(|other| other.name == name) {
                return Err(SweepError::SameScenario { name: name.into() });
            }
            scenarios.push(self.scenario(name, file, folder, set)?);
        }
        let all: Vec<String> = scenarios.iter().map(|one| one.name.clone()).collect();
        let named = self.system.iter().flat_map(|system| &system.scenarios);
        for name in named.chain(&self.scenarios) {
            if !all.contains(name) {
                return Err(SweepError::NoScenario {
                    name: name.clone(),
                    known: match all.is_empty() {
                        true => "none".into(),
                        false => all.join(", "),
                    },
                });
            }
        }
        if scenarios.is_empty() {
            return Ok(vec![Scenario {
                name: String::new(),
                data: self.data(folder),
                axes: Vec::new(),
            }]);
        }
        scenarios.retain(|one| self.scenarios.is_empty() || self.scenarios.contains(&one.name));
        Ok(scenarios)
    }

    fn scenario(
        &self,
        name: &str,
        file: &ScenarioFile,
        folder: &Path,
        set: &[Axis],
    ) -> Result<Scenario, SweepError> {
        let bad = |message: String| SweepError::Value {
            place: format!("the scenario `{name}`"),
            message,
        };
        let mut table = Table::try_from(self.data(folder)).map_err(|e| bad(e.to_string()))?;
        // a rule is one value
        for (key, value) in &file.data {
            table.insert(key.clone(), value.clone());
        }
        let data = Data::deserialize(Value::Table(table));
        let data = data.map_err(|error| bad(error.to_string().trim_end().replace('\n', " ")))?;
        data.validate()?;
        let mut axes = grid::axes(&file.grid, &settings_tree())?;
        axes.retain(|axis| set.iter().all(|other| other.key != axis.key));
        Ok(Scenario {
            name: name.into(),
            data,
            axes,
        })
    }

    /// `[data]` with its paths counted from `folder`.
    pub fn data(&self, folder: &Path) -> Data {
        let mut data = self.data.clone();
        for path in [&mut data.speakers, &mut data.noises, &mut data.manifest]
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
        data
    }

    /// The systems, each with the settings that all share, those of its settings file and its own.
    ///
    /// - `folder`: that paths of settings files count from
    /// - `set`: overrides, which replace grids over the same keys
    pub fn systems(&self, folder: &Path, set: &[Axis]) -> Result<Vec<System>, SweepError> {
        let mut systems: Vec<System> = Vec::new();
        for system in &self.system {
            let name = system.name.trim();
            if systems.iter().any(|other| other.name == name) {
                return Err(SweepError::SameSystem { name: name.into() });
            }
            systems.push(self.system(system, folder, set)?);
        }
        Ok(systems)
    }

    fn system(
        &self,
        system: &SystemFile,
        folder: &Path,
        set: &[Axis],
    ) -> Result<System, SweepError> {
        let name = system.name.trim().to_owned();
        if let Some(stems) = &system.stems {
            return self.system_of_stems(system, name, folder.join(stems), set);
        }
        let mut layers = self.layer(&name)?;
        if let Some(config) = &system.config {
            overlay(&mut layers, &read_config(&folder.join(config))?);
        }
        overlay(&mut layers, &system.layer(&name)?);
        let mut base = config_from(layers, &name)?;
        base.unknown = base.unknown.resolved(folder);
        let mut resolved = System {
            axes: self.axes(system, folder, set)?,
            name,
            base,
            scenarios: system.scenarios.clone(),
            stems: None,
        };
        if !resolved.joins() {
            if !system.joint.is_empty() || system.grid.contains_key("joint") {
                return Err(SweepError::NotJoined {
                    name: resolved.name,
                });
            }
            resolved.base.joint = JointConfig::default();
            resolved.axes.retain(|axis| !axis.key.starts_with("joint."));
        }
        Ok(resolved)
    }

    /// The grid of all systems and that of one, and the overrides.
    fn axes(
        &self,
        system: &SystemFile,
        folder: &Path,
        set: &[Axis],
    ) -> Result<Vec<Axis>, SweepError> {
        let known = settings_tree();
        let mut axes = grid::axes(&self.sweep.grid, &known)?;
        for axis in grid::axes(&system.grid, &known)? {
            grid::replace(&mut axes, axis);
        }
        for axis in axes.iter_mut().filter(|axis| axis.key == UNKNOWN) {
            resolve_models(&mut axis.values, folder);
        }
        for axis in set {
            grid::replace(&mut axes, axis.clone());
        }
        Ok(axes)
    }

    /// A system whose stems another program made: mixtures differ, and nothing else does.
    fn system_of_stems(
        &self,
        system: &SystemFile,
        name: String,
        stems: PathBuf,
        set: &[Axis],
    ) -> Result<System, SweepError> {
        let sections = [
            ("model", &system.model),
            ("train", &system.train),
            ("separate", &system.separate),
            ("joint", &system.joint),
            ("grid", &system.grid),
        ];
        let written = sections.iter().find(|(_, section)| !section.is_empty());
        let others = [
            ("join", system.join.is_some()),
            ("unknown", system.unknown.is_some()),
            ("config", system.config.is_some()),
        ];
        let written = written.map(|(key, _)| *key);
        let written = written.or_else(|| others.iter().find(|(_, is)| *is).map(|(key, _)| *key));
        if let Some(key) = written {
            return Err(SweepError::StemsWithSettings { name, key });
        }
        let mut layers = Table::from_iter([("audio".to_owned(), Value::Table(self.audio.clone()))]);
        overlay(
            &mut layers,
            &Table::from_iter([("audio".to_owned(), Value::Table(system.audio.clone()))]),
        );
        let mut axes = self.axes(&SystemFile::default(), Path::new(""), set)?;
        axes.retain(|axis| axis.key.starts_with("data.") && axis.key != "data.train_s");
        Ok(System {
            base: config_from(layers, &name)?,
            name,
            axes,
            scenarios: system.scenarios.clone(),
            stems: Some(stems),
        })
    }

    /// The settings that all systems share.
    fn layer(&self, place: &str) -> Result<Table, SweepError> {
        let sections = [
            &self.audio,
            &self.model,
            &self.train,
            &self.separate,
            &self.joint,
        ];
        layer(sections, self.join, self.unknown.as_deref(), place)
    }
}

impl SystemFile {
    /// The settings that stand in the system itself.
    fn layer(&self, place: &str) -> Result<Table, SweepError> {
        let sections = [
            &self.audio,
            &self.model,
            &self.train,
            &self.separate,
            &self.joint,
        ];
        layer(sections, self.join, self.unknown.as_deref(), place)
    }
}

/// Settings as one tree.
fn layer(
    parts: [&Table; 5],
    join: Option<Join>,
    unknown: Option<&str>,
    place: &str,
) -> Result<Table, SweepError> {
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
    if let Some(unknown) = unknown {
        layer.insert(UNKNOWN.into(), Value::String(unknown.into()));
    }
    Ok(layer)
}

/// A settings file that a system builds on.
fn read_config(path: &Path) -> Result<Table, SweepError> {
    let mut known = settings_tree();
    known.remove("data");
    known.remove("join");
    known.remove(UNKNOWN);
    let keys = Keys {
        known,
        hint: "`nae settings` prints all of them.",
    };
    Ok(nae_config::read::<SystemConfig>(path, &keys)?.1)
}
