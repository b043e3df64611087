//! The sources that a mixture is made of.

use nae_model::Model;

use crate::error::SeparateError;

/// A source with one or more models.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the source and of its stem.
    pub name: String,
    /// At least one model; the masks of several are averaged.
    pub models: Vec<Model>,
}

impl Source {
    /// A source with these models.
    pub fn new(name: impl Into<String>, models: Vec<Model>) -> Self {
        Self {
            name: name.into(),
            models,
        }
    }
}

/// Stems are files called like their sources: two of one name would be one file.
///
/// # Errors
/// [`SeparateError::SameName`] for the first name that is there before.
pub fn check_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), SeparateError> {
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return Err(SeparateError::SameName { name: name.into() });
        }
        seen.push(name);
    }
    Ok(())
}
