//! WAV out: depths, streaming, and nothing half-written.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::SEED;
use nae_audio::{AudioError, BitDepth, Clip, WavSink, read, write};
use nae_files::FileError;
use nae_testing::folders::names;
use nae_testing::noise::white;
use proptest::prelude::*;
use tempfile::tempdir;

#[test]
fn floats_come_back_bit_by_bit() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let mut left = white(1001, SEED);
    left[0] = -2.5;
    let clip = Clip::new(
        vec![left, white(1001, SEED + 1), white(1001, SEED + 2)],
        44_100,
    )
    .unwrap();
    write(&path, &clip, BitDepth::default()).unwrap();
    assert_eq!(read(&path).unwrap(), clip);
    assert_eq!(names(folder.path()), ["a.wav"]);
}

#[test]
fn integers_round_to_nearest_and_clip() {
    let folder = tempdir().unwrap();
    for (depth, bits) in [(BitDepth::Int16, 16), (BitDepth::Int24, 24)] {
        let path = folder.path().join("a.wav");
        let clip = Clip::new(vec![white(5000, SEED), vec![1.5; 5000]], 16_000).unwrap();
        write(&path, &clip, depth).unwrap();
        let back = read(&path).unwrap();
        let step = 2f32.powi(1 - bits);
        for (a, b) in clip.channels()[0].iter().zip(&back.channels()[0]) {
            // Half a step, but a whole one at the very top, where full scale itself clips; an f32
            // near 1 is known to 2^-24 only, as fine as that half step at 24 bits.
            let bound = if *a > 1.0 - step {
                step
            } else {
                step / 2.0 + 1e-9
            };
            assert!((a - b).abs() <= bound, "{bits} bits: {a} {b}");
        }
        assert!(back.channels()[1].iter().all(|&x| x == 1.0 - step));
    }
}

proptest! {
    #[test]
    fn integer_files_come_back_bit_by_bit(
        samples in prop::collection::vec(-(1i32 << 23)..(1 << 23), 1..200),
        wide in any::<bool>(),
    ) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let (depth, shift) = if wide { (BitDepth::Int24, 0) } else { (BitDepth::Int16, 8) };
        let full = (1i64 << (23 - shift)) as f32;
        let samples: Vec<f32> = samples.iter().map(|x| (x >> shift) as f32 / full).collect();
        let clip = Clip::mono(samples, 8000);
        write(&path, &clip, depth).unwrap();
        prop_assert_eq!(read(&path).unwrap(), clip);
    }
}

#[test]
fn a_stream_appears_only_when_finished() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("stem.wav");
    let sound = [white(700, SEED), white(700, SEED + 1)];
    let mut sink = WavSink::create(&path, 2, 8000, BitDepth::Float32).unwrap();
    for part in 0..7 {
        let part: Vec<Vec<f32>> = sound
            .iter()
            .map(|c| c[part * 100..][..100].to_vec())
            .collect();
        sink.write(&part).unwrap();
        assert!(!path.exists());
    }
    sink.finish().unwrap();
    assert_eq!(read(&path).unwrap().channels(), sound);
    assert_eq!(names(folder.path()), ["stem.wav"]);
}

#[test]
fn a_sink_that_is_dropped_leaves_nothing_and_keeps_what_was_there() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("stem.wav");
    std::fs::write(&path, "old").unwrap();
    let mut sink = WavSink::create(&path, 1, 8000, BitDepth::Int16).unwrap();
    sink.write(&[vec![0.5; 100_000]]).unwrap();
    drop(sink);
    assert_eq!(names(folder.path()), ["stem.wav"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
}

#[test]
fn nan_or_wrong_channels_are_refused_and_nothing_is_left() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("stem.wav");
    for bad in [
        vec![vec![0.0, f32::NAN], vec![0.0; 2]],
        vec![vec![0.0; 2]],
        vec![vec![0.0; 2], vec![0.0; 3]],
    ] {
        let mut sink = WavSink::create(&path, 2, 8000, BitDepth::Float32).unwrap();
        let error = sink.write(&bad).unwrap_err();
        assert!(
            matches!(
                error,
                AudioError::NonFiniteSample { .. } | AudioError::BadWav { .. }
            ),
            "{error}"
        );
        drop(sink);
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn places_and_formats_that_cannot_work_are_refused() {
    let folder = tempdir().unwrap();
    let create = |path: &std::path::Path, channels, rate| {
        WavSink::create(path, channels, rate, BitDepth::Float32)
            .map(|_| ())
            .unwrap_err()
    };
    let file = folder.path().join("a.wav");
    assert!(matches!(
        create(folder.path(), 1, 8000),
        AudioError::File(FileError::IsFolder { .. })
    ));
    assert!(matches!(
        create(&folder.path().join("no/a.wav"), 1, 8000),
        AudioError::File(FileError::FolderNotFound { .. })
    ));
    for (channels, rate) in [(0, 8000), (20_000, 8000), (1, 0), (2, u32::MAX)] {
        assert!(matches!(
            create(&file, channels, rate),
            AudioError::BadWav { .. }
        ));
    }
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn a_folder_that_refuses_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    let written = write(
        &folder.path().join("a.wav"),
        &Clip::mono(vec![0.0], 8000),
        BitDepth::Int16,
    );
    // The superuser may write everywhere.
    if let Err(error) = written {
        assert!(
            matches!(error, AudioError::File(FileError::NoPermission { .. })),
            "{error}"
        );
    }
}
