//! Where a model comes from: a file, or nae itself.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use burn::tensor::Device;
use nae_model::Ensemble;
use nae_model::universal::Universal;

/// What the name of a model that comes with nae begins with.
const PREFIX: &str = "universal:";

/// A model file, or a model that comes with nae.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelLocation {
    File(PathBuf),
    /// The name after `universal:`, which may be none that there is.
    Universal(String),
}

impl ModelLocation {
    /// Whether a text names a model that comes with nae. A file of such a name is `./universal:voice`.
    pub fn is_universal(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    pub fn parse(text: &str) -> Self {
        match text.strip_prefix(PREFIX) {
            Some(name) => Self::Universal(name.into()),
            None => Self::File(text.into()),
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Universal(_) => None,
        }
    }

    /// Reads the model.
    pub fn load(&self, device: &Device) -> Result<Ensemble> {
        match self {
            Self::File(path) => Ok(Ensemble::load(path, device)?),
            Self::Universal(name) => {
                let mut all = Universal::ALL.into_iter();
                let Some(universal) = all.find(|universal| universal.name() == name) else {
                    let names =
                        Universal::ALL.map(|universal| format!("{PREFIX}{}", universal.name()));
                    bail!(
                        "there is no {self}: expected {}; a file of that name is ./{self}",
                        names.join(" or ")
                    );
                };
                Ok(universal.load(device)?)
            }
        }
    }
}

impl std::fmt::Display for ModelLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Universal(name) => write!(f, "{PREFIX}{}", name.escape_debug()),
        }
    }
}
