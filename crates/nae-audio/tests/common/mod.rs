//! What several tests need.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // tests may panic; no test file uses everything here

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

/// The seed of all noise here.
pub const SEED: u64 = 0x5eed;

/// This package's folder, asked for at run time: a binary that another checkout built into the
/// same target folder would remember that one's.
fn package() -> std::ffi::OsString {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests")
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(&package()).join("tests/fixtures").join(name)
}

/// White noise within ±1 (xorshift64*).
pub fn noise(samples: usize, seed: u64) -> Vec<f32> {
    let mut state = seed | 1;
    (0..samples)
        .map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
            (bits as f32 / (1 << 23) as f32) - 1.0
        })
        .collect()
}

/// A sine that starts at 0.
pub fn sine(hz: f64, amplitude: f64, rate: u32, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|i| (amplitude * (TAU * hz * i as f64 / f64::from(rate)).sin()) as f32)
        .collect()
}

/// The sound of the `chirp` fixtures: from 300 Hz up by 800 Hz a second, at 16 kHz.
pub fn chirp(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|i| {
            let t = i as f64 / 16_000.0;
            (0.4 * (TAU * (300.0 * t + 400.0 * t * t)).sin()) as f32
        })
        .collect()
}

/// What came of reading `bytes`: the clip, or the error, and the warnings.
pub fn read_bytes(bytes: &[u8]) -> (Result<nae_audio::Clip, nae_audio::AudioError>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound");
    std::fs::write(&path, bytes).unwrap();
    let mut reader = match nae_audio::AudioReader::open(&path) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(error.to_string().contains("sound"), "{error}");
            return (Err(error), vec![]);
        }
    };
    let mut channels = vec![vec![]; reader.channel_count()];
    loop {
        match reader.read(5000) {
            Err(error) => return (Err(error), vec![]),
            Ok(more) if more[0].is_empty() => break,
            Ok(more) => {
                for (channel, more) in channels.iter_mut().zip(more) {
                    channel.extend(more);
                }
            }
        }
    }
    let warnings = reader.warnings().iter().map(ToString::to_string).collect();
    (
        nae_audio::Clip::new(channels, reader.sample_rate()),
        warnings,
    )
}

pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// Signal to noise, dB: how well `estimate` matches `reference` in place and level.
pub fn snr_db(reference: &[f32], estimate: &[f32]) -> f64 {
    assert_eq!(reference.len(), estimate.len());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let signal: f64 = reference.iter().map(|&x| square(x)).sum();
    let noise: f64 = reference
        .iter()
        .zip(estimate)
        .map(|(a, b)| square(a - b))
        .sum();
    10.0 * (signal / noise).log10()
}

/// The names in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A WAV file put together by hand, with any lengths in its header.
pub struct RawWav {
    pub tag: u16,
    pub channels: u16,
    pub rate: u32,
    pub bits: u16,
    pub block_align: u16,
    pub format_extra: Vec<u8>,
    pub chunks_before: Vec<(&'static [u8; 4], Vec<u8>)>,
    pub data: Vec<u8>,
    pub data_len: Option<u32>,
    pub riff_len: Option<u32>,
    pub after: Vec<u8>,
}

impl RawWav {
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

    pub fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}
