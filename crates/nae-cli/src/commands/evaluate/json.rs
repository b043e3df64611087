//! What `nae evaluate --json` prints.

use nae_metrics::scores::named;
use nae_metrics::summary;
use serde_json::{Map, Value, json};

use super::scores::Row;

/// All scores by their documented keys, with the median over all sources; a score that does not exist
/// is `null`.
pub fn to_json(rows: &[Row]) -> Value {
    let number = |value: Option<f64>| {
        value
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Null, Value::Number)
    };
    let named = |row: &Row| named(&row.scores, row.bounds.as_ref());
    let all: Vec<_> = rows.iter().map(named).collect();
    let mut sources = Vec::new();
    for (row, cells) in rows.iter().zip(&all) {
        let mut object = Map::new();
        object.insert("reference".into(), row.reference.clone().into());
        object.insert("estimate".into(), row.estimate.clone().into());
        object.extend(
            cells
                .iter()
                .map(|(key, value)| (key.clone(), number(*value))),
        );
        sources.push(object);
    }
    let mut median = Map::new();
    for (i, (key, _)) in all.first().into_iter().flatten().enumerate() {
        let values: Option<Vec<f64>> = all.iter().map(|cells| cells[i].1).collect();
        let value = values.and_then(|values| summary::median(&values));
        median.insert(key.clone(), number(value));
    }
    json!({ "sources": sources, "median": median })
}
