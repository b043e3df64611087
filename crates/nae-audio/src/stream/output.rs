//! The header of a WAV stream whose length is not known.

use super::coding::SampleCoding;

const PCM: u16 = 1;
const FLOAT: u16 = 3;

/// A WAV header for a stream of any length: sizes are 0xFFFFFFFF, as programs write them to pipes.
///
/// - `channels`: at most 65535; `rate`: in Hz
pub fn wav_stream_header(coding: SampleCoding, rate: u32, channels: usize) -> Vec<u8> {
    let block = channels * coding.bytes();
    let tag = if coding.is_float() { FLOAT } else { PCM };
    let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0".to_vec();
    bytes.extend(tag.to_le_bytes());
    bytes.extend((channels as u16).to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate.saturating_mul(block as u32)).to_le_bytes());
    bytes.extend((block as u16).to_le_bytes());
    bytes.extend((8 * coding.bytes() as u16).to_le_bytes());
    bytes.extend(b"data\xff\xff\xff\xff");
    bytes
}
