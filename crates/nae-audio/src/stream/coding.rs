//! Samples as bytes of a stream.

use std::fmt;
use std::str::FromStr;

/// How a sample of a stream is stored; numbers of several bytes have the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleCoding {
    /// 8 bits, 128 is zero.
    U8,
    /// 16-bit integer.
    S16,
    /// 24-bit integer in 3 bytes.
    S24,
    /// 32-bit integer.
    S32,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
}

/// All codings with their names, which are those of ffmpeg and sox.
const NAMES: [(SampleCoding, &str); 6] = [
    (SampleCoding::U8, "u8"),
    (SampleCoding::S16, "s16le"),
    (SampleCoding::S24, "s24le"),
    (SampleCoding::S32, "s32le"),
    (SampleCoding::F32, "f32le"),
    (SampleCoding::F64, "f64le"),
];

/// The error of an unknown name.
#[derive(Debug, thiserror::Error)]
#[error("expected u8, s16le, s24le, s32le, f32le or f64le, such as f32le for 32-bit floats")]
pub struct UnknownCoding;

impl FromStr for SampleCoding {
    type Err = UnknownCoding;

    /// A name as ffmpeg and sox have it, such as `s16le`.
    fn from_str(name: &str) -> Result<Self, UnknownCoding> {
        let found = NAMES.iter().find(|(_, own)| *own == name);
        found.map(|(coding, _)| *coding).ok_or(UnknownCoding)
    }
}

impl fmt::Display for SampleCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(coding, _)| coding == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl SampleCoding {
    /// Bytes of a sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::S16 => 2,
            Self::S24 => 3,
            Self::S32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Whether samples are floats.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Appends a sample. An integer is the nearest of `x · 2^(bits − 1)`, clipped at full scale.
    ///
    /// - output: whether it was clipped
    pub fn encode(self, x: f32, bytes: &mut Vec<u8>) -> bool {
        let integer = |bits: i32| {
            let full = 2f64.powi(bits - 1);
            let wanted = (f64::from(x) * full).round();
            let value = wanted.clamp(-full, full - 1.0);
            (value as i32, wanted != value)
        };
        match self {
            Self::U8 => {
                let (value, is_clipped) = integer(8);
                bytes.push((value + 128) as u8);
                is_clipped
            }
            Self::S16 => {
                let (value, is_clipped) = integer(16);
                bytes.extend_from_slice(&value.to_le_bytes()[..2]);
                is_clipped
            }
            Self::S24 => {
                let (value, is_clipped) = integer(24);
                bytes.extend_from_slice(&value.to_le_bytes()[..3]);
                is_clipped
            }
            Self::S32 => {
                let (value, is_clipped) = integer(32);
                bytes.extend_from_slice(&value.to_le_bytes());
                is_clipped
            }
            Self::F32 => {
                bytes.extend_from_slice(&x.to_le_bytes());
                false
            }
            Self::F64 => {
                bytes.extend_from_slice(&f64::from(x).to_le_bytes());
                false
            }
        }
    }
}
