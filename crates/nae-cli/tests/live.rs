//! `nae live`: pipes, files and FIFOs in the place of sound cards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::background::{Background, unfinished, wait_until};
use common::failure;
use common::small::golden;
use nae_audio::{BitDepth, Clip, read, write};
use nae_testing::compare::largest_difference;
use nae_testing::noise::white;
use serde_json::Value;

const RATE: u32 = 8000;
const SEED: u64 = 4;
const LIMIT: Duration = Duration::from_secs(60);

/// The joint encoder of `high` and `low` that an earlier build made.
fn joint() -> String {
    golden("joint.safetensors")
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn samples(bytes: &[u8]) -> Vec<f32> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    numbers.iter().map(|x| f32::from_le_bytes(*x)).collect()
}

/// One and a half seconds of both sources.
fn mixture() -> Vec<f32> {
    let short = read(golden("mixture.wav").as_ref()).unwrap().mixdown();
    short.into_iter().cycle().take(12_000).collect()
}

/// Runs `nae live` with these bytes as its standard input.
fn live(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nae"));
    command.arg("live").args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // it may have ended before it has read all
    let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn succeeds(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = live(arguments, input);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    output.stdout
}

/// What it says of input that it cannot use, and what it wrote before.
fn fails(arguments: &[&str], input: &[u8]) -> (String, Vec<u8>) {
    let output = live(arguments, input);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("nae: "), "{text}");
    (text, output.stdout)
}

const RAW: [&str; 5] = ["-", "--raw", "f32le", "--rate", "8000"];

#[test]
fn raw_samples_go_in_and_out_in_the_same_form() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let x = mixture();
    let joint = joint();
    let stem = |name: &str| {
        let report = report.to_str().unwrap();
        let end = [
            "--channels",
            "1",
            "--joint",
            &joint,
            "--stem",
            name,
            "--report",
            report,
            "--force",
        ];
        let written = samples(&succeeds(&[&RAW[..], &end].concat(), &bytes(&x)));
        assert_eq!(written.len(), x.len());
        written
    };
    let (low, high) = (stem("low"), stem("high"));
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let latency = report["latency_samples"].as_u64().unwrap() as usize;
    assert!(latency > 0 && latency < x.len());
    assert_eq!(report["samples"], x.len());
    assert_eq!(report["silenced_values"], 0);
    assert!(report["late_blocks"].is_u64());
    assert!(report["real_time_factor"].as_f64().unwrap() > 0.0);
    let sum: Vec<f32> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
    assert!(sum[..latency].iter().all(|y| *y == 0.0));
    assert!(largest_difference(&sum[latency..], &x[..x.len() - latency]) < 1e-6);
    // all stems as channels
    let both = samples(&succeeds(
        &[&RAW[..], &["--joint", &joint]].concat(),
        &bytes(&x),
    ));
    let alternating: Vec<f32> = [&low, &high].map(Vec::as_slice).concat();
    assert_eq!(both.len(), alternating.len());
    for (n, pair) in both.chunks(2).enumerate() {
        assert!(pair.contains(&low[n]) && pair.contains(&high[n]));
    }
}

#[test]
fn wav_goes_in_and_out_whether_or_not_its_length_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.wav");
    let x = white(9000, SEED)
        .iter()
        .map(|x| 0.3 * x)
        .collect::<Vec<_>>();
    let clip = Clip::new(vec![x.clone(), mixture()[..9000].to_vec()], RATE).unwrap();
    write(&path, &clip, BitDepth::Int16).unwrap();
    let known = std::fs::read(&path).unwrap();
    let at = known.len() - 2 * 2 * 9000 - 4;
    let joint = joint();
    let arguments = ["-", "--joint", &joint, "--stem", "low"];
    let expected = succeeds(&arguments, &known);
    for unknown in [0u32, u32::MAX, 0x7fff_ffff] {
        let mut header = known.clone();
        header[at..at + 4].copy_from_slice(&unknown.to_le_bytes());
        assert!(succeeds(&arguments, &header) == expected);
    }
    // what follows the samples is no sound
    assert!(succeeds(&arguments, &[&known[..], b"LIST\x04\0\0\0abcd"].concat()) == expected);
    // and what came out is a file
    let out = folder.path().join("out.wav");
    std::fs::write(&out, &expected).unwrap();
    let stem = read(&out).unwrap();
    assert_eq!(
        (stem.channel_count(), stem.samples(), stem.sample_rate()),
        (2, 9000, RATE)
    );
    // from a file by its name, to files, without the delay
    let (low, high) = (
        folder.path().join("low.wav"),
        folder.path().join("high.wav"),
    );
    let to =
        [("low", &low), ("high", &high)].map(|(name, path)| format!("{name}={}", path.display()));
    let file = path.to_str().unwrap();
    succeeds(
        &[
            file,
            "--joint",
            &joint,
            "--to",
            &to[0],
            "--to",
            &to[1],
            "--aligned",
        ],
        &[],
    );
    let (low, high) = (read(&low).unwrap(), read(&high).unwrap());
    let mixture = read(&path).unwrap();
    for c in 0..2 {
        let stems = low.channels()[c].iter().zip(&high.channels()[c]);
        let sum: Vec<f32> = stems.map(|(a, b)| a + b).collect();
        // two roundings to 16 bits
        assert!(largest_difference(&sum, &mixture.channels()[c]) < 1.1 / 32768.0);
    }
    assert!(failure(&["live", file, "--joint", &joint, "--to", &to[0]]).contains("--force"));
}

#[test]
fn models_separate_without_a_joint_encoder() {
    let model = golden("high-nmf.safetensors");
    let models = [format!("a={model}"), format!("b={model}")];
    let x = mixture();
    let arguments = [
        &RAW[..],
        &[
            "--model",
            &models[0],
            "--model",
            &models[1],
            "--updates",
            "2",
            "--aligned",
        ],
    ]
    .concat();
    let both = samples(&succeeds(&arguments, &bytes(&x)));
    let sum: Vec<f32> = both.chunks(2).map(|pair| pair[0] + pair[1]).collect();
    assert!(largest_difference(&sum, &x) < 1e-6);
    let deep = golden("high.safetensors");
    let arguments = ["-", "--raw", "f32le", "--rate", "8000", "--model", &deep];
    let (error, _) = fails(&arguments, &bytes(&x));
    assert!(
        error.contains("--joint") && error.contains("one linear layer"),
        "{error}"
    );
}

#[test]
fn input_of_no_use_is_refused_and_what_came_before_is_written() {
    let joint = joint();
    let with = |more: &[&'static str]| [&RAW[..], &["--joint"], more].concat();
    let raw = [&RAW[..], &["--joint", &joint]].concat();
    let (error, _) = fails(&raw, &[]);
    assert!(error.contains("before its first sample"), "{error}");
    let x = mixture();
    let (error, written) = fails(&raw, &[bytes(&x), vec![1, 2, 3]].concat());
    assert!(
        error.contains("middle of a sample") && error.contains("3 bytes"),
        "{error}"
    );
    assert_eq!(samples(&written).len(), 2 * x.len());
    let (error, _) = fails(&["-", "--joint", &joint], &bytes(&x));
    assert!(error.contains("--raw"), "{error}");
    let (error, _) = fails(&["-", "--joint", &joint], &[]);
    assert!(error.contains("standard input"), "{error}");
    let (error, _) = fails(&[&raw[..], &["--stem", "alto"]].concat(), &bytes(&x));
    assert!(
        error.contains("`alto`") && error.contains("`low`"),
        "{error}"
    );
    let (error, _) = fails(&[&raw[..], &["--latency", "1"]].concat(), &bytes(&x));
    assert!(
        error.contains("not possible") && error.contains("configs/live.toml"),
        "{error}"
    );
    let (error, _) = fails(&[&raw[..], &["--channels", "0"]].concat(), &bytes(&x));
    assert!(error.contains("channel"), "{error}");
    let (error, _) = fails(&with(&["/nowhere.safetensors"]), &bytes(&x));
    assert!(error.contains("nowhere"), "{error}");
    for arguments in [
        &["-", "--raw", "f32le", "--joint", &joint][..],
        &["-", "--raw", "f32be", "--rate", "8000", "--joint", &joint],
        &["-", "--joint", &joint, "--latency", "nan"],
        &["-"],
    ] {
        assert_eq!(live(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn what_is_not_finite_is_silenced_counted_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let joint = joint();
    let mut x = mixture();
    (x[100], x[5000]) = (f32::NAN, f32::NEG_INFINITY);
    let end = ["--joint", &joint, "--report", report.to_str().unwrap()];
    let output = live(&[&RAW[..], &end].concat(), &bytes(&x));
    assert!(output.status.success());
    assert!(samples(&output.stdout).iter().all(|y| y.is_finite()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("2 values of the input"));
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["silenced_values"], 2);
}

#[test]
fn a_reader_that_goes_away_ends_it_with_a_message_and_whole_files() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_nae"));
    command
        .arg("live")
        .args(RAW)
        .args(["--joint", &joint(), "--report"])
        .arg(&report);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let block = bytes(&white(80_000, SEED));
        while stdin.write_all(&block).is_ok() {}
    });
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 1000]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("went away"), "{text}");
    assert!(report.exists());
}

/// Starts `nae live` on a FIFO, writes samples and keeps the FIFO open.
#[cfg(unix)]
fn started_on_a_fifo(folder: &Path, more: &[String], x: &[f32]) -> (Background, std::fs::File) {
    let fifo = folder.join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let fifo = fifo.to_str().unwrap().to_owned();
    let mut arguments: Vec<String> = ["live", &fifo, "--raw", "f32le", "--rate", "8000", "--joint"]
        .map(Into::into)
        .to_vec();
    arguments.push(joint());
    arguments.extend_from_slice(more);
    let running = Background::start(&arguments);
    // waits until it is read
    let mut writer = std::fs::File::options().write(true).open(&fifo).unwrap();
    writer.write_all(&bytes(x)).unwrap();
    (running, writer)
}

#[cfg(unix)]
#[test]
fn an_interrupt_completes_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let low = folder.path().join("low.wav");
    let to = format!("low={}", low.display());
    let report = folder.path().join("report.json");
    let more = [
        "--to".to_owned(),
        to,
        "--report".into(),
        report.to_str().unwrap().into(),
    ];
    let x = mixture();
    let (mut running, writer) = started_on_a_fifo(folder.path(), &more, &x);
    wait_until("it is reading", || !unfinished(folder.path()).is_empty());
    std::thread::sleep(Duration::from_millis(500));
    assert!(running.is_running());
    running.signal("INT");
    let (status, text) = running.end(LIMIT);
    assert_eq!(status.code(), Some(130), "{text}");
    drop(writer);
    assert!(unfinished(folder.path()).is_empty());
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let stem = read(&low).unwrap();
    assert_eq!(report["samples"], stem.samples());
    assert!(stem.samples() > 0 && stem.samples() <= x.len());
}

#[cfg(unix)]
#[test]
fn stems_go_to_fifos_while_the_sound_comes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    assert!(Command::new("mkfifo").arg(&out).status().unwrap().success());
    let reader = std::thread::spawn({
        let out = out.clone();
        move || {
            let mut file = std::fs::File::open(out).unwrap();
            // the first ones come before the sound ends
            let mut first = vec![0; 4 * 2000];
            file.read_exact(&mut first).unwrap();
            (first, file)
        }
    });
    let x = mixture();
    let more = ["--to".to_owned(), format!("low={}", out.display())];
    let (mut running, writer) = started_on_a_fifo(folder.path(), &more, &x);
    let (mut written, mut file) = reader.join().unwrap();
    drop(writer);
    file.read_to_end(&mut written).unwrap();
    let (status, text) = running.end(LIMIT);
    assert!(status.success(), "{text}");
    assert_eq!(samples(&written).len(), x.len());
}

#[cfg(unix)]
#[test]
fn a_file_that_grows_is_followed_until_an_interrupt() {
    let folder = tempfile::tempdir().unwrap();
    let (file, low) = (
        folder.path().join("grows.raw"),
        folder.path().join("low.raw"),
    );
    let x = mixture();
    std::fs::write(&file, bytes(&x[..4000])).unwrap();
    let (path, to) = (
        file.to_str().unwrap().to_owned(),
        format!("low={}", low.display()),
    );
    let joint = joint();
    let mut running = Background::start(&[
        "live", &path, "--raw", "f32le", "--rate", "8000", "--joint", &joint, "--follow", "--to",
        &to,
    ]);
    wait_until("it has begun", || !unfinished(folder.path()).is_empty());
    let mut end = std::fs::File::options().append(true).open(&file).unwrap();
    end.write_all(&bytes(&x[4000..])).unwrap();
    let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
    wait_until("all of it has come", || {
        let found = unfinished(folder.path());
        found.iter().any(|path| size(path) == 4 * x.len() as u64)
    });
    running.signal("INT");
    let (status, text) = running.end(LIMIT);
    assert_eq!(status.code(), Some(130), "{text}");
    assert_eq!(samples(&std::fs::read(&low).unwrap()).len(), x.len());
}
