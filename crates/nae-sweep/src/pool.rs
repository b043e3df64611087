//! The folders that sources come from.

use serde::{Deserialize, Serialize};

/// What a source belongs to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// Speakers, and whatever is not said to be a noise: those of `data.speakers`.
    #[default]
    Speakers,
    /// Noises: those of `data.noises`.
    Noises,
}

impl Pool {
    /// Its word in files, which is also the key of its folder.
    pub fn word(self) -> &'static str {
        match self {
            Self::Speakers => "speakers",
            Self::Noises => "noises",
        }
    }

    /// What a pool is left out as.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
