//! One sound: its WAV file and its waveform.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ReportError;
use crate::heat_map::HeatMap;

/// Bytes before the samples of a WAV file, at most: 44 of one or two channels.
const MOST_HEADER_BYTES: usize = 68;
const BYTES_PER_SAMPLE: usize = 2;
const FULL_SCALE: f32 = 32767.0;

/// One sound of a [`Player`](crate::Player).
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// What the track contains, in a few words.
    pub name: String,
    /// A remark beside the name, such as a score; may be empty.
    pub note: String,
    /// Samples, one vector a channel, full scale at ±1. Those that are not finite become silence.
    pub samples: Vec<Vec<f32>>,
    /// Samples per second.
    pub sample_rate: u32,
    /// Drawn beside the name in place of the waveform; its x axis is time in seconds.
    pub heat_map: Option<HeatMap>,
}

impl Track {
    /// A sound of any number of channels.
    pub fn new(name: impl Into<String>, samples: Vec<Vec<f32>>, sample_rate: u32) -> Self {
        Self {
            name: name.into(),
            note: String::new(),
            samples,
            sample_rate,
            heat_map: None,
        }
    }

    /// A sound of one channel.
    pub fn mono(name: impl Into<String>, samples: Vec<f32>, sample_rate: u32) -> Self {
        Self::new(name, vec![samples], sample_rate)
    }

    /// The same sound with a remark beside its name.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The same sound with a heat map over time in place of its waveform.
    pub fn with_heat_map(mut self, heat_map: HeatMap) -> Self {
        self.heat_map = Some(heat_map);
        self
    }

    /// Samples per channel.
    pub(crate) fn len(&self) -> usize {
        self.samples.first().map_or(0, Vec::len)
    }

    pub(crate) fn duration_s(&self) -> f64 {
        self.len() as f64 / f64::from(self.sample_rate)
    }

    /// The largest magnitude of its finite samples.
    pub(crate) fn peak(&self) -> f32 {
        self.all()
            .filter(|s| s.is_finite())
            .fold(0.0, |peak, s| s.abs().max(peak))
    }

    /// How many samples are NaN or infinite.
    pub(crate) fn not_finite(&self) -> usize {
        self.all().filter(|s| !s.is_finite()).count()
    }

    fn all(&self) -> impl Iterator<Item = f32> {
        self.samples.iter().flatten().copied()
    }

    /// Says what keeps the track from being a WAV file, if anything.
    pub(crate) fn check(&self) -> Result<(), ReportError> {
        let track = self.name.clone();
        let samples = self.len();
        if samples == 0 {
            return Err(ReportError::TrackEmpty { track });
        }
        if let Some(other) = self.samples.iter().find(|c| c.len() != samples) {
            return Err(ReportError::TrackRagged {
                track,
                first: samples,
                other: other.len(),
            });
        }
        if self.sample_rate == 0 {
            return Err(ReportError::TrackRate { track });
        }
        let channels = self.samples.len();
        let bytes = samples
            .checked_mul(channels)
            .and_then(|n| n.checked_mul(BYTES_PER_SAMPLE))
            .and_then(|n| n.checked_add(MOST_HEADER_BYTES));
        let fits = bytes.is_some_and(|b| u32::try_from(b).is_ok())
            && u16::try_from(channels * BYTES_PER_SAMPLE).is_ok()
            && u64::from(self.sample_rate) * ((channels * BYTES_PER_SAMPLE) as u64)
                <= u64::from(u32::MAX);
        if !fits {
            return Err(ReportError::TrackTooLarge {
                track,
                channels,
                samples,
            });
        }
        Ok(())
    }

    /// A 16-bit PCM WAV data URI of the samples times `gain`.
    ///
    /// # Errors
    ///
    /// Those of [`Track::check`], and [`ReportError::Wav`].
    pub(crate) fn data_uri(&self, gain: f32) -> Result<String, ReportError> {
        self.check()?;
        Ok(format!(
            "data:audio/wav;base64,{}",
            STANDARD.encode(self.wav_file(gain)?)
        ))
    }

    /// A checked track as a WAV file; every number fits its field.
    fn wav_file(&self, gain: f32) -> Result<Vec<u8>, ReportError> {
        let spec = hound::WavSpec {
            channels: self.samples.len() as u16,
            sample_rate: self.sample_rate,
            bits_per_sample: 8 * BYTES_PER_SAMPLE as u16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec)?;
        for index in 0..self.len() {
            for channel in &self.samples {
                writer.write_sample(quantised(channel[index] * gain))?;
            }
        }
        writer.finalize()?;
        Ok(file.into_inner())
    }

    /// The outline of the sound as an SVG path: x from 0 to `width` over `span_s` seconds, y from
    /// −1 to 1 for `−peak..peak`.
    pub(crate) fn waveform(&self, width: usize, span_s: f64, peak: f32) -> String {
        let scale = if peak > 0.0 { 1.0 / peak } else { 0.0 };
        let per_column = span_s * f64::from(self.sample_rate) / width as f64;
        let mut upper = String::from("M0 0");
        let mut lower = String::new();
        for column in 0..width {
            let start = (column as f64 * per_column) as usize;
            if start >= self.len() {
                break;
            }
            let end = ((column + 1) as f64 * per_column).ceil() as usize;
            let (low, high) = self.extremes(start, end.min(self.len()));
            let x = column as f64 + 0.5;
            // SVG counts downwards; a hair of thickness keeps silence visible.
            upper.push_str(&format!("L{x} {:.3}", -(high * scale).max(0.01)));
            lower.insert_str(0, &format!("L{x} {:.3}", -(low * scale).min(-0.01)));
        }
        upper + &lower + "Z"
    }

    fn extremes(&self, start: usize, end: usize) -> (f32, f32) {
        self.samples
            .iter()
            .flat_map(|channel| &channel[start..end])
            .filter(|s| s.is_finite())
            .fold((0.0f32, 0.0f32), |(low, high), s| {
                (low.min(*s), high.max(*s))
            })
    }
}

/// A sample as 16 bits; the cast turns NaN into 0 and keeps the rest in range.
fn quantised(sample: f32) -> i16 {
    if sample.is_finite() {
        (sample * FULL_SCALE).round() as i16
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(track: &Track, gain: f32) -> Vec<u8> {
        let uri = track.data_uri(gain).unwrap();
        STANDARD
            .decode(uri.strip_prefix("data:audio/wav;base64,").unwrap())
            .unwrap()
    }

    fn u16_at(file: &[u8], at: usize) -> u16 {
        u16::from_le_bytes([file[at], file[at + 1]])
    }

    fn u32_at(file: &[u8], at: usize) -> u32 {
        u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]])
    }

    #[test]
    fn the_wav_header_states_the_sound() {
        let file = file(
            &Track::new("t", vec![vec![0.5; 10], vec![-0.5; 10]], 44100),
            1.0,
        );
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(u32_at(&file, 4) as usize, file.len() - 8);
        assert_eq!(&file[8..16], b"WAVEfmt ");
        assert_eq!(u16_at(&file, 20), 1, "integer PCM");
        assert_eq!(u16_at(&file, 22), 2, "channels");
        assert_eq!(u32_at(&file, 24), 44100, "rate");
        assert_eq!(u32_at(&file, 28), 44100 * 4, "bytes per second");
        assert_eq!(u16_at(&file, 32), 4, "bytes per sample of all channels");
        assert_eq!(u16_at(&file, 34), 16, "bits");
        assert_eq!(&file[36..40], b"data");
        assert_eq!(u32_at(&file, 40) as usize, 10 * 4);
        assert_eq!(file.len(), 44 + 10 * 4);
    }

    #[test]
    fn channels_are_interleaved_and_scaled() {
        let file = file(
            &Track::new("t", vec![vec![1.0, 0.0], vec![-1.0, 0.5]], 8000),
            0.5,
        );
        let samples: Vec<i16> = (0..4).map(|i| u16_at(&file, 44 + 2 * i) as i16).collect();
        assert_eq!(samples, [16384, -16384, 0, 8192]);
    }

    #[test]
    fn samples_that_are_not_finite_become_silence() {
        let track = Track::mono(
            "t",
            vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0],
            8000,
        );
        let file = file(&track, 1.0);
        let samples: Vec<i16> = (0..4).map(|i| u16_at(&file, 44 + 2 * i) as i16).collect();
        assert_eq!(samples, [0, 0, 0, 32767]);
        assert_eq!(track.not_finite(), 3);
        assert_eq!(track.peak(), 1.0);
    }

    #[test]
    fn tracks_that_cannot_be_played_are_errors() {
        let error = |track: Track| track.data_uri(1.0).unwrap_err();
        assert!(matches!(
            error(Track::new("t", vec![], 8000)),
            ReportError::TrackEmpty { .. }
        ));
        assert!(matches!(
            error(Track::mono("t", vec![], 8000)),
            ReportError::TrackEmpty { .. }
        ));
        assert!(matches!(
            error(Track::mono("t", vec![0.0], 0)),
            ReportError::TrackRate { .. }
        ));
        assert!(matches!(
            error(Track::new("t", vec![vec![0.0], vec![0.0; 2]], 8000)),
            ReportError::TrackRagged { .. }
        ));
        assert!(matches!(
            error(Track::mono("t", vec![0.0], u32::MAX)),
            ReportError::TrackTooLarge { .. }
        ));
    }

    #[test]
    fn a_waveform_covers_its_share_of_the_span() {
        let track = Track::mono("t", vec![0.5; 100], 100);
        // One of two seconds: the last point lies in the first half.
        let path = track.waveform(10, 2.0, 0.5);
        assert!(path.contains("L4.5 -1.000"), "{path}");
        assert!(!path.contains("L5.5"), "{path}");
    }

    #[test]
    fn a_waveform_of_silence_nan_or_one_sample_is_a_line() {
        for samples in [vec![0.0; 5], vec![f32::NAN; 5], vec![0.0]] {
            let path = Track::mono("t", samples, 100).waveform(10, 0.05, 0.0);
            assert!(!path.contains("NaN") && !path.contains("inf"), "{path}");
        }
    }
}
