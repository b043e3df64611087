//! Rows of what is finished: one for every separated mixture and source.

use std::collections::HashMap;

use nae_metrics::scores::{Form, ScoreSpec, TABLE};
use serde_json::Value as Json;

use crate::cell::{Cell, CellKind, Id, SCHEMA, SeparatedWith, Separation};
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::{Joined, Outcome, Trained, Unreadable};
use crate::stand_in::StandIn;
use crate::store::Store;
use crate::survey::{Content, Depth, Survey};
use crate::table::{Table, Value};

/// Rows of all finished cells. A run that only trains has one row for every model.
///
/// Columns: what the row is (`experiment`, `system`, `label`, `pair`, `mixture`, `source`, `seed`),
/// the scores with floor, gain and ceiling, loss, steps and seconds (`join_…` where models are joined),
/// `scenario` and `role` (`known`, `unknown`) where an experiment has them, every setting that matters to the system under its full key, and what made it (`cell`, `model`,
/// `joint`, `tool_version`, `schema_version`).
///
/// A result that cannot be read, or was made from a model that has changed since, gives no row.
///
/// # Errors
/// [`SweepError::Damaged`] if the manifest cannot be used.
pub fn table(store: &Store) -> Result<Table, SweepError> {
    Ok(rows(store, &store.manifest()?)?.table)
}

/// The rows of what is finished, and what is left out of them.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The rows.
    pub table: Table,
    /// Results that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// The same as [`table`], with what was left out.
///
/// # Errors
/// As [`table`].
pub fn rows(store: &Store, manifest: &Manifest) -> Result<Rows, SweepError> {
    let columns = |variant: &crate::system::Variant| {
        let columns = variant.columns()?.into_iter();
        Ok(columns.map(|(key, value)| (key, of_json(&value))).collect())
    };
    let settings = manifest.variants.iter().map(columns);
    let settings = settings.collect::<Result<Vec<Row>, SweepError>>()?;
    let results = Results::read(store, manifest);
    let mut rows = Vec::new();
    for (index, cell) in manifest.separations.iter().enumerate() {
        let Some(outcome) = results.outcomes.get(cell.id.as_str()) else {
            continue;
        };
        let joined = cell.joint.as_ref().map(|id| results.joined.get(id));
        let mut needed = cell.needed_models();
        // a row is there when all that it says is
        let (Some(joined), true) = (
            joined.map_or(Some(None), |joined| joined.map(Some)),
            needed.all(|id| results.trained.contains_key(id)),
        ) else {
            continue;
        };
        rows.extend(separation(
            manifest,
            index,
            (outcome, joined, &results.trained),
            &settings[cell.variant],
        ));
    }
    if manifest.separations.is_empty() {
        for cell in &manifest.trainings {
            let Some(trained) = results.trained.get(&cell.id) else {
                continue;
            };
            let mut row = what(
                manifest,
                cell.variant,
                cell.seed,
                &manifest.speakers[cell.speaker].name,
            );
            row.extend(training(trained));
            row.extend(settings[cell.variant].clone());
            row.extend(origin(
                &cell.id,
                Some(&cell.id),
                None,
                &trained.tool_version,
            ));
            rows.push(row);
        }
    }
    Ok(Rows {
        table: Table::of_rows(rows),
        unreadable: results.unreadable,
    })
}

/// Rows of one separation, one for every source.
fn separation(
    manifest: &Manifest,
    index: usize,
    (outcome, joined, trained): (&Outcome, Option<&Joined>, &HashMap<Id, Trained>),
    settings: &Row,
) -> Vec<Row> {
    let cell = &manifest.separations[index];
    let members = &manifest.pairs[cell.pair];
    let sources = cell.sources(members.len());
    let has_unknown = manifest
        .separations
        .iter()
        .any(|cell| !cell.unknown.is_empty());
    let row = |(i, &speaker): (usize, &usize)| {
        let name = &manifest.speakers[speaker].name;
        let mut row = what(manifest, cell.variant, cell.seed, name);
        row.insert(3, ("pair".into(), text(&manifest.pair_name(cell.pair))));
        row.insert(4, ("mixture".into(), Value::Integer(cell.mixture as i64)));
        if has_unknown {
            let role = match cell.unknown.contains(&i) {
                true => "unknown",
                false => "known",
            };
            row.insert(6, ("role".into(), text(role)));
        }
        let model = match sources.get(i).copied() {
            Some(SeparatedWith::Model(id))
            | Some(SeparatedWith::StandIn(StandIn::Universal(id))) => Some(id),
            _ => None,
        };
        row.extend(scores(outcome, i));
        row.extend(effort(outcome, cell));
        row.extend(
            model
                .and_then(|id| trained.get(id))
                .into_iter()
                .flat_map(training),
        );
        row.extend(joined.into_iter().flat_map(joining));
        row.extend(settings.clone());
        let joint = cell.joint.as_deref();
        let model = model.map(String::as_str);
        row.extend(origin(&cell.id, model, joint, &outcome.tool_version));
        row
    };
    members.iter().enumerate().map(row).collect()
}

/// What can be used of a run, by identity.
#[derive(Default)]
struct Results {
    trained: HashMap<Id, Trained>,
    joined: HashMap<Id, Joined>,
    outcomes: HashMap<Id, Outcome>,
    unreadable: Vec<Unreadable>,
}

impl Results {
    fn read(store: &Store, manifest: &Manifest) -> Self {
        let mut survey = Survey::new(store, manifest, Depth::Header);
        let mut results = Self::default();
        let has_scores = !manifest.separations.is_empty();
        for kind in [CellKind::Model, CellKind::Joint, CellKind::Scores] {
            for cell in manifest.cells(kind) {
                let look = survey.look(cell);
                results.unreadable.extend(look.unreadable);
                let Cell { kind, index } = cell;
                let id = manifest.id(kind, index).to_owned();
                match look.content {
                    // scores outlive the model's file, the row of a model does not
                    Some(Content::Model(trained)) if has_scores || look.is_finished => {
                        results.trained.insert(id, trained);
                    }
                    Some(Content::Joint(joined)) => {
                        results.joined.insert(id, joined);
                    }
                    Some(Content::Scores(outcome)) => {
                        results.outcomes.insert(id, outcome);
                    }
                    _ => {}
                }
            }
        }
        results
    }
}

type Row = Vec<(String, Value)>;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn what(manifest: &Manifest, variant: usize, seed: u64, source: &str) -> Row {
    let with = &manifest.variants[variant];
    let mut row = vec![
        ("experiment".into(), text(&manifest.name)),
        ("system".into(), text(&with.system)),
        ("label".into(), text(&with.label)),
        ("source".into(), text(source)),
        ("seed".into(), Value::Integer(seed as i64)),
    ];
    if let Some(scenario) = manifest.scenario_of(variant) {
        row.push(("scenario".into(), text(&scenario.name)));
    }
    row
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

fn effort(outcome: &Outcome, cell: &Separation) -> Row {
    let scoring = ("scoring_seconds".into(), Value::Number(outcome.scoring_s));
    if !cell.stems.is_empty() {
        // another program separated
        return vec![scoring];
    }
    vec![
        ("separate_loss".into(), Value::Number(outcome.loss)),
        (
            "separate_steps".into(),
            Value::Integer(outcome.steps as i64),
        ),
        ("separate_seconds".into(), Value::Number(outcome.seconds)),
        scoring,
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

fn origin(cell: &str, model: Option<&str>, joint: Option<&str>, tool_version: &str) -> Row {
    let mut row = vec![("cell".into(), text(cell))];
    row.extend(model.map(|model| ("model".into(), text(model))));
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
