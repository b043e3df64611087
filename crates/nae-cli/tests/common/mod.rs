//! Running the binary and making sounds for it.
#![allow(dead_code, reason = "every test file uses its own part")]

pub mod background;
pub mod folder;
pub mod small;
pub mod sweeps;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nae_audio::{BitDepth, Clip};
use nae_testing::folders::data;

/// Runs `nae` with arguments.
pub fn nae<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nae"))
        .args(arguments)
        .arg("-q")
        .output()
        .unwrap()
}

/// Runs `nae`, which must succeed, and gives its standard output.
pub fn stdout<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> String {
    let output = nae(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `nae` on one thread, which must succeed: on more, sums are rounded in another order.
pub fn on_one_thread<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nae"));
    let command = command.args(arguments).arg("-q");
    let output = command.env("RAYON_NUM_THREADS", "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

/// Runs `nae`, which must succeed, and gives its standard error with all that is not silenced.
pub fn stderr<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_nae"))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// Runs `nae`, which must fail, and gives its standard error.
pub fn failure<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> String {
    let output = nae(arguments);
    assert!(!output.status.success(), "expected a failure");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// Runs `nae` where no file may grow beyond so many blocks of 512 bytes, as on a disk that fills up.
#[cfg(unix)]
pub fn with_little_space(blocks: u32, arguments: &[String]) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    Command::new("sh")
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_nae")])
        .args(arguments)
        .output()
        .unwrap()
}

/// Settings that train a small model in a moment.
pub const QUICK: [&str; 10] = [
    "--set",
    "model.rank=20",
    "--set",
    "train.max_steps=200",
    "--set",
    "train.refine.passes=0",
    "--set",
    "model.layers=2",
    "--device",
    "cpu",
];

/// Trains a quick model of one of the committed voices.
pub fn train(voice: &str, out: &Path) {
    let clips = data(&format!("speech/{voice}/train"));
    let mut arguments = vec![
        "train".into(),
        clips.into_os_string(),
        "--out".into(),
        out.as_os_str().to_owned(),
        "--name".into(),
        voice.into(),
    ];
    arguments.extend(QUICK.map(Into::into));
    stdout(&arguments);
}

/// Two unseen sentences at one level and their sum: references, mixture.
pub fn mixture_files(folder: &Path) -> ([PathBuf; 2], PathBuf) {
    let voices = ["allison_en_f", "librivox_en_m"].map(|voice| {
        nae_audio::read(&data(&format!("speech/{voice}/test/00.wav")))
            .unwrap()
            .mixdown()
    });
    let samples = voices.iter().map(Vec::len).min().unwrap();
    let write = |name: &str, samples: Vec<f32>| {
        let path = folder.join(name);
        nae_audio::write(&path, &Clip::mono(samples, 16_000), BitDepth::Float32).unwrap();
        path
    };
    let cut: Vec<Vec<f32>> = voices
        .iter()
        .map(|voice| voice[..samples].to_vec())
        .collect();
    let mixture = write(
        "mixture.wav",
        (0..samples).map(|n| cut[0][n] + cut[1][n]).collect(),
    );
    (
        [
            write("reference-0.wav", cut[0].clone()),
            write("reference-1.wav", cut[1].clone()),
        ],
        mixture,
    )
}
