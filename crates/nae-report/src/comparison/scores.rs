//! The scores that are shown, and what they mean.

use std::collections::BTreeSet;

pub(super) use nae_metrics::scores::Prominence;
use nae_metrics::scores::{Form, ScoreSpec, TABLE};

use super::observation::Observation;
use crate::ticks::number;

/// One score: one of the [table of scores](TABLE), the improvement of one, or one with a key that is
/// not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// Its key in the observations.
    pub key: String,
    /// Its name on axes and in tables, without a unit.
    pub name: String,
    /// Its unit; empty for scores without one.
    pub unit: String,
    /// Which variant of the score it is.
    pub meaning: String,
    /// Decimals of a single value.
    decimals: usize,
    pub(super) prominence: Prominence,
    is_better_when_higher: bool,
    has_floor: bool,
    /// The score that this is the improvement of.
    improved: Option<&'static str>,
}

impl Score {
    /// All scores that the observations have, known ones first.
    #[must_use]
    pub fn of(observations: &[Observation]) -> Vec<Self> {
        let mut keys: BTreeSet<&str> = observations
            .iter()
            .flat_map(|o| o.scores.keys().map(String::as_str))
            .collect();
        let mut scores = Vec::new();
        for spec in &TABLE {
            let is_there = keys.remove(spec.key);
            scores.extend(is_there.then(|| Self::known(spec)));
            if spec.prominence == Prominence::MainImprovement {
                let improvement = Self::improvement(spec);
                let is_given = keys.remove(improvement.key.as_str());
                let has_one = |o: &Observation| improvement.of_estimate(o).is_some();
                if is_given || observations.iter().any(has_one) {
                    scores.push(improvement);
                }
            }
        }
        scores.extend(keys.into_iter().map(Self::unknown));
        scores
    }

    fn known(spec: &ScoreSpec) -> Self {
        Self {
            key: spec.key.into(),
            name: spec.label.into(),
            unit: spec.unit.into(),
            meaning: spec.meaning.into(),
            decimals: spec.decimals,
            prominence: spec.prominence,
            is_better_when_higher: spec.is_better_when_higher,
            has_floor: spec.has_floor,
            improved: None,
        }
    }

    /// What stands for a group whose main score is compared with the mixture's.
    fn improvement(spec: &ScoreSpec) -> Self {
        Self {
            key: Form::Improvement.key(spec.key),
            name: format!("{} gain", spec.label),
            meaning: format!("{} of the estimate minus that of the mixture.", spec.label),
            prominence: Prominence::Main,
            improved: Some(spec.key),
            ..Self::known(spec)
        }
    }

    fn unknown(key: &str) -> Self {
        Self {
            key: key.into(),
            name: key.into(),
            unit: String::new(),
            meaning: "As named in the results.".into(),
            decimals: 3,
            prominence: Prominence::Featured,
            is_better_when_higher: true,
            has_floor: true,
            improved: None,
        }
    }

    /// Whether it is a difference from the mixture's.
    pub(super) fn is_gain(&self) -> bool {
        self.improved.is_some()
    }

    /// The score of an estimate, if it has one.
    pub(super) fn of_estimate(&self, observation: &Observation) -> Option<f64> {
        let given = observation.scores.get(&self.key).copied();
        let worked_out = || {
            let key = self.improved?;
            Some(observation.scores.get(key)? - observation.floor.get(key)?)
        };
        given.or_else(worked_out)
    }

    /// The score of the mixture itself as the estimate.
    pub(super) fn of_floor(&self, observation: &Observation) -> Option<f64> {
        match self.improved {
            Some(key) => observation.floor.get(key).map(|_| 0.0),
            None if self.has_floor => observation.floor.get(&self.key).copied(),
            None => None,
        }
    }

    /// The score of the ideal mask.
    pub(super) fn of_ceiling(&self, observation: &Observation) -> Option<f64> {
        match self.improved {
            Some(key) => Some(observation.ceiling.get(key)? - observation.floor.get(key)?),
            None => observation.ceiling.get(&self.key).copied(),
        }
    }

    /// By how much `value` is better than `other`.
    pub(super) fn gain(&self, value: f64, other: f64) -> f64 {
        match self.is_better_when_higher {
            true => value - other,
            false => other - value,
        }
    }

    /// Its name with its unit.
    pub(super) fn label(&self) -> String {
        match self.unit.as_str() {
            "" => self.name.clone(),
            unit => format!("{} ({unit})", self.name),
        }
    }

    /// A value as it is printed among medians of many: with one decimal less than a single one.
    pub(super) fn print(&self, value: f64) -> String {
        match value {
            v if v == f64::INFINITY => "∞".into(),
            v if v.is_nan() => "–".into(),
            v => number(v, self.decimals.saturating_sub(1)),
        }
    }

    /// A difference as it is printed, with its sign and one decimal more than a median.
    pub(super) fn print_difference(&self, value: f64) -> String {
        let text = number(value, self.decimals);
        match value > 0.0 && !text.trim_matches(['0', '.']).is_empty() {
            true => format!("+{text}"),
            false => text,
        }
    }
}

/// Scores with figures: the main and the featured ones; all when there is none of these.
pub(super) fn featured(scores: &[Score]) -> impl Iterator<Item = &Score> {
    let is_shown =
        |score: &Score| matches!(score.prominence, Prominence::Main | Prominence::Featured);
    let has_some = scores.iter().any(is_shown);
    scores
        .iter()
        .filter(move |score| !has_some || is_shown(score))
}
