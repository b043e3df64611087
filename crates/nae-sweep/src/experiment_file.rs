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
use crate::system::{System, config_from};
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

    /// `[data]` with its paths counted from `folder`.
    pub fn data(&self, folder: &Path) -> Data {
        let mut data = self.data.clone();
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
        let mut layers = self.layer(&name)?;
        if let Some(config) = &system.config {
            overlay(&mut layers, &read_config(&folder.join(config))?);
        }
        overlay(&mut layers, &system.layer(&name)?);
        let mut base = config_from(layers, &name)?;
        base.data = MixSpec {
            train_s: self.data.train_s,
            mixture_s: self.data.mixture_s,
            level_db: self.data.level_db,
        };
        let known = settings_tree();
        let mut axes = grid::axes(&self.sweep.grid, &known)?;
        let own = grid::axes(&system.grid, &known)?;
        for axis in own.into_iter().chain(set.iter().cloned()) {
            grid::replace(&mut axes, axis);
        }
        let mut resolved = System { name, base, axes };
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

    /// The settings that all systems share.
    fn layer(&self, place: &str) -> Result<Table, SweepError> {
        let sections = [
            &self.audio,
            &self.model,
            &self.train,
            &self.separate,
            &self.joint,
        ];
        layer(sections, self.join, place)
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
        layer(sections, self.join, place)
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
