//! Configuration: defaults, then a TOML file, then `--set`, strict all the way.

use anyhow::{Context, Result, anyhow};
use nae_config::{Assignment, CrossCheck, Keys, Settings as _, known, put};
use nae_joint::JointConfig;
use nae_model::{AudioConfig, ModelConfig};
use nae_separate::SeparateConfig;
use nae_train::{Recipe, TrainConfig};
use serde::Deserialize;
use toml::{Table, Value};

use crate::arguments::Configured;

nae_config::settings! {
    /// Every setting there is.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Settings {
        /// Sample rate and short-time Fourier transform.
        pub audio: AudioConfig = AudioConfig::default();
        /// Architecture of the models.
        pub model: ModelConfig = ModelConfig::default();
        /// Training.
        pub train: TrainConfig = TrainConfig::default();
        /// Separation.
        pub separate: SeparateConfig = SeparateConfig::default();
        /// Joint encoders and their training.
        pub joint: JointConfig = JointConfig::default();
    }
}

impl CrossCheck for Settings {}

impl Settings {
    /// Reads and checks all layers.
    pub fn load(configured: &Configured) -> Result<Self> {
        Ok(Self::load_given(configured)?.0)
    }

    /// As [`load`](Self::load), and which keys were given.
    pub fn load_given(configured: &Configured) -> Result<(Self, Given)> {
        let mut table = match &configured.config {
            Some(path) => nae_config::read::<Self>(path, &Self::keys())?.1,
            None => Table::new(),
        };
        let mut given = Given::of_file(&table)?;
        for assignment in &configured.set {
            let (key, value) = assign(&mut table, assignment)?;
            given.set(key, value);
        }
        let settings = Self::deserialize(Value::Table(table))
            .map_err(|error| anyhow!("{}", error.message()))?;
        let checked = settings.check_all();
        match &configured.config {
            // with both, the message's key tells which it was
            Some(path) if configured.set.is_empty() => {
                checked.with_context(|| path.display().to_string())?;
            }
            _ => checked?,
        }
        Ok((settings, given))
    }

    fn check_all(&self) -> Result<()> {
        self.recipe().validate()?;
        self.separate.validate()?;
        Ok(self.joint.validate()?)
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

    /// All settings as a configuration file that says what each is for.
    pub fn to_commented_toml(&self) -> String {
        nae_config::document(&self.fields())
    }

    /// What keys there are.
    fn keys() -> Keys {
        Keys {
            known: known(&Self::default().fields()),
            hint: "`nae settings` prints all of them.",
        }
    }
}

/// Applies one `KEY=VALUE`.
fn assign(table: &mut Table, assignment: &str) -> Result<(String, Value)> {
    let Assignment { key, value } =
        Assignment::parse(assignment, &Settings::keys(), "model.rank=40")?;
    // this assignment's own type errors, before they drown in the whole
    let mut alone = Table::new();
    put(&mut alone, &key, value.clone());
    Settings::deserialize(Value::Table(alone))
        .map_err(|error| anyhow!("--set {assignment}: {}", error.message()))?;
    put(table, &key, value.clone());
    Ok((key, value))
}

/// Keys that a user has set, with their values: by `--set`, or in a file to something else than the
/// default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given(Vec<(String, Value)>);

impl Given {
    fn of_file(table: &Table) -> Result<Self> {
        let defaults = Table::try_from(Settings::default())?;
        let mut given = Self::default();
        given.collect("", table, Some(&defaults));
        Ok(given)
    }

    fn collect(&mut self, section: &str, table: &Table, defaults: Option<&Table>) {
        for (name, value) in table {
            let key = match section {
                "" => name.clone(),
                section => format!("{section}.{name}"),
            };
            let default = defaults.and_then(|defaults| defaults.get(name));
            match value {
                Value::Table(inner) => self.collect(&key, inner, default.and_then(Value::as_table)),
                value if Some(value) == default => {}
                value => self.set(key, value.clone()),
            }
        }
    }

    fn set(&mut self, key: String, value: Value) {
        self.0.retain(|(other, _)| *other != key);
        self.0.push((key, value));
    }

    /// Whether a key was set.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(other, _)| other == key)
    }

    /// The keys that were set, in the order of their settings.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use nae_config::Content;

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

    /// The committed configurations.
    fn configs() -> PathBuf {
        nae_testing::folders::package_file("../../configs")
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
    fn printed_settings_say_what_each_is_for_and_give_the_same_again() {
        let mut settings = Settings::default();
        settings.train.learning_rate = 1e-9;
        settings.model.widths = vec![50, 100, 20];
        let text = settings.to_commented_toml();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings);
        let assigned = |line: &&str| line.contains(" = ") && !line.starts_with('#');
        let count = text.lines().filter(assigned).count();
        assert_eq!(
            count,
            settings.to_toml().unwrap().lines().filter(assigned).count()
        );
        for (line, next) in text.lines().zip(text.lines().skip(1)) {
            if assigned(&next) {
                assert!(line.starts_with("# "), "no comment above {next}");
            }
        }
        let committed = std::fs::read_to_string(configs().join("default.toml")).unwrap();
        assert_eq!(
            committed,
            Settings::default().to_commented_toml(),
            "expected what `nae settings` prints: nae settings > configs/default.toml"
        );
    }

    #[test]
    fn every_number_has_a_range() {
        let mut fields = Settings::default().fields();
        let mut count = 0;
        while let Some(field) = fields.pop() {
            match field.content {
                Content::Section(inner) => fields.extend(inner),
                Content::Value(_) => {
                    assert!(!field.allowed.is_empty(), "{}", field.name);
                    count += 1;
                }
            }
        }
        assert!(count > 70, "{count}");
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
