//! Models that training goes on from.

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use nae_files::check_source_name;
use nae_model::{Ensemble, Model, ModelConfig};
use nae_train::continuation::{continued, members_of};
use nae_train::{Member, TrainConfig};
use serde::Deserialize;
use toml::{Table, Value};

use crate::model_location::ModelLocation;
use crate::settings::Given;

/// A model that training goes on from, and how.
pub struct Parent {
    /// The model.
    pub ensemble: Ensemble,
    /// Its members with their recipes.
    pub members: Vec<Member>,
    /// Name of the source of the new model.
    pub name: String,
}

impl Parent {
    /// Reads a model file; settings must not contradict it.
    ///
    /// - `name`: of the new model's source, if another than the model's
    /// - `train`: as the user has it, of which `given` are set
    pub fn read(
        location: &ModelLocation,
        name: Option<&str>,
        (train, given): (&TrainConfig, &Given),
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let ensemble = location.load(device)?;
        check_given(&ensemble, location, given)?;
        let train = continued(train, |key| given.has(&format!("train.{key}")));
        let members = members_of(&ensemble, &train, seed);
        let name = match name {
            Some(name) => name.to_owned(),
            None => {
                let name = &ensemble.first().metadata.name;
                check_source_name(name).with_context(|| {
                    format!("{location}: its source needs another name; give one with --name")
                })?;
                name.clone()
            }
        };
        check_source_name(&name)?;
        Ok(Self {
            ensemble,
            members,
            name,
        })
    }
}

/// Refuses settings of sound and architecture that are not the model's.
fn check_given(ensemble: &Ensemble, location: &ModelLocation, given: &Given) -> Result<()> {
    for (key, value) in given.iter() {
        let agrees = match key.split_once('.') {
            Some(("audio", name)) => {
                let audio = Table::try_from(ensemble.first().metadata.audio)?;
                audio.get(name) == Some(value)
            }
            Some(("model", name)) => {
                let mut members = ensemble.members().iter();
                members.any(|model| agrees(model, name, value))
            }
            Some(("train", "ensemble")) => false,
            _ => true,
        };
        if agrees {
            continue;
        }
        let has = match key.split_once('.') {
            Some(("audio", _)) => ensemble.first().metadata.audio.to_string(),
            _ => {
                let members = ensemble.members().iter();
                let kinds = members.map(|model| model.metadata.architecture.describe());
                kinds.collect::<Vec<_>>().join("; ")
            }
        };
        bail!(
            "`{key}` is {value}, but {location} has {has}, and training goes on with what the model has. Leave `{key}` out, or train a new model."
        );
    }
    Ok(())
}

/// Whether a setting leads to the architecture that a model has.
fn agrees(model: &Model, name: &str, value: &Value) -> bool {
    let architecture = &model.metadata.architecture;
    if architecture.inert().contains(&name) {
        return true;
    }
    let Ok(mut table) = Table::try_from(architecture.settings()) else {
        return false;
    };
    table.insert(name.to_owned(), value.clone());
    let settings = ModelConfig::deserialize(Value::Table(table));
    settings.is_ok_and(|settings| {
        settings.validate().is_ok() && settings.architecture() == *architecture
    })
}
