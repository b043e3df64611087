//! WAV files put together by hand.

use std::path::{Path, PathBuf};

/// A WAV file put together by hand, with any lengths in its header.
#[derive(Debug, Clone)]
pub struct RawWav {
    /// Format tag: 1 for integers, 3 for floats.
    pub tag: u16,
    /// Channels.
    pub channels: u16,
    /// Samples per second.
    pub rate: u32,
    /// Bits per sample.
    pub bits: u16,
    /// Bytes per frame.
    pub block_align: u16,
    /// What follows in the format chunk.
    pub format_extra: Vec<u8>,
    /// Chunks between the format and the data.
    pub chunks_before: Vec<(&'static [u8; 4], Vec<u8>)>,
    /// The samples as bytes.
    pub data: Vec<u8>,
    /// Length that the data chunk claims, where it is not that of the data.
    pub data_len: Option<u32>,
    /// Length that the whole claims, where it is not the right one.
    pub riff_len: Option<u32>,
    /// What follows the data.
    pub after: Vec<u8>,
}

impl RawWav {
    /// One channel of 16-bit integers at 8000 Hz.
    pub fn pcm16(samples: &[i16]) -> Self {
        Self {
            tag: 1,
            channels: 1,
            rate: 8000,
            bits: 16,
            block_align: 2,
            format_extra: vec![],
            chunks_before: vec![],
            data: samples.iter().flat_map(|x| x.to_le_bytes()).collect(),
            data_len: None,
            riff_len: None,
            after: vec![],
        }
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = b"WAVE".to_vec();
        let mut format = self.tag.to_le_bytes().to_vec();
        format.extend(self.channels.to_le_bytes());
        format.extend(self.rate.to_le_bytes());
        let byte_rate = self.rate.wrapping_mul(u32::from(self.block_align));
        format.extend(byte_rate.to_le_bytes());
        format.extend(self.block_align.to_le_bytes());
        format.extend(self.bits.to_le_bytes());
        format.extend(&self.format_extra);
        let mut chunks = self.chunks_before.clone();
        chunks.insert(0, (b"fmt ", format));
        for (name, bytes) in chunks {
            body.extend(name);
            body.extend((bytes.len() as u32).to_le_bytes());
            body.extend(&bytes);
            if bytes.len() % 2 == 1 {
                body.push(0);
            }
        }
        body.extend(b"data");
        body.extend(
            self.data_len
                .unwrap_or(self.data.len() as u32)
                .to_le_bytes(),
        );
        body.extend(&self.data);
        body.extend(&self.after);
        let mut file = b"RIFF".to_vec();
        file.extend(self.riff_len.unwrap_or(body.len() as u32).to_le_bytes());
        file.extend(body);
        file
    }

    /// Writes the file into a folder and returns its path.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}
