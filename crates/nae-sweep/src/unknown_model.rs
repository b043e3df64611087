//! `unknown` of a system: what stands in for a source without a model.

use std::path::Path;

use nae_config::{Content, OutOfRange, Rule, Setting};
use serde::{Deserialize, Serialize};

/// The key of what stands in for sources without a model.
pub(crate) const UNKNOWN: &str = "unknown";

/// What the name of a model that comes with nae begins with.
pub(crate) const UNIVERSAL: &str = "universal:";

/// What a system puts in the place of a source of `data.unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum UnknownModel {
    /// Bases that are learnt on the mixture, with the settings of `[separate.unknown]`; `"free"`. Where models
    /// are joined, the masks are averaged with those of a joint encoder that is trained against the sound of the
    /// other sources of its pool.
    #[default]
    Free,
    /// The source's own model, as if it were known: what the others are compared with; `"known"`.
    Known,
    /// All other sources of its pool: a universal model of ten bases of each, trained by the run itself, or
    /// where models are joined that joint encoder alone; `"universal"`.
    Universal,
    /// A model file, or `"universal:voice"` and `"universal:noise"`, which come with nae.
    Model(String),
}

impl UnknownModel {
    /// Lets the path of a model file count from a folder.
    pub(crate) fn resolved(self, folder: &Path) -> Self {
        match self {
            Self::Model(path) if !path.starts_with(UNIVERSAL) => {
                Self::Model(folder.join(path).to_string_lossy().into_owned())
            }
            other => other,
        }
    }
}

impl From<String> for UnknownModel {
    fn from(text: String) -> Self {
        match text.as_str() {
            "free" => Self::Free,
            "known" => Self::Known,
            "universal" => Self::Universal,
            _ => Self::Model(text),
        }
    }
}

impl From<UnknownModel> for String {
    fn from(model: UnknownModel) -> Self {
        match model {
            UnknownModel::Free => "free".into(),
            UnknownModel::Known => "known".into(),
            UnknownModel::Universal => "universal".into(),
            UnknownModel::Model(text) => text,
        }
    }
}

impl Setting for UnknownModel {
    fn content(&self) -> Content {
        Content::of(self)
    }

    fn allowed(_: &Rule) -> String {
        "\"free\", \"known\", \"universal\", \"universal:voice\", \"universal:noise\" or a model file".into()
    }

    fn check(&self, _: &str, _: &Rule) -> Result<(), OutOfRange> {
        Ok(())
    }
}
