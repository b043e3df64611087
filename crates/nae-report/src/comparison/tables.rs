//! The tables of a comparison.

use std::collections::{BTreeMap, BTreeSet};

use super::differences::Differences;
use super::observation::Observation;
use super::scores::{Prominence, Score, featured};
use super::systems::{System, Systems};
use crate::statistics::{Summary, median};
use crate::ticks::number;
use crate::{Cell, Link, Table};

/// How much was observed, in a sentence or two.
pub(super) fn about(observations: &[Observation], systems: &Systems) -> String {
    let count = |of: &dyn Fn(&Observation) -> String| -> usize {
        observations.iter().map(of).collect::<BTreeSet<_>>().len()
    };
    let pairs = count(&|o| o.pair.clone());
    let mixtures = count(&|o| format!("{}\n{}", o.pair, o.mixture));
    let seeds: BTreeSet<u64> = observations.iter().map(|o| o.seed).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    format!(
        "Medians with quartiles over all sources, mixtures and seeds: {}, {}, {}; {} {}.",
        counted(systems.all.len(), "system"),
        counted(pairs, "pair"),
        counted(mixtures, "mixture"),
        if seeds.len() == 1 { "seed" } else { "seeds" },
        seeds.join(", "),
    )
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// Median and quartiles of every score, a row a system, with floor and ceiling: featured scores in
/// one table, the others in a second.
pub(super) fn summary(systems: &Systems, scores: &[Score]) -> Vec<Table> {
    let is_featured = |score: &&Score| featured(scores).any(|shown| shown == *score);
    let (shown, others): (Vec<&Score>, Vec<&Score>) = scores.iter().partition(is_featured);
    [shown, others]
        .iter()
        .filter(|scores| !scores.is_empty())
        .map(|scores| summary_of(systems, scores))
        .collect()
}

fn summary_of(systems: &Systems, scores: &[&Score]) -> Table {
    let mut header = vec!["system".to_owned(), "values".into()];
    header.extend(scores.iter().map(|score| score.label()));
    let mut table = Table::new(header);
    for system in &systems.all {
        let mut row = vec![
            system.name.to_owned(),
            system.observations.len().to_string(),
        ];
        row.extend(
            scores
                .iter()
                .map(|score| quartiles(score, system.summary(score))),
        );
        table = table.row(row);
    }
    for (name, pick) in [("mixture (floor)", 0), ("ideal ratio mask (ceiling)", 1)] {
        let value = |score: &Score| {
            let (floor, ceiling) = systems.floor_and_ceiling(score);
            [floor, ceiling][pick]
        };
        if scores.iter().any(|score| value(score).is_some()) {
            let mut row = vec![name.to_owned(), String::new()];
            let print = |score: &&Score| value(score).map_or("–".into(), |v| score.print(v));
            row.extend(scores.iter().map(print));
            table = table.row(row);
        }
    }
    table
}

fn quartiles(score: &Score, summary: Option<Summary>) -> String {
    let Some(summary) = summary else {
        return "–".into();
    };
    format!(
        "{} [{}, {}]",
        score.print(summary.median),
        score.print(summary.lower_quartile),
        score.print(summary.upper_quartile)
    )
}

/// One table a featured score: every system against its baseline.
pub(super) fn differences(found: &Differences, scores: &[Score]) -> Vec<Table> {
    let mut tables = Vec::new();
    for (index, score) in scores.iter().enumerate() {
        if !featured(scores).any(|shown| shown == score) {
            continue;
        }
        let mut table = Table::new([
            "system",
            "against",
            "mean difference",
            "95 % interval",
            "median",
            "p",
            "p (Holm)",
            "units",
        ])
        .with_caption(score.label());
        for row in &found.rows {
            let Some(difference) = row.scores[index] else {
                continue;
            };
            let paired = difference.paired;
            table = table.row([
                row.system.name.to_owned(),
                row.baseline.name.to_owned(),
                score.print_difference(paired.mean),
                paired.interval.map_or("–".into(), |interval| {
                    format!(
                        "{} … {}",
                        score.print_difference(interval.low),
                        score.print_difference(interval.high)
                    )
                }),
                score.print_difference(paired.median),
                p_value(paired.test.p),
                p_value(difference.adjusted_p),
                paired.units.to_string(),
            ]);
        }
        tables.push(table);
    }
    tables
}

fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".into(),
        p if p < 0.1 => number(p, 3),
        p => number(p, 2),
    }
}

/// Scores that have a table of pairs: the main one of each group, or the first where there is none.
pub(super) fn main_scores(scores: &[Score]) -> Vec<&Score> {
    let is_main = |score: &&Score| score.prominence == Prominence::Main;
    let main: Vec<&Score> = scores.iter().filter(is_main).collect();
    match main.is_empty() {
        true => scores.first().into_iter().collect(),
        false => main,
    }
}

/// Medians of one score for every pair and system, with floor, ceiling and links to the mixtures; the
/// longer of both lists runs down.
pub(super) fn pairs(systems: &Systems, score: &Score, links: &BTreeMap<&str, Vec<Link>>) -> Table {
    let everything = || systems.all.iter().flat_map(|system| &system.observations);
    let names: BTreeSet<&str> = everything().map(|o| o.pair.as_str()).collect();
    let print = |values: Vec<f64>| median(&values).map_or("–".into(), |v| score.print(v));

    let mut header = vec!["pair".into(), "mixture".into()];
    header.extend(systems.all.iter().map(|system| Cell::from(system.name)));
    header.push("ideal mask".into());
    if !links.is_empty() {
        header.push("listen".into());
    }
    let mut grid: Vec<Vec<Cell>> = vec![header];
    for pair in names {
        let here = || everything().filter(|o| o.pair == pair);
        let mut row: Vec<Cell> = vec![
            pair.into(),
            print(here().filter_map(|o| score.of_floor(o)).collect()).into(),
        ];
        for system in &systems.all {
            let of_pair = system.observations.iter().filter(|o| o.pair == pair);
            row.push(print(of_pair.filter_map(|o| score.of_estimate(o)).collect()).into());
        }
        row.push(print(here().filter_map(|o| score.of_ceiling(o)).collect()).into());
        if !links.is_empty() {
            row.push(Cell {
                text: String::new(),
                links: links.get(pair).cloned().unwrap_or_default(),
            });
        }
        grid.push(row);
    }
    if grid[0].len() > grid.len() {
        grid = transposed(&grid);
        grid[0][0] = "system".into();
    }
    let mut rows = grid.into_iter();
    let header = rows.next().unwrap_or_default();
    let mut table =
        Table::new(header.into_iter().map(|cell| cell.text)).with_caption(score.label());
    table.rows.extend(rows);
    table
}

pub(super) fn transposed(grid: &[Vec<Cell>]) -> Vec<Vec<Cell>> {
    let columns = grid.first().map_or(0, Vec::len);
    (0..columns)
        .map(|column| grid.iter().map(|row| row[column].clone()).collect())
        .collect()
}

/// Seconds, a row a system.
pub(super) fn costs(systems: &Systems) -> Table {
    let are_joined = systems.all.iter().any(|system| !joined(system).is_empty());
    let mut header = vec![
        "system",
        "models trained",
        "train a model (s)",
        "all models (s)",
    ];
    header.extend(are_joined.then_some("join a pair (s)"));
    header.push("separate a mixture (s)");
    let mut table = Table::new(header);
    for system in &systems.all {
        let trained = trained(system);
        let separated = system.observations.iter().map(|o| o.separate_s);
        let separated: Vec<f64> = separated.filter(|seconds| *seconds > 0.0).collect();
        let mut row = vec![
            system.name.to_owned(),
            trained.len().to_string(),
            seconds(median(&trained)),
            number(trained.iter().sum(), 1),
        ];
        row.extend(are_joined.then(|| seconds(median(&joined(system)))));
        row.push(seconds(median(&separated)));
        table = table.row(row);
    }
    table
}

/// Seconds of every joint encoder: a pair has one a seed.
fn joined(system: &System) -> Vec<f64> {
    let all = system.observations.iter();
    let encoders: BTreeMap<(&str, u64), f64> = all
        .filter_map(|o| Some(((o.pair.as_str(), o.seed), o.join_s?)))
        .collect();
    encoders.into_values().collect()
}

/// Seconds of every model: a source has one model a seed, whatever it is mixed with.
fn trained(system: &System) -> Vec<f64> {
    let models: BTreeMap<(&str, u64), f64> = system
        .observations
        .iter()
        .filter(|o| o.train_s > 0.0)
        .map(|o| ((o.source.as_str(), o.seed), o.train_s))
        .collect();
    models.into_values().collect()
}

fn seconds(value: Option<f64>) -> String {
    match value {
        Some(s) if s.is_finite() && s < 10.0 => number(s, 2),
        Some(s) if s.is_finite() => number(s, 1),
        _ => "–".into(),
    }
}

/// What every score is.
pub(super) fn meanings(scores: &[Score]) -> Table {
    let mut table = Table::new(["score", "key in the results", "variant"]);
    for score in scores {
        table = table.row([score.label(), score.key.clone(), score.meaning.clone()]);
    }
    table
}
