//! AIFF and AIFF-C headers.
//!
//! The count in the `COMM` chunk, the length of the `SSND` chunk and the file itself say how much
//! sound there is. Where one of them is wrong the other two count, and a [`Warning`] says so.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use nae_files::count;

use super::chunks::{CHUNK_HEADER, Chunk, bytes_at, is_chunk};
use super::pcm::{ByteOrder, Layout, SampleFormat};
use super::spec::Spec;
use crate::AudioError;
use crate::warning::Warning;

/// What lies in an `SSND` chunk before the samples: offset and block size.
const SOUND_HEADER: u64 = 8;

/// A header that agrees with its file.
#[derive(Debug)]
pub(crate) struct AiffHeader {
    pub layout: Layout,
    /// Samples per channel.
    pub samples: u64,
    pub warnings: Vec<Warning>,
}

/// What a `COMM` chunk says.
struct Common {
    layout: Layout,
    samples: u32,
}

impl AiffHeader {
    /// Walks the chunks and leaves `file` at the first sample.
    pub fn read(path: &Path, file: &mut File) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read its header", e);
        let file_len = file.metadata().map_err(io)?.len();
        let (mut common, mut sound) = (None, None);
        let mut position = 12;
        while let Some(chunk) = Chunk::at(file, position, file_len, ByteOrder::Big).map_err(io)? {
            match &chunk.name {
                b"COMM" if chunk.start + u64::from(chunk.len) <= file_len => {
                    common = Some(Common::read(path, file, chunk)?);
                }
                b"SSND" => sound = Some(chunk),
                _ => {}
            }
            if let (Some(common), Some(sound)) = (&common, sound) {
                return Self::checked(path, file, common, sound, file_len);
            }
            let len = u64::from(chunk.len);
            position = chunk
                .next(len, file, file_len, ByteOrder::Big)
                .map_err(io)?;
        }
        Err(AudioError::damaged(
            path,
            format!(
                "the file ends after {} without both an AIFF file's parts: how its sound is stored, and the sound",
                count(file_len, "byte")
            ),
        ))
    }

    fn checked(
        path: &Path,
        file: &mut File,
        common: &Common,
        sound: Chunk,
        file_len: u64,
    ) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read its header", e);
        if sound.start + SOUND_HEADER > file_len {
            return Err(AudioError::damaged(
                path,
                "the file ends where its sound should begin",
            ));
        }
        let offset: [u8; 4] = bytes_at(file, sound.start).map_err(io)?;
        let offset = u64::from(u32::from_be_bytes(offset));
        let mut start = sound.start + SOUND_HEADER + offset;
        let mut warnings = Vec::new();
        if start > file_len {
            warnings.push(Warning::Header {
                detail: format!(
                    "its sound is said to begin {} further on, outside the file; it was read from the beginning",
                    count(offset, "byte")
                ),
            });
            start = sound.start + SOUND_HEADER;
        }
        common.layout.spec.check(path)?;
        let block = common.layout.block();
        let counts = Counts {
            counted: u64::from(common.samples),
            stored: (u64::from(sound.len) + sound.start).saturating_sub(start) / block,
            available: (file_len - start) / block,
            // a header that was never completed
            is_unset: common.samples == 0 || common.samples >= u32::MAX / 2,
        };
        let fits = |samples: u64| -> std::io::Result<bool> {
            let end = start + samples * block;
            let padded = end + end % 2;
            Ok(end <= file_len
                && (file_len - end < CHUNK_HEADER
                    || is_chunk(file, padded, file_len, ByteOrder::Big)?
                    || is_chunk(file, end, file_len, ByteOrder::Big)?))
        };
        let samples = counts.choose(path, fits)?;
        if samples == 0 {
            return Err(AudioError::NoSamples { path: path.into() });
        }
        warnings.extend(counts.warning(samples));
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        Ok(Self {
            layout: common.layout,
            samples,
            warnings,
        })
    }
}

/// How many samples per channel there are, as said in different places.
struct Counts {
    /// In the `COMM` chunk.
    counted: u64,
    /// By the length of the `SSND` chunk.
    stored: u64,
    /// Up to the end of the file.
    available: u64,
    /// Whether `counted` was never filled in.
    is_unset: bool,
}

impl Counts {
    /// The count that `fits`: a chunk or the end of the file follows.
    fn choose(
        &self,
        path: &Path,
        mut fits: impl FnMut(u64) -> std::io::Result<bool>,
    ) -> Result<u64, AudioError> {
        let mut fits =
            |samples| fits(samples).map_err(|e| AudioError::io(path, "read its header", e));
        let (counted, stored, available) = (self.counted, self.stored, self.available);
        if counted == stored && counted <= available || !self.is_unset && fits(counted)? {
            Ok(counted)
        } else if stored > 0 && fits(stored)? {
            Ok(stored)
        } else if self.is_unset {
            Ok(available)
        } else if counted <= available {
            Ok(counted)
        } else {
            Err(AudioError::Truncated {
                path: path.into(),
                promised: counted,
                found: available,
                unit: "samples per channel",
            })
        }
    }

    fn warning(&self, samples: u64) -> Option<Warning> {
        let is_agreed = self.counted == samples && self.stored == samples;
        (!self.is_unset && !is_agreed).then(|| Warning::Header {
            detail: format!(
                "it counts {} per channel in one place and {} in another; the file holds {samples}, which are used",
                count(self.counted, "sample"),
                self.stored
            ),
        })
    }
}

impl Common {
    fn read(path: &Path, file: &mut File, chunk: Chunk) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read its header", e);
        if chunk.len < 18 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its `COMM` chunk has {} instead of 18 or more",
                    count(chunk.len, "byte")
                ),
            ));
        }
        let [c0, c1, n0, n1, n2, n3, b0, b1, rate @ ..]: [u8; 18] =
            bytes_at(file, chunk.start).map_err(io)?;
        let (channels, bits) = (u16::from_be_bytes([c0, c1]), u16::from_be_bytes([b0, b1]));
        let sample_rate = extended(rate);
        let codec = match chunk.len {
            22.. => bytes_at(file, chunk.start + 18).map_err(io)?,
            _ => *b"NONE",
        };
        if channels == 0 || sample_rate == 0 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its header states {} at {sample_rate} Hz",
                    count(channels, "channel")
                ),
            ));
        }
        let (format, order) =
            sample_format(codec, bits).ok_or_else(|| AudioError::UnsupportedCodec {
                path: path.into(),
                codec: format!("AIFF-C `{}` of {bits} bits", codec.escape_ascii()),
            })?;
        Ok(Self {
            layout: Layout {
                format,
                order,
                spec: Spec {
                    sample_rate,
                    channels: usize::from(channels),
                },
            },
            samples: u32::from_be_bytes([n0, n1, n2, n3]),
        })
    }
}

/// How the samples of a coding lie; narrow ones are left-justified in whole bytes.
fn sample_format(codec: [u8; 4], bits: u16) -> Option<(SampleFormat, ByteOrder)> {
    use ByteOrder::{Big, Little};
    let int = match bits {
        1..=32 => Some(SampleFormat::Int {
            bytes: bits.div_ceil(8) as u8,
        }),
        _ => None,
    };
    Some(match &codec {
        b"NONE" | b"twos" => (int?, Big),
        b"sowt" => (int?, Little),
        b"in24" => (SampleFormat::Int { bytes: 3 }, Big),
        b"in32" => (SampleFormat::Int { bytes: 4 }, Big),
        b"42ni" => (SampleFormat::Int { bytes: 3 }, Little),
        b"23ni" => (SampleFormat::Int { bytes: 4 }, Little),
        b"raw " => (SampleFormat::Unsigned8, Big),
        b"fl32" | b"FL32" => (SampleFormat::Float32, Big),
        b"fl64" | b"FL64" => (SampleFormat::Float64, Big),
        b"ulaw" | b"ULAW" => (SampleFormat::MuLaw, Big),
        b"alaw" | b"ALAW" => (SampleFormat::ALaw, Big),
        _ => return None,
    })
}

/// An 80-bit float as a rate in whole Hz; 0 for what is none.
fn extended(bytes: [u8; 10]) -> u32 {
    let [e0, e1, mantissa @ ..] = bytes;
    let exponent = i32::from(u16::from_be_bytes([e0, e1])) - 16383 - 63;
    let value = u64::from_be_bytes(mantissa) as f64 * 2f64.powi(exponent);
    value.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_80_bit_floats() {
        let rate = |exponent: u16, mantissa: u64| {
            let mut bytes = [0; 10];
            bytes[..2].copy_from_slice(&exponent.to_be_bytes());
            bytes[2..].copy_from_slice(&mantissa.to_be_bytes());
            extended(bytes)
        };
        assert_eq!(rate(0x400e, 0xac44 << 48), 44_100);
        assert_eq!(rate(0x400d, 0xfa00 << 48), 32_000);
        assert_eq!(rate(0, 0), 0);
        assert_eq!(rate(0xffff, 0), 0);
    }
}
