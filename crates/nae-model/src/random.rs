//! The one place that turns (seed, purpose) into a generator.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A generator for one purpose. Different purposes under one seed are independent, so that adding
/// a draw in one place never changes another's numbers; the stream is the same on every machine.
pub fn generator(seed: u64, purpose: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(purpose.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn a_seed_and_purpose_always_give_the_same_numbers() {
        assert_eq!(generator(1, "a").next_u64(), generator(1, "a").next_u64());
        assert_ne!(generator(1, "a").next_u64(), generator(2, "a").next_u64());
        assert_ne!(generator(1, "a").next_u64(), generator(1, "b").next_u64());
    }
}
