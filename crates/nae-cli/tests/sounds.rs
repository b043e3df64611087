//! A table of sounds and of file formats through `nae separate`, by both methods and at every depth:
//! finite stems of the mixture's exact length, rate and channels, whose sum is the mixture.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::{Path, PathBuf};

use common::small::golden;
use common::{failure, stdout};
use nae_audio::{BitDepth, Clip};
use nae_testing::folders::package_file;
use nae_testing::noise::white;
use nae_testing::wav::RawWav;
use serde_json::Value;

/// How a mixture is separated, and into what.
#[derive(Clone, Copy, Debug)]
struct Way {
    is_joint: bool,
    bits: u32,
}

const WAYS: [Way; 4] = [
    Way {
        is_joint: false,
        bits: 32,
    },
    Way {
        is_joint: true,
        bits: 16,
    },
    Way {
        is_joint: false,
        bits: 24,
    },
    Way {
        is_joint: true,
        bits: 32,
    },
];

/// Separates a file and checks its stems against it.
fn check(case: &str, mixture: &Path, way: Way) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("stems");
    let (low, high) = (golden("low.safetensors"), golden("high.safetensors"));
    let (joint, bits) = (golden("joint.safetensors"), way.bits.to_string());
    let method = match way.is_joint {
        true => vec!["--joint", &joint],
        false => vec!["--model", &low, "--model", &high],
    };
    let (mixture_text, out_text) = (mixture.to_str().unwrap(), out.to_str().unwrap());
    let to = ["separate", mixture_text, "--out", out_text, "--json"];
    let quick = ["--set", "separate.max_steps=3", "--device", "cpu"];
    let printed = stdout(&[&to[..], &["--bits", &bits], &quick, &method].concat());
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let gain = 10f64.powf(printed["gain_db"].as_f64().unwrap() / 20.0);
    let mixture = nae_audio::read(mixture).unwrap();
    let stems = ["low.wav", "high.wav"].map(|name| nae_audio::read(&out.join(name)).unwrap());
    let case = format!("{case}, {way:?}");
    let shape = |clip: &Clip| (clip.samples(), clip.channel_count(), clip.sample_rate());
    for stem in &stems {
        assert_eq!(shape(stem), shape(&mixture), "{case}");
        assert!(stem.channels().iter().flatten().all(|x| x.is_finite()));
    }
    let peak = mixture.channels().iter().flatten();
    let peak = f64::from(peak.fold(0.0f32, |peak, x| peak.max(x.abs())));
    // half a step for each stem, and some roundings
    let step = if way.bits == 32 {
        0.0
    } else {
        2f64.powi(1 - way.bits as i32)
    };
    let tolerance = step * 1.01 / gain + peak * 1e-5 + 1e-42;
    for (c, channel) in mixture.channels().iter().enumerate() {
        for (n, x) in channel.iter().enumerate() {
            let sum = stems.iter().map(|stem| f64::from(stem.channels()[c][n]));
            let residual = (f64::from(*x) - sum.sum::<f64>() / gain).abs();
            assert!(residual <= tolerance, "{case}: {residual} at {n}");
        }
    }
}

/// Sounds by name; all but the single sample have `samples` samples.
fn sounds(samples: usize) -> Vec<(&'static str, Vec<f32>)> {
    let sound = |f: &dyn Fn(usize) -> f32| (0..samples).map(f).collect();
    let sign = |is_positive: bool| if is_positive { 1.0 } else { -1.0 };
    vec![
        ("silence", sound(&|_| 0.0)),
        (
            "a full-scale square",
            sound(&|n| sign((n / 25).is_multiple_of(2))),
        ),
        ("DC", sound(&|_| 0.5)),
        ("denormals", sound(&|n| 1e-40 * (0.3 * n as f32).sin())),
        ("one sample", vec![0.5]),
        (
            "a click",
            sound(&|n| if n == samples / 2 { 1.0 } else { 0.0 }),
        ),
        ("Nyquist", sound(&|n| 0.9 * sign(n.is_multiple_of(2)))),
        ("noise", white(samples, 5)),
    ]
}

#[test]
fn every_sound_at_every_rate_and_channel_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixture.wav");
    let depths = [BitDepth::Float32, BitDepth::Int24, BitDepth::Int16];
    let mut ways = WAYS.iter().cycle();
    let mut depths = depths.iter().cycle();
    for rate in [8000, 11_025, 44_100, 96_000, 192_000, 384_000] {
        for (name, sound) in sounds(rate as usize / 20) {
            for channels in [1, 2, 8] {
                // not one channel like the other
                let scaled = |c: usize| sound.iter().map(move |x| x / (c + 1) as f32);
                let all = (0..channels).map(|c| scaled(c).collect()).collect();
                let depth = *depths.next().unwrap();
                nae_audio::write(&path, &Clip::new(all, rate).unwrap(), depth).unwrap();
                let case = format!("{name}, {rate} Hz, {channels} channels, {depth:?}");
                check(&case, &path, *ways.next().unwrap());
            }
        }
    }
}

/// The small coded files of nae-audio's tests.
fn fixtures() -> Vec<PathBuf> {
    let folder = package_file("../nae-audio/tests/fixtures");
    let mut files = nae_testing::folders::files(&folder);
    files.retain(|path| path.extension().is_some_and(|ending| ending != "md"));
    files
}

#[test]
fn every_coded_format_or_one_sentence() {
    let mut done = Vec::new();
    for path in fixtures() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // what cannot be decoded, and says so
        if name.contains("opus") || name.contains("alac") {
            let out = tempfile::tempdir().unwrap();
            let (path, out) = (path.to_str().unwrap(), out.path().join("stems"));
            let joint = golden("joint.safetensors");
            let to = ["separate", path, "--out", out.to_str().unwrap()];
            let said = failure(&[&to[..], &["--joint", &joint]].concat());
            assert_eq!(said.trim().lines().count(), 1, "{said}");
            assert!(said.contains("cannot be decoded"), "{said}");
            assert!(!out.exists());
        } else {
            WAYS.iter().for_each(|way| check(&name, &path, *way));
        }
        done.push(name);
    }
    for ending in [".flac", ".mp3", ".ogg", ".m4a", ".aac", ".wav"] {
        assert!(done.iter().any(|name| name.ends_with(ending)), "{ending}");
    }
}

#[test]
fn every_plain_format() {
    let folder = tempfile::tempdir().unwrap();
    let sound: Vec<f32> = white(801, 6).iter().map(|x| 0.8 * x).collect();
    let bytes = |f: &dyn Fn(f32) -> Vec<u8>| sound.iter().flat_map(|x| f(*x)).collect::<Vec<u8>>();
    let integer = |bits: i32| move |x: f32| (f64::from(x) * 2f64.powi(bits - 1)) as i32;
    let formats: Vec<(&str, u16, u16, Vec<u8>)> = vec![
        ("u8", 1, 8, bytes(&|x| vec![(integer(8)(x) + 128) as u8])),
        (
            "i16",
            1,
            16,
            bytes(&|x| integer(16)(x).to_le_bytes()[..2].to_vec()),
        ),
        (
            "i24",
            1,
            24,
            bytes(&|x| integer(24)(x).to_le_bytes()[..3].to_vec()),
        ),
        (
            "i32",
            1,
            32,
            bytes(&|x| integer(32)(x).to_le_bytes().to_vec()),
        ),
        ("f32", 3, 32, bytes(&|x| x.to_le_bytes().to_vec())),
        (
            "f64",
            3,
            64,
            bytes(&|x| f64::from(x).to_le_bytes().to_vec()),
        ),
        ("A-law", 6, 8, bytes(&|x| vec![(x * 127.0) as i8 as u8])),
        ("µ-law", 7, 8, bytes(&|x| vec![(x * 127.0) as i8 as u8])),
    ];
    for (name, tag, bits, data) in formats {
        let wav = RawWav {
            tag,
            bits,
            block_align: bits / 8,
            data,
            ..RawWav::pcm16(&[])
        };
        let path = wav.save(folder.path(), "plain.wav");
        WAYS.iter().for_each(|way| check(name, &path, *way));
    }
}
