//! What keys an experiment has, and `KEY=VALUE` overrides of them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::data::Data;
use crate::error::SweepError;
use crate::experiment::File;
use crate::grid::{self, Axis};
use crate::keys::{ANY, Keys, put, value_of};
use crate::setup::Setup;
use crate::system::setup;

/// Where to look keys up.
const HINT: &str = "The sections [audio], [model], [train], [separate] and [joint] are those of `nae settings`; configs/deck.toml and configs/joint.toml show the rest.";

/// Applies one `KEY=VALUE`: to the file's own keys at once, to settings as an axis of every system.
pub(crate) fn assign(
    table: &mut Table,
    assignment: &str,
    keys: &Keys,
) -> Result<Option<Axis>, SweepError> {
    let bad = |message: String| SweepError::Value {
        place: format!("--set {assignment}"),
        message,
    };
    let (key, text) = assignment.split_once('=').ok_or_else(|| {
        bad("expected KEY=VALUE, such as model.rank=10,20,50, and there is no `=`".into())
    })?;
    let (key, text) = (key.trim(), text.trim());
    let known = keys.get(key).ok_or_else(|| keys.unknown(key))?;
    if known.is_table() || key == "system" {
        return Err(bad(format!("`{key}` is a section; set one of its keys")));
    }
    let is_list = known.is_array();
    let value = match value_of(text) {
        Value::String(text) if text.contains(',') => {
            Value::Array(text.split(',').map(|part| value_of(part.trim())).collect())
        }
        value => value,
    };
    let setting = settings_tree()?;
    let setting = Keys {
        known: setting,
        hint: HINT,
    };
    if setting.get(key).is_some() {
        let values = grid::values(&value, Some(known).filter(|_| is_list))?;
        for value in &values {
            let mut one = Table::new();
            put(&mut one, key, value.clone());
            setup(one, &format!("--set {assignment}"))?;
        }
        return Ok(Some(Axis {
            key: key.into(),
            values,
        }));
    }
    let value = match (key, value) {
        ("data.speakers" | "data.manifest", Value::String(path)) => {
            Value::String(absolute(Path::new(&path))?.to_string_lossy().into_owned())
        }
        ("scores.families", Value::String(one)) => Value::Array(vec![Value::String(one)]),
        (_, value) => value,
    };
    put(table, key, value);
    File::deserialize(Value::Table(table.clone()))
        .map_err(|error| bad(error.message().to_owned()))?;
    Ok(None)
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf, SweepError> {
    std::path::absolute(path).map_err(SweepError::io("find", path))
}

/// All settings of a system as a tree.
pub(crate) fn settings_tree() -> Result<Table, SweepError> {
    Table::try_from(Setup::default()).map_err(|error| SweepError::Value {
        place: "settings".into(),
        message: error.to_string(),
    })
}

/// Every key of an experiment.
pub(crate) fn keys() -> Result<Keys, SweepError> {
    let settings = settings_tree()?;
    let text = |text: &str| Value::String(text.into());
    let mut known = settings.clone();
    for key in ["name", "seeds"] {
        known.insert(key.into(), text(""));
    }
    let mut data = Table::try_from(Data::default()).map_err(|error| SweepError::Value {
        place: "data".into(),
        message: error.to_string(),
    })?;
    for key in ["speakers", "manifest"] {
        data.insert(key.into(), text(""));
    }
    let source: Table = ["sex", "train", "test"]
        .map(|key| (key.to_owned(), text("")))
        .into_iter()
        .collect();
    data.insert(
        "sources".into(),
        Value::Table(Table::from_iter([(ANY.to_owned(), Value::Table(source))])),
    );
    known.insert("data".into(), Value::Table(data));
    known.insert(
        "scores".into(),
        Value::Table(Table::from_iter([("families".to_owned(), text(""))])),
    );
    let grid = Value::Table(settings.clone());
    known.insert(
        "sweep".into(),
        Value::Table(Table::from_iter([("grid".to_owned(), grid.clone())])),
    );
    let mut system = settings;
    system.remove("data");
    system.insert("name".into(), text(""));
    system.insert("config".into(), text(""));
    system.insert("grid".into(), grid);
    known.insert("system".into(), Value::Array(vec![Value::Table(system)]));
    Ok(Keys { known, hint: HINT })
}
