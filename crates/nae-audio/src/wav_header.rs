//! The chunks of a WAV file, and what they promise against what the file holds.
//!
//! The decoders behind this trust the header. Here it is compared with the file's length first, so
//! that a truncated file is an error instead of a short sound or a late surprise, and the lengths
//! that programs leave behind when they write into a pipe are replaced by the true ones. Decoders
//! are then given a small clean header ([`WavHeader::clean`]) followed by the samples, which also
//! spares them odd chunks and the many spellings of the same format.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::AudioError;

/// Lengths that writers leave behind which could not come back to correct them: the largest
/// number, sox's, and the largest signed number.
const UNKNOWN_LENGTHS: [u32; 3] = [u32::MAX, 0x7fff_f000, 0x7fff_ffff];
/// No `fmt ` or `fact` chunk in the wild comes near this.
const MAX_FORMAT_BYTES: u32 = 4096;
/// WAV counts bytes in 32 bits; the clean header must fit in as well.
const MAX_DATA_BYTES: u64 = u32::MAX as u64 - 3 * MAX_FORMAT_BYTES as u64;
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// What follows the format tag in the sub-format GUIDs of extensible files.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// How the samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Integers of `bits` bits.
    Int { bits: u16 },
    /// 32-bit float.
    Float32,
    /// Anything else: 64-bit float, µ-law, ADPCM …
    Other,
}

/// A checked header: everything it promises is there.
#[derive(Debug)]
pub(crate) struct WavHeader {
    pub encoding: Encoding,
    pub channels: u16,
    /// Bytes of samples.
    pub data_len: u64,
    /// Samples per channel, where the encoding allows to tell.
    pub samples: Option<u64>,
    sample_rate: u32,
    block_align: u16,
    format: Vec<u8>,
    fact: Option<Vec<u8>>,
}

impl WavHeader {
    /// Walks the chunks up to the samples and leaves `file` at the first one.
    pub fn read(path: &Path, file: &mut File) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read its header", e);
        let file_len = file.metadata().map_err(io)?.len();
        file.seek(SeekFrom::Start(4)).map_err(io)?;
        let riff_len = read_u32(file).map_err(io)?;
        let (mut format, mut fact) = (None, None);
        let mut position = 12;
        loop {
            if position + 8 > file_len {
                return Err(AudioError::damaged(
                    path,
                    format!(
                        "the file ends after {file_len} bytes, within its header, before any samples"
                    ),
                ));
            }
            file.seek(SeekFrom::Start(position)).map_err(io)?;
            let mut name = [0; 4];
            file.read_exact(&mut name).map_err(io)?;
            let len = read_u32(file).map_err(io)?;
            position += 8;
            match &name {
                b"data" => {
                    let Some(format) = format else {
                        return Err(AudioError::damaged(
                            path,
                            "the samples come before the chunk that says how they are stored",
                        ));
                    };
                    let data_len = data_len(len, riff_len, position, file_len);
                    return Self::checked(path, format, fact, position, data_len, file_len);
                }
                b"fmt " | b"fact" => {
                    if len > MAX_FORMAT_BYTES || position + u64::from(len) > file_len {
                        return Err(AudioError::damaged(
                            path,
                            format!("a format chunk claims {len} bytes"),
                        ));
                    }
                    let mut bytes = vec![0; len as usize];
                    file.read_exact(&mut bytes).map_err(io)?;
                    let place = if &name == b"fmt " {
                        &mut format
                    } else {
                        &mut fact
                    };
                    *place = Some(bytes);
                }
                _ => {}
            }
            position += u64::from(len) + u64::from(len % 2);
        }
    }

    fn checked(
        path: &Path,
        format: Vec<u8>,
        fact: Option<Vec<u8>>,
        data_start: u64,
        data_len: DataLen,
        file_len: u64,
    ) -> Result<Self, AudioError> {
        if format.len() < 16 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its format chunk has {} bytes instead of 16 or more",
                    format.len()
                ),
            ));
        }
        let u16_at = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let (channels, sample_rate, block_align) = (u16_at(2), u32_at(4), u16_at(12));
        if channels == 0 || sample_rate == 0 || block_align == 0 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its header speaks of {channels} channels at {sample_rate} Hz with {block_align} bytes a sample"
                ),
            ));
        }
        let encoding = encoding(&format, channels, block_align, u16_at(14));
        let available = file_len - data_start;
        let block = u64::from(block_align);
        let data_len = match data_len {
            DataLen::Known(len) => len,
            DataLen::ToTheEnd => available / block * block,
        };
        if data_len == 0 {
            return Err(AudioError::NoSamples { path: path.into() });
        }
        let countable = encoding != Encoding::Other;
        if countable && !data_len.is_multiple_of(block) {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its {data_len} bytes of sound are not a whole number of {block}-byte samples"
                ),
            ));
        }
        if data_len > available {
            let (unit, divisor) = match countable {
                true => ("samples per channel", block),
                false => ("bytes of sound", 1),
            };
            return Err(AudioError::Truncated {
                path: path.into(),
                promised: data_len / divisor,
                found: available / divisor,
                unit,
            });
        }
        if data_len > MAX_DATA_BYTES {
            return Err(AudioError::UnsupportedCodec {
                path: path.into(),
                codec: "WAV of 4 GiB or more".into(),
            });
        }
        Ok(Self {
            encoding,
            channels,
            data_len,
            samples: countable.then_some(data_len / block),
            sample_rate,
            block_align,
            format,
            fact,
        })
    }

    /// A header of nothing but `fmt `, perhaps `fact`, and `data`, with true lengths.
    pub fn clean(&self) -> Vec<u8> {
        let format = match self.encoding {
            Encoding::Int { bits } => self.plain_format(PCM, bits),
            Encoding::Float32 => self.plain_format(FLOAT, 32),
            Encoding::Other => self.format.clone(),
        };
        let mut body = b"WAVE".to_vec();
        push_chunk(&mut body, b"fmt ", &format);
        if let (Encoding::Other, Some(fact)) = (self.encoding, &self.fact) {
            push_chunk(&mut body, b"fact", fact);
        }
        body.extend(b"data");
        // Both fit: MAX_DATA_BYTES leaves room for the chunks before.
        body.extend((self.data_len as u32).to_le_bytes());
        let riff_len = body.len() as u64 + self.data_len;
        let mut header = b"RIFF".to_vec();
        header.extend((riff_len as u32).to_le_bytes());
        header.extend(body);
        header
    }

    /// The number by which WAV names a way of storing samples.
    pub fn format_tag(&self) -> u16 {
        u16::from_le_bytes([self.format[0], self.format[1]])
    }

    fn plain_format(&self, tag: u16, bits: u16) -> Vec<u8> {
        let bytes_per_second = self.sample_rate.wrapping_mul(u32::from(self.block_align));
        let mut format = tag.to_le_bytes().to_vec();
        format.extend(self.channels.to_le_bytes());
        format.extend(self.sample_rate.to_le_bytes());
        format.extend(bytes_per_second.to_le_bytes());
        format.extend(self.block_align.to_le_bytes());
        format.extend(bits.to_le_bytes());
        format
    }
}

enum DataLen {
    Known(u64),
    ToTheEnd,
}

/// Believes the data chunk unless it says "unknown".
///
/// A length of 0 is also what an interrupted or piping writer leaves; it is told from a truly empty
/// file by the outer length, which such a writer left unset as well.
fn data_len(len: u32, riff_len: u32, data_start: u64, file_len: u64) -> DataLen {
    let outer_unset = u64::from(riff_len) + 8 < data_start || UNKNOWN_LENGTHS.contains(&riff_len);
    let beyond = data_start + u64::from(len) > file_len;
    let unknown = len == u32::MAX || (UNKNOWN_LENGTHS.contains(&len) && beyond);
    if unknown || (len == 0 && outer_unset) {
        DataLen::ToTheEnd
    } else {
        DataLen::Known(u64::from(len))
    }
}

/// Samples narrower than their bytes (12 in 16, 20 in 24, 24 in 32 bits) are left-justified, as the
/// WAVE specification has it, so the whole container is read as one integer.
fn encoding(format: &[u8], channels: u16, block_align: u16, bits: u16) -> Encoding {
    if !block_align.is_multiple_of(channels) {
        return Encoding::Other;
    }
    let container = block_align / channels;
    let mut tag = u16::from_le_bytes([format[0], format[1]]);
    if tag == EXTENSIBLE {
        match format.get(24..40) {
            Some(guid) if guid[2..] == GUID_TAIL => tag = u16::from_le_bytes([guid[0], guid[1]]),
            _ => return Encoding::Other,
        }
    }
    match (tag, container) {
        (PCM, 1..=4) if bits <= container * 8 => Encoding::Int {
            bits: container * 8,
        },
        (FLOAT, 4) if bits == 32 => Encoding::Float32,
        _ => Encoding::Other,
    }
}

fn push_chunk(body: &mut Vec<u8>, name: &[u8; 4], bytes: &[u8]) {
    body.extend(name);
    body.extend((bytes.len() as u32).to_le_bytes());
    body.extend(bytes);
    if bytes.len() % 2 == 1 {
        body.push(0);
    }
}

fn read_u32(file: &mut File) -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(len: DataLen) -> Option<u64> {
        match len {
            DataLen::Known(len) => Some(len),
            DataLen::ToTheEnd => None,
        }
    }

    #[test]
    fn a_true_length_is_believed_even_if_the_file_is_shorter() {
        assert_eq!(known(data_len(100, 136, 44, 144)), Some(100));
        assert_eq!(known(data_len(100, 136, 44, 90)), Some(100));
    }

    #[test]
    fn a_length_left_unset_means_up_to_the_end() {
        assert_eq!(known(data_len(u32::MAX, u32::MAX, 44, 144)), None);
        assert_eq!(known(data_len(u32::MAX, u32::MAX, 44, 5_000_000_044)), None);
        assert_eq!(known(data_len(0x7fff_f000, 0x7fff_f024, 44, 144)), None);
        assert_eq!(known(data_len(0, 0, 44, 144)), None);
        assert_eq!(known(data_len(0, u32::MAX, 44, 144)), None);
    }

    #[test]
    fn a_zero_length_in_a_finished_header_is_a_sound_without_samples() {
        assert_eq!(known(data_len(0, 36, 44, 44)), Some(0));
        assert_eq!(known(data_len(0, 60, 44, 68)), Some(0));
    }

    #[test]
    fn narrow_samples_take_their_whole_container() {
        let format = [1, 0];
        assert_eq!(encoding(&format, 1, 2, 12), Encoding::Int { bits: 16 });
        assert_eq!(encoding(&format, 2, 6, 20), Encoding::Int { bits: 24 });
        assert_eq!(encoding(&format, 1, 8, 64), Encoding::Other);
        assert_eq!(encoding(&[3, 0], 1, 8, 64), Encoding::Other);
        assert_eq!(encoding(&[3, 0], 2, 8, 32), Encoding::Float32);
        assert_eq!(encoding(&[7, 0], 1, 1, 8), Encoding::Other);
    }
}
