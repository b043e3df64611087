//! The transform against its definition, and back again.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use std::f64::consts::PI;

use common::SEED;
use nae_audio::{AudioError, Complex32, Magnitude, Spectrogram, Stft, StftConfig};
use nae_testing::compare::largest_difference;
use nae_testing::noise::white;
use nae_testing::tones::sine;
use proptest::prelude::*;

/// What the issue asks of the round trip.
const ROUND_TRIP: f32 = 1e-6;

fn stft(n_fft: usize, hop: usize) -> Stft {
    Stft::new(StftConfig { n_fft, hop }).unwrap()
}

fn round_trip_error(n_fft: usize, hop: usize, samples: &[f32]) -> f32 {
    let stft = stft(n_fft, hop);
    let spectrogram = stft.analyze(samples).unwrap();
    assert_eq!(spectrogram.frames(), stft.config().frames(samples.len()));
    largest_difference(
        samples,
        &stft.synthesize(&spectrogram, samples.len()).unwrap(),
    )
}

/// The definition in the module's documentation, term by term.
fn naive(samples: &[f32], n_fft: usize, hop: usize) -> Vec<(f64, f64)> {
    let lead = (n_fft.div_ceil(hop) - 1) * hop;
    let last = (samples.len() - 1) / hop * hop + lead;
    let mut result = Vec::new();
    for start in (0..=last).step_by(hop) {
        for k in 0..=n_fft / 2 {
            let (mut re, mut im) = (0.0, 0.0);
            for n in 0..n_fft {
                let Some(x) = (start + n).checked_sub(lead).and_then(|i| samples.get(i)) else {
                    continue;
                };
                let hann = 0.5 - 0.5 * (2.0 * PI * n as f64 / n_fft as f64).cos();
                let value = f64::from(*x) * hann.sqrt();
                let angle = -2.0 * PI * (k * n % n_fft) as f64 / n_fft as f64;
                re += value * angle.cos();
                im += value * angle.sin();
            }
            result.push((re, im));
        }
    }
    result
}

#[test]
fn analysis_agrees_with_the_naive_transform() {
    for (n_fft, hop, samples) in [
        (16, 4, 50),
        (30, 7, 100),
        (15, 5, 40),
        (64, 32, 3),
        (2, 1, 9),
    ] {
        let x = white(samples, SEED);
        let expected = naive(&x, n_fft, hop);
        let found = stft(n_fft, hop).analyze(&x).unwrap();
        assert_eq!(found.data().len(), expected.len());
        for (z, (re, im)) in found.data().iter().zip(expected) {
            // Values up to about 10 stored as f32: half an ulp is 5e-7.
            assert!((f64::from(z.re) - re).abs() < 1e-6 && (f64::from(z.im) - im).abs() < 1e-6);
        }
    }
}

#[test]
fn noise_comes_back_to_1e_6_including_both_ends() {
    for (n_fft, hop) in [
        (1024, 256),
        (1024, 512),
        (1024, 128),
        (1024, 300),
        (1024, 700),
        (1024, 870),
        (512, 128),
        (2048, 512),
        (4096, 1024),
        (1000, 333),
        (1023, 256),
        (400, 160),
        (6, 3),
        (3, 1),
        (2, 1),
    ] {
        for samples in [1, 2, hop, n_fft - 1, n_fft, n_fft + 1, 16_000] {
            let error = round_trip_error(n_fft, hop, &white(samples, SEED));
            assert!(
                error < ROUND_TRIP,
                "n_fft {n_fft}, hop {hop}, {samples} samples: {error}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_window_hop_and_length_round_trips(
        n_fft in 2usize..600,
        share in 0.01f64..0.85,
        samples in 0usize..3000,
        seed in any::<u64>(),
    ) {
        let hop = ((n_fft as f64 * share) as usize).max(1);
        prop_assume!(StftConfig { n_fft, hop }.validate().is_ok());
        prop_assert!(round_trip_error(n_fft, hop, &white(samples, seed)) < ROUND_TRIP);
    }

    #[test]
    fn every_hop_up_to_half_the_window_is_allowed(n_fft in 2usize..5000, share in 0.0f64..=0.5) {
        let hop = ((n_fft as f64 * share) as usize).max(1);
        let config = StftConfig { n_fft, hop };
        prop_assert!(config.validate().is_ok());
    }
}

#[test]
fn a_lone_first_and_a_lone_last_sample_survive() {
    for at in [0, 999] {
        let mut x = vec![0.0; 1000];
        x[at] = 1.0;
        let stft = stft(256, 64);
        let back = stft.synthesize(&stft.analyze(&x).unwrap(), 1000).unwrap();
        assert!(largest_difference(&x, &back) < ROUND_TRIP);
    }
}

#[test]
fn ends_are_covered_as_often_as_the_middle() {
    // A constant mask over all frames must act alike everywhere, also if frames differ: drop every
    // second frame, then the first and the last sample are as damaged as any, not more.
    let x = vec![1.0; 4096];
    let stft = stft(256, 64);
    let spectrogram = stft.analyze(&x).unwrap();
    let frames = spectrogram.frames();
    let mask: Vec<f32> = (0..frames * 129)
        .map(|i| if (i / 129) % 2 == 0 { 1.0 } else { 0.0 })
        .collect();
    let masked = spectrogram
        .masked(&Magnitude::new(129, frames, mask).unwrap())
        .unwrap();
    let back = stft.synthesize(&masked, 4096).unwrap();
    // √Hann at a quarter: every second frame alone still adds up to exactly half.
    // 1e-5: a hard-cut step at the ends makes spectra of up to 160, rounded to f32.
    assert!(largest_difference(&back, &[0.5; 4096]) < 1e-5);
}

#[test]
fn a_tone_peaks_in_its_bin_with_its_level() {
    // Bin 64 of 1024 at 16 kHz; the sum of the √Hann window is n_fft·2/π.
    let spectrogram = stft(1024, 256)
        .analyze(&sine(1000.0, 0.5, 16_000, 16_000))
        .unwrap();
    let magnitude = spectrogram.magnitude();
    let frame = magnitude.frame(20);
    let loudest = (0..513)
        .max_by(|&a, &b| frame[a].total_cmp(&frame[b]))
        .unwrap();
    assert_eq!(loudest, 64);
    let expected = 0.5 * 0.5 * 1024.0 * 2.0 / PI as f32;
    // The window's skirts of the negative frequency add a little: 1 in 10⁴.
    assert!(
        (frame[64] / expected - 1.0).abs() < 1e-4,
        "{} {expected}",
        frame[64]
    );
}

#[test]
fn magnitudes_frame_by_frame_are_those_of_the_whole() {
    let stft = stft(256, 96);
    let samples = white(3001, SEED);
    let mut values = Vec::new();
    stft.each_magnitude(&samples, &mut |frame| values.extend_from_slice(frame))
        .unwrap();
    assert_eq!(values, stft.analyze(&samples).unwrap().magnitude().data());
}

#[test]
fn no_samples_make_no_frames() {
    let stft = stft(1024, 256);
    let empty = stft.analyze(&[]).unwrap();
    assert_eq!((empty.bins(), empty.frames()), (513, 0));
    assert!(stft.synthesize(&empty, 0).unwrap().is_empty());
}

#[test]
fn the_number_of_frames_is_foretold() {
    let config = StftConfig::default();
    assert_eq!(config.frames(0), 0);
    assert_eq!(config.frames(1), 4);
    assert_eq!(config.frames(256), 4);
    assert_eq!(config.frames(257), 5);
    assert_eq!(config.frames(16_000), 66);
}

#[test]
fn pairs_that_cannot_be_undone_say_why() {
    for (n_fft, hop, word) in [
        (1024, 0, "same place"),
        (1024, 1024, "0.0 %"),
        (1024, 1000, "of their peak"),
        (1024, 2048, "no window at all"),
        (1024, usize::MAX, "no window at all"),
        (2, 2, "of their peak"),
    ] {
        let error = Stft::new(StftConfig { n_fft, hop })
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(error, AudioError::Hop { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(word) && text.contains("n_fft/2"), "{text}");
    }
    for n_fft in [0, 1, usize::MAX] {
        let error = StftConfig { n_fft, hop: 1 }.validate().unwrap_err();
        assert!(matches!(error, AudioError::WindowLength { .. }), "{error}");
    }
}

#[test]
fn a_spectrogram_of_another_size_is_refused() {
    let stft = stft(1024, 256);
    let spectrogram = stft.analyze(&[0.5; 1000]).unwrap();
    let error = stft.synthesize(&spectrogram, 3000).unwrap_err();
    assert!(matches!(error, AudioError::Shape { .. }), "{error}");
    let narrow = Spectrogram::new(3, 1, vec![Complex32::new(0.0, 0.0); 3]).unwrap();
    assert!(stft.synthesize(&narrow, 1).is_err());
}

#[test]
fn nan_is_refused_with_its_place() {
    let error = stft(16, 4).analyze(&[0.0, 0.0, f32::NAN]).unwrap_err();
    assert!(
        matches!(error, AudioError::NonFiniteSample { sample: 2, .. }),
        "{error}"
    );
}

#[test]
fn parts_that_no_real_signal_has_do_no_harm() {
    let stft = stft(8, 4);
    let data = vec![Complex32::new(1.0, 1.0); 5 * stft.config().frames(8)];
    let spectrogram = Spectrogram::new(5, stft.config().frames(8), data).unwrap();
    assert!(
        stft.synthesize(&spectrogram, 8)
            .unwrap()
            .iter()
            .all(|x| x.is_finite())
    );
}

#[test]
fn complementary_masks_give_parts_that_add_up() {
    let x = white(5000, SEED);
    let stft = stft(512, 128);
    let spectrogram = stft.analyze(&x).unwrap();
    let size = spectrogram.data().len();
    let mask: Vec<f32> = white(size, SEED + 1)
        .iter()
        .map(|x| 0.5 + x / 2.0)
        .collect();
    let rest: Vec<f32> = mask.iter().map(|m| 1.0 - m).collect();
    let part = |mask: Vec<f32>| {
        let mask = Magnitude::new(spectrogram.bins(), spectrogram.frames(), mask).unwrap();
        stft.synthesize(&spectrogram.masked(&mask).unwrap(), x.len())
            .unwrap()
    };
    let (a, b) = (part(mask), part(rest));
    let sum: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    // As the round trip, with one rounding of the sum.
    assert!(largest_difference(&sum, &x) < ROUND_TRIP);
}

#[test]
fn parts_of_a_transform_are_those_of_the_whole() {
    let x: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.37).sin()).collect();
    for (n_fft, hop) in [(256, 64), (255, 60), (64, 50), (10, 3)] {
        let stft = stft(n_fft, hop);
        let whole = stft.analyze(&x).unwrap();
        let back = stft.synthesize(&whole, x.len()).unwrap();
        for part in [0..1, 0..1000, 130..131, 63..577, 900..1000, 400..400] {
            let frames = stft.frames_of(&part, x.len());
            let some = stft.analyze_frames(&x, frames.clone()).unwrap();
            let expected: Vec<_> = frames.flat_map(|m| whole.frame(m).to_vec()).collect();
            assert_eq!(some.data(), expected, "{n_fft} {hop} {part:?}");
            let samples = stft.synthesize_part(&some, x.len(), part.clone()).unwrap();
            assert_eq!(samples, back[part.clone()], "{n_fft} {hop} {part:?}");
        }
    }
    let stft = stft(256, 64);
    assert_eq!(stft.analyze_frames(&x, 15..99).unwrap().frames(), 4);
    assert_eq!(stft.analyze_frames(&x, 50..99).unwrap().frames(), 0);
}
