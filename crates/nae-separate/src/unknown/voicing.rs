//! Whether a stem sounds like a voice.

use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use nae_audio::Magnitude;
use nae_model::AudioConfig;

/// Frequencies that hold a talker's pitch and its first harmonics, in Hz.
const BAND_HZ: RangeInclusive<f64> = 70.0..=1000.0;

/// Pitches of talkers, in Hz.
const LOWEST_HZ: f64 = 80.0;
const HIGHEST_HZ: f64 = 320.0;

/// Autocorrelation, of 1, from which a frame is periodic.
const PERIODIC: f64 = 0.7;

/// Frames this far below the loud ones do not count.
const QUIET_DB: f64 = -25.0;

/// Fewer voiced frames than this say nothing about the pitch.
const FEWEST: usize = 6;

/// What tells voices from most other sounds: energy at low frequencies, periodic, of a pitch that moves,
/// and that begins and ends with the syllables.
///
/// A frame's autocorrelation is the inverse transform of its power spectrum, here of the bins from 70 to
/// 1000 Hz, over that of the window; its peak between the periods of 320 and 80 Hz is the pitch (Rabiner,
/// "On the use of autocorrelation analysis for pitch detection", IEEE Trans. ASSP 25, 1977).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voicing {
    /// Share of the energy from 70 to 1000 Hz, of 1.
    pub low: f64,
    /// Share of the energy in that band that lies in periodic frames, of 1.
    pub periodic: f64,
    /// Semitones from the pitch that 10 % of the periodic frames are below to that which 90 % are below.
    pub range_st: f64,
    /// Periodic stretches a second.
    pub stretches: f64,
}

impl Voicing {
    /// Analyses a sound.
    ///
    /// - `magnitude`: `frames × bins`, as `audio` says
    pub fn of(magnitude: &Magnitude, audio: AudioConfig) -> Self {
        let rate = f64::from(audio.sample_rate);
        let spacing = rate / audio.n_fft as f64;
        let bins = (0..magnitude.bins()).filter(|&k| BAND_HZ.contains(&(k as f64 * spacing)));
        let bins: Vec<usize> = bins.collect();
        // frames shorter than two periods have no pitch
        let longest = ((rate / LOWEST_HZ) as usize).min(audio.n_fft / 2);
        let lags = (rate / HIGHEST_HZ).ceil() as usize..=longest;
        let lags: Vec<Lag> = lags.map(|lag| Lag::new(lag, &bins, audio.n_fft)).collect();
        let frames = 0..magnitude.frames();
        let frames: Vec<Frame> = frames
            .map(|i| Frame::of(magnitude.frame(i), &bins, &lags))
            .collect();
        let all: f64 = magnitude.data().iter().map(|&x| f64::from(x).powi(2)).sum();
        let low: f64 = frames.iter().map(|frame| frame.energy).sum();
        let loud = percentile(frames.iter().map(|frame| frame.energy).collect(), 0.95);
        let quiet = loud * 10f64.powf(QUIET_DB / 10.0);
        let is_voiced = |frame: &Frame| frame.peak > PERIODIC && frame.energy > quiet;
        let voiced: Vec<&Frame> = frames.iter().filter(|frame| is_voiced(frame)).collect();
        let pitches = voiced
            .iter()
            .map(|frame| 12.0 * (rate / frame.lag as f64).log2());
        let pitches: Vec<f64> = pitches.collect();
        let starts = frames.windows(2);
        let starts = starts.filter(|pair| !is_voiced(&pair[0]) && is_voiced(&pair[1]));
        let seconds = (magnitude.frames() * audio.hop) as f64 / rate;
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Self {
            low: share(low, all),
            periodic: share(voiced.iter().map(|frame| frame.energy).sum(), low),
            range_st: match pitches.len() < FEWEST {
                true => 0.0,
                false => percentile(pitches.clone(), 0.9) - percentile(pitches, 0.1),
            },
            stretches: share(starts.count() as f64, seconds),
        }
    }

    /// Whether this may be a voice. Of unknown voices that were learnt beside a known one 39 of 40 are, and of
    /// noises 1 of 96 at the voice's level and 5 of 96 that are 5 dB lower: those hold part of the voice.
    pub fn is_like_a_voice(&self) -> bool {
        self.low > 0.5 && self.periodic > 0.7 && self.range_st > 2.5 && self.stretches > 1.5
    }
}

/// A period, and what the autocorrelation at it sums.
struct Lag {
    samples: usize,
    /// A cosine for every bin, over the window's autocorrelation.
    weights: Vec<f64>,
}

impl Lag {
    fn new(samples: usize, bins: &[usize], n_fft: usize) -> Self {
        let angle = |k: f64| TAU * k * samples as f64 / n_fft as f64;
        let window = |i: usize| (0.5 - 0.5 * (TAU * i as f64 / n_fft as f64).cos()).sqrt();
        let products = (0..n_fft - samples).map(|i| window(i) * window(i + samples));
        // the window's energy is half its length
        let overlap = products.sum::<f64>() / (n_fft as f64 / 2.0);
        Self {
            samples,
            weights: bins
                .iter()
                .map(|&k| angle(k as f64).cos() / overlap)
                .collect(),
        }
    }
}

/// A frame's energy in the band and the strongest peak of its autocorrelation.
struct Frame {
    energy: f64,
    peak: f64,
    lag: usize,
}

impl Frame {
    fn of(magnitudes: &[f32], bins: &[usize], lags: &[Lag]) -> Self {
        let power: Vec<f64> = bins
            .iter()
            .map(|&k| f64::from(magnitudes[k]).powi(2))
            .collect();
        let energy: f64 = power.iter().sum();
        let mut strongest = Self {
            energy,
            peak: 0.0,
            lag: 1,
        };
        if energy <= 0.0 {
            return strongest;
        }
        for lag in lags {
            let terms = power.iter().zip(&lag.weights).map(|(p, w)| p * w);
            let peak = terms.sum::<f64>() / energy;
            if peak > strongest.peak {
                strongest = Self {
                    peak,
                    lag: lag.samples,
                    ..strongest
                };
            }
        }
        strongest
    }
}

/// The value below which this share of all lies; 0 of nothing.
fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((share * last as f64) as usize)
        .copied()
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use nae_audio::Clip;
    use nae_testing::{noise::white, tones::sine};

    use super::*;
    use crate::stems::MixtureSpectra;

    const RATE: u32 = 16_000;

    fn voicing(samples: Vec<f32>) -> Voicing {
        let audio = AudioConfig::default();
        let clip = Clip::new(vec![samples], RATE).unwrap();
        Voicing::of(&MixtureSpectra::new(&clip, audio).unwrap().magnitude, audio)
    }

    /// Harmonics of a pitch that goes up and down around `hz` by `semitones`, in syllables of 0.2 s.
    fn syllables(hz: f64, semitones: f64) -> Vec<f32> {
        let mut phase = 0.0;
        let sample = |i: usize| {
            let t = i as f64 / f64::from(RATE);
            phase +=
                TAU * hz * 2f64.powf(semitones * (TAU * 0.7 * t).sin() / 12.0) / f64::from(RATE);
            let level = (TAU * 2.5 * t).sin().max(0.0);
            let harmonics = (1..=12).map(|k| (phase * f64::from(k)).sin() / f64::from(k));
            (0.1 * level * harmonics.sum::<f64>()) as f32
        };
        (0..4 * RATE as usize).map(sample).collect()
    }

    #[test]
    fn syllables_of_a_moving_pitch_are_like_a_voice_and_other_sounds_are_not() {
        for hz in [100.0, 140.0, 210.0] {
            let voice = voicing(syllables(hz, 5.0));
            assert!(voice.is_like_a_voice(), "{hz} Hz: {voice:?}");
        }
        let seconds = 4 * RATE as usize;
        for (what, samples) in [
            ("a hum", sine(120.0, 0.1, RATE, seconds)),
            ("a whistle", sine(2500.0, 0.1, RATE, seconds)),
            ("one note repeated", syllables(140.0, 0.0)),
            ("noise", white(seconds, 1)),
            ("silence", vec![0.0; RATE as usize]),
            ("nothing", vec![0.0; 1]),
        ] {
            let other = voicing(samples);
            assert!(!other.is_like_a_voice(), "{what}: {other:?}");
        }
    }
}
