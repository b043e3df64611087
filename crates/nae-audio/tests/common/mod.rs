//! The fixtures, and how bytes are read.
#![allow(clippy::unwrap_used, dead_code)] // tests may panic; no test file uses everything here

use std::f64::consts::TAU;
use std::path::PathBuf;

/// The seed of all noise here.
pub const SEED: u64 = 0x5eed;

pub fn fixture(name: &str) -> PathBuf {
    nae_testing::folders::package_file(&format!("tests/fixtures/{name}"))
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
