//! Lengths, levels and timing after a change of rate.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::SEED;
use nae_audio::{AudioError, edge_samples, resample, resample_to_len};
use nae_testing::compare::{largest_difference, snr_db};
use nae_testing::noise::white;
use nae_testing::tones::sine;
use proptest::prelude::*;

const RATES: [u32; 9] = [
    8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
];

#[test]
fn a_tone_stays_in_place_and_level_between_all_usual_rates() {
    for from in RATES {
        for to in RATES {
            let seconds = 2;
            let output = resample(
                &sine(1000.0, 0.5, from, (from * seconds) as usize),
                from,
                to,
            )
            .unwrap();
            let expected = sine(1000.0, 0.5, to, (to * seconds) as usize);
            assert_eq!(output.len(), expected.len());
            let edge = edge_samples(to, from).unwrap();
            let inner = edge..output.len() - edge;
            // The filter is computed in f64 and flat far below the cut-off; what is left is the
            // rounding of samples to f32, 3e-8 a time.
            let error = largest_difference(&output[inner.clone()], &expected[inner]);
            assert!(error < 1e-6, "{from} → {to}: {error}");
        }
    }
}

#[test]
fn what_the_lower_rate_cannot_hold_is_gone() {
    // 10 kHz would alias to 6 kHz.
    let output = resample(&sine(10_000.0, 1.0, 44_100, 44_100), 44_100, 16_000).unwrap();
    let edge = edge_samples(16_000, 44_100).unwrap();
    let loudest = output[edge..output.len() - edge]
        .iter()
        .fold(0f32, |a, x| a.max(x.abs()));
    // −120 dB, beyond 16 bits.
    assert!(loudest < 1e-6, "{loudest}");
}

#[test]
fn down_and_back_keeps_what_lies_below_the_lower_half_rate() {
    // Noise at 16 kHz, brought up, then down. Only the sliver between the filter's edge, 7.85 kHz,
    // and 8 kHz is lost: 1 to 2 % of the noise's power, 17 to 20 dB (measured: 19.5).
    let low = white(32_000, SEED);
    let high = resample(&low, 16_000, 44_100).unwrap();
    assert_eq!(high.len(), 88_200);
    let back = resample_to_len(&high, 44_100, 16_000, low.len()).unwrap();
    let snr = snr_db(&low[2000..30_000], &back[2000..30_000]);
    assert!(snr > 17.0, "{snr} dB");
}

#[test]
fn equal_rates_copy() {
    let x = white(100, SEED);
    assert_eq!(resample(&x, 16_000, 16_000).unwrap(), x);
    assert_eq!(resample_to_len(&x, 16_000, 16_000, 90).unwrap(), x[..90]);
    assert_eq!(edge_samples(16_000, 16_000).unwrap(), 0);
}

#[test]
fn nothing_and_very_little_can_be_resampled() {
    assert!(resample(&[], 44_100, 16_000).unwrap().is_empty());
    assert_eq!(resample_to_len(&[], 44_100, 16_000, 3).unwrap(), [0.0; 3]);
    assert_eq!(resample(&[0.5], 16_000, 48_000).unwrap().len(), 3);
    assert_eq!(resample(&[0.5], 48_000, 16_000).unwrap().len(), 0);
    assert_eq!(resample(&[0.5; 2], 48_000, 16_000).unwrap().len(), 1);
    assert!(
        resample_to_len(&[0.5], 48_000, 16_000, 0)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn silence_stays_silent() {
    assert!(
        resample(&[0.0; 5000], 44_100, 16_000)
            .unwrap()
            .iter()
            .all(|&x| x == 0.0)
    );
}

#[test]
fn odd_rates_without_a_common_divisor_work() {
    let output = resample(&sine(440.0, 0.5, 44_101, 88_202), 44_101, 16_000).unwrap();
    assert_eq!(output.len(), 32_000);
    // Blocks are twice the rate here, so all of it is edge; the middle hardly is. f32 rounding.
    let expected = sine(440.0, 0.5, 16_000, 32_000);
    assert!(largest_difference(&output[10_000..22_000], &expected[10_000..22_000]) < 1e-4);
}

#[test]
fn rates_and_samples_that_make_no_sense_are_refused() {
    for (from, to) in [(0, 16_000), (16_000, 0), (99, 16_000), (16_000, u32::MAX)] {
        let error = resample(&[0.0], from, to).unwrap_err();
        assert!(matches!(error, AudioError::SampleRate { .. }), "{error}");
        assert!(edge_samples(from, to).is_err());
    }
    let error = resample(&[0.0, f32::NAN], 16_000, 8000).unwrap_err();
    assert!(
        matches!(error, AudioError::NonFiniteSample { sample: 1, .. }),
        "{error}"
    );
}

#[test]
fn beyond_the_edge_the_surroundings_do_not_matter() {
    let (from, to) = (44_100, 16_000);
    let x = white(44_100, SEED);
    let edge = edge_samples(from, to).unwrap();
    let (start, len) = (441 * 10, 441 * 40);
    let whole = resample(&x, from, to).unwrap();
    let part = resample(&x[start..start + len], from, to).unwrap();
    let guard = (edge * 160).div_ceil(441);
    let inner = guard..part.len() - guard;
    // The same filter on the same samples in f64; only the last rounding to f32 may differ.
    assert!(largest_difference(&part[inner.clone()], &whole[1600..][inner]) < 1e-6);
}

proptest! {
    #[test]
    fn the_length_is_exactly_rounded(
        samples in 0usize..5000,
        from in prop::sample::select(&RATES[..]),
        to in prop::sample::select(&RATES[..]),
    ) {
        let output = resample(&white(samples, SEED), from, to).unwrap();
        let exact = samples as f64 * f64::from(to) / f64::from(from);
        prop_assert_eq!(output.len(), exact.round() as usize);
        prop_assert!(output.iter().all(|x| x.is_finite()));
        let back = resample_to_len(&output, to, from, samples).unwrap();
        prop_assert_eq!(back.len(), samples);
    }
}
