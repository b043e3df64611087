//! FLAC, MP3, Ogg Vorbis and AAC, from tiny committed files (see `fixtures/README.md`).
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::fixture;
use nae_audio::{AudioError, AudioReader, read};
use nae_testing::compare::{largest_difference, snr_db};
use nae_testing::noise::white;
use nae_testing::tones::sine;

/// Coders change the sound; 64 kbit/s leave a lone sine at 20 dB or better everywhere, and a wrong
/// place by a single sample would cost more: 2·sin(π·440/16000) is −15 dB.
const LOSSY_DB: f64 = 20.0;

#[test]
fn flac_is_lossless_and_keeps_channels_apart() {
    let clip = read(&fixture("tone.flac")).unwrap();
    assert_eq!(
        (clip.sample_rate(), clip.samples(), clip.channel_count()),
        (16_000, 1600, 2)
    );
    // 16-bit rounding.
    let left = largest_difference(&clip.channels()[0], &sine(440.0, 0.5, 16_000, 1600));
    let right = largest_difference(&clip.channels()[1], &sine(880.0, 0.25, 16_000, 1600));
    assert!(
        left <= 1.0 / 32768.0 && right <= 1.0 / 32768.0,
        "{left} {right}"
    );
    assert_eq!(
        AudioReader::open(&fixture("tone.flac"))
            .unwrap()
            .samples_hint(),
        Some(1600)
    );
}

#[test]
fn mp3_vorbis_and_m4a_come_without_encoder_delay_and_padding() {
    for name in ["tone.mp3", "tone.ogg", "tone.m4a"] {
        let clip = read(&fixture(name)).unwrap();
        assert_eq!(
            (clip.sample_rate(), clip.samples(), clip.channel_count()),
            (16_000, 4800, 1),
            "{name}"
        );
        let snr = snr_db(&sine(440.0, 0.5, 16_000, 4800), &clip.channels()[0]);
        assert!(snr > LOSSY_DB, "{name}: {snr} dB");
    }
}

#[test]
fn adts_and_untagged_mp3_hold_the_sound_after_their_delay() {
    let tone = sine(440.0, 0.5, 16_000, 4800);
    for name in ["tone.aac", "tone-untagged.mp3"] {
        let clip = read(&fixture(name)).unwrap();
        assert_eq!(
            (clip.sample_rate(), clip.channel_count()),
            (16_000, 1),
            "{name}"
        );
        let found = &clip.channels()[0];
        assert!(
            (4800..4800 + 4096).contains(&found.len()),
            "{name}: {}",
            found.len()
        );
        let best = (0..=found.len() - 4800)
            .map(|lag| snr_db(&tone, &found[lag..lag + 4800]))
            .fold(f64::NEG_INFINITY, f64::max);
        assert!(best > LOSSY_DB, "{name}: {best} dB");
    }
}

#[test]
fn a_codec_that_is_not_built_in_is_named() {
    for (name, codec) in [("tone.opus", "Opus"), ("tone-alac.m4a", "ALAC")] {
        let error = read(&fixture(name)).unwrap_err();
        assert!(
            matches!(error, AudioError::UnsupportedCodec { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(codec), "{error}");
    }
}

#[test]
fn a_flac_file_cut_short_is_an_error_with_both_figures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.flac");
    let bytes = std::fs::read(fixture("tone.flac")).unwrap();
    for keep in [bytes.len() - 3, bytes.len() - 800] {
        std::fs::write(&path, &bytes[..keep]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(
            matches!(error, AudioError::Truncated { promised: 1600, found, .. } if found < 1600),
            "{error}"
        );
    }
}

#[test]
fn cutting_any_file_anywhere_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "tone.flac",
        "tone.mp3",
        "tone.ogg",
        "tone.m4a",
        "tone.aac",
        "tone-f64.wav",
        "tone-adpcm.wav",
        "chirp.mp3",
        "chirp.ogg",
        "chirp-flac.ogg",
        "chirp-fragments.m4a",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let path = folder.path().join(name);
        for keep in (0..bytes.len()).step_by(97) {
            std::fs::write(&path, &bytes[..keep]).unwrap();
            if let Err(error) = read(&path) {
                assert!(error.to_string().contains(name), "{error}");
            }
        }
    }
}

#[test]
fn damaging_any_file_anywhere_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "tone.flac",
        "tone.mp3",
        "tone.ogg",
        "tone.m4a",
        "tone.aac",
        "tone-f64.wav",
        "tone-adpcm.wav",
        "chirp.mp3",
        "chirp.ogg",
        "chirp-flac.ogg",
        "chirp-fragments.m4a",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let path = folder.path().join(name);
        for seed in 0..150 {
            let mut bytes = bytes.clone();
            // Headers are short and come first: half of the damage goes there.
            let reach = if seed % 2 == 0 { 200 } else { bytes.len() };
            for x in white(4, common::SEED + 104_729 * seed) {
                let at = (x.abs() * reach as f32) as usize % bytes.len();
                bytes[at] ^= 1 << (seed % 8);
            }
            std::fs::write(&path, bytes).unwrap();
            if let Err(error) = read(&path) {
                assert!(error.to_string().contains(name), "{error}");
            }
        }
    }
}
