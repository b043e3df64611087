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
    let arguments = [
        "evaluate",
        "--reference",
        r[0],
        r[1],
        "--estimate",
        &stems[0],
        &stems[1],
        "--mixture",
        m,
    ];
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
    let text = stdout(&[
        "evaluate",
        "--reference",
        r[0],
        r[1],
        "--estimate",
        &stems[0],
        &stems[1],
        "--explain",
    ]);
    for word in ["SNR", "SI-SDR", "512 taps", "wrong level"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
}
