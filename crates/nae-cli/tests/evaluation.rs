//! `nae evaluate`: scores, bounds, folders, permutation, explanations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::Path;

use common::{failure, mixture_files, stdout};
use nae_audio::{BitDepth, Clip};
use serde_json::Value;

/// Arguments that score files.
fn evaluate<'a>(references: &[&'a str], estimates: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let parts: [&[&str]; 5] = [
        &["evaluate", "--reference"],
        references,
        &["--estimate"],
        estimates,
        more,
    ];
    parts.concat()
}

/// Writes synthetic stems, each a reference with some of the other, and returns their paths.
fn stems(references: &[std::path::PathBuf; 2], folder: &Path) -> [String; 2] {
    std::fs::create_dir_all(folder).unwrap();
    let voices = references
        .each_ref()
        .map(|path| nae_audio::read(path).unwrap().mixdown());
    [(0, 1, 0.2f32), (1, 0, 0.3)].map(|(own, other, leak)| {
        let samples = voices[own]
            .iter()
            .zip(&voices[other])
            .map(|(a, b)| 0.5 * a + leak * b)
            .collect();
        let path = folder.join(references[own].file_name().unwrap());
        nae_audio::write(&path, &Clip::mono(samples, 16_000), BitDepth::Float32).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[test]
fn every_score_has_a_floor_a_gain_and_a_ceiling() {
    let folder = tempfile::tempdir().unwrap();
    let (references, mixture) = mixture_files(folder.path());
    let stems = stems(&references, &folder.path().join("stems"));
    let (r, m) = (
        references.each_ref().map(|path| path.to_str().unwrap()),
        mixture.to_str().unwrap(),
    );
    let arguments = evaluate(&r, &[&stems[0], &stems[1]], &["--mixture", m]);
    let scores: Value =
        serde_json::from_str(&stdout(&[&arguments[..], &["--json"]].concat())).unwrap();
    for row in scores["sources"].as_array().unwrap() {
        for key in [
            "sdr", "sir", "sar", "si_sdr", "si_sir", "si_sar", "stoi", "estoi",
        ] {
            let value = |key: String| row[&key].as_f64().unwrap_or_else(|| panic!("{key}: {row}"));
            let (score, floor, ceiling) = (
                value(key.into()),
                value(format!("{key}_mixture")),
                value(format!("oracle_{key}")),
            );
            if floor > 100.0 {
                assert!(row[format!("{key}_improvement")].is_null(), "{key}");
                continue;
            }
            let gain = value(format!("{key}_improvement"));
            assert!((gain - (score - floor)).abs() < 1e-9, "{key}");
            // SAR of a mixture of the sources alone is limited by rounding only
            if !key.ends_with("sar") {
                assert!(
                    floor < score && floor < ceiling,
                    "{key}: {floor} {score} {ceiling}"
                );
            }
        }
    }
    let table = stdout(&arguments);
    for word in [
        "512 taps",
        "1 tap",
        "median gain over mixture",
        "ideal ratio mask",
        "ESTOI",
    ] {
        assert!(table.contains(word), "{word} is not in\n{table}");
    }
}

#[test]
fn unlabelled_estimates_are_paired_and_the_pairing_is_undone_in_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (references, _) = mixture_files(folder.path());
    let stems = stems(&references, &folder.path().join("stems"));
    let r = references.each_ref().map(|path| path.to_str().unwrap());
    let score = |first: &str, second: &str, extra: &[&str]| -> Value {
        let arguments = [
            "evaluate",
            "--reference",
            r[0],
            "--reference",
            r[1],
            "--estimate",
            first,
            "--estimate",
            second,
            "--json",
        ];
        serde_json::from_str(&stdout(&[&arguments[..], extra].concat())).unwrap()
    };
    assert_eq!(
        score(&stems[0], &stems[1], &[]),
        score(&stems[1], &stems[0], &["--permute"])
    );
    assert_ne!(
        score(&stems[0], &stems[1], &[]),
        score(&stems[1], &stems[0], &[])
    );
}

#[test]
fn folders_are_matched_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth/mixture-0");
    std::fs::create_dir_all(&truth).unwrap();
    let (references, _) = mixture_files(&truth);
    stems(&references, &folder.path().join("found/mixture-0"));
    let (truth, found) = (folder.path().join("truth"), folder.path().join("found"));
    let arguments = [
        "evaluate",
        "--references",
        truth.to_str().unwrap(),
        "--estimates",
        found.to_str().unwrap(),
    ];
    let scores: Value =
        serde_json::from_str(&stdout(&[&arguments[..], &["--json"]].concat())).unwrap();
    assert_eq!(scores["sources"].as_array().unwrap().len(), 2);
    assert!(
        scores["median"]["si_sdr_improvement"].as_f64().unwrap() > 3.0,
        "mixture.wav beside the references is the mixture"
    );
    std::fs::remove_file(found.join("mixture-0/reference-1.wav")).unwrap();
    assert!(failure(&arguments).contains("reference-1.wav has no estimate"));
}

#[test]
fn the_definitions_of_sdr_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (references, _) = mixture_files(folder.path());
    let stems = stems(&references, &folder.path().join("stems"));
    let r = references.each_ref().map(|path| path.to_str().unwrap());
    let text = stdout(&evaluate(&r, &[&stems[0], &stems[1]], &["--explain"]));
    for word in ["SNR", "SI-SDR", "512 taps", "wrong level", "too low"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
}

/// Folders of references and estimates with the given mixtures, each two sounds.
struct Scenes {
    folder: tempfile::TempDir,
}

impl Scenes {
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let truth = folder.path().join("truth").join(name);
            std::fs::create_dir_all(&truth).unwrap();
            let (references, _) = mixture_files(&truth);
            stems(&references, &folder.path().join("found").join(name));
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self) -> Vec<String> {
        let [truth, found] = ["truth", "found"].map(|name| self.path(name).display().to_string());
        ["evaluate", "--references", &truth, "--estimates", &found]
            .map(str::to_owned)
            .to_vec()
    }

    fn json(&self) -> Value {
        let arguments = [self.arguments(), vec!["--json".into()]].concat();
        serde_json::from_str(&stdout(&arguments)).unwrap()
    }

    /// The sound of a file, changed.
    fn change(&self, name: &str, change: impl Fn(Vec<f32>) -> Vec<f32>) {
        let path = self.path(name);
        let samples = change(nae_audio::read(&path).unwrap().mixdown());
        nae_audio::write(&path, &Clip::mono(samples, 16_000), BitDepth::Float32).unwrap();
    }
}

#[test]
fn a_mixture_that_cannot_be_scored_costs_no_other_its_scores() {
    type Fault = (&'static str, fn(&Scenes));
    let faults: [Fault; 9] = [
        ("is silent", |s| {
            s.change("truth/b/reference-1.wav", |x| vec![0.0; x.len()])
        }),
        ("is silent", |s| {
            s.change("found/b/reference-0.wav", |x| vec![0.0; x.len()])
        }),
        ("the mixture, is silent", |s| {
            s.change("truth/b/mixture.wav", |x| vec![0.0; x.len()])
        }),
        ("the same length", |s| {
            s.change("found/b/reference-0.wav", |x| x[300..].to_vec())
        }),
        ("the mixture, has", |s| {
            s.change("truth/b/mixture.wav", |x| x[300..].to_vec())
        }),
        ("has no estimate", |s| {
            std::fs::remove_file(s.path("found/b/reference-1.wav")).unwrap()
        }),
        ("not a sound file", |s| {
            std::fs::write(s.path("truth/b/reference-1.wav"), b"nothing").unwrap()
        }),
        ("two estimates of one name", |s| {
            std::fs::copy(
                s.path("found/b/reference-0.wav"),
                s.path("found/b/reference-0.flac"),
            )
            .map(|_| ())
            .unwrap()
        }),
        ("could not", |s| {
            std::fs::remove_dir_all(s.path("found/b")).unwrap()
        }),
    ];
    let whole = Scenes::new(&["a"]).json();
    for (reason, fault) in faults {
        let scenes = Scenes::new(&["a", "b"]);
        fault(&scenes);
        let scores = scenes.json();
        assert_eq!(scores["median"], whole["median"], "{reason}");
        let left_out = scores["left_out"].as_array().unwrap();
        assert_eq!(left_out.len(), 1, "{reason}");
        let (name, told) = (&left_out[0]["references"], &left_out[0]["reason"]);
        assert!(name.as_str().unwrap().ends_with("truth/b"), "{name}");
        let told = told.as_str().unwrap();
        assert!(
            told.contains(reason) || reason == "could not" && told.contains("no such"),
            "{told}"
        );
        let table = stdout(&scenes.arguments());
        assert!(
            table.contains("left out: 1 mixture") && table.contains(told),
            "{table}"
        );
    }
    let scenes = Scenes::new(&["a", "b"]);
    for name in ["a", "b"] {
        scenes.change(&format!("truth/{name}/reference-1.wav"), |x| {
            vec![0.0; x.len()]
        });
    }
    let text = failure(&scenes.arguments());
    assert!(
        text.contains("none of 2 mixtures") && text.contains("truth/b"),
        "{text}"
    );
}

#[test]
fn two_sounds_of_one_name_are_named_and_none_is_chosen() {
    for name in [
        "truth/a/reference-0",
        "truth/a/mixture",
        "found/a/reference-1",
    ] {
        let scenes = Scenes::new(&["a"]);
        let [wav, flac] = ["wav", "flac"].map(|ending| scenes.path(&format!("{name}.{ending}")));
        std::fs::copy(&wav, &flac).unwrap();
        let text = failure(&scenes.arguments());
        for path in [wav, flac] {
            assert!(text.contains(path.to_str().unwrap()), "{text}");
        }
    }
}

#[test]
fn a_fault_of_the_mixture_is_not_told_of_the_estimates() {
    let folder = tempfile::tempdir().unwrap();
    let (references, mixture) = mixture_files(folder.path());
    let stems = stems(&references, &folder.path().join("stems"));
    let r = references.each_ref().map(|path| path.to_str().unwrap());
    let sound = nae_audio::read(&mixture).unwrap().mixdown();
    let m = mixture.to_str().unwrap();
    let arguments = evaluate(&r, &[&stems[0], &stems[1]], &["--mixture", m]);
    let faults: [(Vec<f32>, u32, &str); 3] = [
        (vec![0.0; sound.len()], 16_000, "silent"),
        (sound[..sound.len() - 300].to_vec(), 16_000, "length"),
        (sound.clone(), 8000, "8000 Hz"),
    ];
    for (samples, rate, word) in faults {
        nae_audio::write(&mixture, &Clip::mono(samples, rate), BitDepth::Float32).unwrap();
        let text = failure(&arguments);
        assert!(
            text.contains("mixture.wav, the mixture,") && text.contains(word),
            "{text}"
        );
        assert!(!text.contains("estimate"), "{text}");
    }
    // of the right form, but another sound
    let noise =
        (0..sound.len() as u64).map(|n| ((n * n * 2_654_435_761) % 1000) as f32 / 1000.0 - 0.5);
    nae_audio::write(
        &mixture,
        &Clip::mono(noise.collect(), 16_000),
        BitDepth::Float32,
    )
    .unwrap();
    let text = stdout(&arguments);
    assert!(text.contains("is it their mixture?"), "{text}");
}

#[test]
fn estimates_in_another_order_are_hinted_at_and_stay_in_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let (references, _) = mixture_files(folder.path());
    let stems = stems(&references, &folder.path().join("stems"));
    let r = references.each_ref().map(|path| path.to_str().unwrap());
    let run = |first: usize, second: usize, extra: &[&str]| {
        stdout(&evaluate(&r, &[&stems[first], &stems[second]], extra))
    };
    let hint = "estimate 2 (";
    for extra in [&[][..], &["--json"], &["--explain"]] {
        assert!(run(1, 0, extra).contains(hint), "{extra:?}");
        assert!(!run(0, 1, extra).contains(hint), "{extra:?}");
    }
    assert!(!run(1, 0, &["--permute"]).contains(hint));
    let swapped: Value = serde_json::from_str(&run(1, 0, &["--json"])).unwrap();
    assert_eq!(swapped["sources"][0]["estimate"], stems[1]);
}

#[test]
fn an_estimate_that_is_too_quiet_is_below_the_plain_snr() {
    let folder = tempfile::tempdir().unwrap();
    let (references, _) = mixture_files(folder.path());
    let voices = references
        .each_ref()
        .map(|path| nae_audio::read(path).unwrap().mixdown());
    let weak = voices[0]
        .iter()
        .zip(&voices[1])
        .map(|(a, b)| 0.6 * a + 0.5 * b);
    let path = folder.path().join("weak.wav");
    nae_audio::write(
        &path,
        &Clip::mono(weak.collect(), 16_000),
        BitDepth::Float32,
    )
    .unwrap();
    let r = references[0].to_str().unwrap();
    let path = path.to_str().unwrap();
    let text = stdout(&evaluate(&[r], &[path], &["--explain"]));
    assert!(
        text.contains("dB below the plain SNR") && text.contains("1 reference\n"),
        "{text}"
    );
}

#[test]
fn channels_that_cancel_are_no_silent_file() {
    let folder = tempfile::tempdir().unwrap();
    let (references, _) = mixture_files(folder.path());
    let voice = nae_audio::read(&references[0]).unwrap().mixdown();
    let inverted = voice.iter().map(|x| -x).collect();
    let clip = Clip::new(vec![voice, inverted], 16_000).unwrap();
    let path = folder.path().join("stereo.wav");
    nae_audio::write(&path, &clip, BitDepth::Float32).unwrap();
    let r = references[0].to_str().unwrap();
    let text = failure(&evaluate(&[r], &[path.to_str().unwrap()], &[]));
    assert!(text.contains("cancel"), "{text}");
}
