//! Paired differences from a baseline.

use std::collections::{BTreeMap, BTreeSet};

use super::baseline::Baseline;
use super::observation::Observation;
use super::scores::Score;
use super::systems::{System, Systems};
use crate::ReportError;
use crate::statistics::{CONFIDENCE, Paired, RESAMPLES, holm};

/// With this many pairs the signed-rank test can reach 5 %: 2/2⁶ = 0.03.
pub const ENOUGH_PAIRS: usize = 6;

/// What is independent of one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Pair,
    Mixture,
}

impl Unit {
    pub(super) fn of(observations: &[Observation]) -> Self {
        let pairs: BTreeSet<&str> = observations.iter().map(|o| o.pair.as_str()).collect();
        match pairs.len() >= ENOUGH_PAIRS {
            true => Self::Pair,
            false => Self::Mixture,
        }
    }
}

/// All systems against one baseline.
pub(super) struct Differences<'a> {
    /// Words for the baseline.
    pub name: String,
    pub rows: Vec<SystemDifference<'a>>,
}

/// One system against its baseline.
pub(super) struct SystemDifference<'a> {
    pub system: &'a System<'a>,
    pub baseline: &'a System<'a>,
    /// One a score.
    pub scores: Vec<Option<ScoreDifference>>,
}

/// One score's difference.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScoreDifference {
    pub paired: Paired,
    /// p after Holm's adjustment over all systems that are compared in this score.
    pub adjusted_p: f64,
}

/// Compares every system with its baseline in every score.
pub(super) fn against<'a>(
    baseline: &Baseline,
    systems: &'a Systems<'a>,
    scores: &[Score],
    unit: Unit,
    seed: u64,
) -> Result<Differences<'a>, ReportError> {
    let members = members(baseline, systems)?;
    let mut rows = Vec::new();
    for system in &systems.all {
        let Some(other) = of_system(baseline, &members, system) else {
            continue;
        };
        let difference = |score: &Score| {
            let paired = Paired::of(&per_unit(system, other, score, unit), seed)?;
            Some(ScoreDifference {
                paired,
                adjusted_p: paired.test.p,
            })
        };
        rows.push(SystemDifference {
            system,
            baseline: other,
            scores: scores.iter().map(difference).collect(),
        });
    }
    for index in 0..scores.len() {
        adjust(&mut rows, index);
    }
    let name = baseline.name();
    Ok(Differences { name, rows })
}

/// The systems that others are compared with.
fn members<'a>(
    baseline: &Baseline,
    systems: &'a Systems<'a>,
) -> Result<Vec<&'a System<'a>>, ReportError> {
    let is_member = |system: &&System| match baseline {
        Baseline::System(name) => system.name == name,
        Baseline::EqualRank { kind } => system.kind == kind,
        Baseline::Own { of, .. } => of.values().any(|name| system.name == name),
    };
    let members: Vec<&System> = systems.all.iter().filter(is_member).collect();
    if !members.is_empty() {
        return Ok(members);
    }
    let all = systems.all.iter();
    let known: BTreeSet<&str> = match baseline {
        Baseline::System(_) | Baseline::Own { .. } => all.map(|s| s.name).collect(),
        Baseline::EqualRank { .. } => all.map(|s| s.kind).collect(),
    };
    Err(ReportError::NoBaseline {
        baseline: match baseline {
            Baseline::System(name) => name.clone(),
            Baseline::EqualRank { kind } => kind.clone(),
            Baseline::Own { of, .. } => of.values().cloned().collect::<Vec<_>>().join(", "),
        },
        known: known.into_iter().collect::<Vec<_>>().join(", "),
    })
}

/// What one system is compared with; none for the baseline itself.
fn of_system<'a>(
    baseline: &Baseline,
    members: &[&'a System<'a>],
    system: &System,
) -> Option<&'a System<'a>> {
    let other = match baseline {
        Baseline::System(_) => members.first(),
        Baseline::EqualRank { .. } => members.iter().find(|m| m.rank == system.rank),
        Baseline::Own { of, .. } => {
            let own = of.get(system.name)?;
            members.iter().find(|m| m.name == own)
        }
    };
    other.copied().filter(|other| other.name != system.name)
}

/// Holm's adjustment of one score's p over all systems.
fn adjust(rows: &mut [SystemDifference], score: usize) {
    let mut found: Vec<&mut ScoreDifference> = rows
        .iter_mut()
        .filter_map(|row| row.scores[score].as_mut())
        .collect();
    let p: Vec<f64> = found.iter().map(|one| one.paired.test.p).collect();
    for (one, adjusted) in found.iter_mut().zip(holm(&p)) {
        one.adjusted_p = adjusted;
    }
}

/// One difference a unit, over the mixtures that both systems have scores for.
fn per_unit(system: &System, baseline: &System, score: &Score, unit: Unit) -> Vec<f64> {
    let (ours, theirs) = (per_mixture(system, score), per_mixture(baseline, score));
    let mut units: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for ((pair, mixture), value) in &ours {
        let Some(other) = theirs.get(&(*pair, *mixture)) else {
            continue;
        };
        let key = match unit {
            Unit::Pair => (*pair, ""),
            Unit::Mixture => (*pair, *mixture),
        };
        units
            .entry(key)
            .or_default()
            .push(score.gain(*value, *other));
    }
    let means = units.values().map(|values| crate::statistics::mean(values));
    means.filter(|mean| mean.is_finite()).collect()
}

/// Means over sources and seeds.
fn per_mixture<'a>(system: &System<'a>, score: &Score) -> BTreeMap<(&'a str, &'a str), f64> {
    let mut values: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for observation in &system.observations {
        if let Some(value) = score.of_estimate(observation) {
            let key = (observation.pair.as_str(), observation.mixture.as_str());
            values.entry(key).or_default().push(value);
        }
    }
    let mean = |values: Vec<f64>| crate::statistics::mean(&values);
    values
        .into_iter()
        .map(|(key, values)| (key, mean(values)))
        .collect()
}

/// How the numbers of a section are computed.
pub(super) fn method(unit: Unit, found: &Differences, seed: u64) -> String {
    let units = found
        .rows
        .iter()
        .flat_map(|row| row.scores.iter().flatten())
        .map(|one| one.paired.units);
    let (least, most) = (units.clone().min().unwrap_or(0), units.max().unwrap_or(0));
    let noun = match unit {
        Unit::Pair => "pair",
        Unit::Mixture => "mixture",
    };
    let units_are = match (least, most) {
        (1, 1) => format!("the one {noun} is the unit"),
        (least, most) if least == most => format!("the {most} {noun}s are the units"),
        (least, most) => format!("the {least} to {most} {noun}s are the units"),
    };
    let unit = match unit {
        Unit::Pair => format!(
            "Differences on the same mixtures are averaged over sources, seeds and the mixtures of a pair; {units_are}."
        ),
        Unit::Mixture => format!(
            "Differences on the same mixtures are averaged over sources and seeds; {units_are}, since fewer than {ENOUGH_PAIRS} pairs could never reach 5 %. Mixtures of one pair share their models and are not independent: intervals are too short and p too small."
        ),
    };
    format!(
        "Positive: better than {}. {unit}\n\nIntervals are {:.0} % BCa bootstrap intervals of the mean difference ({RESAMPLES} resamples, seed {seed}); p is of Wilcoxon's signed-rank test, two-sided, and again after Holm's adjustment for the systems compared in that score.",
        found.name,
        100.0 * CONFIDENCE,
    )
}
