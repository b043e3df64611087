//! Every kind of sound in every kind of plain file: read at its exact length, value for value.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::{SEED, read_bytes};
use nae_audio::{BitDepth, Clip, WavSink, read, write};
use nae_testing::compare::largest_difference;
use nae_testing::noise::white;
use tempfile::tempdir;

fn sounds() -> Vec<(&'static str, Vec<f32>)> {
    let square = |i: usize| {
        if (i / 50).is_multiple_of(2) {
            1.0 - 1.0 / 32_768.0
        } else {
            -1.0
        }
    };
    vec![
        ("silence", vec![0.0; 1000]),
        ("a full-scale square", (0..1000).map(square).collect()),
        ("an offset", vec![0.25; 1000]),
        ("denormals", vec![f32::from_bits(1); 1000]),
        ("one sample", vec![0.5]),
        (
            "a click",
            [vec![0.0; 500], vec![-1.0], vec![0.0; 499]].concat(),
        ),
        ("noise", white(1001, SEED).iter().map(|x| x * 0.9).collect()),
    ]
}

#[test]
fn every_sound_comes_back_at_every_depth_rate_and_channel_count() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.wav");
    for (name, sound) in sounds() {
        for (depth, step) in [
            (BitDepth::Float32, 0.0),
            // half a step of rounding
            (BitDepth::Int24, 2f32.powi(-24)),
            (BitDepth::Int16, 2f32.powi(-16)),
        ] {
            for rate in [8000, 11_025, 44_100, 48_000, 96_000, 192_000, 384_000] {
                for channels in [1, 2, 3, 5, 8] {
                    let all: Vec<Vec<f32>> = (0..channels)
                        .map(|c| sound.iter().map(|x| x / (c + 1) as f32).collect())
                        .collect();
                    let clip = Clip::new(all, rate).unwrap();
                    write(&path, &clip, depth).unwrap();
                    let back = read(&path).unwrap();
                    assert_eq!(back.sample_rate(), rate, "{name}");
                    assert_eq!(back.samples(), sound.len(), "{name}");
                    assert_eq!(back.channel_count(), channels, "{name}");
                    for (a, b) in clip.channels().iter().zip(back.channels()) {
                        // f32 is known to 2^-25 near full scale
                        let error = largest_difference(a, b);
                        assert!(error <= step * 1.01, "{name} {depth:?}: {error}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_file_written_whole_has_the_bytes_that_hound_writes() {
    for (depth, format, channels) in [
        (BitDepth::Float32, hound::SampleFormat::Float, 1),
        (BitDepth::Float32, hound::SampleFormat::Float, 2),
        (BitDepth::Int16, hound::SampleFormat::Int, 1),
        (BitDepth::Int16, hound::SampleFormat::Int, 3),
        (BitDepth::Int24, hound::SampleFormat::Int, 2),
    ] {
        let folder = tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("a.wav"), folder.path().join("b.wav"));
        let sound = white(100, SEED);
        let clip = Clip::new(vec![sound.clone(); channels], 48_000).unwrap();
        write(&ours, &clip, depth).unwrap();
        let spec = hound::WavSpec {
            channels: channels as u16,
            sample_rate: 48_000,
            bits_per_sample: depth.bits(),
            sample_format: format,
        };
        let mut writer = hound::WavWriter::create(&theirs, spec).unwrap();
        let full = 2f64.powi(i32::from(depth.bits()) - 1);
        for x in &sound {
            for _ in 0..channels {
                match format {
                    hound::SampleFormat::Float => writer.write_sample(*x).unwrap(),
                    hound::SampleFormat::Int => {
                        let int = (f64::from(*x) * full).round().min(full - 1.0);
                        writer.write_sample(int as i32).unwrap();
                    }
                }
            }
        }
        writer.finalize().unwrap();
        let (ours, theirs) = (std::fs::read(ours).unwrap(), std::fs::read(theirs).unwrap());
        assert!(ours == theirs, "{depth:?}, {channels} channels");
    }
}

#[test]
fn a_stream_is_plain_wav_with_room_for_more() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.wav");
    for depth in [BitDepth::Float32, BitDepth::Int16, BitDepth::Int24] {
        let mut sink = WavSink::create(&path, 1, 8000, depth).unwrap();
        sink.write(&[vec![0.5; 101]]).unwrap();
        sink.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((&bytes[..4], &bytes[12..16]), (&b"RIFF"[..], &b"JUNK"[..]));
        assert_eq!(bytes.len() % 2, 0);
        let riff = u32::from_le_bytes(*bytes[4..].first_chunk().unwrap());
        assert_eq!(riff as usize + 8, bytes.len());
        let (clip, warnings) = read_bytes(&bytes);
        assert_eq!(clip.unwrap().channels(), [[0.5; 101]]);
        assert!(warnings.is_empty(), "{warnings:?}");
        // other readers pass over it, too
        let theirs = hound::WavReader::open(&path).unwrap();
        assert_eq!(theirs.duration(), 101);
    }
}

/// Writes 4.3 GB; run it with `--ignored` where there is room.
#[test]
#[ignore = "writes 4.3 GB"]
fn a_stream_of_more_than_4_gib_becomes_rf64_and_is_read_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let block = vec![vec![0.25; 1 << 20]; 2];
    let mut sink = WavSink::create(&path, 2, 48_000, BitDepth::Float32).unwrap();
    for _ in 0..520 {
        sink.write(&block).unwrap();
    }
    sink.finish().unwrap();
    let mut reader = nae_audio::AudioReader::open(&path).unwrap();
    let samples = 520u64 << 20;
    assert_eq!(reader.samples_hint(), Some(samples));
    let mut found = 0;
    loop {
        let more = reader.read(1 << 20).unwrap();
        if more[0].is_empty() {
            break;
        }
        assert!(more.iter().flatten().all(|&x| x == 0.25));
        found += more[0].len() as u64;
    }
    assert_eq!(found, samples);
}
