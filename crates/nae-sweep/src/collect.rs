//! Rows of what is finished: one for every separated mixture and source.

use nae_metrics::scores::{Form, ScoreSpec, TABLE};
use serde_json::Value as Json;

use crate::cell::{CellKind, SCHEMA};
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::{Joined, Outcome, Trained};
use crate::store::Store;
use crate::table::{Table, Value};

/// Rows of all finished cells. A run that only trains has one row for every model.
///
/// Columns: what the row is (`experiment`, `system`, `label`, `pair`, `mixture`, `source`, `seed`),
/// the scores with floor, gain and ceiling, loss, steps and seconds (`join_…` where models are joined),
/// every setting that matters to the system under its full key, and what made it (`cell`, `model`,
/// `joint`, `tool_version`, `schema_version`).
///
/// # Errors
/// [`SweepError::Damaged`] for a result that cannot be read.
pub fn table(store: &Store) -> Result<Table, SweepError> {
    let manifest = store.manifest()?;
    let settings = manifest
        .variants
        .iter()
        .map(|variant| {
            Ok(variant
                .config
                .columns()?
                .into_iter()
                .map(|(key, value)| (key, of_json(&value)))
                .collect())
        })
        .collect::<Result<Vec<Vec<(String, Value)>>, SweepError>>()?;
    let mut rows = Vec::new();
    for cell in &manifest.separations {
        if !store.is_finished(CellKind::Scores, &cell.id) {
            continue;
        }
        let outcome = store.outcome(&cell.id)?;
        let joined = cell.joint.as_deref().map(|id| store.joined(id));
        let joined = joined.transpose()?;
        let members = &manifest.pairs[cell.pair];
        for ((i, &speaker), id) in members.iter().enumerate().zip(&cell.models) {
            let trained = store.trained(id)?;
            let mut row = what(
                &manifest,
                cell.variant,
                cell.seed,
                &manifest.speakers[speaker].name,
            );
            row.insert(3, ("pair".into(), text(&manifest.pair_name(cell.pair))));
            row.insert(4, ("mixture".into(), Value::Integer(cell.mixture as i64)));
            row.extend(scores(&outcome, i));
            row.extend(effort(&outcome));
            row.extend(training(&trained));
            row.extend(joined.iter().flat_map(joining));
            row.extend(settings[cell.variant].clone());
            let joint = cell.joint.as_deref();
            row.extend(origin(&cell.id, id, joint, &outcome.tool_version));
            rows.push(row);
        }
    }
    if manifest.separations.is_empty() {
        for cell in manifest
            .trainings
            .iter()
            .filter(|cell| store.is_finished(CellKind::Model, &cell.id))
        {
            let trained = store.trained(&cell.id)?;
            let mut row = what(
                &manifest,
                cell.variant,
                cell.seed,
                &manifest.speakers[cell.speaker].name,
            );
            row.extend(training(&trained));
            row.extend(settings[cell.variant].clone());
            row.extend(origin(&cell.id, &cell.id, None, &trained.tool_version));
            rows.push(row);
        }
    }
    Ok(Table::of_rows(rows))
}

type Row = Vec<(String, Value)>;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn what(manifest: &Manifest, variant: usize, seed: u64, source: &str) -> Row {
    let variant = &manifest.variants[variant];
    vec![
        ("experiment".into(), text(&manifest.name)),
        ("system".into(), text(&variant.system)),
        ("label".into(), text(&variant.label)),
        ("source".into(), text(source)),
        ("seed".into(), Value::Integer(seed as i64)),
    ]
}

/// Scores in the order of their table, each with floor, gain and ceiling.
fn scores(outcome: &Outcome, source: usize) -> Row {
    let Some(map) = outcome.sources.get(source) else {
        return Row::new();
    };
    let forms = |spec: &ScoreSpec| Form::ALL.map(|form| form.key(spec.key));
    let keys = TABLE.iter().flat_map(forms);
    keys.filter_map(|key| map.get(&key).map(|value| (key, Value::from(*value))))
        .collect()
}

fn effort(outcome: &Outcome) -> Row {
    vec![
        ("separate_loss".into(), Value::Number(outcome.loss)),
        (
            "separate_steps".into(),
            Value::Integer(outcome.steps as i64),
        ),
        ("separate_seconds".into(), Value::Number(outcome.seconds)),
        ("scoring_seconds".into(), Value::Number(outcome.scoring_s)),
    ]
}

fn training(trained: &Trained) -> Row {
    vec![
        ("train_loss".into(), Value::Number(trained.loss)),
        ("train_steps".into(), Value::Integer(trained.steps as i64)),
        ("train_frames".into(), Value::Integer(trained.frames as i64)),
        ("train_seconds".into(), Value::Number(trained.seconds)),
    ]
}

fn joining(joined: &Joined) -> Row {
    vec![
        ("join_loss".into(), Value::Number(joined.loss)),
        ("join_steps".into(), Value::Integer(joined.steps as i64)),
        ("join_seconds".into(), Value::Number(joined.seconds)),
    ]
}

fn origin(cell: &str, model: &str, joint: Option<&str>, tool_version: &str) -> Row {
    let mut row = vec![("cell".into(), text(cell)), ("model".into(), text(model))];
    row.extend(joint.map(|joint| ("joint".into(), text(joint))));
    row.push(("tool_version".into(), text(tool_version)));
    row.push(("schema_version".into(), Value::Integer(i64::from(SCHEMA))));
    row
}

fn of_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::Missing,
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => number.as_f64().into(),
        },
        other => Value::Text(other.to_string()),
    }
}
