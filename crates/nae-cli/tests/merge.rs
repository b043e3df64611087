//! `nae merge` and the universal models: bases of several models in one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

#[cfg(unix)]
use std::time::Duration;

use burn::tensor::Device;
#[cfg(unix)]
use common::background::{Background, unfinished, wait_until};
use common::folder::Folder;
use common::small::{MOMENT, SMALL, golden};
use common::{failure, stderr, stdout};
use nae_model::Model;
use nae_testing::folders::data;
use serde_json::Value;

impl Folder {
    /// Trains a small model of the clip; settings may be given twice, the last one counts.
    fn train(&self, out: &str, more: &[&str]) -> String {
        let (clip, out) = (self.at("clip.wav"), self.at(out));
        let start = ["train", &clip, "--out", &out];
        stdout(&[&start[..], &SMALL, &MOMENT, more].concat());
        out
    }

    /// Arguments that merge models into a file.
    fn merge(&self, models: &[&str], more: &[&str]) -> Vec<String> {
        let out = self.at("merged.safetensors");
        let rest = ["--out", &out, "--device", "cpu"];
        let all = [&["merge"], models, &rest, more].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    fn merged(&self) -> Model {
        Model::load(&self.path("merged.safetensors"), &Device::flex()).unwrap()
    }
}

const NMF: [&str; 2] = ["--ensemble", "nmf"];
const RANK_5: [&str; 2] = ["--set", "model.rank=5"];

#[test]
fn models_of_every_kind_give_their_bases_to_one_that_separates() {
    let folder = Folder::new();
    let few = folder.train("few", &NMF);
    let many = folder.train("many", &[&NMF[..], &RANK_5, &["--no-memory"]].concat());
    let cached = folder.train("cached", &[&NMF[..], &RANK_5, &["--seed", "1"]].concat());
    let ensemble = folder.train("ensemble", &RANK_5);
    let deep = folder.train("deep", &[&["--ensemble", "none"], &RANK_5[..]].concat());
    let gru = ["--ensemble", "none", "--set", "model.cell=gru"];
    let recurrent = folder.train("recurrent", &[&gru[..], &RANK_5].concat());
    let models = [&few, &many, &cached, &ensemble, &deep, &recurrent];
    let models = models.map(String::as_str);
    let said: Value = serde_json::from_str(&stdout(
        &folder.merge(&models, &["--rank-each", "3", "--json"]),
    ))
    .unwrap();
    let parts = said["parts"].as_array().unwrap();
    let ranks: Vec<u64> = parts.iter().map(|p| p["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, [2, 3, 3, 3, 3, 3]);
    let fitted: Vec<&str> = parts
        .iter()
        .map(|p| p["fitted_to"].as_str().unwrap_or("nothing"))
        .collect();
    let cache = "latent_cache";
    assert_eq!(fitted, ["nothing", "bases", cache, cache, cache, cache]);
    assert_eq!(
        (&said["rank"], &said["name"]),
        (&17.into(), &"merged".into())
    );

    let merged = folder.merged();
    let training = &merged.metadata.training;
    assert_eq!(training.merged.len(), 6);
    assert_eq!(training.merged[1].name, "many");
    assert_eq!(training.clips.len(), 6);
    assert!(training.clips.iter().all(|clip| clip.name == "clip.wav"));

    let (mixture, out) = (golden("mixture.wav"), folder.at("stems"));
    let voices = folder.at("merged.safetensors");
    let separate = [
        "separate", &mixture, "--out", &out, "--json", "--model", &voices,
    ];
    let few = format!("few={few}");
    let said: Value =
        serde_json::from_str(&stdout(&[&separate[..], &["--model", &few]].concat())).unwrap();
    assert!(said["null_db"].as_f64().unwrap() < -100.0);
}

#[test]
fn what_each_model_gives_is_said() {
    let folder = Folder::new();
    let few = folder.train("few", &NMF);
    let many = folder.train("many", &[&NMF[..], &RANK_5, &["--no-memory"]].concat());
    let text = stderr(&folder.merge(&[&few, &many], &["--rank-each", "3", "--name", "crowd"]));
    for words in [
        "few: 2 bases, all that it has",
        "3 bases, fitted to those",
        "5 bases of 2 models",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(folder.merged().metadata.name, "crowd");
}

#[test]
fn equal_models_make_equal_files_and_a_merged_model_can_be_merged_again() {
    let folder = Folder::new();
    let one = folder.train("one", &NMF);
    let two = folder.train("two", &[&NMF[..], &["--seed", "1"]].concat());
    stdout(&folder.merge(&[&one, &two], &[]));
    let out = folder.path("merged.safetensors");
    let first = std::fs::read(&out).unwrap();
    stdout(&folder.merge(&[&one, &two], &["--force"]));
    assert_eq!(first, std::fs::read(&out).unwrap());

    std::fs::rename(&out, folder.path("pair")).unwrap();
    let three = folder.train("three", &[&NMF[..], &["--seed", "2"]].concat());
    stdout(&folder.merge(&[&folder.at("pair"), &three], &[]));
    let merged = folder.merged().metadata.training.merged;
    let names: Vec<&str> = merged.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["one", "two", "three"]);
}

#[test]
fn models_that_cannot_be_merged_are_refused_with_what_to_try() {
    let folder = Folder::new();
    let one = folder.train("one", &NMF);
    let deep = ["--ensemble", "none", "--no-memory"];
    let deep = folder.train("deep", &deep);
    let rough = folder.train(
        "rough",
        &[&NMF[..], &["--set", "model.compression=1"]].concat(),
    );
    let hop = ["--set", "audio.hop=32"];
    let hop = folder.train("hop", &[&NMF[..], &hop].concat());
    std::fs::copy(&one, folder.path("copy")).unwrap();
    let copy = folder.at("copy");
    let before = folder.names();
    for (models, more, word) in [
        (vec![&one, &deep], vec![], "nae train --ensemble nmf"),
        (vec![&one, &rough], vec![], "`model.compression`"),
        (vec![&one, &hop], vec![], "`[audio]`"),
        (vec![&one, &one], vec![], "the same model"),
        (vec![&one, &copy], vec![], "the same model"),
        (vec![&one], vec!["--rank-each", "0"], "1..=4096"),
        (vec![&one], vec!["--rank-each", "4097"], "1..=4096"),
        (vec![&one], vec!["--rank-each", "-1"], "'-1'"),
        (vec![&one], vec!["--name", "a/b"], "a/b"),
        (vec![], vec![], "MODEL"),
    ] {
        let models: Vec<&str> = models.into_iter().map(String::as_str).collect();
        let text = failure(&folder.merge(&models, &more));
        assert!(text.contains(word), "{models:?} {more:?}: {text}");
        assert_eq!(folder.names(), before);
    }
    let wav = folder.at("clip.wav");
    assert!(failure(&folder.merge(&[&one, &wav], &[])).contains("clip.wav"));
    let missing = folder.at("missing");
    assert!(failure(&folder.merge(&[&one, &missing], &[])).contains("missing"));
    assert_eq!(folder.names(), before);
}

#[test]
fn more_bases_than_a_model_may_have_are_refused() {
    let folder = Folder::new();
    let seeds = ["0", "1", "2"];
    // a latent cache gives as many as are asked for
    let cached = seeds.map(|seed| {
        let name = format!("cached-{seed}");
        folder.train(&name, &["--ensemble", "none", "--seed", seed])
    });
    let cached = cached.each_ref().map(String::as_str);
    let text = failure(&folder.merge(&cached, &["--rank-each", "2000"]));
    assert!(
        text.contains("6000 bases") && text.contains("4096"),
        "{text}"
    );
}

#[test]
fn outputs_of_merge_are_proved_first_and_inputs_are_kept() {
    let folder = Folder::new();
    let one = folder.train("one", &NMF);
    let bytes = std::fs::read(&one).unwrap();
    std::fs::create_dir(folder.path("taken")).unwrap();
    let before = folder.names();
    for (out, word) in [
        ("one", "input"),
        ("taken", "is a folder"),
        ("new/", "add the file's name"),
        ("clip.wav/m", "clip.wav"),
    ] {
        let out = folder.at(out);
        let arguments = [
            "merge",
            &one,
            "universal:voice",
            "--out",
            &out,
            "--force",
            "--name",
            "x",
        ];
        let text = failure(&arguments);
        assert!(text.contains(word), "{out}: {text}");
        assert_eq!(folder.names(), before);
    }
    assert_eq!(std::fs::read(&one).unwrap(), bytes);
    stdout(&folder.merge(&[&one], &[]));
    assert!(failure(&folder.merge(&[&one], &[])).contains("--force"));
}

/// A mixture of committed recordings, at the default settings.
fn mixture() -> String {
    let path = data("speech/librivox_en_m/test/00.wav");
    path.to_str().unwrap().to_owned()
}

#[test]
fn universal_models_can_be_given_wherever_a_model_can() {
    let folder = Folder::new();
    let (mixture, out) = (mixture(), folder.at("stems"));
    let quick = ["--set", "separate.max_steps=3", "--device", "cpu", "--json"];
    let separate = ["separate", &mixture, "--out", &out, "--force"];
    for (models, stems) in [
        (["universal:voice", "universal:noise"], ["voice", "noise"]),
        (
            ["anna=universal:voice", "universal:noise"],
            ["anna", "noise"],
        ),
        (
            ["a=universal:voice,universal:noise", "b=universal:noise"],
            ["a", "b"],
        ),
    ] {
        let models = ["--model", models[0], "--model", models[1]];
        let said: Value =
            serde_json::from_str(&stdout(&[&separate[..], &quick, &models].concat())).unwrap();
        assert!(said["null_db"].as_f64().unwrap() < -100.0);
        for stem in stems {
            assert!(folder.path("stems").join(format!("{stem}.wav")).exists());
        }
    }
    let unknown = ["--model", "universal:xyz"];
    let new = folder.at("new.safetensors");
    for (arguments, word) in [
        (&[&separate[..], &unknown].concat()[..], "universal:voice"),
        (
            &["merge", "universal:xyz", "--out", &new],
            "universal:noise",
        ),
        (&["merge", "universal:", "--out", &new], "universal:noise"),
        (
            &["merge", "universal:VOICE", "--out", &new],
            "universal:noise",
        ),
        // they have no latent cache to train with
        (
            &[
                &["join", "--out", &new],
                &["--model", "universal:voice"][..],
                &["--model", "universal:noise"],
            ]
            .concat(),
            "--clips",
        ),
    ] {
        let text = failure(arguments);
        assert!(text.contains(word), "{arguments:?}: {text}");
    }
}

#[test]
fn a_universal_model_is_merged_with_others() {
    let folder = Folder::new();
    stdout(&folder.merge(
        &["universal:voice", "universal:noise"],
        &["--rank-each", "200"],
    ));
    let merged = folder.merged();
    let names = merged.metadata.training.merged.len();
    assert_eq!(10 * names, merged.metadata.architecture.rank());
    let one = folder.train("one", &NMF);
    let text = failure(&folder.merge(&["universal:voice", &one], &["--force"]));
    assert!(
        text.contains("16000 Hz") && text.contains("8000 Hz"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_stopped_merge_writes_nothing() {
    let folder = Folder::new();
    let train = |seed: usize| {
        let seed = seed.to_string();
        // some of two units would be silent
        let more = [&["--ensemble", "none", "--seed", &seed][..], &RANK_5].concat();
        folder.train(&seed, &more)
    };
    let models: Vec<String> = (0..12).map(train).collect();
    let models: Vec<&str> = models.iter().map(String::as_str).collect();
    let before = folder.names();
    // as much work as there may be
    let arguments = folder.merge(&models, &["--rank-each", "340"]);
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let mut running = Background::start(&arguments);
        wait_until("it has begun", || !unfinished(folder.root()).is_empty());
        running.signal(signal);
        let (ended, said) = running.end(Duration::from_secs(10));
        assert_eq!(ended.code(), Some(status), "{said}");
        assert!(
            said.is_empty() || said.contains("nothing was written"),
            "{said}"
        );
        assert_eq!(folder.names(), before);
    }
}
