//! `data.loop`: whether sound that is too short is repeated.

use nae_config::{Content, OutOfRange, Rule, Setting};
use serde::{Deserialize, Serialize};

/// Whether test sound that is shorter than a mixture is repeated to its length; `true` and `false` in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Repeat {
    /// It is not.
    #[default]
    No,
    /// It is, from its beginning.
    Yes,
}

impl From<bool> for Repeat {
    fn from(repeats: bool) -> Self {
        match repeats {
            true => Self::Yes,
            false => Self::No,
        }
    }
}

impl From<Repeat> for bool {
    fn from(repeat: Repeat) -> Self {
        repeat == Repeat::Yes
    }
}

impl Setting for Repeat {
    fn content(&self) -> Content {
        Content::of(self)
    }

    fn allowed(_: &Rule) -> String {
        "true or false".into()
    }

    fn check(&self, _: &str, _: &Rule) -> Result<(), OutOfRange> {
        Ok(())
    }
}
