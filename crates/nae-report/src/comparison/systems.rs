//! Observations sorted by system and series.

use std::collections::BTreeMap;

use super::observation::Observation;
use super::scores::Score;
use crate::ReportError;
use crate::statistics::{Summary, median};

/// All systems, and the series they belong to.
pub(super) struct Systems<'a> {
    /// In the order they are shown: by series, then by rank.
    pub all: Vec<System<'a>>,
    /// Names of the series: kinds, depths and variants.
    pub series: Vec<String>,
    /// All ranks, ascending.
    pub ranks: Vec<usize>,
}

/// One system.
pub(super) struct System<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    pub rank: usize,
    /// Index of its series.
    pub series: usize,
    pub observations: Vec<&'a Observation>,
}

/// What a series is, in the order series are shown: kinds as they come, shallow before deep.
type SeriesKey<'a> = (usize, usize, &'a str);

impl<'a> Systems<'a> {
    pub(super) fn of(observations: &'a [Observation]) -> Result<Self, ReportError> {
        if observations.is_empty() {
            return Err(ReportError::NoObservations);
        }
        let mut by_name: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
        let mut kinds: Vec<&str> = Vec::new();
        for observation in observations {
            by_name
                .entry(&observation.system)
                .or_default()
                .push(observation);
            if !kinds.contains(&observation.kind.as_str()) {
                kinds.push(&observation.kind);
            }
        }
        // factorisations first: they are what autoencoders are measured against
        kinds.sort_by_key(|kind| !kind.to_lowercase().contains("nmf"));
        let key = |o: &'a Observation| -> SeriesKey<'a> {
            let kind = kinds.iter().position(|kind| *kind == o.kind);
            (kind.unwrap_or(kinds.len()), o.layers, &o.variant)
        };
        let mut keys: Vec<SeriesKey> = observations.iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut all = Vec::new();
        for (name, members) in by_name {
            let first = members[0];
            if let Some(other) = members.iter().find(|o| described(o) != described(first)) {
                return Err(ReportError::TwoInOne {
                    system: name.into(),
                    one: described(first),
                    other: described(other),
                });
            }
            all.push(System {
                name,
                kind: &first.kind,
                rank: first.rank,
                series: keys.iter().position(|k| *k == key(first)).unwrap_or(0),
                observations: members,
            });
        }
        all.sort_by_key(|system| (system.series, system.rank));
        if let Some([one, other]) = all
            .array_windows()
            .find(|[a, b]| (a.series, a.rank) == (b.series, b.rank))
        {
            return Err(ReportError::SameSystem {
                one: one.name.into(),
                other: other.name.into(),
                described: described(one.observations[0]),
            });
        }
        let mut ranks: Vec<usize> = all.iter().map(|system| system.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let series = keys
            .iter()
            .map(|(kind, layers, variant)| series_name(kinds[*kind], *layers, variant))
            .collect();
        Ok(Self { all, series, ranks })
    }

    /// Medians of floor and ceiling over all systems.
    pub(super) fn floor_and_ceiling(&self, score: &Score) -> (Option<f64>, Option<f64>) {
        let all = || self.all.iter().flat_map(|system| &system.observations);
        let floors: Vec<f64> = all().filter_map(|o| score.of_floor(o)).collect();
        let ceilings: Vec<f64> = all().filter_map(|o| score.of_ceiling(o)).collect();
        (median(&floors), median(&ceilings))
    }
}

impl System<'_> {
    /// All values of a score.
    pub(super) fn values(&self, score: &Score) -> Vec<f64> {
        let values = self
            .observations
            .iter()
            .filter_map(|o| score.of_estimate(o));
        values.filter(|v| !v.is_nan()).collect()
    }

    pub(super) fn summary(&self, score: &Score) -> Option<Summary> {
        Summary::of(&self.values(score))
    }
}

fn described(observation: &Observation) -> String {
    let Observation {
        kind,
        layers,
        rank,
        variant,
        ..
    } = observation;
    let name = series_name(kind, *layers, variant);
    match rank {
        0 => name,
        rank => format!("{name}, rank {rank}"),
    }
}

fn series_name(kind: &str, layers: usize, variant: &str) -> String {
    let mut name = kind.to_owned();
    match layers {
        0 | 1 => {}
        2 => name.push_str(", shallow"),
        layers => name.push_str(&format!(", {layers} layers")),
    }
    if !variant.is_empty() {
        name.push_str(&format!(", {variant}"));
    }
    name
}
