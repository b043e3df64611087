//! WAV files out, whole or as a stream.
//!
//! A file is plain WAV as long as its lengths fit into 32 bits. One that grows beyond becomes RF64
//! (EBU Tech 3306): a stream reserves room for the long lengths at the front, in a `JUNK` chunk
//! that readers of plain WAV skip; [`write`] knows the length and leaves that room only where it is
//! needed.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use nae_files::{PendingFile, count};

use crate::{AudioError, Clip};

/// Samples per channel converted at once.
const STEP: usize = 1 << 12;
/// What a `ds64` chunk holds: three lengths of 64 bits and an empty table.
const LENGTHS_BYTES: u32 = 28;
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// What follows the format tag in the sub-format GUIDs of extensible files.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

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

    fn format_tag(self) -> u16 {
        match self {
            Self::Float32 => FLOAT,
            Self::Int16 | Self::Int24 => PCM,
        }
    }
}

/// Writes a whole clip as WAV, which appears at `path` whole or not at all.
///
/// # Errors
///
/// As [`WavSink`].
pub fn write(path: &Path, clip: &Clip, depth: BitDepth) -> Result<(), AudioError> {
    let mut header = Header::new(path, clip.channel_count(), clip.sample_rate(), depth)?;
    header.has_room = !header.fits(header.data_bytes(clip.samples() as u64));
    let mut sink = WavSink::with_header(path, header)?;
    sink.write(clip.channels())?;
    sink.finish()
}

/// A WAV file written as a stream, of any length.
///
/// The samples go to a temporary file beside the target; nothing appears at the path before
/// [`WavSink::finish`]. Dropped without it, the temporary file is removed.
///
/// Integers are `round(x · 2^(bits−1))`, to nearest and clipped at full scale, the inverse of what
/// reading does: an integer file comes back bit for bit.
pub struct WavSink {
    writer: BufWriter<File>,
    pending: PendingFile,
    header: Header,
    /// Samples per channel written so far.
    samples: u64,
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
        let header = Header::new(path, channel_count, sample_rate, depth)?;
        Self::with_header(path, header)
    }

    fn with_header(path: &Path, header: Header) -> Result<Self, AudioError> {
        let pending = PendingFile::create(path)?;
        let io = |e| AudioError::writing(path, e);
        let mut writer = BufWriter::new(pending.file().try_clone().map_err(io)?);
        writer.write_all(&header.bytes(0)).map_err(io)?;
        Ok(Self {
            writer,
            pending,
            header,
            samples: 0,
        })
    }

    /// Appends samples, as many channels as the file has, all of one length.
    ///
    /// # Errors
    ///
    /// Channels that do not fit the file, NaN or infinity, a full disk. Drop the sink then.
    pub fn write(&mut self, channels: &[Vec<f32>]) -> Result<(), AudioError> {
        let samples = channels.first().map_or(0, Vec::len);
        let even = channels.iter().all(|c| c.len() == samples);
        let channel_count = usize::from(self.header.channels);
        if channels.len() != channel_count || !even {
            let lengths: Vec<usize> = channels.iter().map(Vec::len).collect();
            return Err(AudioError::BadWav {
                path: self.pending.path().into(),
                expected: "as many channels as it began with, all of one length",
                found: format!(
                    "channels of {lengths:?} samples for a file of {}",
                    count(channel_count, "channel")
                ),
            });
        }
        for channel in channels {
            crate::clip::ensure_finite("sound to be written", channel)?;
        }
        let mut bytes = Vec::new();
        for start in (0..samples).step_by(STEP) {
            bytes.clear();
            for i in start..samples.min(start + STEP) {
                for channel in channels {
                    push_sample(&mut bytes, channel[i], self.header.depth);
                }
            }
            self.writer
                .write_all(&bytes)
                .map_err(|e| AudioError::writing(self.pending.path(), e))?;
        }
        self.samples += samples as u64;
        Ok(())
    }

    /// Completes the header and moves the file to its place.
    ///
    /// # Errors
    ///
    /// A full disk, or a place that refuses the file; nothing is left behind then.
    pub fn finish(self) -> Result<(), AudioError> {
        Ok(self.complete()?.commit()?)
    }

    /// Completes the header and pushes the samples to the disk. The file is moved to its place by
    /// [`PendingFile::commit`], which has no need of further space: several files can be completed
    /// first, so that all of them appear or none.
    ///
    /// # Errors
    ///
    /// A full disk; nothing is left behind then.
    pub fn complete(mut self) -> Result<PendingFile, AudioError> {
        self.write_end()
            .map_err(|e| AudioError::writing(self.pending.path(), e))?;
        Ok(self.pending)
    }

    fn write_end(&mut self) -> io::Result<()> {
        if self.header.data_bytes(self.samples) % 2 == 1 {
            self.writer.write_all(&[0])?;
        }
        self.writer.rewind()?;
        self.writer.write_all(&self.header.bytes(self.samples))?;
        self.writer.flush()?;
        self.pending.file().sync_all()
    }
}

/// What stands before the samples.
struct Header {
    channels: u16,
    sample_rate: u32,
    depth: BitDepth,
    /// Whether there is room for lengths of 64 bits.
    has_room: bool,
}

impl Header {
    fn new(
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
                found: format!("{} at {sample_rate} Hz", count(channel_count, "channel")),
            });
        }
        Ok(Self {
            channels: channel_count as u16,
            sample_rate,
            depth,
            has_room: true,
        })
    }

    /// Bytes of `samples` samples per channel.
    fn data_bytes(&self, samples: u64) -> u64 {
        samples * u64::from(self.channels) * u64::from(self.depth.bits() / 8)
    }

    /// Whether the lengths of a file with so many bytes of samples fit into 32 bits.
    fn fits(&self, data_bytes: u64) -> bool {
        /// More than any header takes.
        const ROOM: u64 = 1024;
        data_bytes <= u64::from(u32::MAX) - ROOM
    }

    /// The header of a file with `samples` samples per channel; its length depends on nothing but
    /// `self`.
    fn bytes(&self, samples: u64) -> Vec<u8> {
        let data = self.data_bytes(samples);
        let is_long = self.has_room && !self.fits(data);
        let format = self.format();
        let room = if self.has_room { 8 + LENGTHS_BYTES } else { 0 };
        // 4 for `WAVE`, 8 for the name and length of each chunk
        let riff = 4 + u64::from(room) + 8 + format.len() as u64 + 8 + data + data % 2;
        let mut bytes = Vec::new();
        bytes.extend(if is_long { b"RF64" } else { b"RIFF" });
        bytes.extend(short(riff, is_long));
        bytes.extend(b"WAVE");
        if self.has_room {
            bytes.extend(if is_long { b"ds64" } else { b"JUNK" });
            bytes.extend(LENGTHS_BYTES.to_le_bytes());
            let lengths = if is_long {
                [riff, data, samples]
            } else {
                [0; 3]
            };
            bytes.extend(lengths.iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend([0; 4]);
        }
        bytes.extend(b"fmt ");
        bytes.extend((format.len() as u32).to_le_bytes());
        bytes.extend(format);
        bytes.extend(b"data");
        bytes.extend(short(data, is_long));
        bytes
    }

    /// The `fmt ` chunk: the extensible kind where there are more than two channels or 16 bits.
    fn format(&self) -> Vec<u8> {
        let bits = self.depth.bits();
        let is_extensible = self.channels > 2 || bits > 16;
        let block = self.channels * (bits / 8);
        let tag = if is_extensible {
            EXTENSIBLE
        } else {
            self.depth.format_tag()
        };
        let mut bytes = tag.to_le_bytes().to_vec();
        bytes.extend(self.channels.to_le_bytes());
        bytes.extend(self.sample_rate.to_le_bytes());
        bytes.extend((self.sample_rate * u32::from(block)).to_le_bytes());
        bytes.extend(block.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        if is_extensible {
            bytes.extend(22u16.to_le_bytes());
            bytes.extend(bits.to_le_bytes());
            // the first of the 18 loudspeaker positions
            let speakers = (1u32 << self.channels.min(18)) - 1;
            bytes.extend(speakers.to_le_bytes());
            bytes.extend(self.depth.format_tag().to_le_bytes());
            bytes.extend(GUID_TAIL);
        }
        bytes
    }
}

/// A length in 32 bits, or what says that it stands elsewhere.
fn short(len: u64, is_elsewhere: bool) -> [u8; 4] {
    let len = if is_elsewhere { u32::MAX } else { len as u32 };
    len.to_le_bytes()
}

fn push_sample(bytes: &mut Vec<u8>, x: f32, depth: BitDepth) {
    match depth {
        BitDepth::Float32 => bytes.extend(x.to_le_bytes()),
        BitDepth::Int16 => bytes.extend(&to_int(x, 16).to_le_bytes()[..2]),
        BitDepth::Int24 => bytes.extend(&to_int(x, 24).to_le_bytes()[..3]),
    }
}

/// Nearest integer of `bits` bits, clipped at full scale.
fn to_int(x: f32, bits: u16) -> i32 {
    let full = 2f64.powi(i32::from(bits) - 1);
    (f64::from(x) * full).round().clamp(-full, full - 1.0) as i32
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

    #[test]
    fn a_header_has_room_for_long_lengths_and_uses_it() {
        let header = Header::new(Path::new("a.wav"), 2, 48_000, BitDepth::Float32).unwrap();
        let (small, large) = (header.bytes(100), header.bytes(1 << 30));
        assert_eq!(small.len(), large.len());
        assert_eq!((&small[..4], &small[12..16]), (&b"RIFF"[..], &b"JUNK"[..]));
        assert_eq!((&large[..4], &large[12..16]), (&b"RF64"[..], &b"ds64"[..]));
        assert_eq!(large[4..8], [0xff; 4]);
        let u64_at = |at: usize| u64::from_le_bytes(*large[at..].first_chunk().unwrap());
        let data = 8 << 30;
        assert_eq!(u64_at(20), large.len() as u64 - 8 + data);
        assert_eq!((u64_at(28), u64_at(36)), (data, 1 << 30));
        assert_eq!(large[large.len() - 4..], [0xff; 4]);
        assert_eq!(small[small.len() - 4..], 800u32.to_le_bytes());
    }
}
