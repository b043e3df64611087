//! `KEY=VALUE` overrides of an experiment.

use std::path::{Path, PathBuf};

use nae_config::grid::{self, Axis};
use nae_config::{Assignment, Keys, put, value_of};
use toml::{Table, Value};

use crate::error::SweepError;
use crate::keys::{HINT, settings_tree};
use crate::system::config_from;
use crate::unknown_model::UNKNOWN;
use crate::unknown_model::UnknownModel;

/// Applies one `KEY=VALUE`: to the file's own keys at once, to settings as an axis of every system.
pub(crate) fn assign(
    table: &mut Table,
    assignment: &str,
    keys: &Keys,
) -> Result<Option<Axis>, SweepError> {
    let Assignment { key, value } = Assignment::parse(assignment, keys, "model.rank=10,20,50")?;
    let is_list = keys.get(&key).is_some_and(Value::is_array);
    let value = match value {
        // a list that is no TOML is one wrong value, not several
        Value::String(text) if text.contains(',') && !text.starts_with('[') => {
            Value::Array(text.split(',').map(|part| value_of(part.trim())).collect())
        }
        value => value,
    };
    let settings = Keys {
        known: settings_tree(),
        hint: HINT,
    };
    if let Some(known) = settings.get(&key) {
        let mut values = grid::values(&value, Some(known).filter(|_| is_list))?;
        if key == UNKNOWN {
            resolve_models(&mut values, &absolute(Path::new("."))?);
        }
        for value in &values {
            let mut one = Table::new();
            put(&mut one, &key, value.clone());
            config_from(one, &format!("--set {assignment}"))?;
        }
        return Ok(Some(Axis { key, values }));
    }
    let value = match (key.as_str(), value) {
        ("data.speakers" | "data.noises" | "data.manifest", Value::String(path)) => {
            Value::String(absolute(Path::new(&path))?.to_string_lossy().into_owned())
        }
        ("scores.families" | "scenarios", Value::String(one)) => {
            Value::Array(vec![Value::String(one)])
        }
        (_, value) => value,
    };
    put(table, &key, value);
    Ok(None)
}

/// Lets paths of model files among the values of [`UNKNOWN`] count from a folder.
pub(crate) fn resolve_models(values: &mut [Value], folder: &Path) {
    for value in values {
        if let Value::String(text) = value {
            *text = UnknownModel::from(text.clone()).resolved(folder).into();
        }
    }
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf, SweepError> {
    std::path::absolute(path).map_err(SweepError::io("find", path))
}
