//! Small sounds and models, with which every command takes a moment.

use std::path::{Path, PathBuf};

use nae_audio::{BitDepth, Clip};

/// A file of the golden folder.
pub fn golden(path: &str) -> String {
    let path = nae_testing::folders::package_file(&format!("tests/golden/{path}"));
    path.to_str().unwrap().to_owned()
}

/// Settings of small models at 8 kHz.
pub const SMALL: [&str; 12] = [
    "--set",
    "audio.sample_rate=8000",
    "--set",
    "audio.n_fft=64",
    "--set",
    "audio.hop=16",
    "--set",
    "model.rank=2",
    "--set",
    "train.refine.passes=0",
    "--device",
    "cpu",
];

/// Steps of a training that takes a moment.
pub const MOMENT: [&str; 2] = ["--set", "train.max_steps=60"];

/// Steps and tolerance of a training that does not end by itself.
pub const ENDLESS: [&str; 4] = [
    "--set",
    "train.max_steps=100000000",
    "--set",
    "train.tolerance=0",
];

/// A second of two tones at 8 kHz.
pub fn clip(path: &Path) -> PathBuf {
    let tone = |n: usize| {
        let t = n as f32 / 8000.0 * std::f32::consts::TAU;
        0.2 * (t * 300.0).sin() * (t * 3.0).cos() + 0.1 * (t * 1100.0).sin()
    };
    let samples = (0..8000).map(tone).collect();
    nae_audio::write(path, &Clip::mono(samples, 8000), BitDepth::Float32).unwrap();
    path.into()
}

/// Hours of silence that take no space, at 8 kHz.
pub fn hours(path: &Path) -> PathBuf {
    const BYTES: u32 = 2 << 30;
    let mut header = Vec::new();
    header.extend(b"RIFF");
    header.extend((36 + BYTES).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16u32.to_le_bytes());
    // 16-bit integers, mono, 8 kHz
    for value in [1u16, 1] {
        header.extend(value.to_le_bytes());
    }
    for value in [8000u32, 16_000] {
        header.extend(value.to_le_bytes());
    }
    for value in [2u16, 16] {
        header.extend(value.to_le_bytes());
    }
    header.extend(b"data");
    header.extend(BYTES.to_le_bytes());
    std::fs::write(path, &header).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(u64::from(BYTES) + header.len() as u64)
        .unwrap();
    path.into()
}
