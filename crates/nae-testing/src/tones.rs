//! Sines, chords, notes, chirps.

use std::f64::consts::TAU;

use rand::{Rng, RngExt};

/// A sine of `hz` that starts at 0, `samples` long at `rate` samples per second.
pub fn sine(hz: f64, amplitude: f64, rate: u32, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|i| (amplitude * (TAU * hz * i as f64 / f64::from(rate)).sin()) as f32)
        .collect()
}

/// Sines of several frequencies in Hz, each with an amplitude of 0.1, over white noise within ±0.005.
pub fn chord(frequencies: &[f64], rate: u32, samples: usize, rng: &mut impl Rng) -> Vec<f32> {
    (0..samples)
        .map(|n| {
            let sum: f64 = frequencies
                .iter()
                .map(|f| (f * n as f64 / f64::from(rate) * TAU).sin())
                .sum();
            (sum * 0.1) as f32 + rng.random_range(-0.005..0.005)
        })
        .collect()
}

/// Eight notes of five harmonics each, one after another from 150 Hz upwards by 70 Hz, 1500 samples each at
/// 8000 Hz, over white noise within ±0.002.
pub fn scale(rng: &mut impl Rng) -> Vec<f32> {
    let mut samples = Vec::new();
    for note in 0..8 {
        let base = 150.0 + 70.0 * f64::from(note);
        for n in 0..1500 {
            let phase = f64::from(n) / 8000.0 * base * TAU;
            let tone: f64 = (1..6)
                .map(|k| (phase * f64::from(k)).sin() / f64::from(k))
                .sum();
            samples.push((tone * 0.2) as f32 + rng.random_range(-0.002..0.002));
        }
    }
    samples
}

/// Bursts of an eighth of a second of a tone with three harmonics, each burst at a pitch of its own around
/// `hz` and a level of its own below 0.2; at least `seconds` of it.
pub fn bursts(hz: f32, rate: u32, seconds: f32, rng: &mut impl Rng) -> Vec<f32> {
    let burst = rate as usize / 8;
    let mut samples = Vec::new();
    while samples.len() < (seconds * rate as f32) as usize {
        let pitch = hz * rng.random_range(0.8..1.25f32);
        let level = rng.random_range(0.0..0.2f32);
        samples.extend((0..burst).map(|n| {
            let angle = std::f32::consts::TAU * pitch * n as f32 / rate as f32;
            level * (angle.sin() + 0.5 * (2.0 * angle).sin() + 0.3 * (3.0 * angle).sin())
        }));
    }
    samples
}

/// A tone that changes its pitch three times a second, to one of four above `hz`, and swells five times in 2π
/// seconds.
pub fn melody(hz: f32, rate: u32, seconds: usize) -> Vec<f32> {
    let sample = |n: usize| {
        let t = n as f32 / rate as f32;
        let note = 1.0 + ((t * 3.0) as usize % 4) as f32 * 0.25;
        (hz * note * t * std::f32::consts::TAU).sin() * 0.3 * (0.2 + (t * 5.0).sin().abs())
    };
    (0..seconds * rate as usize).map(sample).collect()
}

/// A tone of 143 Hz with eleven harmonics whose loudness swings four times a second, at 10 kHz.
pub fn swinging_harmonics(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| {
            let t = n as f32 / 10_000.0;
            let harmonics: f32 = (1..12).map(|k| (900.0 * k as f32 * t).sin()).sum();
            harmonics * (1.1 + (25.0 * t).sin())
        })
        .collect()
}

/// A sine whose phase grows with the square of time, `rate` · n² radians at sample n: it repeats nothing.
pub fn chirp(samples: usize, rate: f64) -> impl Iterator<Item = f64> {
    (0..samples).map(move |n| (rate * (n * n) as f64).sin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    fn generator(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn a_sine_has_its_period_and_level() {
        let samples = sine(1000.0, 0.5, 8000, 16);
        for (n, expected) in [(0, 0.0), (2, 0.5), (4, 0.0), (6, -0.5), (10, 0.5)] {
            // rounding of the phase
            assert!((samples[n] - expected).abs() < 1e-6, "{n}");
        }
    }

    #[test]
    fn random_tones_are_as_long_as_asked_for_and_the_same_for_a_seed() {
        let bursts = |seed| bursts(300.0, 8000, 0.5, &mut generator(seed));
        assert_eq!((bursts(1).len(), bursts(1)), (4000, bursts(1)));
        assert_ne!(bursts(1), bursts(2));
        assert_eq!(scale(&mut generator(1)).len(), 12_000);
        assert_eq!(chord(&[300.0], 8000, 500, &mut generator(1)).len(), 500);
    }
}
