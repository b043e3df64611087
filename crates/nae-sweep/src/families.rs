//! `[scores]`: what is worked out.

use nae_metrics::scores::Family;
use serde::{Deserialize, Serialize};

/// `[scores]`: what is worked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScoreFamilies {
    /// Any of `"bss_eval"` (512 taps, most of the time of scoring), `"scale_invariant"`,
    /// `"intelligibility"`.
    pub families: Vec<FamilyName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FamilyName {
    BssEval,
    ScaleInvariant,
    Intelligibility,
}

impl Default for ScoreFamilies {
    fn default() -> Self {
        Self {
            families: vec![
                FamilyName::BssEval,
                FamilyName::ScaleInvariant,
                FamilyName::Intelligibility,
            ],
        }
    }
}

impl From<FamilyName> for Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::BssEval => Self::BssEval,
            FamilyName::ScaleInvariant => Self::ScaleInvariant,
            FamilyName::Intelligibility => Self::Intelligibility,
        }
    }
}

impl From<Family> for FamilyName {
    fn from(family: Family) -> Self {
        match family {
            Family::BssEval => Self::BssEval,
            Family::ScaleInvariant => Self::ScaleInvariant,
            Family::Intelligibility => Self::Intelligibility,
        }
    }
}
