//! The keys that an experiment has.

use nae_config::{ANY, Keys, Settings, known};
use toml::{Table, Value};

use crate::data::Data;
use crate::error::SweepError;
use crate::system_config::SystemConfig;

/// Where to look keys up.
pub(crate) const HINT: &str = "The sections [audio], [model], [train], [separate] and [joint] are those of `nae settings`; configs/deck.toml, configs/joint.toml and configs/open.toml show the rest.";

/// Keys of `[data]` that are the same in all scenarios: which sources there are.
pub(crate) const SHARED: [&str; 5] = ["speakers", "noises", "manifest", "sources", "min_train_s"];

/// All settings of a system as a tree.
pub(crate) fn settings_tree() -> Table {
    known(&SystemConfig::default().fields())
}

/// Every key of an experiment.
pub(crate) fn keys() -> Result<Keys, SweepError> {
    let settings = settings_tree();
    let text = |text: &str| Value::String(text.into());
    let mut tree = settings.clone();
    for key in ["name", "seeds", "scenarios"] {
        tree.insert(key.into(), text(""));
    }
    let mut data = Table::try_from(Data::default()).map_err(|error| SweepError::Value {
        place: "data".into(),
        message: error.to_string(),
    })?;
    let mut scenario = data.clone();
    for key in ["speakers", "noises", "manifest"] {
        data.insert(key.into(), text(""));
    }
    data.insert("sources".into(), Value::Table(source_keys()));
    // a scenario says how the sources of all are mixed
    for key in SHARED {
        scenario.remove(key);
    }
    let mixes = Table::from_iter([("data".to_owned(), settings["data"].clone())]);
    scenario.insert("name".into(), text(""));
    scenario.insert("grid".into(), Value::Table(mixes));
    tree.insert(
        "scenario".into(),
        Value::Array(vec![Value::Table(scenario)]),
    );
    tree.insert("data".into(), Value::Table(data));
    tree.insert(
        "scores".into(),
        Value::Table(Table::from_iter([("families".to_owned(), text(""))])),
    );
    let grid = Value::Table(settings.clone());
    tree.insert(
        "sweep".into(),
        Value::Table(Table::from_iter([("grid".to_owned(), grid.clone())])),
    );
    let mut system = settings;
    system.remove("data");
    system.insert("name".into(), text(""));
    for key in ["config", "stems", "scenarios"] {
        system.insert(key.into(), text(""));
    }
    system.insert("grid".into(), grid);
    tree.insert("system".into(), Value::Array(vec![Value::Table(system)]));
    Ok(Keys {
        known: tree,
        hint: HINT,
    })
}

/// The keys of sources by name, in `data.sources` and in manifests of sources.
pub(crate) fn source_keys() -> Table {
    let text = || Value::String(String::new());
    let source = ["sex", "pool", "train", "test"].map(|key| (key.to_owned(), text()));
    Table::from_iter([(ANY.to_owned(), Value::Table(Table::from_iter(source)))])
}
