//! The table of scores, and all of them for a set of estimates, a row a source.
//!
//! [`TABLE`] is the one place where a score is listed: code that prints, stores, compares or
//! describes scores reads it. A new score is a row here beside the file with its arithmetic; a new
//! group of scores is a [`MetricGroup`] and its share of [`Evaluation`], in this file too, which is
//! why it is longer than 400 lines.
//!
//! ```
//! use nae_metrics::scores::{Evaluation, Form, MetricGroup, TABLE};
//! use nae_metrics::{Estimate, Reference};
//! let voice: Vec<f64> = (0..2000).map(|n| (f64::from(n * n) * 1e-3).sin()).collect();
//! let noise: Vec<f64> = (0..2000).map(|n| (f64::from(n * n) * 3e-3).sin()).collect();
//! let stem: Vec<f64> = voice.iter().zip(&noise).map(|(v, n)| v + 0.1 * n).collect();
//!
//! let references = [Reference(&voice), Reference(&noise)];
//! let evaluation = Evaluation::new(&references, 8000, &[MetricGroup::ScaleInvariant])?;
//! let rows = evaluation.score_all(&[Estimate(&stem), Estimate(&noise)])?;
//! for (spec, value) in TABLE.iter().zip(rows[0]) {
//!     assert_eq!(value.is_some(), spec.group == MetricGroup::ScaleInvariant);
//! }
//! assert_eq!(Form::Improvement.key(TABLE[3].key), "si_sdr_improvement");
//! # Ok::<(), nae_metrics::MetricsError>(())
//! ```

mod form;

use crate::bss_eval::{BSS_EVAL_TAPS, BssEval, Ratios, SCALE_INVARIANT_TAPS};
use crate::error::{MetricsError, Signal};
use crate::signal::{Estimate, Reference, Sample};
use crate::stoi::{Intelligibility, intelligibility};
pub use form::{Form, RELIABLE_DB, improvement, named};

/// One score: what it is called and what it means.
#[derive(Clone, Copy, Debug)]
pub struct ScoreSpec {
    /// Its key in files and JSON.
    pub key: &'static str,
    /// Its name in tables and on axes, without a unit.
    pub label: &'static str,
    /// Its unit; empty for a share of 1.
    pub unit: &'static str,
    /// What it is worked out with.
    pub group: MetricGroup,
    /// Decimals that a single value is printed with.
    pub decimals: usize,
    /// What it measures and which variant of it this is, in a sentence.
    pub meaning: &'static str,
    /// Whether the higher value is the better one.
    pub is_better_when_higher: bool,
    /// Whether the mixture, scored as the estimate, is a floor to compare with: not for artefacts, of
    /// which a sum of the sources has none.
    pub has_floor: bool,
    /// How much room reports give it.
    pub prominence: Prominence,
    /// What distinguishes it from other ratios of the same sound.
    pub explanation: Option<Explanation>,
    value: fn(&Measurements) -> Option<f64>,
}

/// How much room a report gives to a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prominence {
    /// Stands for its group: figures, and a table of its own.
    Main,
    /// Its improvement over the mixture stands for its group; itself as [`Detail`](Self::Detail).
    MainImprovement,
    /// Figures.
    Featured,
    /// A column in a table.
    Detail,
}

/// A ratio beside the others that the same sound has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The ratio and its variant.
    pub name: &'static str,
    /// What it counts as an error, or allows.
    pub words: &'static str,
}

/// How many scores there are.
pub const COUNT: usize = 8;

/// Scores of one estimate in the order of [`TABLE`]: in dB, or shares of 1. `None` where one does not
/// exist (too little speech for STOI, no second source for SIR) or was not asked for.
pub type Scores = [Option<f64>; COUNT];

/// Every score, in the order they are printed.
pub const TABLE: [ScoreSpec; COUNT] = [
    ScoreSpec {
        key: "sdr",
        label: "SDR",
        meaning: "BSS_eval v3 (sources), 512-tap projection: distortion of all kinds; equals mir_eval's bss_eval_sources.",
        prominence: Prominence::Main,
        explanation: Some(Explanation {
            name: "SDR, 512 taps (BSS_eval v3)",
            words: "any filter of 512 samples is allowed",
        }),
        value: |found| Some(found.bss_eval?.sdr),
        ..BSS_EVAL
    },
    ScoreSpec {
        key: "sir",
        label: "SIR",
        meaning: "BSS_eval v3, 512 taps: interference from the other sources.",
        prominence: Prominence::Featured,
        explanation: Some(Explanation {
            name: "SIR, 512 taps",
            words: "the part of the error that is a filter on the other sources",
        }),
        value: |found| Some(found.bss_eval?.sir),
        ..BSS_EVAL
    },
    ScoreSpec {
        key: "sar",
        label: "SAR",
        meaning: "BSS_eval v3, 512 taps: artefacts, which come from no source. The mixture has none, so there is no floor.",
        has_floor: false,
        prominence: Prominence::Featured,
        explanation: Some(Explanation {
            name: "SAR, 512 taps",
            words: "the part of the error that is no filter on any source",
        }),
        value: |found| Some(found.bss_eval?.sar),
        ..BSS_EVAL
    },
    ScoreSpec {
        key: "si_sdr",
        label: "SI-SDR",
        meaning: "1-tap projection (scale-invariant), as in the paper's own scoring.",
        prominence: Prominence::MainImprovement,
        explanation: Some(Explanation {
            name: "SDR, 1 tap",
            words: "equals SI-SDR: the other sources only divide the error into SIR and SAR",
        }),
        value: |found| Some(found.scale_invariant?.sdr),
        ..SCALE_INVARIANT
    },
    ScoreSpec {
        key: "si_sir",
        label: "SI-SIR",
        meaning: "1-tap projection: interference from the other sources.",
        explanation: Some(Explanation {
            name: "SIR, 1 tap",
            words: "the part of the error that is a gain on the other sources",
        }),
        value: |found| Some(found.scale_invariant?.sir),
        ..SCALE_INVARIANT
    },
    ScoreSpec {
        key: "si_sar",
        label: "SI-SAR",
        meaning: "1-tap projection: artefacts, which come from no source.",
        has_floor: false,
        explanation: Some(Explanation {
            name: "SAR, 1 tap",
            words: "the part of the error that is no gain on any source",
        }),
        value: |found| Some(found.scale_invariant?.sar),
        ..SCALE_INVARIANT
    },
    ScoreSpec {
        key: "stoi",
        label: "STOI",
        meaning: "Short-time objective intelligibility, 0 to 1; equals pystoi.",
        prominence: Prominence::Main,
        value: |found| Some(found.intelligibility?.stoi),
        ..INTELLIGIBILITY
    },
    ScoreSpec {
        key: "estoi",
        label: "ESTOI",
        meaning: "Extended STOI, 0 to 1.",
        value: |found| Some(found.intelligibility?.estoi),
        ..INTELLIGIBILITY
    },
];

/// What all ratios in dB share.
const BSS_EVAL: ScoreSpec = ScoreSpec {
    key: "",
    label: "",
    unit: "dB",
    group: MetricGroup::BssEval,
    decimals: 2,
    meaning: "",
    is_better_when_higher: true,
    has_floor: true,
    prominence: Prominence::Detail,
    explanation: None,
    value: |_| None,
};
const SCALE_INVARIANT: ScoreSpec = ScoreSpec {
    group: MetricGroup::ScaleInvariant,
    ..BSS_EVAL
};
const INTELLIGIBILITY: ScoreSpec = ScoreSpec {
    unit: "",
    group: MetricGroup::Intelligibility,
    decimals: 3,
    ..BSS_EVAL
};

impl ScoreSpec {
    /// The score with this key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<&'static Self> {
        const { &TABLE }.iter().find(|spec| spec.key == key)
    }
}

/// Scores that are worked out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricGroup {
    /// SDR, SIR, SAR with 512 taps: most of the time of scoring.
    BssEval,
    /// SI-SDR, SI-SIR, SI-SAR.
    ScaleInvariant,
    /// STOI and ESTOI.
    Intelligibility,
}

impl MetricGroup {
    /// All of them, in the order of [`TABLE`].
    pub const ALL: [Self; 3] = [Self::BssEval, Self::ScaleInvariant, Self::Intelligibility];

    /// All keys.
    pub const KEYS: [&str; Self::ALL.len()] = {
        let mut keys = [""; Self::ALL.len()];
        let mut i = 0;
        while i < keys.len() {
            keys[i] = Self::ALL[i].key();
            i += 1;
        }
        keys
    };

    /// Its key in settings.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::BssEval => "bss_eval",
            Self::ScaleInvariant => "scale_invariant",
            Self::Intelligibility => "intelligibility",
        }
    }

    /// Its name in identities and lists of work, which never changes.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::BssEval => "BssEval",
            Self::ScaleInvariant => "ScaleInvariant",
            Self::Intelligibility => "Intelligibility",
        }
    }

    /// The variant and unit of its scores, to stand above their columns; empty where their names say it.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::BssEval => "512 taps (dB)",
            Self::ScaleInvariant => "1 tap (dB)",
            Self::Intelligibility => "",
        }
    }

    /// What its scores are, to stand below their columns; empty where their names say it.
    #[must_use]
    pub const fn note(self) -> &'static str {
        match self {
            Self::BssEval => "SDR, SIR, SAR: BSS_eval v3 sources, 512-tap projection",
            Self::ScaleInvariant => "SI-: 1-tap projection",
            Self::Intelligibility => "",
        }
    }

    /// About how many seconds one core takes to score one second of one source, its floor and its
    /// ceiling: within a factor of two on a server core of the 2020s.
    #[must_use]
    pub const fn cost_s(self) -> f64 {
        match self {
            Self::BssEval => 0.02,
            Self::ScaleInvariant => 0.001,
            Self::Intelligibility => 0.004,
        }
    }

    /// Its scores.
    pub fn scores(self) -> impl Iterator<Item = &'static ScoreSpec> {
        const { &TABLE }
            .iter()
            .filter(move |spec| spec.group == self)
    }
}

/// What the groups have measured of one estimate.
struct Measurements {
    bss_eval: Option<Ratios>,
    scale_invariant: Option<Ratios>,
    intelligibility: Option<Intelligibility>,
}

impl Measurements {
    /// Infinite ratios are no scores.
    fn scores(&self) -> Scores {
        TABLE.map(|spec| (spec.value)(self).filter(|value| value.is_finite()))
    }
}

/// References with their projections worked out once.
pub struct Evaluation<'a, S = f32> {
    references: &'a [Reference<'a, S>],
    bss_eval: Option<BssEval<'a, S>>,
    scale_invariant: Option<BssEval<'a, S>>,
    is_speech_scored: bool,
    sample_rate: u32,
}

impl<'a, S: Sample> Evaluation<'a, S> {
    /// Prepares `groups` of scores against `references`, all of one length at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`MetricsError`] for references that are silent, too short, not finite or of unequal length.
    pub fn new(
        references: &'a [Reference<'a, S>],
        sample_rate: u32,
        groups: &[MetricGroup],
    ) -> Result<Self, MetricsError> {
        let project = |group, taps| {
            let wanted = groups.contains(&group);
            wanted.then(|| BssEval::new(references, taps)).transpose()
        };
        Ok(Self {
            references,
            bss_eval: project(MetricGroup::BssEval, BSS_EVAL_TAPS)?,
            scale_invariant: project(MetricGroup::ScaleInvariant, SCALE_INVARIANT_TAPS)?,
            is_speech_scored: groups.contains(&MetricGroup::Intelligibility),
            sample_rate,
        })
    }

    /// Scores one estimate for every reference, in order.
    ///
    /// # Errors
    /// [`MetricsError`] for estimates that cannot be scored, or another count of them.
    pub fn score_all(&self, estimates: &[Estimate<'_, S>]) -> Result<Vec<Scores>, MetricsError> {
        if estimates.len() != self.references.len() {
            return Err(MetricsError::CountMismatch {
                expected: self.references.len(),
                found: estimates.len(),
            });
        }
        self.rows(estimates, Signal::Estimate, |projection| {
            projection.score_all(estimates)
        })
    }

    /// Scores the mixture as the estimate of every reference in turn.
    ///
    /// # Errors
    /// [`MetricsError`] for a mixture that cannot be scored.
    pub fn score_against_each(
        &self,
        mixture: &Estimate<'_, S>,
    ) -> Result<Vec<Scores>, MetricsError> {
        let copies = vec![*mixture; self.references.len()];
        self.rows(
            &copies,
            |_| Signal::Mixture,
            |projection| projection.score_against_each(mixture),
        )
    }

    /// One row for every reference; `score` works out the ratios of all, and `role` is what errors
    /// call the estimate of an index.
    fn rows(
        &self,
        estimates: &[Estimate<'_, S>],
        role: impl Fn(usize) -> Signal,
        score: impl Fn(&BssEval<'a, S>) -> Result<Vec<Ratios>, MetricsError>,
    ) -> Result<Vec<Scores>, MetricsError> {
        let bss_eval = self.bss_eval.as_ref().map(&score).transpose()?;
        let scale_invariant = self.scale_invariant.as_ref().map(&score).transpose()?;
        let of = |all: &Option<Vec<Ratios>>, i: usize| all.as_ref().map(|all| all[i]);
        let pairs = self.references.iter().zip(estimates).enumerate();
        let rows = pairs.map(|(i, (reference, estimate))| {
            let found = Measurements {
                bss_eval: of(&bss_eval, i),
                scale_invariant: of(&scale_invariant, i),
                intelligibility: self.intelligibility(reference, estimate).map_err(|error| {
                    match error.signal() {
                        Some(Signal::Reference(_)) => error.about(Signal::Reference(i)),
                        _ => error.about(role(i)),
                    }
                })?,
            };
            Ok(found.scores())
        });
        rows.collect()
    }

    fn intelligibility(
        &self,
        reference: &Reference<'_, S>,
        estimate: &Estimate<'_, S>,
    ) -> Result<Option<Intelligibility>, MetricsError> {
        if !self.is_speech_scored {
            return Ok(None);
        }
        match intelligibility(reference, estimate, self.sample_rate) {
            Ok(both) => Ok(Some(both)),
            // a sound with too little speech still has its other scores
            Err(MetricsError::TooFewFrames { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
