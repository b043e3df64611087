//! A linear congruential generator: a few lines in any language.

/// Modulo 2⁶⁴ with Knuth's multiplier (MMIX): good in its upper bits only.
#[derive(Debug, Clone)]
pub struct Lcg(u64);

impl Lcg {
    /// Starts at `state`.
    pub fn new(state: u64) -> Self {
        Self(state)
    }

    /// The next state, all 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}
