//! What `nae evaluate --json` prints.

use nae_metrics::scores::named;
use nae_metrics::summary;
use serde_json::{Map, Value, json};

use super::{LeftOut, Scored};

/// All scores by their documented keys, with the median over all sources that have one and the number
/// of these (`median_of`); a score that does not exist is `null`. Besides, the mixtures that are left
/// out with the reason, and hints about what to look at.
pub fn to_json(scored: &Scored) -> Value {
    let number = |value: Option<f64>| {
        value
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Null, Value::Number)
    };
    let rows = &scored.rows;
    let all: Vec<_> = rows
        .iter()
        .map(|row| named(&row.scores, row.bounds.as_ref()))
        .collect();
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
    let (mut median, mut median_of) = (Map::new(), Map::new());
    // a mixture adds keys: some rows may have more of them
    let longest = all.iter().max_by_key(|cells| cells.len());
    for (i, (key, _)) in longest.into_iter().flatten().enumerate() {
        let values: Vec<f64> = all.iter().filter_map(|cells| cells.get(i)?.1).collect();
        median.insert(key.clone(), number(summary::median(&values)));
        median_of.insert(key.clone(), values.len().into());
    }
    let left_out = scored.left_out.iter();
    let left_out: Vec<Value> = left_out
        .map(|LeftOut { name, reason }| json!({ "references": name, "reason": reason }))
        .collect();
    json!({
        "sources": sources,
        "median": median,
        "median_of": median_of,
        "left_out": left_out,
        "hints": scored.hints,
    })
}
