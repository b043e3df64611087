//! One scored estimate.

use std::collections::BTreeMap;

/// What one system made of one source of one mixture with one seed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    /// Name of the system, unique: `"NAE, 4 layers, rank 100"`.
    pub system: String,
    /// Kind of model: `"NMF"`, `"NAE"`.
    pub kind: String,
    /// Number of layers; 0 or 1 for kinds without a choice, such as NMF.
    pub layers: usize,
    /// Components per source.
    pub rank: usize,
    /// What else distinguishes the system from others of its kind, depth and rank (`"λ = 0.1"`);
    /// mostly empty.
    pub variant: String,
    /// The pair of voices (or set of sources) that the mixture was made of.
    pub pair: String,
    /// The mixture, unique in its pair.
    pub mixture: String,
    /// The source.
    pub source: String,
    /// What is distinguished among the sources of a mixture, such as `"known"` and `"unknown"`; empty where
    /// nothing is.
    pub role: String,
    /// Seed of the models.
    pub seed: u64,
    /// Scores by their keys, such as `"sdr"`, `"si_sdr"`, `"stoi"`: see [`Score`](super::Score).
    /// A score that does not exist is left out.
    pub scores: BTreeMap<String, f64>,
    /// The same scores of the mixture itself as the estimate.
    pub floor: BTreeMap<String, f64>,
    /// The same scores of the ideal ratio mask.
    pub ceiling: BTreeMap<String, f64>,
    /// Seconds that training this source's model took; 0 for a source without one.
    pub train_s: f64,
    /// Seconds that joining the pair's models took, where they are joined.
    pub join_s: Option<f64>,
    /// Seconds that separating this mixture took; 0 where another program did.
    pub separate_s: f64,
}
