//! Checks from the end of a FLAC file whether it is complete.
//!
//! The header counts the samples and every frame states its position, so the last frame shows at
//! once whether the file was cut short, before any of it is decoded.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes at the end that are searched; a frame may take more, but hardly does.
const SEARCHED_BYTES: u64 = 1 << 19;

/// What the first block says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamInfo {
    /// The most samples in a frame.
    pub max_block: u64,
    /// Samples per channel, if they were counted.
    pub samples: Option<u64>,
    sample_rate: u32,
    channels: u32,
    is_fixed: bool,
    /// As it stands in the file, for a decoder.
    pub bytes: [u8; 34],
}

/// The last frame that begins in the file.
#[derive(Debug)]
pub(crate) struct LastFrame {
    /// Where its sound begins, samples.
    pub position: u64,
    /// Its samples per channel.
    pub samples: u64,
    /// All bytes from its beginning on.
    pub bytes: Vec<u8>,
    /// Bytes that belong to it, if its checksum is right anywhere.
    pub whole: Option<usize>,
}

impl StreamInfo {
    /// Reads it from the file's start at `start`, and leaves the file rewound.
    pub fn read(file: &mut File, start: u64) -> io::Result<Option<Self>> {
        let mut bytes = [0; 42];
        file.seek(SeekFrom::Start(start))?;
        let read = file.read_exact(&mut bytes);
        file.rewind()?;
        if read.is_err() || !bytes.starts_with(b"fLaC") || bytes[4] & 0x7f != 0 {
            return Ok(None);
        }
        let info = &bytes[8..];
        let u16_at = |i: usize| u64::from(u16::from_be_bytes([info[i], info[i + 1]]));
        let (min_block, max_block) = (u16_at(0), u16_at(2));
        let packed = u64::from_be_bytes([
            info[10], info[11], info[12], info[13], info[14], info[15], info[16], info[17],
        ]);
        let samples = packed & 0xf_ffff_ffff;
        Ok(Some(Self {
            max_block,
            samples: (samples > 0).then_some(samples),
            sample_rate: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u32 + 1,
            is_fixed: min_block == max_block,
            bytes: *info.first_chunk().unwrap_or(&[0; 34]),
        }))
    }

    /// Finds the last frame in the file; leaves the file rewound.
    pub fn last_frame(&self, file: &mut File) -> io::Result<Option<LastFrame>> {
        let len = file.metadata()?.len();
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(len.saturating_sub(SEARCHED_BYTES)))?;
        file.read_to_end(&mut tail)?;
        file.rewind()?;
        // what looks like a frame may lie within another: the one that ends as counted comes first
        let mut last = None;
        for at in (0..tail.len()).rev().filter(|&at| tail[at] == 0xff) {
            let Some(found) = self.frame(&tail[at..]) else {
                continue;
            };
            let is_end = self.samples == Some(found.0 + found.1);
            if is_end || last.is_none() {
                last = Some((at, found));
            }
            if is_end || self.samples.is_none() {
                break;
            }
        }
        Ok(last.map(|(at, (position, samples))| {
            let bytes = tail.split_off(at);
            LastFrame {
                position,
                samples,
                whole: whole_len(&bytes),
                bytes,
            }
        }))
    }

    /// Position and length of the frame whose header begins `bytes`, if it fits the stream.
    fn frame(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let &[_, sync, sizes, kinds, ..] = bytes else {
            return None;
        };
        if sync & 0xfe != 0xf8 || kinds & 1 != 0 {
            return None;
        }
        let (number, mut at) = coded_number(bytes, 4)?;
        let samples = match sizes >> 4 {
            1 => 192,
            code @ 2..=5 => 576 << (code - 2),
            6 => {
                at += 1;
                u64::from(*bytes.get(at - 1)?) + 1
            }
            7 => {
                at += 2;
                u64::from(u16::from_be_bytes([
                    *bytes.get(at - 2)?,
                    *bytes.get(at - 1)?,
                ])) + 1
            }
            code @ 8..=15 => 256 << (code - 8),
            _ => return None,
        };
        let rate = match sizes & 0x0f {
            0 => self.sample_rate,
            code @ 1..=11 => [
                88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
                96_000,
            ][usize::from(code) - 1],
            12 => {
                at += 1;
                u32::from(*bytes.get(at - 1)?) * 1000
            }
            code @ 13..=14 => {
                at += 2;
                let rate = u16::from_be_bytes([*bytes.get(at - 2)?, *bytes.get(at - 1)?]);
                u32::from(rate) * if code == 14 { 10 } else { 1 }
            }
            _ => return None,
        };
        let channels = match kinds >> 4 {
            code @ 0..=7 => u32::from(code) + 1,
            8..=10 => 2,
            _ => return None,
        };
        if crc8(bytes.get(..at)?) != *bytes.get(at)?
            || channels != self.channels
            || rate != self.sample_rate
            || samples > self.max_block
        {
            return None;
        }
        let is_fixed = sync & 1 == 0;
        let position = if is_fixed {
            number * self.max_block
        } else {
            number
        };
        let end = position + samples;
        let fits = self.samples.is_none_or(|all| end <= all);
        (is_fixed == self.is_fixed || !is_fixed).then_some(())?;
        fits.then_some((position, samples))
    }
}

/// The number coded as UTF-8 codes characters, but with up to 36 bits, and where it ends.
fn coded_number(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    let ones = first.leading_ones() as usize;
    let more = match ones {
        0 => return Some((first.into(), at + 1)),
        2..=7 => ones - 1,
        _ => return None,
    };
    let mut number = u64::from(first) & (0x7f >> ones);
    for &byte in bytes.get(at + 1..at + 1 + more)? {
        if byte & 0xc0 != 0x80 {
            return None;
        }
        number = number << 6 | u64::from(byte & 0x3f);
    }
    Some((number, at + 1 + more))
}

/// CRC-8 of a frame's header: polynomial 0x07.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ byte, |sum, _| {
            sum << 1 ^ if sum & 0x80 != 0 { 0x07 } else { 0 }
        })
    })
}

/// How many bytes from the start a CRC-16 (polynomial 0x8005) confirms: the most, if several.
fn whole_len(bytes: &[u8]) -> Option<usize> {
    let (mut sum, mut whole) = (0u16, None);
    for (i, &byte) in bytes.iter().enumerate() {
        if i > 6 && bytes.get(i..i + 2) == Some(&sum.to_be_bytes()[..]) {
            whole = Some(i + 2);
        }
        sum = (0..8).fold(sum ^ u16::from(byte) << 8, |sum, _| {
            sum << 1 ^ if sum & 0x8000 != 0 { 0x8005 } else { 0 }
        });
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_coded_like_characters() {
        assert_eq!(coded_number(&[0x45], 0), Some((0x45, 1)));
        assert_eq!(coded_number("é".as_bytes(), 0), Some((0xe9, 2)));
        assert_eq!(
            coded_number(&[0xfe, 0x82, 0x80, 0x80, 0x80, 0x80, 0x81], 0),
            Some((2 << 30 | 1, 7))
        );
        assert_eq!(coded_number(&[0x80], 0), None);
        assert_eq!(coded_number(&[0xc3], 0), None);
    }

    #[test]
    fn checksums_have_their_known_values() {
        // of "123456789": CRC-8/SMBUS and CRC-16/UMTS
        assert_eq!(crc8(b"123456789"), 0xf4);
        let mut bytes = b"123456789".to_vec();
        bytes.extend([0xfe, 0xe8, 1]);
        assert_eq!(whole_len(&bytes), Some(11));
    }
}
