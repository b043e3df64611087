//! Every kind of bad input is one clear error of its own.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use std::path::Path;

use nae_audio::{AudioError, read};
use nae_files::FileError;
use nae_testing::noise::white;
use nae_testing::wav::RawWav;
use tempfile::tempdir;

/// The error, after checking that it names the file and is a single paragraph.
fn refused(path: &Path) -> AudioError {
    let error = read(path).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&path.display().to_string()), "{text}");
    assert!(!text.contains('\n') && text.contains(';'), "{text}");
    error
}

#[test]
fn a_missing_file() {
    let folder = tempdir().unwrap();
    let error = refused(&folder.path().join("no.wav"));
    assert!(
        matches!(error, AudioError::File(FileError::NotFound { .. })),
        "{error}"
    );
}

#[test]
fn a_folder() {
    let folder = tempdir().unwrap();
    let error = refused(folder.path());
    assert!(
        matches!(error, AudioError::File(FileError::IsFolder { .. })),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_device() {
    let error = refused(Path::new("/dev/null"));
    assert!(
        matches!(error, AudioError::File(FileError::NotRegular { .. })),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    let path = RawWav::pcm16(&[1]).save(folder.path(), "secret.wav");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything; the message itself is tested beside the error.
    if std::fs::File::open(&path).is_err() {
        let error = refused(&path);
        assert!(
            matches!(error, AudioError::File(FileError::NoPermission { .. })),
            "{error}"
        );
    }
}

#[test]
fn text_named_wav() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("notes.wav");
    std::fs::write(&path, "These are my notes, not a sound.\n".repeat(100)).unwrap();
    let error = refused(&path);
    assert!(
        matches!(&error, AudioError::NotAudio { found, .. } if found == "plain text"),
        "{error}"
    );
}

#[test]
fn a_picture_named_wav() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("picture.wav");
    std::fs::write(
        &path,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0",
    )
    .unwrap();
    let error = refused(&path);
    assert!(error.to_string().contains("89 50 4e 47"), "{error}");
}

#[test]
fn a_file_of_no_bytes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("empty.wav");
    std::fs::write(&path, b"").unwrap();
    assert!(refused(&path).to_string().contains("0 bytes"));
}

#[test]
fn a_wav_without_samples() {
    let folder = tempdir().unwrap();
    let plain = RawWav::pcm16(&[]).save(folder.path(), "empty.wav");
    let tagged = RawWav {
        after: b"LIST\x04\0\0\0INFO".to_vec(),
        ..RawWav::pcm16(&[])
    };
    for path in [plain, tagged.save(folder.path(), "tagged.wav")] {
        let error = refused(&path);
        assert!(matches!(error, AudioError::NoSamples { .. }), "{error}");
    }
}

#[test]
fn a_truncated_wav_names_both_figures() {
    let folder = tempdir().unwrap();
    let path = RawWav::pcm16(&[5; 1000]).save(folder.path(), "cut.wav");
    let bytes = std::fs::read(&path).unwrap();
    for (keep, found) in [(44 + 800, 400), (bytes.len() - 1, 999), (44, 0)] {
        std::fs::write(&path, &bytes[..keep]).unwrap();
        let error = refused(&path);
        assert!(
            matches!(error, AudioError::Truncated { promised: 1000, found: f, .. } if f == found),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("1000 samples") && text.contains(&format!("only {found}")),
            "{text}"
        );
    }
}

#[test]
fn a_truncated_wav_of_another_flavour_counts_bytes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("cut.wav");
    let bytes = std::fs::read(common::fixture("tone-adpcm.wav")).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    let error = refused(&path);
    assert!(error.to_string().contains("bytes of sound"), "{error}");
}

#[test]
fn a_wav_cut_within_its_header() {
    let folder = tempdir().unwrap();
    let path = RawWav::pcm16(&[5; 10]).save(folder.path(), "cut.wav");
    let bytes = std::fs::read(&path).unwrap();
    for keep in 12..44 {
        std::fs::write(&path, &bytes[..keep]).unwrap();
        let error = refused(&path);
        assert!(
            matches!(error, AudioError::Damaged { .. }),
            "{keep}: {error}"
        );
    }
    for keep in 1..12 {
        std::fs::write(&path, &bytes[..keep]).unwrap();
        refused(&path);
    }
}

#[test]
fn nonsense_in_the_format_chunk() {
    let folder = tempdir().unwrap();
    for (channels, rate) in [(0, 8000), (1, 0)] {
        let raw = RawWav {
            channels,
            rate,
            ..RawWav::pcm16(&[1; 4])
        };
        let error = refused(&raw.save(folder.path(), "bad.wav"));
        assert!(matches!(error, AudioError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_wav_flavour_nobody_knows() {
    let folder = tempdir().unwrap();
    let raw = RawWav {
        tag: 0x1234,
        ..RawWav::pcm16(&[1; 4])
    };
    let error = refused(&raw.save(folder.path(), "odd.wav"));
    assert!(
        matches!(error, AudioError::UnsupportedCodec { .. }),
        "{error}"
    );
}

#[test]
fn more_channels_than_are_read_and_rates_of_no_sound_are_named() {
    let folder = tempdir().unwrap();
    for (channels, rate, words) in [
        (16_000, 8000, "16000 channels, but at most 64"),
        (65, 8000, "65 channels"),
        (1, 1, "a sample rate of 1 Hz"),
        (1, 99, "a sample rate of 99 Hz"),
        (1, 2_000_000, "a sample rate of 2000000 Hz"),
    ] {
        let raw = RawWav {
            channels,
            rate,
            block_align: channels.wrapping_mul(2),
            ..RawWav::pcm16(&[1; 70])
        };
        let error = refused(&raw.save(folder.path(), "bad.wav")).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn adpcm_of_4_gib_or_more() {
    let folder = tempdir().unwrap();
    // From a pipe, with no length in the header; the file is sparse.
    let raw = RawWav {
        tag: 0x11,
        bits: 4,
        block_align: 256,
        data_len: Some(u32::MAX),
        riff_len: Some(u32::MAX),
        ..RawWav::pcm16(&[1])
    };
    let path = raw.save(folder.path(), "piped.wav");
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    if file.set_len(5_000_000_000).is_ok() {
        assert!(refused(&path).to_string().contains("4 GiB"));
    }
}

#[test]
fn nan_and_infinity_are_named_with_channel_and_place() {
    let folder = tempdir().unwrap();
    for (value, word) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
    ] {
        let mut samples = vec![0.25f32; 200_000];
        samples[150_001] = value; // channel 1, sample 75000: beyond the first piece read
        samples[150_002] = value;
        let raw = RawWav {
            tag: 3,
            channels: 2,
            bits: 32,
            block_align: 8,
            data: samples.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ..RawWav::pcm16(&[])
        };
        let error = refused(&raw.save(folder.path(), "nan.wav"));
        assert!(
            matches!(
                error,
                AudioError::NonFinite {
                    channel: 1,
                    sample: 75_000,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn random_bytes_after_a_wav_header_never_panic() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("random.wav");
    for seed in 0..300 {
        let mut bytes: Vec<u8> = white(200, common::SEED + 7919 * seed)
            .iter()
            .map(|x| (x * 128.0) as i8 as u8)
            .collect();
        let start = RawWav::pcm16(&[]).bytes();
        let keep = [12, 20, 36, 44][seed as usize % 4];
        bytes[..keep].copy_from_slice(&start[..keep]);
        std::fs::write(&path, bytes).unwrap();
        if let Err(error) = read(&path) {
            assert!(error.to_string().contains("random.wav"), "{error}");
        }
    }
}

#[test]
fn a_file_that_is_cut_while_it_is_read() {
    let folder = tempdir().unwrap();
    let samples: Vec<i16> = white(600_000, 3)
        .iter()
        .map(|x| (x * 9000.0) as i16)
        .collect();
    let path = RawWav::pcm16(&samples).save(folder.path(), "growing.wav");
    let mut reader = nae_audio::AudioReader::open(&path).unwrap();
    reader.read(100_000).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path);
    file.unwrap().set_len(500_000).unwrap();
    let error = loop {
        match reader.read(100_000) {
            Ok(block) => assert!(!block[0].is_empty(), "the end is no error"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, AudioError::File(FileError::EndsEarly { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("another program"), "{error}");
}
