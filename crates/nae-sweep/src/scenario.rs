//! Scenarios: sets of mixtures of one experiment.

use nae_config::grid::Axis;

use crate::data::Data;

/// One set of mixtures: which sources are mixed, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What rows and reports call it; empty where the experiment has only one.
    pub name: String,
    /// `[data]` with what the scenario changes of it.
    pub data: Data,
    /// The grid over settings of `[data]`, which replaces those of systems over the same keys.
    pub axes: Vec<Axis>,
}
