//! `nae evaluate`

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use nae_audio::Clip;
use nae_metrics::{Estimate, Reference, si_sdr, summary};
use serde_json::{Map, Value, json};

use super::print;
use crate::arguments::Evaluate;

/// One score: the key it is printed under and its value.
type Score = (&'static str, f64);

/// Every score of one estimate.
fn scores(reference: &[f32], estimate: &[f32]) -> Result<Vec<Score>> {
    Ok(vec![(
        "si_sdr",
        si_sdr(&Reference(reference), &Estimate(estimate))?,
    )])
}

pub fn run(command: &Evaluate) -> Result<()> {
    if command.references.len() != command.estimates.len() {
        bail!(
            "there are {} references and {} estimates; give one estimate for every reference, in the same order",
            command.references.len(),
            command.estimates.len()
        );
    }
    let mixture = command
        .mixture
        .as_deref()
        .map(nae_audio::read)
        .transpose()?;
    let mut sources = Vec::new();
    for (reference, estimate) in command.references.iter().zip(&command.estimates) {
        sources.push(source(reference, estimate, mixture.as_ref())?);
    }
    let medians = medians(&sources);
    if command.json {
        return print(&json!({ "sources": sources, "median": medians }).to_string());
    }
    print(&table(&sources, &medians))
}

/// One source's row: names and scores.
fn source(reference: &Path, estimate: &Path, mixture: Option<&Clip>) -> Result<Map<String, Value>> {
    let (truth, found) = (nae_audio::read(reference)?, nae_audio::read(estimate)?);
    let same_rate = |other: &Clip, what: &str| {
        if other.sample_rate() == truth.sample_rate() {
            return Ok(());
        }
        Err(anyhow!(
            "{} has {} Hz and {what} has {} Hz; scores need one rate, so resample one of them",
            reference.display(),
            truth.sample_rate(),
            other.sample_rate()
        ))
    };
    same_rate(&found, &estimate.display().to_string())?;
    let explain = |error: anyhow::Error| {
        error.context(format!(
            "reference 1 is {}, estimate 1 is {}",
            reference.display(),
            estimate.display()
        ))
    };
    let truth_samples = truth.mixdown();
    let found_scores = scores(&truth_samples, &found.mixdown()).map_err(explain)?;
    let mut row = Map::new();
    row.insert("reference".into(), reference.display().to_string().into());
    row.insert("estimate".into(), estimate.display().to_string().into());
    for (key, value) in &found_scores {
        row.insert((*key).into(), number(*value));
    }
    if let Some(mixture) = mixture {
        same_rate(mixture, "the mixture")?;
        for ((key, floor), (_, value)) in scores(&truth_samples, &mixture.mixdown())?
            .into_iter()
            .zip(found_scores)
        {
            row.insert(format!("{key}_mixture"), number(floor));
            row.insert(format!("{key}_improvement"), number(value - floor));
        }
    }
    Ok(row)
}

/// JSON has no infinities: they are strings.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)
}

fn medians(sources: &[Map<String, Value>]) -> Map<String, Value> {
    let mut medians = Map::new();
    for key in sources.first().into_iter().flat_map(Map::keys) {
        let values: Vec<f64> = sources.iter().filter_map(|row| row[key].as_f64()).collect();
        if values.len() == sources.len() {
            if let Some(median) = summary::median(&values) {
                medians.insert(key.clone(), number(median));
            }
        }
    }
    medians
}

fn table(sources: &[Map<String, Value>], medians: &Map<String, Value>) -> String {
    let keys: Vec<&String> = medians.keys().collect();
    let width = sources
        .iter()
        .map(|row| row["estimate"].as_str().unwrap_or_default().chars().count())
        .max()
        .unwrap_or(0)
        .max("median".len());
    let cell = |value: Option<&Value>, key: &str| {
        let text = value
            .and_then(Value::as_f64)
            .map_or_else(|| "–".into(), |value| format!("{value:.2}"));
        format!("  {text:>0$}", key.chars().count())
    };
    let line = |name: &str, row: &Map<String, Value>| {
        let cells: String = keys.iter().map(|key| cell(row.get(*key), key)).collect();
        format!("{name:<width$}{cells}")
    };
    let header: String = keys.iter().map(|key| format!("  {key}")).collect();
    let mut lines = vec![format!("{:<width$}{header}", "dB")];
    lines.extend(
        sources
            .iter()
            .map(|row| line(row["estimate"].as_str().unwrap_or_default(), row)),
    );
    lines.push(line("median", medians));
    lines.join("\n")
}
