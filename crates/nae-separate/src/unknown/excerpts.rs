//! What of a recording unknown sources are learnt on.

use nae_audio::{AudioError, AudioReader, Clip, Magnitude};
use nae_model::AudioConfig;

use crate::error::SeparateError;
use crate::stems::MixtureSpectra;

/// Length of an excerpt of a long recording: several syllables, or strokes of a machine.
const EXCERPT_S: f64 = 5.0;

/// Samples read at a time where they are skipped.
const SKIPPED: usize = 1 << 16;

/// Spectra of a recording, or of excerpts of it at equal distances.
#[derive(Debug)]
pub struct Excerpts {
    /// Magnitudes, the mean of all channels, `frames × bins`.
    pub magnitude: Magnitude,
    /// Sample rate and STFT of the spectra.
    pub audio: AudioConfig,
    /// Length of the excerpts in seconds.
    pub duration_s: f64,
    /// Length of the recording in seconds.
    pub recording_s: f64,
}

/// Reads a recording of any length; memory holds the spectra of the excerpts.
///
/// - `open`: opens the recording at its beginning; called again where its length is not known before it
///   was read
/// - `audio`: sample rate and STFT of the spectra
/// - `seconds`: length of all excerpts; a recording that is no longer is taken whole
///
/// # Errors
/// [`SeparateError`] from reading, resampling and transforms.
pub fn excerpts(
    open: impl Fn() -> Result<AudioReader, AudioError>,
    audio: AudioConfig,
    seconds: f64,
) -> Result<Excerpts, SeparateError> {
    let mut reader = open()?;
    let rate = reader.sample_rate();
    let samples = match reader.samples_hint() {
        Some(samples) => samples,
        None => {
            let samples = skip(&mut reader, u64::MAX)?;
            reader = open()?;
            samples
        }
    };
    let pieces = pieces(samples, f64::from(rate), seconds);
    let (mut values, mut taken, mut position) = (Vec::new(), 0, 0);
    for (start, length) in pieces {
        position += skip(&mut reader, start - position)?;
        let clip = Clip::new(reader.read(length)?, rate)?;
        position += clip.samples() as u64;
        taken += clip.samples();
        let spectra = MixtureSpectra::new(&clip, audio)?;
        values.extend(spectra.magnitude.into_data());
    }
    let bins = audio.stft().bins();
    let frames = values.len() / bins;
    Ok(Excerpts {
        magnitude: Magnitude::new(bins, frames, values)?,
        audio,
        duration_s: taken as f64 / f64::from(rate),
        recording_s: samples as f64 / f64::from(rate),
    })
}

/// Reads past so many samples, or to the end; returns how many there were.
fn skip(reader: &mut AudioReader, samples: u64) -> Result<u64, AudioError> {
    let mut skipped = 0;
    while skipped < samples {
        let wanted = (samples - skipped).min(SKIPPED as u64) as usize;
        let came = reader.read(wanted)?.first().map_or(0, Vec::len);
        skipped += came as u64;
        if came < wanted {
            break;
        }
    }
    Ok(skipped)
}

/// First sample and length of every excerpt, which do not overlap.
fn pieces(samples: u64, rate: f64, seconds: f64) -> Vec<(u64, usize)> {
    let all = (seconds * rate) as u64;
    if samples <= all {
        return vec![(0, samples as usize)];
    }
    let count = ((seconds / EXCERPT_S) as u64).max(1);
    let length = all / count;
    let between = samples - length;
    let start = |i: u64| match count {
        1 => between / 2,
        _ => (u128::from(between) * u128::from(i) / u128::from(count - 1)) as u64,
    };
    (0..count).map(|i| (start(i), length as usize)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_of_a_long_recording_lie_apart_and_reach_from_start_to_end() {
        for (samples, rate, seconds) in [
            (10_000_000, 16_000.0, 60.0),
            (961_000, 16_000.0, 60.0),
            (90_000, 8000.0, 7.0),
            (u64::MAX / 2, 48_000.0, 3600.0),
        ] {
            let pieces = pieces(samples, rate, seconds);
            let all: usize = pieces.iter().map(|(_, length)| length).sum();
            assert!(all as f64 <= seconds * rate && all as f64 > seconds * rate - 100.0);
            for pair in pieces.windows(2) {
                assert!(pair[0].0 + pair[0].1 as u64 <= pair[1].0);
            }
            let (start, length) = pieces[pieces.len() - 1];
            assert!(start + length as u64 <= samples);
            if pieces.len() > 1 {
                assert_eq!((pieces[0].0, start + length as u64), (0, samples));
            }
        }
    }

    #[test]
    fn a_short_recording_is_taken_whole() {
        assert_eq!(pieces(16_000, 16_000.0, 60.0), [(0, 16_000)]);
        assert_eq!(pieces(960_000, 16_000.0, 60.0), [(0, 960_000)]);
    }

    #[test]
    fn the_spectra_are_those_of_the_excerpts() {
        let audio = AudioConfig {
            sample_rate: 8000,
            n_fft: 128,
            hop: 64,
        };
        let samples = (0..8 * 8000).map(|n| (n as f32 * 0.1).sin()).collect();
        let clip = Clip::mono(samples, 8000);
        let open = || Ok(AudioReader::from_clip(clip.clone()));
        let whole = excerpts(open, audio, 8.0).unwrap();
        assert_eq!((whole.duration_s, whole.recording_s), (8.0, 8.0));
        let part = excerpts(open, audio, 2.0).unwrap();
        assert_eq!((part.duration_s, part.recording_s), (2.0, 8.0));
        assert!(part.magnitude.frames() * 3 < whole.magnitude.frames());
        // from the middle
        let frame = whole.magnitude.frames() / 2;
        let level = |magnitude: &Magnitude, t: usize| magnitude.frame(t).iter().sum::<f32>();
        let (a, b) = (
            level(&part.magnitude, part.magnitude.frames() / 2),
            level(&whole.magnitude, frame),
        );
        assert!((a - b).abs() < 0.1 * b, "{a} {b}");
    }
}
