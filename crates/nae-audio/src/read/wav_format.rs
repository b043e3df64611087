//! How the samples of a WAV file are stored, where its fields may contradict each other.

use std::path::Path;

use nae_files::count;

use super::pcm::{ByteOrder, Layout, SampleFormat};
use super::spec::Spec;
use crate::AudioError;
use crate::warning::Warning;

/// Bytes of samples read to distinguish 24 bits in 32 from packed 24 bits.
pub(crate) const BYTES_LOOKED_AT: usize = 1 << 10;
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
/// What follows the format tag in the sub-format GUIDs of extensible files.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
/// The same in Ambisonic B-format files.
const GUID_TAIL_AMBISONIC: [u8; 14] = [
    0, 0, 0x21, 7, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0,
];

/// A `fmt ` chunk.
pub(crate) struct Format {
    tag: u16,
    pub spec: Spec,
    byte_rate: u32,
    block_align: u16,
    bits: u16,
    order: ByteOrder,
    /// As it stands in the file.
    pub bytes: Vec<u8>,
}

impl Format {
    /// Reads the chunk's content.
    pub fn parse(path: &Path, bytes: &[u8], order: ByteOrder) -> Result<Self, AudioError> {
        if bytes.len() < 16 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its format chunk has {} instead of 16 or more",
                    count(bytes.len(), "byte")
                ),
            ));
        }
        let u16_at = |at: usize| order.u16([bytes[at], bytes[at + 1]]);
        let u32_at =
            |at: usize| order.u32([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut tag = u16_at(0);
        if tag == EXTENSIBLE
            && let Some(guid) = bytes.get(24..40)
            && (guid[2..] == GUID_TAIL
                || guid[2..] == GUID_TAIL_AMBISONIC
                || order == ByteOrder::Big)
        {
            tag = u16_at(24);
        }
        let (channels, sample_rate) = (u16_at(2), u32_at(4));
        if channels == 0 || sample_rate == 0 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its header states {} at {sample_rate} Hz",
                    count(channels, "channel")
                ),
            ));
        }
        Ok(Self {
            tag,
            spec: Spec {
                sample_rate,
                channels: usize::from(channels),
            },
            byte_rate: u32_at(8),
            block_align: u16_at(12),
            bits: u16_at(14),
            order,
            bytes: bytes.to_vec(),
        })
    }

    /// How the samples lie, if they are plain; `peeked` are the first of them.
    ///
    /// Samples narrower than their bytes (12 in 16, 20 in 24, 24 in 32 bits) are left-justified, as
    /// the WAVE specification has it, so the whole container is read as one integer. Where the bits
    /// of a sample and the size of a block disagree otherwise, the bits count.
    pub fn layout(&self, peeked: &[u8], warnings: &mut Vec<Warning>) -> Option<Layout> {
        let channels = self.spec.channels;
        let block = usize::from(self.block_align);
        let from_block = (block.is_multiple_of(channels) && block > 0).then_some(block / channels);
        let from_bits = usize::from(self.bits.div_ceil(8));
        let format = match self.tag {
            PCM => {
                let bytes = match (from_block, from_bits) {
                    (Some(bytes @ 1..=4), 0) => bytes,
                    (Some(bytes), bits) if bytes == bits => bytes,
                    (Some(4), 3) if !self.is_packed_24(peeked) => 4,
                    (_, bits) => bits,
                };
                match bytes {
                    1 => SampleFormat::Unsigned8,
                    2..=4 => SampleFormat::Int { bytes: bytes as u8 },
                    _ => return None,
                }
            }
            FLOAT => match (from_bits, from_block) {
                (4, _) => SampleFormat::Float32,
                (8, _) => SampleFormat::Float64,
                (_, Some(4)) => SampleFormat::Float32,
                (_, Some(8)) => SampleFormat::Float64,
                _ => return None,
            },
            MU_LAW => SampleFormat::MuLaw,
            A_LAW => SampleFormat::ALaw,
            _ => return None,
        };
        let layout = Layout {
            format,
            order: self.order,
            spec: self.spec,
        };
        let bits = usize::from(self.bits);
        let is_odd = match format {
            SampleFormat::Float32 | SampleFormat::Float64 => bits != 8 * format.bytes(),
            _ => bits == 0,
        };
        if layout.block() != block as u64 || is_odd {
            warnings.push(Warning::Header {
                detail: format!(
                    "it states {} and blocks of {} for {}; the sound was read as {} a sample instead",
                    count(bits, "bit"),
                    count(block, "byte"),
                    count(channels, "channel"),
                    count(format.bytes(), "byte")
                ),
            });
        }
        Some(layout)
    }

    /// Whether what says 24 bits in blocks of 32 really has no unused byte: the byte rate says so, or
    /// the least byte of every four is not zero.
    fn is_packed_24(&self, peeked: &[u8]) -> bool {
        let packed = u64::from(self.spec.sample_rate) * 3 * self.spec.channels as u64;
        let (samples, _) = peeked.as_chunks::<4>();
        let least = match self.order {
            ByteOrder::Little => 0,
            ByteOrder::Big => 3,
        };
        u64::from(self.byte_rate) == packed || samples.iter().any(|bytes| bytes[least] != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(tag: u16, channels: u16, block: u16, bits: u16) -> Option<SampleFormat> {
        let mut bytes = tag.to_le_bytes().to_vec();
        bytes.extend(channels.to_le_bytes());
        bytes.extend(8000u32.to_le_bytes());
        bytes.extend((8000 * u32::from(block)).to_le_bytes());
        bytes.extend(block.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        let format = Format::parse(Path::new("a.wav"), &bytes, ByteOrder::Little).unwrap();
        format
            .layout(&[0, 1, 2, 3], &mut Vec::new())
            .map(|layout| layout.format)
    }

    #[test]
    fn narrow_samples_take_their_whole_container() {
        let int = |bytes| Some(SampleFormat::Int { bytes });
        assert_eq!(layout(PCM, 1, 2, 12), int(2));
        assert_eq!(layout(PCM, 2, 6, 20), int(3));
        assert_eq!(layout(PCM, 1, 4, 24), int(4));
        assert_eq!(layout(PCM, 1, 8, 64), None);
        assert_eq!(layout(FLOAT, 1, 8, 64), Some(SampleFormat::Float64));
        assert_eq!(layout(FLOAT, 2, 8, 32), Some(SampleFormat::Float32));
        assert_eq!(layout(MU_LAW, 1, 1, 8), Some(SampleFormat::MuLaw));
    }

    #[test]
    fn the_bits_of_a_sample_outweigh_the_size_of_a_block() {
        let int = |bytes| Some(SampleFormat::Int { bytes });
        assert_eq!(layout(PCM, 1, 4, 16), int(2));
        assert_eq!(layout(PCM, 1, 0, 16), int(2));
        assert_eq!(layout(PCM, 2, 3, 16), int(2));
        assert_eq!(layout(PCM, 2, 2, 24), int(3));
        assert_eq!(layout(FLOAT, 1, 2, 32), Some(SampleFormat::Float32));
        // without bits the block is all there is
        assert_eq!(layout(FLOAT, 1, 4, 0), Some(SampleFormat::Float32));
        assert_eq!(layout(PCM, 2, 6, 0), int(3));
    }
}
