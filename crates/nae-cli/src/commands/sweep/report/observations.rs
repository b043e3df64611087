//! The rows of a run as the report compares them.

use std::collections::BTreeMap;

use nae_metrics::scores::{Form, TABLE};
use nae_report::comparison::Observation;
use nae_sweep::Manifest;
use nae_sweep::table::{Table, Value};

use super::systems::{describe, variant_of};

/// One observation a row.
pub fn observations(table: &Table, manifest: &Manifest) -> Vec<Observation> {
    let described = describe(manifest);
    let text = |row: &[Value], name: &str| match table.get(row, name) {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        _ => String::new(),
    };
    let number = |row: &[Value], name: &str| table.get(row, name).number();
    let scores = |row: &[Value], form: Form| -> BTreeMap<String, f64> {
        let keys = TABLE.iter().map(|spec| spec.key);
        keys.filter_map(|key| Some((key.to_owned(), number(row, &form.key(key))?)))
            .collect()
    };
    let observation = |row: &Vec<Value>| {
        let what = described.get(text(row, "label").as_str())?;
        let mixtures = match what.mixtures.as_str() {
            "" => String::new(),
            words => format!(", {words}"),
        };
        Some(Observation {
            system: what.name(),
            kind: what.kind.clone(),
            layers: what.layers,
            rank: what.rank,
            variant: variant_of(what, &described),
            pair: format!("{}{mixtures}", text(row, "pair")),
            mixture: text(row, "mixture"),
            source: text(row, "source"),
            seed: number(row, "seed").unwrap_or(0.0) as u64,
            scores: scores(row, Form::Estimate),
            floor: scores(row, Form::Mixture),
            ceiling: scores(row, Form::Oracle),
            train_s: number(row, "train_seconds").unwrap_or(0.0),
            join_s: number(row, "join_seconds"),
            separate_s: number(row, "separate_seconds").unwrap_or(0.0),
        })
    };
    table.rows().iter().filter_map(observation).collect()
}
