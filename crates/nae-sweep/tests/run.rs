//! A run through the library: both ways through a device, and being stopped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use nae_audio::{BitDepth, Clip};
use nae_sweep::table::{Table, Value};
use nae_sweep::{
    Experiment, Manifest, OnFailure, Options, Parallelism, RetryPolicy, Share, Store, Tally,
    collect,
};

const RATE: u32 = 8000;

/// A few tones that come and go, different for every speaker.
fn tones(pitch: f32, seconds: usize) -> Clip {
    Clip::mono(nae_testing::tones::melody(pitch, RATE, seconds), RATE)
}

/// Two speakers, two systems and the second one joined: 4 models, 1 joint encoder, 6 mixtures.
fn plan(folder: &Path, name: &str) -> Store {
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

fn options(parallelism: Parallelism) -> Options {
    Options {
        share: Share::ALL,
        parallelism,
        on_failure: OnFailure::KeepGoing,
        retry_policy: RetryPolicy::Skip,
    }
}

fn run(store: &Store, parallelism: Parallelism) -> Tally {
    let device = Device::flex();
    nae_sweep::run(store, &options(parallelism), &device, &|| false, &|_| {}).unwrap()
}

fn number(table: &Table, row: &[Value], name: &str) -> f64 {
    table.get(row, name).number().unwrap()
}

#[test]
fn stacks_of_cells_give_the_scores_of_single_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (single, batched) = (
        plan(folder.path(), "single"),
        plan(folder.path(), "batched"),
    );
    let done = run(&single, Parallelism::Cells(2));
    assert_eq!((done.trained, done.joined), (4, 1));
    assert_eq!((done.separated, done.failed), (6, 0));
    assert_eq!(run(&batched, Parallelism::Batched), done);
    let (single, batched) = (
        collect::table(&single).unwrap(),
        collect::table(&batched).unwrap(),
    );
    assert_eq!(single.names(), batched.names());
    assert_eq!(single.rows().len(), 12);
    for (one, other) in single.rows().iter().zip(batched.rows()) {
        for name in ["si_sdr", "sdr", "si_sdr_mixture", "oracle_sdr"] {
            let (one, other) = (number(&single, one, name), number(&batched, other, name));
            // sums in another order, through a short training and a separation
            assert!((one - other).abs() < 0.05, "{name}: {one} and {other}");
        }
        assert_eq!(single.get(one, "cell"), batched.get(other, "cell"));
    }
}

#[test]
fn a_stopped_run_drops_what_it_was_at_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), "run");
    // asked before every cell and in every window of steps: in the middle of a model at first, later
    // also of the joint encoder, which has ten windows of its own
    let (mut trained, mut joined, mut separated) = (0, 0, 0);
    let mut stops = 0;
    loop {
        let asked = AtomicUsize::new(0);
        let stop = || asked.fetch_add(1, Ordering::SeqCst) >= 6;
        let options = options(Parallelism::Cells(1));
        let device = Device::flex();
        let tally = match stops {
            4 => run(&store, Parallelism::Cells(1)),
            _ => nae_sweep::run(&store, &options, &device, &stop, &|_| {}).unwrap(),
        };
        assert_eq!(tally.failed, 0, "{tally:?}");
        trained += tally.trained;
        joined += tally.joined;
        separated += tally.separated;
        if tally.left == 0 {
            break;
        }
        stops += 1;
    }
    assert!(stops > 1, "it was stopped more than once");
    assert_eq!((trained, joined, separated), (4, 1, 6));
}
