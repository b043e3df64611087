//! Configuration: defaults, then a TOML file, then `--set`, strict all the way.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use nae_joint::JointConfig;
use nae_model::{AudioConfig, ModelConfig};
use nae_separate::SeparateConfig;
use nae_sweep::keys::{Keys, value_of};
use nae_train::{Recipe, TrainConfig};
use serde::{Deserialize, Serialize};
use toml::de::DeTable;
use toml::{Table, Value};

use crate::arguments::Configured;

/// Every setting there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How sound becomes spectra.
    pub audio: AudioConfig,
    /// Architecture of the models.
    pub model: ModelConfig,
    /// Training.
    pub train: TrainConfig,
    /// Separation.
    pub separate: SeparateConfig,
    /// Joint encoders.
    pub joint: JointConfig,
}

impl Settings {
    /// Reads and checks all layers.
    pub fn load(configured: &Configured) -> Result<Self> {
        let mut table = match &configured.config {
            Some(path) => read_file(path)?,
            None => Table::new(),
        };
        for assignment in &configured.set {
            assign(&mut table, assignment).with_context(|| format!("--set {assignment}"))?;
        }
        let settings = Self::deserialize(Value::Table(table))
            .map_err(|error| anyhow!("{}", error.message()))?;
        settings.recipe().validate()?;
        settings.separate.validate()?;
        settings.joint.validate()?;
        Ok(settings)
    }

    /// What training needs.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            audio: self.audio,
            model: self.model.clone(),
            train: self.train.clone(),
        }
    }

    /// All settings as a configuration file.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// What keys there are.
    fn keys() -> Result<Keys> {
        Ok(Keys {
            known: Table::try_from(Self::default())?,
            hint: "`nae settings` prints all of them.",
        })
    }
}

fn read_file(path: &Path) -> Result<Table> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {shown}"))?;
    let parsed =
        DeTable::parse(&text).map_err(|error| anyhow!("{shown} is no TOML file:\n{error}"))?;
    Settings::keys()?.check(parsed.get_ref(), &text, path)?;
    // types are checked here, where the error can show the line
    toml::from_str::<Settings>(&text).map_err(|error| anyhow!("{shown}:\n{error}"))?;
    Ok(text.parse()?)
}

/// Applies one `KEY=VALUE`. A value that is no TOML counts as a string, so that quotes can stay away.
fn assign(table: &mut Table, assignment: &str) -> Result<()> {
    let (key, text) = assignment
        .split_once('=')
        .ok_or_else(|| anyhow!("expected KEY=VALUE, such as model.rank=40, and there is no `=`"))?;
    let (key, text) = (key.trim(), text.trim());
    let value = value_of(text);

    let keys = Settings::keys()?;
    let mut known = &Value::Table(keys.known.clone());
    let mut place = table;
    let parts: Vec<&str> = key.split('.').collect();
    for (i, part) in parts.iter().enumerate() {
        known = known.get(part).ok_or_else(|| keys.unknown(key))?;
        if i + 1 < parts.len() {
            let entry = place
                .entry(*part)
                .or_insert_with(|| Value::Table(Table::new()));
            place = entry
                .as_table_mut()
                .ok_or_else(|| anyhow!("`{part}` is no section"))?;
        } else if known.is_table() {
            bail!(
                "`{key}` is a section; set one of its keys, such as {key}.{}",
                first_key(known)
            );
        } else {
            place.insert((*part).to_owned(), value.clone());
        }
    }
    // this assignment's own type errors, before they drown in the whole
    Settings::deserialize(Value::Table(place_under(&parts, value)))
        .map_err(|error| anyhow!("{}", error.message()))?;
    Ok(())
}

/// A table with nothing but `value` under the path `parts`.
fn place_under(parts: &[&str], value: Value) -> Table {
    let nested = parts.iter().rev().fold(value, |inner, part| {
        Value::Table(Table::from_iter([((*part).to_owned(), inner)]))
    });
    match nested {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

fn first_key(section: &Value) -> &str {
    section
        .as_table()
        .and_then(|table| table.keys().next())
        .map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn load(file: Option<&str>, set: &[&str]) -> Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let config = file.map(|text| {
            let path = folder.path().join("settings.toml");
            std::fs::write(&path, text).unwrap();
            path
        });
        Settings::load(&Configured {
            config,
            set: set.iter().map(|s| (*s).to_owned()).collect(),
        })
    }

    #[test]
    fn later_layers_win() {
        let settings = load(
            Some("[model]\nrank = 30\nlayers = 2"),
            &[
                "model.rank=40",
                "model.output=softplus",
                "train.refine.passes = 7",
            ],
        )
        .unwrap();
        assert_eq!((settings.model.rank, settings.model.layers), (40, 2));
        assert_eq!(settings.model.output, nae_model::Output::Softplus);
        assert_eq!(settings.train.refine.passes, 7);
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_nearest_known_one() {
        let error = load(Some("[model]\nrank = 3\n\n[train]\nmax_step = 5\n"), &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("settings.toml:5:") && error.contains("train.max_steps"),
            "{error}"
        );
        let error = format!("{:#}", load(None, &["model.rnk=3"]).unwrap_err());
        assert!(error.contains("model.rank"), "{error}");
        let error = format!("{:#}", load(None, &["train.rank=3"]).unwrap_err());
        assert!(error.contains("model.rank"), "{error}");
    }

    #[test]
    fn wrong_types_and_ranges_are_errors_that_name_the_key() {
        for (file, set) in [
            (Some("[model]\nrank = \"many\""), vec![]),
            (None, vec!["model.rank=-3"]),
            (None, vec!["model.rank=0"]),
            (None, vec!["model.output=sigmoid"]),
            (None, vec!["model=3"]),
            (None, vec!["rank"]),
        ] {
            let error = format!("{:#}", load(file, &set).unwrap_err());
            assert!(
                error.contains("rank") || error.contains("softplus") || error.contains("section"),
                "{error}"
            );
        }
    }

    /// The committed configurations, found at run time: two checkouts may share a target folder.
    fn configs() -> PathBuf {
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../configs")
    }

    #[test]
    fn no_file_and_the_default_file_are_the_same() {
        let path = configs().join("default.toml");
        let file = Settings::load(&Configured {
            config: Some(path),
            set: vec![],
        })
        .unwrap();
        assert_eq!(file, Settings::default());
    }

    #[test]
    fn every_committed_configuration_loads() {
        let mut count = 0;
        for entry in std::fs::read_dir(configs()).unwrap() {
            let path = entry.unwrap().path();
            // experiments say what they compare
            if std::fs::read_to_string(&path)
                .unwrap()
                .contains("[[system]]")
            {
                nae_sweep::Experiment::load(&path, &[]).unwrap();
            } else {
                Settings::load(&Configured {
                    config: Some(path),
                    set: vec![],
                })
                .unwrap();
            }
            count += 1;
        }
        assert!(count >= 6);
    }
}
