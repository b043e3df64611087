//! Models of different kinds together, and settings that make no model, through the command line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::{Path, PathBuf};

use common::small::{MOMENT, SMALL};
use common::sweeps::write_experiment;
use common::{failure, stdout};
use nae_audio::{BitDepth, Clip};
use nae_testing::folders::files;
use serde_json::Value;

/// Pitches of three sources, and what their models are.
const SOURCES: [(&str, f32, &[&str]); 3] = [
    (
        "nmfd",
        300.0,
        &["--set", "model.kind=nmf", "--set", "model.span=4"],
    ),
    ("gru", 1100.0, &["--set", "model.cell=gru"]),
    (
        "dense",
        2300.0,
        &["--set", "model.layers=4", "--set", "train.ensemble=[]"],
    ),
];

/// A source whose layers are listed one by one.
const LISTED: (&str, f32, &[&str]) = (
    "listed",
    3100.0,
    &[
        "--set",
        r#"model.decoder=[{ conv = 4, span = 2 }, { rnn = 4 }, { dense = 33 }]"#,
        "--set",
        r#"model.encoder=[{ dense = 5 }, { conv = "rank", span = 3 }]"#,
    ],
);

/// A modulated tone of so many samples at 8 kHz.
fn tone(hertz: f32, samples: usize) -> Vec<f32> {
    let at = |n: usize| {
        let t = n as f32 / 8000.0 * std::f32::consts::TAU;
        0.2 * (t * hertz).sin() * (1.2 + (t * hertz / 300.0).cos())
    };
    (0..samples).map(at).collect()
}

fn write(path: &Path, samples: Vec<f32>) -> PathBuf {
    nae_audio::write(path, &Clip::mono(samples, 8000), BitDepth::Float32).unwrap();
    path.into()
}

/// Trains a model of a second of a tone; its path.
fn train(folder: &Path, (name, hertz, settings): (&str, f32, &[&str])) -> String {
    let clip = write(&folder.join(format!("{name}.wav")), tone(hertz, 8000));
    let out = folder.join(format!("{name}.safetensors"));
    let (clip, out) = (clip.to_str().unwrap(), out.to_str().unwrap().to_owned());
    let train = ["train", clip, "--out", &out, "--force"];
    // with two units only, a deep model may lose both
    let rank = ["--set", "model.rank=6"];
    stdout(&[&train[..], &SMALL, &MOMENT, &rank, settings].concat());
    out
}

/// Every stem is nearer to its source than the mixture is, by what part of the distance is asked for.
fn check_stems(folder: &Path, sources: &[(&str, f32, &[&str])], mixture: &[f32], part: f32) {
    for (name, hertz, _) in sources {
        let stem = nae_audio::read(&folder.join(format!("{name}.wav"))).unwrap();
        let source = tone(*hertz, mixture.len());
        let distance = |x: &[f32]| -> f32 {
            let pairs = x.iter().zip(&source);
            pairs.map(|(x, s)| (x - s).powi(2)).sum()
        };
        let (before, after) = (distance(mixture), distance(&stem.channels()[0]));
        assert!(after < part * before, "{name}: {after} {before}");
    }
}

#[test]
fn a_deconvolution_a_recurrent_and_a_dense_model_separate_three_sources_and_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    for sources in [&SOURCES[..], &[SOURCES[0], SOURCES[1], LISTED]] {
        let models: Vec<String> = sources
            .iter()
            .map(|source| train(folder.path(), *source))
            .collect();
        let models: Vec<&str> = models.iter().flat_map(|m| ["--model", m]).collect();
        let tones: Vec<Vec<f32>> = sources.iter().map(|(_, hz, _)| tone(*hz, 6000)).collect();
        let sum: Vec<f32> = (0..6000)
            .map(|n| tones.iter().map(|x| x[n]).sum())
            .collect();
        let mixture = write(&folder.path().join("mixture.wav"), sum.clone());
        let mixture = mixture.to_str().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();

        let run = |out: &str, more: &[&str]| -> Value {
            let separate = ["separate", mixture, "--out", out, "--force", "--json"];
            let device = ["--device", "cpu"];
            let text = stdout(&[&separate[..], &device, more].concat());
            serde_json::from_str(&text).unwrap()
        };
        let optimised = path("optimised");
        let report = run(&optimised, &models);
        assert!(report["null_db"].as_f64().unwrap() < -100.0, "{report}");
        check_stems(Path::new(&optimised), sources, &sum, 0.2);

        let joint = path("all.joint.safetensors");
        let join = ["join", "--out", &joint, "--force", "--device", "cpu"];
        let few = ["joint.steps=200", "joint.width=32", "joint.blocks=1"];
        let few: Vec<&str> = few.iter().flat_map(|set| ["--set", *set]).collect();
        let own = ["--set", "joint.start=random"];
        stdout(&[&join[..], &models, &few, &own].concat());
        let joined = path("joined");
        let report = run(&joined, &["--joint", &joint]);
        assert!(report["null_db"].as_f64().unwrap() < -100.0, "{report}");
        assert_eq!(report["steps"], 0);
        check_stems(Path::new(&joined), sources, &sum, 0.5);
    }
}

/// Each names its key, what is allowed, what came and what to try, and leaves nothing behind.
#[test]
fn settings_that_make_no_model_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clips = folder.path().join("clips");
    std::fs::create_dir(&clips).unwrap();
    write(&clips.join("long.wav"), tone(300.0, 8000));
    // ten frames of 64 samples every 16
    write(&clips.join("short.wav"), tone(300.0, 160));
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let model = out.join("m.safetensors");
    let (clips, model) = (clips.to_str().unwrap(), model.to_str().unwrap());
    for (settings, words) in [
        (
            &["model.span=40"][..],
            &["`model.span` is 40", "short.wav", "or less"][..],
        ),
        (
            &["model.span=65"],
            &["`model.span` is 65", "at most 64 frames", "Try 4"],
        ),
        (
            &[r#"model.decoder=[{ conv = 4, span = 20 }, { conv = "bins", span = 20 }]"#],
            &[
                "`model.decoder` is 39 frames in all",
                "short.wav",
                "or less",
            ],
        ),
        (
            &[r#"model.decoder=[{ dense = 4 }, { dense = 32 }]"#],
            &[
                "`model.decoder` is { dense = 32 } in layer 2",
                "\"bins\" or 33",
                "Try \"bins\"",
            ],
        ),
        (
            &[r#"model.decoder=[{ gru = 9 }, { dense = "bins" }]"#],
            &[
                "`model.decoder` is { gru = 9 } in layer 1",
                "before it, 2",
                "Try { gru = 2 }",
            ],
        ),
        (
            &[
                r#"model.decoder=[{ dense = 4 }]"#,
                r#"model.encoder=[{ dense = 4 }]"#,
            ],
            &[
                "`model.encoder` is { dense = 4 } in layer 1",
                "`model.rank` is 2",
                "Try \"rank\"",
            ],
        ),
        (
            &["model.decoder=[]"],
            &["`model.decoder` is an empty list", "1 to 63 layers", "Try"],
        ),
        (
            &[r#"model.decoder=[{ tanh = 4 }, { dense = "bins" }]"#],
            &[
                "`model.decoder`",
                "`tanh`",
                "`dense`, `conv`, `rnn`, `gru` or `lstm`",
                "Try",
            ],
        ),
        (
            &[r#"model.decoder=[{ gru = 4, lstm = 4 }]"#],
            &["`model.decoder`", "both `gru` and `lstm`", "Try two layers"],
        ),
        (
            &[r#"model.decoder=[{ gru = 4, span = 2 }]"#],
            &["`model.decoder`", "`span` beside `gru`", "Try"],
        ),
        (
            &["model.decoder=[{ dense = bins }]"],
            &["`model.decoder`", "single quotes"],
        ),
        (
            &["model.kind=nmf", "model.cell=gru"],
            &["`model.cell` is gru", "\"none\"", "nmf", "Try"],
        ),
        (
            &["model.kind=nmf", r#"model.decoder=[{ dense = "bins" }]"#],
            &["`model.decoder`", "\"auto\"", "nmf", "Try"],
        ),
        (
            &["model.cell=gru", "model.layers=2"],
            &["`model.layers` is 2", "at least 3", "Try"],
        ),
        (
            &["model.span=4", r#"model.decoder=[{ dense = "bins" }]"#],
            &["`model.span` is 4", "left out or 1", "Try"],
        ),
    ] {
        let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
        let train = ["train", clips, "--out", model];
        let text = failure(&[&train[..], &SMALL, &MOMENT, &settings].concat());
        for word in words {
            assert!(
                text.contains(word),
                "{settings:?}: `{word}` is not in: {text}"
            );
        }
        let lines = text.trim_end().lines().count();
        assert!(text.starts_with("nae: ") && lines == 1, "{text}");
        assert!(files(&out).is_empty(), "{settings:?}");
    }
}

#[test]
fn an_experiment_with_layers_that_make_no_model_is_refused_before_it_is_planned() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    for (grid, words) in [
        (
            r#"model.decoder = ["auto", [{ dense = 60 }, { gru = 50 }, { dense = "bins" }]]"#,
            &["`model.decoder` is { gru = 50 } in layer 2", "60", "Try"][..],
        ),
        (
            r#"model.decoder = [[{ dense = 60 }, { conv = "bins" }]]"#,
            &["model.decoder", "without `span`", "Try"],
        ),
        (
            r#"model.decoder = [{ dnse = 60 }, { dense = "bins" }]"#,
            &["model.decoder", "`dnse`", "Try"],
        ),
        (
            "model.decoder = [[]]",
            &["`model.decoder` is an empty list", "Try"],
        ),
    ] {
        let rest = format!(
            "pairs = [\"allison_en_f+librivox_en_m\"]\n[[system]]\nname = \"a\"\ngrid = {{ {grid} }}\n"
        );
        let experiment = write_experiment(folder.path(), &rest);
        let (experiment, run_path) = (experiment.to_str().unwrap(), run.to_str().unwrap());
        let text = failure(&["sweep", "plan", experiment, "--out", run_path]);
        for word in words {
            assert!(text.contains(word), "{grid}: `{word}` is not in: {text}");
        }
        assert!(!run.exists());
    }
}

#[test]
fn an_experiment_over_lists_of_layers_says_which_is_which() {
    let folder = tempfile::tempdir().unwrap();
    let rest = r#"
pairs = ["allison_en_f+librivox_en_m"]
[[system]]
name = "NAE"
model = { rank = 9 }
grid = { model.decoder = ["auto", [{ rnn = 9 }, { conv = "bins", span = 4 }], [{ dense = 8 }, { gru = 8 }, { gru = 8 }, { dense = "bins" }]] }
[[system]]
name = "spans"
grid = { model.span = [1, 2], model.cell = ["none", "gru"] }
"#;
    let experiment = write_experiment(folder.path(), rest);
    let labels = |experiment: &Path, run: &str| -> (Vec<String>, Value) {
        let run = folder.path().join(run);
        common::sweeps::plan(experiment, &run, &[]);
        let manifest = std::fs::read(run.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let variants = manifest["variants"].as_array().unwrap().iter();
        let label = |variant: &Value| variant["label"].as_str().unwrap().to_owned();
        (variants.map(label).collect(), manifest["trainings"].clone())
    };
    let (first, cells) = labels(&experiment, "run");
    let expected = [
        "NAE, decoder auto",
        "NAE, decoder rnn 9 → conv bins span 4",
        "NAE, decoder dense 8 → 2 × gru 8 → dense bins",
        "spans, cell none, span 1",
        "spans, cell none, span 2",
        "spans, cell gru, span 1",
        "spans, cell gru, span 2",
    ];
    assert_eq!(first, expected);
    // the resolved file says all of it
    let resolved = folder.path().join("run/experiment.toml");
    assert_eq!(labels(&resolved, "again"), (first, cells));
}
