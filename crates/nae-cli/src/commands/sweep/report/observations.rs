//! The rows of a run as the report compares them.

use std::collections::BTreeMap;

use nae_metrics::scores::{Form, TABLE};
use nae_report::comparison::Observation;
use nae_sweep::Manifest;
use nae_sweep::table::{Table, Value};

use super::systems::{describe, variant_of};

/// What is compared with each other.
#[derive(Debug, Default)]
pub struct Set {
    /// What labels say of its mixtures; empty where all are compared in one.
    pub mixtures: String,
    /// One a row.
    pub observations: Vec<Observation>,
}

/// The rows in one set, or where the experiment names scenarios in one for each of them and each way of
/// mixing that a grid varies.
pub fn sets(table: &Table, manifest: &Manifest) -> Vec<Set> {
    let described = describe(manifest);
    let has_scenarios = !manifest.scenarios.is_empty();
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
    let mut sets: Vec<Set> = Vec::new();
    for row in table.rows() {
        let label = text(row, "label");
        let Some(what) = described.get(label.as_str()) else {
            continue;
        };
        let mixtures = match what.mixtures.as_str() {
            words if has_scenarios || words.is_empty() => String::new(),
            words => format!(", {words}"),
        };
        let observation = Observation {
            system: what.name(),
            kind: what.kind.clone(),
            layers: what.layers,
            rank: what.rank,
            variant: variant_of(what, &described),
            pair: format!("{}{mixtures}", text(row, "pair")),
            mixture: text(row, "mixture"),
            source: text(row, "source"),
            role: text(row, "role"),
            seed: number(row, "seed").unwrap_or(0.0) as u64,
            scores: scores(row, Form::Estimate),
            floor: scores(row, Form::Mixture),
            ceiling: scores(row, Form::Oracle),
            train_s: number(row, "train_seconds").unwrap_or(0.0),
            join_s: number(row, "join_seconds"),
            separate_s: number(row, "separate_seconds").unwrap_or(0.0),
        };
        let own = match has_scenarios {
            true => what.mixtures.as_str(),
            false => "",
        };
        match sets.iter_mut().find(|set| set.mixtures == own) {
            Some(set) => set.observations.push(observation),
            None => sets.push(Set {
                mixtures: own.into(),
                observations: vec![observation],
            }),
        }
    }
    // in the order of the scenarios, not in that of their pairs
    let place = |set: &Set| {
        let variant = manifest.variants.iter();
        let of_set = |v: &&nae_sweep::system::Variant| {
            described
                .get(v.label.as_str())
                .is_some_and(|what| what.mixtures == set.mixtures)
        };
        let first = variant.clone().position(|v| of_set(&v));
        (first.map(|index| manifest.variants[index].scenario), first)
    };
    sets.sort_by_key(place);
    sets
}
