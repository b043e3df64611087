//! From clips to stems through the command line, on real voices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use common::{QUICK, failure, mixture_files, stdout, train};
use nae_audio::{BitDepth, Clip};
use nae_testing::folders::{data, files};
use serde_json::Value;

const VOICES: [&str; 2] = ["allison_en_f", "librivox_en_m"];

#[test]
fn two_voices_are_separated() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for voice in VOICES {
        train(voice, &folder.path().join(format!("{voice}.safetensors")));
    }
    let (references, mixture) = mixture_files(folder.path());
    let mixture = mixture.to_str().unwrap().to_owned();
    let models = VOICES.map(|voice| path(&format!("{voice}.safetensors")));
    let report: Value = serde_json::from_str(&stdout(&[
        "separate",
        &mixture,
        "--model",
        &models[0],
        "--model",
        &models[1],
        "--out",
        &path("stems"),
        "--device",
        "cpu",
        "--json",
    ]))
    .unwrap();
    assert!(report["null_db"].as_f64().unwrap() < -100.0);
    assert_eq!(report["stems"].as_array().unwrap().len(), 2);
    assert!(
        report["loss"].as_f64().unwrap() > 0.0
            && report["steps"].as_u64().unwrap() > 0
            && report["seconds"].as_f64().unwrap() > 0.0
    );
    assert!(report["device"].as_str().unwrap().contains("cpu"));

    let stems = VOICES.map(|voice| path(&format!("stems/{voice}.wav")));
    let references = references.map(|path| path.to_str().unwrap().to_owned());
    let arguments = [
        "evaluate",
        "--reference",
        &references[0],
        "--reference",
        &references[1],
        "--estimate",
        &stems[0],
        "--estimate",
        &stems[1],
        "--mixture",
        &mixture,
    ];
    let scores: Value =
        serde_json::from_str(&stdout(&[&arguments[..], &["--json"]].concat())).unwrap();
    for (i, row) in scores["sources"].as_array().unwrap().iter().enumerate() {
        assert_eq!(row["reference"], references[i].as_str());
        assert_eq!(row["estimate"], stems[i].as_str());
        let improvement = row["si_sdr_improvement"].as_f64().unwrap();
        assert!(
            (improvement
                - (row["si_sdr"].as_f64().unwrap() - row["si_sdr_mixture"].as_f64().unwrap()))
            .abs()
                < 1e-9
        );
        // a quick model; the demo's full ones reach more
        assert!(improvement > 3.0, "{row}");
    }
    assert!(scores["median"]["si_sdr_improvement"].as_f64().unwrap() > 3.0);
    assert!(stdout(&arguments).contains("median"));
    // a second run refuses to overwrite, and leaves the stems alone
    let before = std::fs::read(&stems[0]).unwrap();
    assert!(
        failure(&[
            "separate",
            &mixture,
            "--model",
            &models[0],
            "--model",
            &models[1],
            "--out",
            &path("stems")
        ])
        .contains("--force")
    );
    assert_eq!(before, std::fs::read(&stems[0]).unwrap());
    stdout(&[
        "separate",
        &mixture,
        "--model",
        &models[0],
        "--model",
        &models[1],
        "--out",
        &path("stems"),
        "--device",
        "cpu",
        "--force",
    ]);
    assert_eq!(
        before,
        std::fs::read(&stems[0]).unwrap(),
        "the same seed gives the same stems"
    );
    assert_eq!(
        files(&folder.path().join("stems")).len(),
        2,
        "nothing temporary is left"
    );

    high_rate_stereo(folder.path(), &models);
    integers_share_one_gain(folder.path(), &models);
}

/// 44.1 kHz stereo 24-bit in, 44.1 kHz stereo out, same sample count, and it nulls.
fn high_rate_stereo(folder: &std::path::Path, models: &[String; 2]) {
    let mono = nae_audio::read(&folder.join("mixture.wav"))
        .unwrap()
        .mixdown();
    let high = nae_audio::resample(&mono, 16_000, 44_100).unwrap();
    let right = high.iter().map(|x| x * 0.5).collect();
    let mixture = folder.join("stereo.wav");
    nae_audio::write(
        &mixture,
        &Clip::new(vec![high, right], 44_100).unwrap(),
        BitDepth::Int24,
    )
    .unwrap();
    let out = folder.join("stereo");
    let (first, second) = (format!("one={}", models[0]), format!("two={}", models[1]));
    stdout(&[
        "separate".as_ref(),
        mixture.as_os_str(),
        "--model".as_ref(),
        first.as_ref(),
        "--model".as_ref(),
        second.as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
        "--device".as_ref(),
        "cpu".as_ref(),
    ]);
    let mixture = nae_audio::read(&mixture).unwrap();
    let stems =
        ["one", "two"].map(|name| nae_audio::read(&out.join(format!("{name}.wav"))).unwrap());
    for stem in &stems {
        assert_eq!(
            (stem.sample_rate(), stem.channel_count(), stem.samples()),
            (44_100, 2, mixture.samples())
        );
    }
    let (mut rest, mut power) = (0.0f64, 0.0f64);
    for c in 0..2 {
        for n in 0..mixture.samples() {
            let x = f64::from(mixture.channels()[c][n]);
            rest +=
                (x - f64::from(stems[0].channels()[c][n]) - f64::from(stems[1].channels()[c][n]))
                    .powi(2);
            power += x * x;
        }
    }
    assert!(10.0 * (rest / power).log10() < -100.0);
}

/// A mixture beyond full scale: 16-bit stems are turned down together.
fn integers_share_one_gain(folder: &std::path::Path, models: &[String; 2]) {
    let loud: Vec<f32> = nae_audio::read(&folder.join("mixture.wav"))
        .unwrap()
        .mixdown()
        .iter()
        .map(|x| x * 8.0)
        .collect();
    let mixture = folder.join("loud.wav");
    nae_audio::write(&mixture, &Clip::mono(loud, 16_000), BitDepth::Float32).unwrap();
    let separate = |out: &str, bits: &str| -> Value {
        let out = folder.join(out);
        let arguments = [
            "separate".as_ref(),
            mixture.as_os_str(),
            "--model".as_ref(),
            models[0].as_ref(),
            "--model".as_ref(),
            models[1].as_ref(),
            "--out".as_ref(),
            out.as_os_str(),
            "--device".as_ref(),
            "cpu".as_ref(),
            "--bits".as_ref(),
            bits.as_ref(),
            "--json".as_ref(),
        ];
        serde_json::from_str(&stdout(&arguments)).unwrap()
    };
    let (float, int) = (separate("float", "32"), separate("int", "16"));
    let gain_db = int["gain_db"].as_f64().unwrap();
    assert!(gain_db < -1.0 && float["gain_db"] == 0.0);
    // 16-bit rounding of two stems
    assert!(
        (-100.0..-60.0).contains(&int["null_db"].as_f64().unwrap()),
        "{int}"
    );
    let gain = 10f64.powf(gain_db / 20.0);
    for voice in VOICES {
        let float = nae_audio::read(&folder.join("float").join(format!("{voice}.wav")))
            .unwrap()
            .mixdown();
        let int = nae_audio::read(&folder.join("int").join(format!("{voice}.wav")))
            .unwrap()
            .mixdown();
        for (float, int) in float.iter().zip(&int) {
            assert!((f64::from(*float) * gain - f64::from(*int)).abs() < 1.01 / 65536.0);
        }
    }
    assert_eq!(
        files(&folder.join("int")).len(),
        2,
        "nothing temporary is left"
    );
}

#[test]
fn training_reports_logs_and_describes_itself() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/voice.safetensors");
    let log = folder.path().join("log.jsonl");
    let clips = data("speech/librivox_en_m/train");
    let mut arguments: Vec<std::ffi::OsString> = vec![
        "train".into(),
        clips.into(),
        "--out".into(),
        out.clone().into(),
        "--log".into(),
        log.clone().into(),
        "--json".into(),
    ];
    arguments.extend(QUICK.map(Into::into));
    let report: Value = serde_json::from_str(&stdout(&arguments)).unwrap();
    assert_eq!(report["steps"], 200);
    assert_eq!(report["model"], out.to_str().unwrap());
    for key in ["loss", "frames", "seconds"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}");
    }
    let lines: Vec<Value> = std::fs::read_to_string(&log)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 200 / 25);
    // what is kept is the best window, not the last
    let losses = lines.iter().map(|line| line["loss"].as_f64().unwrap());
    assert_eq!(report["loss"], losses.fold(f64::INFINITY, f64::min));

    let bytes = std::fs::read(&out).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata["name"], "voice");
    let training: Value = serde_json::from_str(&metadata["training"]).unwrap();
    assert_eq!(training["clips"][0]["name"], "00.wav");
    assert_eq!(training["clips"][0]["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn the_small_commands_print_something() {
    assert!(stdout(&["devices"]).contains("burn-flex"));
    assert!(stdout(&["settings"]).contains("[separate]"));
    assert!(stdout(&["completions", "bash"]).contains("complete"));
    for command in ["train", "separate", "evaluate", "demo"] {
        assert!(stdout(&[command, "--help"]).contains("Usage"));
    }
}
