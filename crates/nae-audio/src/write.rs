//! WAV files out, whole or as a stream.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use nae_files::PendingFile;

use crate::{AudioError, Clip};

/// WAV counts its bytes in 32 bits; some are for the header.
const MAX_BYTES: u64 = u32::MAX as u64 - 1024;

/// How a sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BitDepth {
    /// 32-bit float: as it is, nothing is scaled or clipped.
    #[default]
    Float32,
    /// 16-bit integer.
    Int16,
    /// 24-bit integer.
    Int24,
}

impl BitDepth {
    /// Bits a sample.
    pub fn bits(self) -> u16 {
        match self {
            Self::Float32 => 32,
            Self::Int16 => 16,
            Self::Int24 => 24,
        }
    }

    fn format(self) -> hound::SampleFormat {
        match self {
            Self::Float32 => hound::SampleFormat::Float,
            Self::Int16 | Self::Int24 => hound::SampleFormat::Int,
        }
    }
}

/// Writes a whole clip as WAV, which appears at `path` whole or not at all.
///
/// # Errors
///
/// As [`WavSink`].
pub fn write(path: &Path, clip: &Clip, depth: BitDepth) -> Result<(), AudioError> {
    let mut sink = WavSink::create(path, clip.channel_count(), clip.sample_rate(), depth)?;
    sink.write(clip.channels())?;
    sink.finish()
}

/// A WAV file written bit by bit.
///
/// The samples go to a temporary file beside the target; nothing appears at the path before
/// [`WavSink::finish`]. Dropped without it, the temporary file is removed.
///
/// Integers are `round(x · 2^(bits−1))`, to nearest and clipped at full scale, the inverse of what
/// reading does: an integer file comes back bit by bit.
pub struct WavSink {
    writer: hound::WavWriter<BufWriter<File>>,
    pending: PendingFile,
    channel_count: usize,
    depth: BitDepth,
    bytes: u64,
}

impl WavSink {
    /// Starts a file of `channel_count` channels at `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// A place that cannot be written to; no channel, too many, or 0 Hz.
    pub fn create(
        path: &Path,
        channel_count: usize,
        sample_rate: u32,
        depth: BitDepth,
    ) -> Result<Self, AudioError> {
        let frame_bytes = channel_count.saturating_mul(usize::from(depth.bits() / 8));
        let rate_fits = u64::from(sample_rate) * frame_bytes as u64 <= u64::from(u32::MAX);
        if channel_count == 0
            || frame_bytes > usize::from(u16::MAX)
            || sample_rate == 0
            || !rate_fits
        {
            return Err(AudioError::BadWav {
                path: path.into(),
                expected: "1 to 16383 channels, a sample rate above 0 Hz and less than 4 GiB a second",
                found: format!("{channel_count} channels at {sample_rate} Hz"),
            });
        }
        let pending = PendingFile::create(path)?;
        let file = pending
            .file()
            .try_clone()
            .map_err(|e| AudioError::io(path, "write to it", e))?;
        let spec = hound::WavSpec {
            channels: channel_count as u16,
            sample_rate,
            bits_per_sample: depth.bits(),
            sample_format: depth.format(),
        };
        let writer =
            hound::WavWriter::new(BufWriter::new(file), spec).map_err(|e| write_error(path, e))?;
        Ok(Self {
            writer,
            pending,
            channel_count,
            depth,
            bytes: 0,
        })
    }

    /// Appends samples, as many channels as the file has, all of one length.
    ///
    /// # Errors
    ///
    /// Channels that do not fit the file, NaN or infinity, more than 4 GiB, a full disk. Drop the
    /// sink then.
    pub fn write(&mut self, channels: &[Vec<f32>]) -> Result<(), AudioError> {
        let samples = channels.first().map_or(0, Vec::len);
        let even = channels.iter().all(|c| c.len() == samples);
        if channels.len() != self.channel_count || !even {
            let lengths: Vec<usize> = channels.iter().map(Vec::len).collect();
            return Err(AudioError::BadWav {
                path: self.pending.path().into(),
                expected: "as many channels as it began with, all of one length",
                found: format!(
                    "channels of {lengths:?} samples for a file of {} channels",
                    self.channel_count
                ),
            });
        }
        for channel in channels {
            crate::clip::ensure_finite("sound to be written", channel)?;
        }
        self.bytes += (samples * self.channel_count) as u64 * u64::from(self.depth.bits() / 8);
        if self.bytes > MAX_BYTES {
            return Err(AudioError::BadWav {
                path: self.pending.path().into(),
                expected: "less than 4 GiB of samples",
                found: format!("{} bytes", self.bytes),
            });
        }
        self.push(channels, samples)
            .map_err(|e| write_error(self.pending.path(), e))
    }

    fn push(&mut self, channels: &[Vec<f32>], samples: usize) -> Result<(), hound::Error> {
        let bits = self.depth.bits();
        for i in 0..samples {
            for channel in channels {
                match self.depth {
                    BitDepth::Float32 => self.writer.write_sample(channel[i])?,
                    BitDepth::Int16 | BitDepth::Int24 => {
                        self.writer.write_sample(to_int(channel[i], bits))?
                    }
                }
            }
        }
        Ok(())
    }

    /// Completes the header and moves the file to its place.
    ///
    /// # Errors
    ///
    /// A full disk, or a place that refuses the file; nothing is left behind then.
    pub fn finish(self) -> Result<(), AudioError> {
        self.writer
            .finalize()
            .map_err(|e| write_error(self.pending.path(), e))?;
        Ok(self.pending.commit()?)
    }
}

/// Nearest integer of `bits` bits, clipped at full scale.
fn to_int(x: f32, bits: u16) -> i32 {
    let full = 2f64.powi(i32::from(bits) - 1);
    (f64::from(x) * full).round().clamp(-full, full - 1.0) as i32
}

fn write_error(path: &Path, error: hound::Error) -> AudioError {
    match error {
        hound::Error::IoError(e) => AudioError::io(path, "write to it", e),
        other => AudioError::BadWav {
            path: path.into(),
            expected: "samples that the format can hold",
            found: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_round_to_nearest_and_clip_at_full_scale() {
        assert_eq!(to_int(0.5, 16), 16384);
        assert_eq!(to_int(1.4 / 32768.0, 16), 1);
        assert_eq!(to_int(-1.6 / 32768.0, 16), -2);
        assert_eq!(to_int(1.0, 16), 32767);
        assert_eq!(to_int(7.0, 24), 8_388_607);
        assert_eq!(to_int(-7.0, 16), -32768);
    }
}
