//! Coded files that are damaged, cut, joined or miscounted: nothing is dropped unsaid, and what is
//! there stays in its place.
#![allow(clippy::unwrap_used, clippy::panic)] // tests may panic

#[path = "../common/mod.rs"]
mod common;
mod flac;
mod mp3;
mod mp4;
mod ogg;

use common::{chirp, fixture, read_bytes};
use nae_testing::compare::snr_db;
use nae_testing::noise::white;

/// Samples of the fixtures' sound.
const SAMPLES: usize = 24_000;
/// What coders leave of the chirp at these rates; a sample out of place would cost more.
const LOSSY_DB: f64 = 15.0;

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// The only channel, and what was said.
fn decoded(name: &str, bytes: &[u8]) -> (Vec<f32>, Vec<String>) {
    let (clip, warnings) = read_bytes(bytes);
    let clip = clip.unwrap_or_else(|error| panic!("{name}: {error}"));
    (clip.channels()[0].clone(), warnings)
}

/// Exactly the chirp, again and again, and nothing said.
fn assert_whole(name: &str, bytes: &[u8], times: usize) {
    let (found, warnings) = decoded(name, bytes);
    assert_eq!(found.len(), times * SAMPLES, "{name}");
    let snr = snr_db(&chirp(SAMPLES).repeat(times), &found);
    assert!(snr > LOSSY_DB, "{name}: {snr} dB");
    assert!(warnings.is_empty(), "{name}: {warnings:?}");
}

/// As long as the chirp, like it but for `lost` samples at most, which are said to be damaged.
fn assert_damaged(name: &str, bytes: &[u8], lost: usize) {
    let (found, warnings) = decoded(name, bytes);
    assert_eq!(found.len(), SAMPLES, "{name}: {warnings:?}");
    let is_near = |(a, b): (&[f32], &[f32])| snr_db(a, b) > LOSSY_DB - 5.0;
    let chirp = chirp(SAMPLES);
    let good = chirp
        .chunks(250)
        .zip(found.chunks(250))
        .filter(|&pair| is_near(pair))
        .count();
    let least = (SAMPLES - lost) / 250;
    assert!(good >= least, "{name}: {good} of {least} pieces");
    assert!(
        warnings.iter().any(|said| said.contains("damaged")),
        "{name}: {warnings:?}"
    );
}

fn says(warnings: &[String], word: &str) -> bool {
    warnings.iter().any(|said| said.contains(word))
}

#[test]
fn undamaged_files_are_exactly_the_sound_that_went_in() {
    for name in [
        "chirp.mp3",
        "chirp.ogg",
        "chirp.flac",
        "chirp-flac.ogg",
        "chirp.m4a",
        "chirp-fragments.m4a",
    ] {
        assert_whole(name, &bytes_of(name), 1);
    }
}

/// Noise as bytes.
fn junk(count: usize) -> Vec<u8> {
    white(count, common::SEED)
        .iter()
        .map(|x| (x * 128.0) as i8 as u8)
        .collect()
}
