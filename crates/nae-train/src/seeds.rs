//! Seeds of models that train together.

use nae_model::random::generator;
use rand::rngs::ChaCha8Rng;

/// One seed for every model of a stack: each draws the numbers it would draw alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

impl Seeds {
    /// Number of models.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Every model's generator for one purpose.
    pub fn generators(&self, purpose: &str) -> impl Iterator<Item = ChaCha8Rng> {
        self.0.iter().map(move |&seed| generator(seed, purpose))
    }
}
