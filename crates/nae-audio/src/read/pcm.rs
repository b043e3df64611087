//! Samples stored as they are: integers, floats, µ-law and A-law, in either byte order.

use std::fs::File;
use std::io::{BufReader, Read, Take};
use std::path::Path;

use super::spec::Spec;
use crate::AudioError;

/// Bytes converted at once.
const STEP_BYTES: usize = 1 << 18;

/// How one sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleFormat {
    /// 8 bits, 128 is zero.
    Unsigned8,
    /// Two's complement of 1 to 4 bytes; narrower samples are left-justified in them.
    Int {
        /// Bytes a sample.
        bytes: u8,
    },
    /// 32-bit float.
    Float32,
    /// 64-bit float.
    Float64,
    /// G.711 µ-law.
    MuLaw,
    /// G.711 A-law.
    ALaw,
}

impl SampleFormat {
    /// Bytes a sample takes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::MuLaw | Self::ALaw => 1,
            Self::Int { bytes } => usize::from(bytes),
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }
}

/// The order of a number's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    /// Least first.
    Little,
    /// Most first.
    Big,
}

impl ByteOrder {
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// How all samples of a file are stored: channel by channel, sample after sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub format: SampleFormat,
    pub order: ByteOrder,
    pub spec: Spec,
}

impl Layout {
    /// Bytes of one sample in every channel.
    pub fn block(self) -> u64 {
        self.format.bytes() as u64 * self.spec.channels as u64
    }
}

/// Streams the samples of one stretch of a file.
pub(crate) struct PcmReader {
    input: BufReader<Take<File>>,
    layout: Layout,
    /// Samples per channel still to come.
    left: u64,
}

impl PcmReader {
    /// `file` stands at the first of `samples` samples per channel.
    pub fn new(file: File, layout: Layout, samples: u64) -> Self {
        let bytes = samples.saturating_mul(layout.block());
        Self {
            input: BufReader::new(file.take(bytes)),
            layout,
            left: samples,
        }
    }

    /// Up to `samples` further samples per channel.
    pub fn read(&mut self, path: &Path, samples: usize) -> Result<Vec<Vec<f32>>, AudioError> {
        let count = (samples as u64).min(self.left) as usize;
        let block = self.layout.block() as usize;
        let step = (STEP_BYTES / block).max(1);
        let mut channels = vec![Vec::with_capacity(count); self.layout.spec.channels];
        let mut bytes = vec![0; step.min(count) * block];
        let mut missing = count;
        while missing > 0 {
            let part = missing.min(step);
            let bytes = &mut bytes[..part * block];
            self.input
                .read_exact(bytes)
                .map_err(|e| AudioError::io(path, "read its samples", e))?;
            self.layout.convert(bytes, &mut channels);
            missing -= part;
        }
        self.left -= count as u64;
        Ok(channels)
    }
}

impl Layout {
    /// Appends whole blocks of samples to `channels`.
    pub fn convert(self, bytes: &[u8], channels: &mut [Vec<f32>]) {
        let big = self.order == ByteOrder::Big;
        match self.format {
            SampleFormat::Unsigned8 => deal(bytes, channels, |[x]: [u8; 1]| {
                scaled(i32::from(x) - 128, 8)
            }),
            SampleFormat::MuLaw => deal(bytes, channels, |[x]: [u8; 1]| scaled(mu_law(x), 16)),
            SampleFormat::ALaw => deal(bytes, channels, |[x]: [u8; 1]| scaled(a_law(x), 16)),
            SampleFormat::Int { bytes: 1 } => deal(bytes, channels, |x: [u8; 1]| {
                scaled(i32::from(i8::from_le_bytes(x)), 8)
            }),
            SampleFormat::Int { bytes: 2 } => deal(bytes, channels, |x: [u8; 2]| {
                let x = if big {
                    i16::from_be_bytes(x)
                } else {
                    i16::from_le_bytes(x)
                };
                scaled(i32::from(x), 16)
            }),
            SampleFormat::Int { bytes: 3 } => deal(bytes, channels, |[a, b, c]: [u8; 3]| {
                let x = if big { [0, c, b, a] } else { [0, a, b, c] };
                scaled(i32::from_le_bytes(x) >> 8, 24)
            }),
            SampleFormat::Int { .. } => deal(bytes, channels, |x: [u8; 4]| {
                scaled(
                    if big {
                        i32::from_be_bytes(x)
                    } else {
                        i32::from_le_bytes(x)
                    },
                    32,
                )
            }),
            SampleFormat::Float32 => deal(bytes, channels, |x: [u8; 4]| {
                if big {
                    f32::from_be_bytes(x)
                } else {
                    f32::from_le_bytes(x)
                }
            }),
            SampleFormat::Float64 => deal(bytes, channels, |x: [u8; 8]| {
                (if big {
                    f64::from_be_bytes(x)
                } else {
                    f64::from_le_bytes(x)
                }) as f32
            }),
        }
    }
}

/// Deals samples of `N` bytes to the channels in turn.
fn deal<const N: usize>(bytes: &[u8], channels: &mut [Vec<f32>], value: impl Fn([u8; N]) -> f32) {
    let (samples, _) = bytes.as_chunks::<N>();
    let count = channels.len();
    for (c, channel) in channels.iter_mut().enumerate() {
        channel.extend(samples.iter().skip(c).step_by(count).map(|&x| value(x)));
    }
}

/// An integer of `bits` bits as a fraction of full scale.
fn scaled(x: i32, bits: i32) -> f32 {
    (f64::from(x) * (1.0 / 2f64.powi(bits - 1))) as f32
}

/// A µ-law code as a 16-bit integer (ITU-T G.711).
fn mu_law(code: u8) -> i32 {
    let code = !code;
    let size = ((i32::from(code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4);
    if code & 0x80 != 0 {
        0x84 - size
    } else {
        size - 0x84
    }
}

/// An A-law code as a 16-bit integer (ITU-T G.711).
fn a_law(code: u8) -> i32 {
    let code = code ^ 0x55;
    let (step, segment) = (i32::from(code & 0x0f) << 4, (code & 0x70) >> 4);
    let size = match segment {
        0 => step + 8,
        _ => (step + 0x108) << (segment - 1),
    };
    if code & 0x80 != 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(format: SampleFormat, order: ByteOrder, bytes: &[u8]) -> Vec<f32> {
        let spec = Spec {
            sample_rate: 8000,
            channels: 1,
        };
        let mut channels = vec![vec![]];
        Layout {
            format,
            order,
            spec,
        }
        .convert(bytes, &mut channels);
        channels.remove(0)
    }

    #[test]
    fn both_byte_orders_give_the_same_fractions_of_full_scale() {
        use ByteOrder::{Big, Little};
        for (format, little) in [
            (SampleFormat::Int { bytes: 1 }, vec![0xc0, 0x40]),
            (SampleFormat::Int { bytes: 2 }, vec![0, 0xc0, 0, 0x40]),
            (SampleFormat::Int { bytes: 3 }, vec![0, 0, 0xc0, 0, 0, 0x40]),
            (
                SampleFormat::Int { bytes: 4 },
                vec![0, 0, 0, 0xc0, 0, 0, 0, 0x40],
            ),
            (
                SampleFormat::Float32,
                [(-0.5f32).to_le_bytes(), 0.5f32.to_le_bytes()].concat(),
            ),
            (
                SampleFormat::Float64,
                [(-0.5f64).to_le_bytes(), 0.5f64.to_le_bytes()].concat(),
            ),
        ] {
            let big: Vec<u8> = little
                .chunks(format.bytes())
                .flat_map(|x| x.iter().rev().copied())
                .collect();
            assert_eq!(
                converted(format, Little, &little),
                [-0.5, 0.5],
                "{format:?}"
            );
            assert_eq!(converted(format, Big, &big), [-0.5, 0.5], "{format:?}");
        }
        assert_eq!(
            converted(SampleFormat::Unsigned8, Little, &[0, 128, 192]),
            [-1.0, 0.0, 0.5]
        );
    }

    #[test]
    fn g711_codes_have_the_values_of_the_standard() {
        assert_eq!([0xff, 0x7f, 0x80, 0x00].map(mu_law), [0, 0, 32124, -32124]);
        assert_eq!([0xd5, 0x55, 0xaa, 0x2a].map(a_law), [8, -8, 32256, -32256]);
    }
}
