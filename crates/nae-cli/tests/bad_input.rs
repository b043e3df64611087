//! Bad input: one clear paragraph, a status that is not zero, no partial file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{failure, mixture_files, nae, train};
use nae_audio::{BitDepth, Clip};
use nae_testing::folders::{data, files};

/// A model and a mixture shared by all tests here.
struct Shared {
    model: PathBuf,
    mixture: PathBuf,
    _folder: tempfile::TempDir,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("voice.safetensors");
        train("librivox_en_m", &model);
        let (_, mixture) = mixture_files(folder.path());
        Shared {
            model,
            mixture,
            _folder: folder,
        }
    })
}

/// `nae separate` of this mixture must fail with all of these words and write nothing.
fn separate_fails(mixture: &Path, words: &[&str]) {
    let out = tempfile::tempdir().unwrap();
    let stems = out.path().join("stems");
    let text = failure(&[
        "separate".as_ref(),
        mixture.as_os_str(),
        "--model".as_ref(),
        shared().model.as_os_str(),
        "--out".as_ref(),
        stems.as_os_str(),
    ]);
    check(&text, words);
    assert!(files(out.path()).is_empty(), "{:?}", files(out.path()));
}

/// `nae train` on this clip must fail with all of these words and write nothing.
fn train_fails(clip: &Path, words: &[&str]) {
    let out = tempfile::tempdir().unwrap();
    let model = out.path().join("m.safetensors");
    let text = failure(&[
        "train".as_ref(),
        clip.as_os_str(),
        "--out".as_ref(),
        model.as_os_str(),
    ]);
    check(&text, words);
    assert!(files(out.path()).is_empty());
}

fn check(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(
        text.starts_with("nae: ") && text.trim_end().lines().count() == 1,
        "one paragraph expected: {text}"
    );
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_missing_file() {
    let path = Path::new("no/such/file.wav");
    separate_fails(path, &["no/such/file.wav"]);
    train_fails(path, &["no/such/file.wav"]);
}

#[test]
fn an_empty_wav_a_truncated_wav_and_a_text_named_wav() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(data("speech/librivox_en_m/test/00.wav")).unwrap();
    let mut empty = whole[..44].to_vec();
    empty[4..8].copy_from_slice(&36u32.to_le_bytes());
    empty[40..44].copy_from_slice(&0u32.to_le_bytes());
    for (name, bytes) in [
        ("empty.wav", empty.as_slice()),
        ("truncated.wav", &whole[..whole.len() / 2]),
        ("text.wav", b"this is a letter, not a sound"),
    ] {
        let path = written(folder.path(), name, bytes);
        separate_fails(&path, &[name]);
        train_fails(&path, &[name]);
    }
}

#[test]
fn nan_samples() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.wav");
    nae_audio::write(
        &good,
        &Clip::mono(vec![0.25; 4000], 16_000),
        BitDepth::Float32,
    )
    .unwrap();
    let mut bytes = std::fs::read(&good).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let path = written(folder.path(), "nan.wav", &bytes);
    separate_fails(&path, &["nan.wav", "3999"]);
    train_fails(&path, &["nan.wav", "3999"]);
}

#[test]
fn silence_and_a_clip_of_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let silent = folder.path().join("silent.wav");
    nae_audio::write(
        &silent,
        &Clip::mono(vec![0.0; 32_000], 16_000),
        BitDepth::Float32,
    )
    .unwrap();
    train_fails(&silent, &["silent"]);
    let short = folder.path().join("short.wav");
    nae_audio::write(
        &short,
        &Clip::mono(vec![0.1; 200], 16_000),
        BitDepth::Float32,
    )
    .unwrap();
    train_fails(&short, &["frames", "longer"]);
    train_fails(folder.path().join("nothing").as_path(), &["nothing"]);
    let empty = tempfile::tempdir().unwrap();
    train_fails(empty.path(), &["no sound file", "flac"]);
}

#[test]
fn models_that_do_not_match_and_files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.safetensors");
    let clips = data("speech/allison_en_f/train");
    common::stdout(&[
        "train".as_ref(),
        clips.as_os_str(),
        "--out".as_ref(),
        other.as_os_str(),
        "--set".as_ref(),
        "audio.hop=512".as_ref(),
        "--set".as_ref(),
        "train.max_steps=2".as_ref(),
        "--set".as_ref(),
        "train.refine.passes=0".as_ref(),
    ]);
    let stems = folder.path().join("stems");
    let separate = |model: &Path| {
        failure(&[
            "separate".as_ref(),
            shared().mixture.as_os_str(),
            "--model".as_ref(),
            shared().model.as_os_str(),
            "--model".as_ref(),
            model.as_os_str(),
            "--out".as_ref(),
            stems.as_os_str(),
        ])
    };
    check(
        &separate(&other),
        &["librivox_en_m", "other", "every 256", "every 512"],
    );
    check(&separate(&shared().model), &["librivox_en_m"]);
    check(
        &separate(&shared().mixture),
        &["not a model as `nae train` writes"],
    );
    check(
        &separate(Path::new("gone.safetensors")),
        &["gone.safetensors"],
    );
    assert!(!stems.exists());
}

#[test]
fn an_unknown_key_and_a_value_out_of_range() {
    let folder = tempfile::tempdir().unwrap();
    let config = written(
        folder.path(),
        "mine.toml",
        b"[model]\nrank = 10\nlayer = 4\n",
    );
    let clips = data("speech/librivox_en_m/train");
    let out = folder.path().join("m.safetensors");
    let train = |extra: &[&std::ffi::OsStr]| {
        failure(
            &[
                &[
                    "train".as_ref(),
                    clips.as_os_str(),
                    "--out".as_ref(),
                    out.as_os_str(),
                ],
                extra,
            ]
            .concat(),
        )
    };
    check(
        &train(&["--config".as_ref(), config.as_os_str()]),
        &["mine.toml:3", "model.layers"],
    );
    check(
        &train(&["--set".as_ref(), "model.rnak=3".as_ref()]),
        &["model.rnak", "model.rank"],
    );
    check(
        &train(&["--set".as_ref(), "model.rank=0".as_ref()]),
        &["model.rank", "at least 1"],
    );
    check(
        &train(&["--set".as_ref(), "audio.hop=1024".as_ref()]),
        &["1024"],
    );
    assert!(!out.exists());
}

#[test]
fn a_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    // a file where a folder should be stops even root
    let blocked = written(folder.path(), "blocked", b"");
    let inside = blocked.join("m.safetensors");
    let clips = data("speech/librivox_en_m/train");
    check(
        &failure(&[
            "train".as_ref(),
            clips.as_os_str(),
            "--out".as_ref(),
            inside.as_os_str(),
        ]),
        &["blocked"],
    );
    let stems = blocked.join("stems");
    check(
        &failure(&[
            "separate".as_ref(),
            shared().mixture.as_os_str(),
            "--model".as_ref(),
            shared().model.as_os_str(),
            "--out".as_ref(),
            stems.as_os_str(),
        ]),
        &["blocked"],
    );
    assert_eq!(std::fs::read(&blocked).unwrap(), b"");
}

#[test]
fn devices_that_are_not_built_say_which_feature_to_add() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("m.safetensors");
    let clips = data("speech/librivox_en_m/train");
    for (device, feature, is_built) in [
        ("gpu", "--features gpu", cfg!(feature = "gpu")),
        ("ndarray", "--features ndarray", cfg!(feature = "ndarray")),
    ] {
        if !is_built {
            check(
                &failure(&[
                    "train".as_ref(),
                    clips.as_os_str(),
                    "--out".as_ref(),
                    out.as_os_str(),
                    "--device".as_ref(),
                    device.as_ref(),
                ]),
                &[feature],
            );
        }
    }
}

#[test]
fn evaluation_refuses_what_cannot_be_compared() {
    let reference = data("speech/librivox_en_m/test/00.wav");
    let other = data("speech/librivox_en_m/test/01.wav");
    let evaluate = |arguments: &[&std::ffi::OsStr]| {
        let output = nae(&[&["evaluate".as_ref()], arguments].concat());
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let text = evaluate(&[
        "--reference".as_ref(),
        reference.as_os_str(),
        "--estimate".as_ref(),
        other.as_os_str(),
    ]);
    assert!(text.contains("samples"), "{text}");
    let text = evaluate(&[
        "--reference".as_ref(),
        reference.as_os_str(),
        "--reference".as_ref(),
        other.as_os_str(),
        "--estimate".as_ref(),
        other.as_os_str(),
    ]);
    assert!(text.contains("2 references and 1 estimate;"), "{text}");
}

#[test]
fn sources_that_cannot_be_joined_or_named_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.safetensors");
    let model = shared().model.to_str().unwrap();
    let clips = data("speech/librivox_en_m/train");
    let clips = clips.to_str().unwrap();
    let join = |arguments: &[&str]| {
        let out = ["join", "--out", out.to_str().unwrap()];
        failure(&[&out, arguments].concat())
    };
    let twice = format!("voice={model},{model}");
    check(
        &join(&["--model", &twice, "--model", model]),
        &["`voice`", "several models", "one model per source"],
    );
    let unknown = format!("voices={clips}");
    let named = format!("voice={model}");
    check(
        &join(&["--model", &named, "--model", model, "--clips", &unknown]),
        &["`voices`", "voice, librivox_en_m"],
    );
    check(
        &join(&["--model", &named, "--model", model, "--clips", clips]),
        &[clips, "NAME=CLIP_OR_FOLDER"],
    );
    let name = ["train", clips, "--out", out.to_str().unwrap(), "--name"];
    for wrong in ["a/b", ".hidden", "", "a=b"] {
        check(
            &failure(&[&name[..], &[wrong]].concat()),
            &[wrong, "NAME.wav"],
        );
    }
    assert!(files(folder.path()).is_empty());
}
