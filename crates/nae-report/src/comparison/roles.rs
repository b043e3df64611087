//! Known and unknown sources apart.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::file_name;
use super::observation::Observation;
use super::scores::Score;
use super::systems::{System, Systems};
use super::tables::{main_scores, transposed};
use crate::plots::{BoxEntry, BoxPlot, ReferenceLine};
use crate::statistics::{mean, median};
use crate::{Cell, Figure, ReportError, Table};

/// What the observations distinguish, in the order of their names; nothing where they distinguish nothing.
pub(super) fn roles(observations: &[Observation]) -> Vec<&str> {
    let roles = observations.iter().map(|o| o.role.as_str());
    let roles: BTreeSet<&str> = roles.filter(|role| !role.is_empty()).collect();
    roles.into_iter().collect()
}

/// Systems in the order in which they are observed.
fn in_order<'a>(systems: &'a Systems<'a>, observations: &[Observation]) -> Vec<&'a System<'a>> {
    let mut names: Vec<&str> = Vec::new();
    for observation in observations {
        if !names.contains(&observation.system.as_str()) {
            names.push(&observation.system);
        }
    }
    let of_name = |name: &str| systems.all.iter().find(|system| system.name == name);
    names.into_iter().filter_map(of_name).collect()
}

/// Median, mean and worst of every main score: a row a system, a column a role, and the ceiling.
pub(super) fn tables(
    systems: &Systems,
    scores: &[Score],
    observations: &[Observation],
) -> Vec<Table> {
    let roles = roles(observations);
    if roles.is_empty() {
        return Vec::new();
    }
    let table = |score: &Score| {
        let columns = roles
            .iter()
            .map(|role| format!("{role}: median / mean / worst"));
        let mut table = Table::new(["system".to_owned()].into_iter().chain(columns))
            .with_caption(score.label());
        let row = |name: &str, values: &dyn Fn(&str) -> Vec<f64>| {
            let cells = roles.iter().map(|role| three(score, &values(role)));
            let name = [name.to_owned()].into_iter();
            name.chain(cells).collect::<Vec<String>>()
        };
        for system in in_order(systems, observations) {
            let values =
                |role: &str| of_role(&system.observations, role, &|o| score.of_estimate(o));
            table = table.row(row(system.name, &values));
        }
        let mixtures: Vec<&Observation> = observations.iter().collect();
        let ceiling = |role: &str| of_role(&mixtures, role, &|o| score.of_ceiling(o));
        table.row(row("ideal ratio mask (ceiling)", &ceiling))
    };
    main_scores(scores).into_iter().map(table).collect()
}

/// The values of one role's observations.
fn of_role(
    observations: &[&Observation],
    role: &str,
    value: &dyn Fn(&Observation) -> Option<f64>,
) -> Vec<f64> {
    let own = observations.iter().filter(|o| o.role == role);
    own.filter_map(|o| value(o))
        .filter(|v| !v.is_nan())
        .collect()
}

fn three(score: &Score, values: &[f64]) -> String {
    let worst = values
        .iter()
        .copied()
        .reduce(|a, b| match score.gain(a, b) < 0.0 {
            true => a,
            false => b,
        });
    match (median(values), worst) {
        (Some(median), Some(worst)) => format!(
            "{} / {} / {}",
            score.print(median),
            score.print(mean(values)),
            score.print(worst)
        ),
        _ => "–".into(),
    }
}

/// Box plots of the main scores, grouped by role.
pub(super) fn boxes(
    systems: &Systems,
    scores: &[Score],
    observations: &[Observation],
) -> Result<Vec<Figure>, ReportError> {
    let roles = roles(observations);
    let shown = in_order(systems, observations);
    let plot = |score: &Score| {
        let mut boxes = Vec::new();
        for (group, role) in roles.iter().enumerate() {
            for (series, system) in shown.iter().enumerate() {
                boxes.push(BoxEntry {
                    group,
                    series,
                    values: of_role(&system.observations, role, &|o| score.of_estimate(o)),
                });
            }
        }
        let mixtures: Vec<&Observation> = observations.iter().collect();
        let ceiling = |role: &&str| {
            let values = of_role(&mixtures, role, &|o| score.of_ceiling(o));
            Some(ReferenceLine::new(
                format!("ideal mask, {role}"),
                median(&values)?,
            ))
        };
        BoxPlot {
            name: format!("roles-{}", file_name(&score.key)),
            title: format!("{} of {} sources", score.name, roles.join(" and ")),
            caption: String::new(),
            x_label: "sources".into(),
            y_label: score.label(),
            groups: roles.iter().map(|role| (*role).to_owned()).collect(),
            series: shown.iter().map(|system| system.name.to_owned()).collect(),
            boxes,
            reference_lines: roles.iter().filter_map(ceiling).collect(),
        }
        .figure()
    };
    main_scores(scores).into_iter().map(plot).collect()
}

/// Means of the gain of both roles for every source of the last role, which is the unknown one; nothing where
/// there is only one.
pub(super) fn by_source(
    systems: &Systems,
    scores: &[Score],
    observations: &[Observation],
) -> Option<Table> {
    let roles = roles(observations);
    let main = main_scores(scores);
    let gain = main.iter().find(|score| score.is_gain());
    let (unknown, score) = (*roles.last()?, *gain.or(main.first())?);
    // what is unknown in a mixture, by its pair and number
    let mut of_mixture: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for o in observations.iter().filter(|o| o.role == unknown) {
        let sources = of_mixture.entry((&o.pair, &o.mixture)).or_default();
        sources.insert(&o.source);
    }
    let source = |o: &Observation| {
        let sources = of_mixture.get(&(o.pair.as_str(), o.mixture.as_str()))?;
        Some(sources.iter().copied().collect::<Vec<_>>().join(" + "))
    };
    let sources: BTreeSet<String> = observations.iter().filter_map(source).collect();
    if sources.len() < 2 {
        return None;
    }
    let shown = in_order(systems, observations);
    let mut header: Vec<Cell> = vec![format!("{unknown} source").into()];
    header.extend(shown.iter().map(|system| Cell::from(system.name)));
    header.push("ideal mask".into());
    let mut grid = vec![header];
    let all: Vec<&Observation> = observations.iter().collect();
    for name in &sources {
        let here = |o: &&&Observation| source(o).as_ref() == Some(name);
        let cell = |of: &[&Observation], value: &dyn Fn(&Observation) -> Option<f64>| {
            let own: Vec<&Observation> = of.iter().filter(here).copied().collect();
            let mean_of = |role: &&str| match of_role(&own, role, value).as_slice() {
                [] => "–".to_owned(),
                values => score.print(mean(values)),
            };
            roles.iter().map(mean_of).collect::<Vec<_>>().join(" / ")
        };
        let mut row: Vec<Cell> = vec![name.as_str().into()];
        let systems = shown.iter();
        let estimates = systems.map(|s| cell(&s.observations, &|o| score.of_estimate(o)).into());
        row.extend(estimates);
        row.push(cell(&all, &|o| score.of_ceiling(o)).into());
        grid.push(row);
    }
    if grid[0].len() > grid.len() {
        grid = transposed(&grid);
        grid[0][0] = "system".into();
    }
    let mut rows = grid.into_iter();
    let header = rows.next().unwrap_or_default();
    let caption = format!("{}, means: {}", score.label(), roles.join(" / "));
    let mut table = Table::new(header.into_iter().map(|cell| cell.text)).with_caption(caption);
    table.rows.extend(rows);
    Some(table)
}
