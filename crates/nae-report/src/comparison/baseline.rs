//! What a system is compared with.

use std::collections::BTreeMap;

/// What a system is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// One system, by its name.
    System(String),
    /// For every system, the first one of a kind (such as `"NMF"`) that has its rank.
    EqualRank {
        /// The kind.
        kind: String,
    },
    /// For some systems one of their own each.
    Own {
        /// What these have in common, in words.
        name: String,
        /// Names of baselines by the names of the systems that are compared with them.
        of: BTreeMap<String, String>,
    },
}

impl Baseline {
    /// What it is, in words.
    pub(super) fn name(&self) -> String {
        match self {
            Self::System(name) | Self::Own { name, .. } => name.clone(),
            Self::EqualRank { kind } => format!("{kind} of equal rank"),
        }
    }
}
