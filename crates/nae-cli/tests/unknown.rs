//! Sources without a model, through the command line.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod common;

use std::path::Path;

use burn::tensor::Device;
use common::folder::Folder;
use common::small::{MOMENT, SMALL};
use common::{failure, stderr, stdout};
use nae_audio::{BitDepth, Clip};
use nae_model::Ensemble;
use nae_testing::folders::data;
use serde_json::Value;

impl Folder {
    /// Also with a model of the clip, and the clip with noise, in stereo.
    fn with_mixture() -> Self {
        let folder = Self::new();
        let clip = folder.at("clip.wav");
        let train = ["train", &clip, "--name", "voice", "--out"];
        let (model, more) = (folder.at("voice.safetensors"), ["--ensemble", "dense,nmf"]);
        stdout(&[&train[..], &[&model], &SMALL, &MOMENT, &more].concat());
        let tone = nae_audio::read(clip.as_ref()).unwrap().mixdown();
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        };
        let twice = tone.iter().chain(&tone);
        let left: Vec<f32> = twice.map(|x| x + 0.2 * noise()).collect();
        let right = left.iter().map(|x| 0.5 * x).collect();
        let mixture = Clip::new(vec![left, right], 8000).unwrap();
        nae_audio::write(&folder.path("mix.wav"), &mixture, BitDepth::Float32).unwrap();
        folder
    }

    /// Arguments that separate the mixture.
    fn separate(&self, more: &[&str]) -> Vec<String> {
        let (mixture, out) = (self.at("mix.wav"), self.at("stems"));
        let start = ["separate", &mixture, "--out", &out, "--device", "cpu"];
        let all = [&start[..], &["--set", "separate.unknown.updates=20"], more].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    /// The same, which must succeed, with stems that sum to the mixture; their names.
    fn stems(&self, more: &[&str]) -> Vec<String> {
        let summary = stdout(&self.separate(&[more, &["--force", "--json"]].concat()));
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert!(summary["null_db"].as_f64().unwrap() < -100.0);
        let stems = summary["stems"].as_array().unwrap().iter();
        let name = |path: &Value| {
            let path = Path::new(path.as_str().unwrap());
            let stem = nae_audio::read(path).unwrap();
            assert_eq!((stem.channel_count(), stem.samples()), (2, 16_000));
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        };
        stems.map(name).collect()
    }
}

#[test]
fn a_known_voice_an_unknown_noise_and_what_neither_explains() {
    let folder = Folder::with_mixture();
    let voice = folder.at("voice.safetensors");
    let known = ["--model", &voice, "--unknown", "noise:rank=5"];
    assert_eq!(folder.stems(&known), ["voice", "noise"]);
    let rest = [&known[..], &["--residual", "rest"]].concat();
    assert_eq!(folder.stems(&rest), ["voice", "noise", "rest"]);
    let said = stderr(&folder.separate(&[&known[..], &["--force"]].concat()));
    assert!(said.contains("learning noise (rank 5)"), "{said}");
}

#[test]
fn what_was_learnt_is_kept_and_used_like_any_other_model() {
    let folder = Folder::with_mixture();
    let (voice, kept) = (
        folder.at("voice.safetensors"),
        folder.at("new/noise.safetensors"),
    );
    let known = ["--model", &voice, "--unknown", "noise:rank=5"];
    folder.stems(&[&known[..], &["--keep-unknown", &kept]].concat());
    let ensemble = Ensemble::load(&folder.path("new/noise.safetensors"), &Device::flex()).unwrap();
    // one beside each model of the voice
    assert_eq!(ensemble.members().len(), 2);
    for model in ensemble.members() {
        assert_eq!(model.metadata.architecture.describe(), "NMF with 5 bases");
        let clips = &model.metadata.training.clips;
        assert_eq!((clips.len(), clips[0].name.as_str()), (1, "mix.wav"));
        assert_eq!(clips[0].sha256.len(), 64);
    }
    let stems = folder.stems(&["--model", &voice, "--model", &kept]);
    assert_eq!(stems, ["voice", "noise"]);
    let again = failure(&folder.separate(&[&known[..], &["--keep-unknown", &kept]].concat()));
    assert!(again.contains("exists already"), "{again}");
}

#[test]
fn without_any_model_the_mixture_is_split_into_components() {
    let folder = Folder::with_mixture();
    let small = [
        "--set",
        "audio.sample_rate=8000",
        "--set",
        "audio.n_fft=64",
        "--set",
        "audio.hop=16",
    ];
    let blind = [&["--unknown", "part:rank=3"][..], &small].concat();
    assert_eq!(folder.stems(&blind), ["part-1", "part-2", "part-3"]);
    let said = stderr(&folder.separate(&[&blind[..], &["--force"]].concat()));
    assert!(said.contains("nothing tells one from another"), "{said}");
}

#[test]
fn one_model_alone_is_told_of_unknown_sources() {
    let folder = Folder::with_mixture();
    let voice = folder.at("voice.safetensors");
    let said = stderr(&folder.separate(&["--model", &voice]));
    assert!(
        said.contains("the whole mixture") && said.contains("--unknown noise"),
        "{said}"
    );
    let said = stderr(&folder.separate(&["--model", &voice, "--residual", "rest", "--force"]));
    assert!(!said.contains("the whole mixture"), "{said}");
}

#[test]
fn a_stem_that_is_next_to_nothing_is_said() {
    let folder = Folder::with_mixture();
    let voice = folder.at("voice.safetensors");
    let set = ["--set", "separate.unknown.penalty=9", "--force"];
    let said = stderr(
        &folder.separate(&[&["--model", &voice, "--unknown", "noise:rank=5"][..], &set].concat()),
    );
    assert!(
        said.contains("`voice` is") && said.contains("dB below the mixture"),
        "{said}"
    );
}

/// A recording's first five seconds, or all of a shorter one, at a level of 0.1.
fn sound(path: &str) -> Vec<f32> {
    let mut samples = nae_audio::read(&data(path)).unwrap().mixdown();
    samples.truncate(80_000);
    let energy: f32 = samples.iter().map(|x| x * x).sum();
    let scale = 0.1 / (energy / samples.len() as f32).sqrt();
    samples.iter().map(|x| scale * x).collect()
}

#[test]
fn an_unknown_voice_is_told_what_to_expect_and_a_noise_is_not() {
    let folder = Folder::new();
    let [mixture, voice, out] =
        ["mix.wav", "voice.safetensors", "stems"].map(|name| folder.at(name));
    let clips = data("speech/allison_en_f/train").display().to_string();
    let kind = ["--ensemble", "none", "--set", "model.kind=nmf"];
    stdout(&[&["train", &clips, "--out", &voice][..], &kind].concat());
    let known = sound("speech/allison_en_f/test/00.wav");
    for (path, is_voice) in [
        ("speech/carlo_it_m/test/00.wav", true),
        ("noise/printer3d_test.wav", false),
    ] {
        let both = known.iter().zip(sound(path));
        let both = Clip::new(vec![both.map(|(a, b)| a + b).collect()], 16_000).unwrap();
        nae_audio::write(mixture.as_ref(), &both, BitDepth::Float32).unwrap();
        let more = ["--model", &voice, "--unknown", "other", "--force"];
        let said = stderr(&[&["separate", &mixture, "--out", &out][..], &more].concat());
        let is_told = said.contains("`other` sounds like a voice");
        assert_eq!(is_told, is_voice, "{path}: {said}");
    }
}

#[test]
fn bad_unknown_sources_are_refused_and_nothing_is_written() {
    let folder = Folder::with_mixture();
    let voice = folder.at("voice.safetensors");
    let refused = |more: &[&str], words: &[&str]| {
        let said = failure(&folder.separate(&[&["--model", &voice][..], more].concat()));
        for word in words {
            assert!(said.contains(word), "{said}");
        }
        let stems = folder.path("stems");
        let written = stems.exists() && stems.read_dir().unwrap().next().is_some();
        assert!(!written, "{more:?}");
    };
    refused(&["--unknown", "voice"], &["voice"]);
    refused(&["--unknown", "noise:rank=0"], &["rank 0", "noise:rank="]);
    refused(
        &["--unknown", "noise:rank=4000"],
        &["rank 4000", "noise:rank=20"],
    );
    refused(&["--unknown", "noise:bases=3"], &["NAME:rank=N"]);
    refused(&["--unknown", ""], &["NAME"]);
    refused(&["--unknown", "a/b"], &["a/b"]);
    refused(&["--unknown", "noise", "--residual", "noise"], &["noise"]);
    refused(
        &[
            "--unknown",
            "noise",
            "--keep-unknown",
            "a",
            "--keep-unknown",
            "b",
        ],
        &["one file for every unknown source"],
    );
    refused(&["--unknown", "noise", "--join"], &["--join"]);
    let short = Clip::mono(vec![0.1; 4000], 8000);
    nae_audio::write(&folder.path("mix.wav"), &short, BitDepth::Float32).unwrap();
    refused(&["--unknown", "noise"], &["at least 1 s"]);
    let silent = Clip::mono(vec![0.0; 16_000], 8000);
    nae_audio::write(&folder.path("mix.wav"), &silent, BitDepth::Float32).unwrap();
    refused(&["--unknown", "noise"], &["silent"]);
}
