//! Short-time objective intelligibility: STOI \[1\] and its extension ESTOI \[2\], as pystoi 0.4.1.
//!
//! Both signals are resampled to 10 kHz and cut into Hann-windowed frames of 256 samples, 128 apart.
//! Frames in which the *reference* is more than 40 dB below its loudest are taken out of both, the
//! rest overlap-added and cut again; 512-point transforms give third-octave amplitudes in 15 bands,
//!
//! ```text
//! X[j, m] = √ Σ_{k ∈ band j} |x̂[k, m]|²
//! ```
//!
//! and likewise `Y` of the estimate. Every run of 30 frames is a segment, with `x` and `y` the rows
//! of one band in it.
//!
//! **STOI** scales each `y` to the energy of `x`, limits it to −15 dB signal to distortion, and
//! takes the mean correlation over segments and bands:
//!
//! ```text
//! y' = min(y ‖x‖ / ‖y‖, (1 + 10^(15/20)) x),    d = mean corr(x, y')
//! ```
//!
//! **ESTOI** removes the mean and scales to unit norm each row (band) of a segment, then each column
//! (frame), and takes the mean product of the columns of both.
//!
//! # As pystoi has it
//!
//! - The resampler is that of Octave: see the module `octave_resample`.
//! - A frame that would end on the last sample is left out, both times the signal is cut: up to 128
//!   samples and then one more frame are lost at the end.
//! - The 2·10⁻¹⁶ that pystoi adds to levels and norms, to divide by no zero, is added here to signals
//!   brought to a peak between 1 and 2: scores do not depend on the level, however quiet.
//! - ESTOI there adds noise of 2·10⁻¹⁶ before it normalises, to divide by no zero. Here nothing is
//!   added: a band or frame without variation counts as uncorrelated (0), where pystoi has random
//!   numbers.
//! - With fewer than 30 frames pystoi warns and returns 10⁻⁵
//!   ([`STOI_OF_TOO_FEW_FRAMES`]). Here that is [`MetricsError::TooFewFrames`]: a made-up number does
//!   not belong in a median.
//!
//! Higher is better, 1 at most; the mean of correlations can be slightly negative.
//!
//! 1. C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen, "An algorithm for intelligibility
//!    prediction of time-frequency weighted noisy speech", IEEE Trans. Audio Speech Lang. Process.
//!    19(7), 2011.
//! 2. J. Jensen, C. H. Taal, "An algorithm for predicting the intelligibility of speech masked by
//!    modulated noise maskers", IEEE/ACM Trans. Audio Speech Lang. Process. 24(11), 2016.

use crate::error::{MetricsError, Signal};
use crate::fft::{Bin, RealFft};
use crate::octave_resample::OctaveResampler;
use crate::signal::{Estimate, Reference, Sample, check, check_of_length};
use crate::third_octave::{BANDS, bands};

/// What pystoi returns, with a warning, where this crate has [`MetricsError::TooFewFrames`].
pub const STOI_OF_TOO_FEW_FRAMES: f64 = 1e-5;

/// The sample rate at which intelligibility is measured.
const RATE: u32 = 10_000;
/// The highest sample rate taken: the resampler has a filter for every ratio, and it grows.
const MAX_RATE: u32 = 384_000;
/// Samples of a frame.
const FRAME: usize = 256;
/// Samples between frames.
const HOP: usize = 128;
/// Points of a transform.
const N_FFT: usize = 512;
/// Frames of a segment.
const SEGMENT: usize = 30;
/// How far below the loudest frame a frame is silent.
const DYNAMIC_RANGE_DB: f64 = 40.0;
/// The least signal to distortion ratio that a band of a segment is given.
const LEAST_SDR_DB: f64 = -15.0;

/// Both scores of one estimate: they share most of their work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intelligibility {
    /// Short-time objective intelligibility.
    pub stoi: f64,
    /// Its extension for modulated maskers.
    pub estoi: f64,
}

/// STOI and ESTOI of `estimate`, at `sample_rate` Hz.
///
/// # Errors
///
/// Silence, NaN or infinite samples, signals of different length, fewer than 30 frames of speech
/// (0.4 s), a sample rate of zero or above 384 kHz.
pub fn intelligibility<S: Sample>(
    reference: &Reference<'_, S>,
    estimate: &Estimate<'_, S>,
    sample_rate: u32,
) -> Result<Intelligibility, MetricsError> {
    let (x, y) = band_amplitudes(reference, estimate, sample_rate)?;
    Ok(Intelligibility {
        stoi: mean_over_segments(&x, &y, correlation_of_limited),
        estoi: mean_over_segments(&x, &y, correlation_of_normalised),
    })
}

/// STOI of `estimate`, at `sample_rate` Hz.
///
/// # Errors
///
/// As for [`intelligibility`].
pub fn stoi<S: Sample>(
    reference: &Reference<'_, S>,
    estimate: &Estimate<'_, S>,
    sample_rate: u32,
) -> Result<f64, MetricsError> {
    let (x, y) = band_amplitudes(reference, estimate, sample_rate)?;
    Ok(mean_over_segments(&x, &y, correlation_of_limited))
}

/// ESTOI of `estimate`, at `sample_rate` Hz.
///
/// # Errors
///
/// As for [`intelligibility`].
pub fn estoi<S: Sample>(
    reference: &Reference<'_, S>,
    estimate: &Estimate<'_, S>,
    sample_rate: u32,
) -> Result<f64, MetricsError> {
    let (x, y) = band_amplitudes(reference, estimate, sample_rate)?;
    Ok(mean_over_segments(&x, &y, correlation_of_normalised))
}

/// Third-octave amplitudes, frame by frame; at least [`SEGMENT`] frames.
type Amplitudes = Vec<[f64; BANDS]>;

/// One segment of a signal: frames of band amplitudes.
type Segment = [[f64; BANDS]; SEGMENT];

/// The amplitudes of both signals at 10 kHz, without the frames that are silent in the reference.
fn band_amplitudes<S: Sample>(
    reference: &Reference<'_, S>,
    estimate: &Estimate<'_, S>,
    sample_rate: u32,
) -> Result<(Amplitudes, Amplitudes), MetricsError> {
    if !(1..=MAX_RATE).contains(&sample_rate) {
        return Err(MetricsError::SampleRate {
            expected: MAX_RATE,
            found: sample_rate,
        });
    }
    let (reference, estimate) = (reference.0, estimate.0);
    check(reference, Signal::Reference(0))?;
    check_of_length(estimate, Signal::Estimate(0), reference.len())?;
    let resampler = OctaveResampler::new(sample_rate, RATE);
    let window = hann();
    let x = resampler.resample(reference, to_unit_level(reference));
    let loud = loud_frames(&x, &window);
    let x = amplitudes(&x, &loud, &window);
    if x.len() < SEGMENT {
        return Err(MetricsError::TooFewFrames {
            expected: SEGMENT,
            found: x.len(),
        });
    }
    let y = resampler.resample(estimate, to_unit_level(estimate));
    let y = amplitudes(&y, &loud, &window);
    Ok((x, y))
}

/// The power of two that brings the peak of a signal to between 1 and 2. Both scores are those of any
/// level, but for the absolute `f64::EPSILON` that pystoi adds to levels and norms: without this it
/// drowns a reference at −300 dB. A power of two changes no digit of the samples.
fn to_unit_level<S: Sample>(signal: &[S]) -> f64 {
    let values = signal.iter().map(|&value| -> f64 { value.into() });
    let peak = values.fold(0.0, |peak: f64, value| peak.max(value.abs()));
    // the least of `f64` would need more than it holds
    (-peak.log2().floor()).min(1000.0).exp2()
}

/// A Hann window without its two zeros.
fn hann() -> [f64; FRAME] {
    let turn = 2.0 * std::f64::consts::PI / (FRAME + 1) as f64;
    std::array::from_fn(|n| 0.5 - 0.5 * (turn * (n + 1) as f64).cos())
}

/// Where the frames of `samples` samples start. None ends on the last sample.
fn frame_starts(samples: usize) -> impl Iterator<Item = usize> {
    (0..samples.saturating_sub(FRAME)).step_by(HOP)
}

/// The starts of the frames that are less than 40 dB below the loudest.
fn loud_frames(signal: &[f64], window: &[f64; FRAME]) -> Vec<usize> {
    let level_db = |start: usize| {
        let energy: f64 = signal[start..start + FRAME]
            .iter()
            .zip(window)
            .map(|(sample, weight)| (sample * weight) * (sample * weight))
            .sum();
        20.0 * (energy.sqrt() + f64::EPSILON).log10()
    };
    let levels: Vec<(usize, f64)> = frame_starts(signal.len())
        .map(|start| (start, level_db(start)))
        .collect();
    let loudest = levels
        .iter()
        .map(|&(_, level)| level)
        .fold(f64::NEG_INFINITY, f64::max);
    levels
        .into_iter()
        .filter(|&(_, level)| loudest - DYNAMIC_RANGE_DB - level < 0.0)
        .map(|(start, _)| start)
        .collect()
}

/// Third-octave amplitudes of each frame of a signal of which only the frames at `starts` are kept:
/// windowed, closed up and added where they overlap.
fn amplitudes(signal: &[f64], starts: &[usize], window: &[f64; FRAME]) -> Amplitudes {
    let bands = bands(RATE, N_FFT);
    let mut fft = RealFft::new(N_FFT);
    let mut buffer = vec![0.0; N_FFT];
    let mut spectrum = vec![Bin::default(); fft.bins()];
    let windowed = |index: usize, n: usize| signal[starts[index] + n] * window[n];
    // no frame ends on the last sample
    let frames = starts.len().saturating_sub(1);
    (0..frames)
        .map(|frame| {
            buffer[FRAME..].fill(0.0);
            for n in 0..HOP {
                // 0 + frame before + this one, and 0 + this one + the one after: the order of a sum
                let before = if frame > 0 {
                    windowed(frame - 1, HOP + n)
                } else {
                    0.0
                };
                buffer[n] = (before + windowed(frame, n)) * window[n];
                let after = windowed(frame + 1, n);
                buffer[HOP + n] = (windowed(frame, HOP + n) + after) * window[HOP + n];
            }
            fft.forward(&mut buffer, &mut spectrum);
            std::array::from_fn(|band| {
                let bins = &spectrum[bands[band].clone()];
                bins.iter().map(|bin| bin.norm_sqr()).sum::<f64>().sqrt()
            })
        })
        .collect()
}

/// The mean of `score` over all runs of [`SEGMENT`] frames.
fn mean_over_segments(
    x: &[[f64; BANDS]],
    y: &[[f64; BANDS]],
    score: impl Fn(&Segment, &Segment) -> f64,
) -> f64 {
    let (mut sum, mut segments) = (0.0, 0_usize);
    for (x, y) in x.windows(SEGMENT).zip(y.windows(SEGMENT)) {
        // Copies: both scores change them.
        let mut pair = [[[0.0; BANDS]; SEGMENT]; 2];
        pair[0].copy_from_slice(x);
        pair[1].copy_from_slice(y);
        sum += score(&pair[0], &pair[1]);
        segments += 1;
    }
    sum / segments as f64
}

/// STOI of one segment: the mean over bands of the correlation with the limited estimate.
fn correlation_of_limited(x: &Segment, y: &Segment) -> f64 {
    let limit = 1.0 + 10.0_f64.powf(-LEAST_SDR_DB / 20.0);
    let mut sum = 0.0;
    for band in 0..BANDS {
        let mut x: [f64; SEGMENT] = std::array::from_fn(|frame| x[frame][band]);
        let mut y: [f64; SEGMENT] = std::array::from_fn(|frame| y[frame][band]);
        let gain = norm(&x) / (norm(&y) + f64::EPSILON);
        for (y, x) in y.iter_mut().zip(&x) {
            *y = (*y * gain).min(*x * limit);
        }
        remove_mean(&mut x);
        remove_mean(&mut y);
        let product: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
        sum += product / ((norm(&x) + f64::EPSILON) * (norm(&y) + f64::EPSILON));
    }
    sum / BANDS as f64
}

/// ESTOI of one segment: the mean over frames of the product of both, normalised.
fn correlation_of_normalised(x: &Segment, y: &Segment) -> f64 {
    let (x, y) = (normalised(x), normalised(y));
    let products = x.iter().flatten().zip(y.iter().flatten());
    products.map(|(x, y)| x * y).sum::<f64>() / SEGMENT as f64
}

/// Zero mean and unit norm along time for each band, then along bands for each frame.
fn normalised(segment: &Segment) -> Segment {
    let mut result = *segment;
    for band in 0..BANDS {
        let mut row: [f64; SEGMENT] = std::array::from_fn(|frame| segment[frame][band]);
        centre_to_unit_norm(&mut row);
        for (frame, value) in result.iter_mut().zip(row) {
            frame[band] = value;
        }
    }
    for frame in &mut result {
        centre_to_unit_norm(frame);
    }
    result
}

/// Zero mean and unit norm; zeros where there is no variation.
fn centre_to_unit_norm(values: &mut [f64]) {
    remove_mean(values);
    let norm = norm(values);
    if norm > 0.0 {
        for value in values {
            *value /= norm;
        }
    }
}

fn remove_mean(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    for value in values {
        *value -= mean;
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_testing::tones::swinging_harmonics;

    #[test]
    fn the_reference_itself_is_fully_intelligible() {
        let samples = swinging_harmonics(10_000);
        let both = intelligibility(&Reference(&samples), &Estimate(&samples), 10_000).unwrap();
        assert!((both.stoi - 1.0).abs() < 1e-12);
        assert!((both.estoi - 1.0).abs() < 1e-12);
    }

    #[test]
    fn each_score_alone_is_the_same_as_together() {
        let samples = swinging_harmonics(10_000);
        let other: Vec<f32> = samples.iter().map(|v| v.abs()).collect();
        let (reference, estimate) = (Reference(&samples), Estimate(&other));
        let both = intelligibility(&reference, &estimate, 16_000).unwrap();
        assert_eq!(stoi(&reference, &estimate, 16_000).unwrap(), both.stoi);
        assert_eq!(estoi(&reference, &estimate, 16_000).unwrap(), both.estoi);
    }

    #[test]
    fn thirty_frames_are_needed() {
        // 31 frames before the join lose one after it; a frame more needs one sample past its end.
        let samples = 31 * HOP + FRAME;
        let long_enough = swinging_harmonics(samples + 1 - HOP);
        let one_less = swinging_harmonics(samples - HOP);
        let score = |signal: &[f32]| stoi(&Reference(signal), &Estimate(signal), RATE);
        assert!(score(&long_enough).is_ok());
        assert_eq!(
            score(&one_less).unwrap_err(),
            MetricsError::TooFewFrames {
                expected: 30,
                found: 29
            }
        );
        assert!(matches!(
            score(&swinging_harmonics(40)),
            Err(MetricsError::TooFewFrames { found: 0, .. })
        ));
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        let samples = swinging_harmonics(100);
        for rate in [0, MAX_RATE + 1] {
            assert!(matches!(
                stoi(&Reference(&samples), &Estimate(&samples), rate),
                Err(MetricsError::SampleRate { .. })
            ));
        }
    }

    #[test]
    fn a_band_without_variation_counts_as_uncorrelated() {
        let mut values = [3.0; 4];
        centre_to_unit_norm(&mut values);
        assert_eq!(values, [0.0; 4]);
    }
}
