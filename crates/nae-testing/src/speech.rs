//! Speech-like signals from a recipe, in integers: bit for bit those of `scripts/metrics/golden.py`.

use serde::Deserialize;

use crate::lcg::Lcg;

/// Amplitudes of the harmonics, in 1/256.
const HARMONIC_WEIGHTS: [i64; 12] = [120, 200, 256, 150, 90, 60, 120, 160, 80, 40, 30, 20];

/// A gain of one.
fn unit_gain() -> i64 {
    256
}

/// How to make a source.
#[derive(Debug, Clone, Deserialize)]
pub struct SourceRecipe {
    /// Of its bursts and its noise floor.
    pub seed: u64,
    /// Phase steps of 1/65536 turn a sample.
    pub pitch: i64,
    /// Phase steps of the syllables, of 1/65536 turn a sample.
    pub syllable: i64,
    /// Samples of silence before it.
    #[serde(default)]
    pub delay: usize,
    /// In 1/256.
    #[serde(default = "unit_gain")]
    pub gain: i64,
    /// The earlier source it is added to.
    pub on: Option<usize>,
}

/// How to make an estimate.
#[derive(Debug, Clone, Deserialize)]
pub struct EstimateRecipe {
    /// Of its noise.
    pub seed: u64,
    /// Source, delay in samples, gain in 1/256.
    pub parts: Vec<(usize, usize, i64)>,
    /// In 1/65536.
    #[serde(default)]
    pub noise: i64,
    /// Added to every sample.
    #[serde(default)]
    pub offset: i64,
}

/// The top 16 of the generator's 64 bits, around zero.
fn white(lcg: &mut Lcg) -> i64 {
    (lcg.next_u64() >> 48) as i64 - 32768
}

/// Two parabolas in place of a sine: period 65536, amplitude 32768.
fn curve(phase: i64) -> i64 {
    let half = phase & 32767;
    let height = (half * (32768 - half)) >> 13;
    if phase & 32768 == 0 { height } else { -height }
}

fn clamp(value: i64) -> i64 {
    value.clamp(-32768, 32767)
}

/// A harmonic tone with vibrato and syllables, bursts of noise between them, a noise floor.
fn voice(recipe: &SourceRecipe, samples: usize) -> Vec<i64> {
    let mut noise = Lcg::new(recipe.seed);
    let (mut phase, mut vibrato, mut syllable) = (0, 0, 0);
    (0..samples)
        .map(|_| {
            vibrato += 21;
            syllable += recipe.syllable;
            phase += recipe.pitch + ((curve(vibrato) * recipe.pitch) >> 20);
            let harmonics: i64 = (1..)
                .zip(HARMONIC_WEIGHTS)
                .map(|(harmonic, weight)| (curve(phase * harmonic) * weight) >> 8)
                .sum();
            let voiced = (curve(syllable) + 8192).max(0);
            let burst = (curve(3 * syllable + 20000) - 16384).max(0);
            let mut sample = (harmonics * voiced) >> 18;
            sample += (white(&mut noise) * burst) >> 17;
            sample += white(&mut noise) >> 9;
            clamp(sample)
        })
        .collect()
}

/// A voice, louder or quieter, later, perhaps on top of an earlier source; integers of 16 bits.
///
/// # Panics
///
/// When the delay is longer than `samples` or the recipe names a source that is not among `earlier`.
pub fn source(recipe: &SourceRecipe, samples: usize, earlier: &[Vec<i64>]) -> Vec<i64> {
    let own = voice(recipe, samples);
    let mut signal = vec![0; samples];
    for (slot, value) in signal[recipe.delay..].iter_mut().zip(own) {
        *slot = (value * recipe.gain) >> 8;
    }
    if let Some(below) = recipe.on {
        for (slot, value) in signal.iter_mut().zip(&earlier[below]) {
            *slot = clamp(*slot + value);
        }
    }
    signal
}

/// Sources, each delayed and weighted, noise and an offset; integers of 16 bits.
///
/// # Panics
///
/// When a delay is longer than `samples` or the recipe names a source that is not among `sources`.
pub fn estimate(recipe: &EstimateRecipe, samples: usize, sources: &[Vec<i64>]) -> Vec<i64> {
    let mut total = vec![0; samples];
    for &(index, delay, gain) in &recipe.parts {
        for (slot, value) in total[delay..].iter_mut().zip(&sources[index]) {
            *slot += value * gain;
        }
    }
    let mut noise = Lcg::new(recipe.seed);
    total
        .iter()
        .map(|value| {
            clamp((value >> 8) + ((white(&mut noise) * recipe.noise) >> 16) + recipe.offset)
        })
        .collect()
}

/// As samples in [−1, 1); exact.
pub fn samples(signal: &[i64]) -> Vec<f32> {
    signal.iter().map(|&value| value as f32 / 32768.0).collect()
}
