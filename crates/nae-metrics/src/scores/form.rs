//! The forms in which a score is stored: of the estimate, of the mixture, its improvement, of an oracle.

use super::{Scores, TABLE};

/// What a score is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The estimate.
    Estimate,
    /// The mixture as the estimate: the floor.
    Mixture,
    /// The estimate's gain over the mixture.
    Improvement,
    /// The ideal ratio mask: the ceiling.
    Oracle,
}

impl Form {
    /// All of them, in the order they are stored.
    pub const ALL: [Self; 4] = [
        Self::Estimate,
        Self::Mixture,
        Self::Improvement,
        Self::Oracle,
    ];

    /// The key of this form of the score `key`: `sdr`, `sdr_mixture`, `sdr_improvement`, `oracle_sdr`.
    #[must_use]
    pub fn key(self, key: &str) -> String {
        match self {
            Self::Estimate => key.to_owned(),
            Self::Mixture => format!("{key}_mixture"),
            Self::Improvement => format!("{key}_improvement"),
            Self::Oracle => format!("oracle_{key}"),
        }
    }
}

/// Above this a score in dB is rounding: a mixture of the references, say, has no artefacts at all.
pub const RELIABLE_DB: f64 = 100.0;

/// The gain of `scores` over `floor`, the mixture's; none over a floor above [`RELIABLE_DB`].
#[must_use]
pub fn improvement(scores: &Scores, floor: &Scores) -> Scores {
    std::array::from_fn(|i| Some(scores[i]? - floor[i].filter(|db| *db <= RELIABLE_DB)?))
}

/// Scores under the keys they are stored by: those of the estimate, and with floor (the mixture's
/// scores) and ceiling (the ideal ratio mask's) also the other [`Form`]s.
#[must_use]
pub fn named(scores: &Scores, bounds: Option<&(Scores, Scores)>) -> Vec<(String, Option<f64>)> {
    let mut forms = vec![(Form::Estimate, *scores)];
    if let Some((floor, ceiling)) = bounds {
        forms.push((Form::Mixture, *floor));
        forms.push((Form::Improvement, improvement(scores, floor)));
        forms.push((Form::Oracle, *ceiling));
    }
    let keyed = |(form, scores): (Form, Scores)| {
        let pairs = TABLE.iter().zip(scores);
        pairs
            .map(|(spec, value)| (form.key(spec.key), value))
            .collect::<Vec<_>>()
    };
    forms.into_iter().flat_map(keyed).collect()
}
