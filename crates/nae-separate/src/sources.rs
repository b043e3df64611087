//! The sources that a mixture is made of.

use nae_model::Model;

/// A source with one or more models.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the source and of its stem.
    pub name: String,
    /// At least one model; the masks of several are averaged.
    pub models: Vec<Model>,
}
