//! Noise, and numbers at random.

use std::ops::Range;

use rand::distr::uniform::SampleUniform;
use rand::{Rng, RngExt};

use crate::lcg::Lcg;

/// White noise within ±1 (xorshift64*).
pub fn white(samples: usize, seed: u64) -> Vec<f32> {
    let mut state = seed | 1;
    (0..samples)
        .map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
            (bits as f32 / (1 << 23) as f32) - 1.0
        })
        .collect()
}

/// White noise whose level swings every 6283 samples: speech-like enough for intelligibility scores.
pub fn swinging(samples: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..samples)
        .map(|n| draw() * (1.1 + (n as f32 * 1e-3).sin()))
        .collect()
}

/// Noise that falls towards high frequencies: each sample is 0.9 of the last one and a step within ±0.1.
pub fn red(samples: usize, rng: &mut impl Rng) -> Vec<f32> {
    let mut last = 0.0;
    (0..samples)
        .map(|_| {
            last = 0.9 * last + rng.random_range(-0.1..0.1f32);
            last
        })
        .collect()
}

/// Noise through a resonance that moves from place to place four times a second.
pub fn resonant(samples: usize, rate: u32, rng: &mut impl Rng) -> Vec<f32> {
    let (mut last, mut before, mut angle) = (0.0f32, 0.0f32, 0.0f32);
    (0..samples)
        .map(|n| {
            if n % (rate as usize / 4) == 0 {
                angle = rng.random_range(0.02..1.5);
            }
            let now = 1.9 * angle.cos() * last - 0.9025 * before + rng.random_range(-0.05..0.05);
            (before, last) = (last, now);
            now
        })
        .collect()
}

/// Uniform numbers in `range`.
pub fn uniform<T: SampleUniform + PartialOrd + Clone>(
    count: usize,
    range: Range<T>,
    rng: &mut impl Rng,
) -> Vec<T> {
    (0..count)
        .map(|_| rng.random_range(range.clone()))
        .collect()
}

/// Uniform numbers in `range` for a seed, without a generator of the caller's.
pub fn uniform_lcg(count: usize, range: Range<f32>, seed: u64) -> Vec<f32> {
    let mut lcg = Lcg::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let Range { start, end } = range;
    (0..count)
        .map(|_| start + (end - start) * ((lcg.next_u64() >> 40) as f32 / (1u64 << 24) as f32))
        .collect()
}
