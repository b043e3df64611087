//! The scores that are shown, and what they mean.

use std::collections::BTreeSet;

use super::Observation;
use crate::ticks::number;

/// One score.
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
}

/// Key, name, unit and meaning of every score that is known, in the order they are shown.
const KNOWN: [(&str, &str, &str, &str); 9] = [
    (
        "sdr",
        "SDR",
        "dB",
        "BSS_eval v3 (sources), 512-tap projection: distortion of all kinds; equals mir_eval's bss_eval_sources.",
    ),
    (
        "sir",
        "SIR",
        "dB",
        "BSS_eval v3, 512 taps: what is left of the other sources.",
    ),
    (
        "sar",
        "SAR",
        "dB",
        "BSS_eval v3, 512 taps: what comes from no source (artefacts). The mixture has none, so it has no floor.",
    ),
    (
        "si_sdr",
        "SI-SDR",
        "dB",
        "1-tap projection (scale-invariant), as in the paper's own scoring.",
    ),
    (
        GAIN,
        "SI-SDR gain",
        "dB",
        "SI-SDR of the estimate minus that of the mixture.",
    ),
    (
        "si_sir",
        "SI-SIR",
        "dB",
        "1-tap projection: what is left of the other sources.",
    ),
    (
        "si_sar",
        "SI-SAR",
        "dB",
        "1-tap projection: what comes from no source.",
    ),
    (
        "stoi",
        "STOI",
        "",
        "Short-time objective intelligibility, 0 to 1; equals pystoi.",
    ),
    ("estoi", "ESTOI", "", "Extended STOI, 0 to 1."),
];

/// Made here from `si_sdr` and its floor.
const GAIN: &str = "si_sdr_improvement";

impl Score {
    /// All scores that the observations have, known ones first.
    #[must_use]
    pub fn of(observations: &[Observation]) -> Vec<Self> {
        let mut keys: BTreeSet<&str> = observations
            .iter()
            .flat_map(|o| o.scores.keys().map(String::as_str))
            .collect();
        if observations.iter().any(|o| gain(o).is_some()) {
            keys.insert(GAIN);
        }
        let mut scores: Vec<Self> = KNOWN
            .iter()
            .filter(|(key, ..)| keys.remove(key))
            .map(|(key, name, unit, meaning)| Self {
                key: (*key).into(),
                name: (*name).into(),
                unit: (*unit).into(),
                meaning: (*meaning).into(),
            })
            .collect();
        scores.extend(keys.into_iter().map(|key| Self {
            key: key.into(),
            name: key.into(),
            unit: String::new(),
            meaning: "As named in the results.".into(),
        }));
        scores
    }

    /// The score of an estimate, if it has one.
    pub(super) fn of_estimate(&self, observation: &Observation) -> Option<f64> {
        let given = observation.scores.get(&self.key).copied();
        match self.key.as_str() {
            GAIN => given.or_else(|| gain(observation)),
            _ => given,
        }
    }

    /// The score of the mixture itself as the estimate.
    pub(super) fn of_floor(&self, observation: &Observation) -> Option<f64> {
        match self.key.as_str() {
            GAIN => observation.floor.get("si_sdr").map(|_| 0.0),
            // the mixture is a sum of the sources: nothing in it is an artefact, but for rounding
            "sar" | "si_sar" => None,
            key => observation.floor.get(key).copied(),
        }
    }

    /// The score of the ideal mask.
    pub(super) fn of_ceiling(&self, observation: &Observation) -> Option<f64> {
        match self.key.as_str() {
            GAIN => Some(observation.ceiling.get("si_sdr")? - observation.floor.get("si_sdr")?),
            key => observation.ceiling.get(key).copied(),
        }
    }

    /// Its name with its unit.
    pub(super) fn label(&self) -> String {
        match self.unit.as_str() {
            "" => self.name.clone(),
            unit => format!("{} ({unit})", self.name),
        }
    }

    /// A value as it is printed: tenths of a dB, hundredths of anything else.
    pub(super) fn print(&self, value: f64) -> String {
        match value {
            v if v == f64::INFINITY => "∞".into(),
            v if v.is_nan() => "–".into(),
            v => number(v, self.decimals()),
        }
    }

    /// A difference as it is printed, with its sign and one decimal more than a value.
    pub(super) fn print_difference(&self, value: f64) -> String {
        let text = number(value, self.decimals() + 1);
        match value > 0.0 && !text.trim_matches(['0', '.']).is_empty() {
            true => format!("+{text}"),
            false => text,
        }
    }

    fn decimals(&self) -> usize {
        match self.unit.as_str() {
            "dB" => 1,
            _ => 2,
        }
    }
}

fn gain(observation: &Observation) -> Option<f64> {
    let gain = observation.scores.get("si_sdr")? - observation.floor.get("si_sdr")?;
    Some(gain)
}
