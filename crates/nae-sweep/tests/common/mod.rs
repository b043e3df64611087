//! A small experiment of tones, planned and run.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::path::Path;

use burn::tensor::Device;
use nae_audio::{BitDepth, Clip};
use nae_sweep::{
    Experiment, Manifest, OnFailure, Options, Parallelism, RetryPolicy, Share, Store, Tally,
};

const RATE: u32 = 8000;

/// A few tones that come and go, different for every speaker.
fn tones(pitch: f32, seconds: usize) -> Clip {
    Clip::mono(nae_testing::tones::melody(pitch, RATE, seconds), RATE)
}

/// Two speakers, two systems and the second one joined: 4 models, 1 joint encoder, 6 mixtures.
pub fn plan(folder: &Path, name: &str) -> Store {
    for (speaker, pitch) in [("low_m", 220.0), ("high_f", 700.0)] {
        for (part, seconds) in [("train", 4), ("test", 2)] {
            let place = folder.join("speakers").join(speaker).join(part);
            std::fs::create_dir_all(&place).unwrap();
            nae_audio::write(
                &place.join("0.wav"),
                &tones(pitch, seconds),
                BitDepth::Int16,
            )
            .unwrap();
        }
    }
    let file = folder.join("tones.toml");
    let text = r#"
[data]
speakers = "speakers"
min_train_s = 2
mixtures = 2
mixture_s = 1
[audio]
sample_rate = 8000
n_fft = 512
hop = 128
[train]
max_steps = 20
[train.refine]
passes = 3
[[system]]
name = "NMF"
model = { kind = "nmf", rank = 4 }
[[system]]
name = "NAE"
model = { layers = 2, rank = 4 }
[[system]]
name = "joint"
join = "memories"
model = { layers = 2, rank = 4 }
joint = { steps = 20, window = 2, width = 16, mixtures = 2, speeds = [1.0] }
"#;
    std::fs::write(&file, text).unwrap();
    let experiment = Experiment::load(&file, &[]).unwrap();
    let manifest = Manifest::plan(&experiment).unwrap();
    let run = folder.join(name);
    std::fs::create_dir(&run).unwrap();
    Store::create(&run, &experiment.to_toml().unwrap(), &manifest).unwrap()
}

pub fn options(parallelism: Parallelism) -> Options {
    Options {
        share: Share::ALL,
        parallelism,
        on_failure: OnFailure::KeepGoing,
        retry_policy: RetryPolicy::Skip,
    }
}

pub fn run(store: &Store, parallelism: Parallelism) -> Tally {
    let device = Device::flex();
    nae_sweep::run(store, &options(parallelism), &device, &|| false, &|_| {}).unwrap()
}
