//! Constant offsets (DC): what a converter or a cheap microphone adds to every sample.

use std::borrow::Cow;

/// Part of a sound's root mean square from which on its mean counts as an offset: −40 dB. Below, an
/// offset is far weaker in its own bins than other sound is there, and samples stay as they are.
const LEAST: f64 = 0.01;

/// The lowest frequency of a sound, Hz: a tone of it that ends in the middle of a period has a mean too.
const LOWEST_HZ: f64 = 20.0;

/// The mean of a sound if it is an offset, otherwise 0.
///
/// An offset is a mean of more than 1 % of the root mean square, and of more than a tone of 20 Hz could
/// have that is cut anywhere (`√2 / (π·20 Hz·T)` of its root mean square): sounds of less than 23 ms
/// have none.
///
/// - `sample_rate`: in Hz
pub fn offset(samples: &[f32], sample_rate: u32) -> f32 {
    let (sum, power) = samples.iter().fold((0.0f64, 0.0f64), |(sum, power), &x| {
        (sum + f64::from(x), power + f64::from(x) * f64::from(x))
    });
    let count = samples.len().max(1) as f64;
    let mean = sum / count;
    let seconds = count / f64::from(sample_rate.max(1));
    if is_offset(mean, power / count, seconds) {
        mean as f32
    } else {
        0.0
    }
}

/// Whether a mean is an offset.
///
/// - `power`: mean square
/// - `seconds`: length of what both are of
pub(crate) fn is_offset(mean: f64, power: f64, seconds: f64) -> bool {
    let of_a_tone = std::f64::consts::SQRT_2 / (std::f64::consts::PI * LOWEST_HZ * seconds);
    mean.abs() > LEAST.max(of_a_tone) * power.sqrt()
}

/// A sound without its [`offset`]; the same samples if it has none.
///
/// - `sample_rate`: in Hz
pub fn without_offset(samples: &[f32], sample_rate: u32) -> Cow<'_, [f32]> {
    subtract_offset(samples, offset(samples, sample_rate))
}

/// A sound without an offset that is known already; the same samples if that is 0.
pub fn subtract_offset(samples: &[f32], offset: f32) -> Cow<'_, [f32]> {
    match offset {
        0.0 => Cow::Borrowed(samples),
        _ => Cow::Owned(samples.iter().map(|x| x - offset).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;

    fn tone(hertz: f32, samples: usize) -> Vec<f32> {
        let step = std::f32::consts::TAU * hertz / RATE as f32;
        (0..samples)
            .map(|n| 0.1 * (step * n as f32).sin())
            .collect()
    }

    #[test]
    fn an_offset_is_found_whatever_its_sign_and_the_level() {
        for level in [1.0, 1e-3] {
            for offset in [0.05f32, -0.3, 2e-3] {
                let x: Vec<f32> = tone(200.0, 32_000)
                    .iter()
                    .map(|x| level * (x + offset))
                    .collect();
                let found = super::offset(&x, RATE);
                assert!(
                    (found - level * offset).abs() < 1e-3 * level * offset.abs(),
                    "{found}"
                );
                let mean = without_offset(&x, RATE).iter().sum::<f32>() / 32e3;
                assert!(mean.abs() < 1e-6 * level);
            }
        }
    }

    #[test]
    fn what_is_constant_is_all_offset() {
        assert_eq!(without_offset(&[0.25; 1000], RATE), [0.0; 1000].as_slice());
    }

    #[test]
    fn sound_without_an_offset_stays_as_it_is() {
        // the least means: whole periods, a millionth, and low tones that end anywhere
        let faint: Vec<f32> = tone(200.0, 32_000).iter().map(|x| x + 1e-6).collect();
        assert!(matches!(without_offset(&faint, RATE), Cow::Borrowed(_)));
        for samples in [1, 10, 200, 399, 1000, 4001, 17_003] {
            let low = tone(20.0, samples);
            assert!(
                matches!(without_offset(&low, RATE), Cow::Borrowed(_)),
                "{samples}"
            );
        }
        assert_eq!(offset(&[], RATE), 0.0);
        assert_eq!(offset(&[0.0; 1000], RATE), 0.0);
    }
}
