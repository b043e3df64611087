//! Activations that are optimised while the mixture is still coming.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use burn::tensor::Device;
use nae_audio::Clip;
use nae_model::optim::Flow;
use nae_model::random::generator;
use nae_model::{AudioConfig, Model, ModelConfig, ModelKind};
use nae_separate::{
    FrameSolver, Live, LiveConfig, SeparateConfig, SeparateError, Separator, Source,
};
use nae_testing_models::models::untrained;

const SEED: u64 = 8;

const AUDIO: AudioConfig = AudioConfig {
    sample_rate: 8000,
    n_fft: 256,
    hop: 64,
};

fn model(name: &str, seed: u64, config: &ModelConfig) -> Model {
    untrained(name, AUDIO, config, seed, &Device::flex())
}

fn nmf() -> ModelConfig {
    ModelConfig {
        kind: ModelKind::Nmf,
        rank: 5,
        ..Default::default()
    }
}

fn deep() -> ModelConfig {
    ModelConfig {
        layers: 4,
        rank: 5,
        ..Default::default()
    }
}

fn sources() -> Vec<Source> {
    let source = |name: &str, seed| Source::new(name, vec![model(name, seed, &nmf())]);
    vec![source("a", 1), source("b", 2)]
}

fn solver(sources: &[Source], updates: usize) -> Result<FrameSolver, SeparateError> {
    FrameSolver::new(
        sources,
        &SeparateConfig::default(),
        updates,
        &Device::flex(),
    )
}

fn live(updates: usize, config: &LiveConfig) -> Live {
    let solver = solver(&sources(), updates).unwrap();
    let names = vec!["a".into(), "b".into()];
    Live::new(names, AUDIO, Box::new(solver), config).unwrap()
}

fn noise(samples: usize, seed: u64) -> Vec<f32> {
    nae_testing::noise::red(samples, &mut generator(seed, "noise"))
}

/// All stems with the delay, `[stem][channel]`.
fn stems(mut live: Live, channels: &[Vec<f32>], length: usize) -> Vec<Vec<Vec<f32>>> {
    let mut stems = vec![vec![Vec::new(); channels.len()]; live.names().len()];
    for first in (0..channels[0].len()).step_by(length) {
        let last = (first + length).min(channels[0].len());
        let piece: Vec<&[f32]> = channels.iter().map(|x| &x[first..last]).collect();
        live.push(&piece).unwrap();
        live.pull(&mut stems);
    }
    live.flush().unwrap();
    live.pull(&mut stems);
    stems
}

#[test]
fn stems_sum_to_the_delayed_mixture_at_every_rate_and_channel_count() {
    for (rate, channels) in [(8000, 1), (48_000, 2), (44_100, 1), (6000, 3)] {
        let mixture: Vec<Vec<f32>> = (0..channels).map(|c| noise(9001, c)).collect();
        let new = || live(2, &LiveConfig::new(rate, channels as usize));
        let latency = new().latency();
        let all = stems(new(), &mixture, 333);
        assert!(all == stems(new(), &mixture, 1000));
        for (c, x) in mixture.iter().enumerate() {
            let largest = x.iter().fold(0.0f32, |a, x| a.max(x.abs()));
            for (n, x) in x.iter().enumerate() {
                let sum = all[0][c][n + latency] + all[1][c][n + latency];
                assert!((sum - x).abs() < 1e-6 * largest.max(1.0), "{rate} {n}");
            }
        }
    }
}

#[test]
fn one_stem_is_the_same_whether_or_not_others_are_made() {
    for rate in [8000, 48_000] {
        let mixture = vec![noise(8000, 3)];
        let all = stems(live(3, &LiveConfig::new(rate, 1)), &mixture, 400);
        let mut config = LiveConfig::new(rate, 1);
        config.stems = vec!["b".into()];
        let only = stems(live(3, &config), &mixture, 400);
        assert_eq!(only, [all[1].clone()]);
    }
}

#[test]
fn with_many_updates_the_stems_are_those_of_the_whole_sound() {
    let x = noise(8000, 5);
    let live = live(400, &LiveConfig::new(AUDIO.sample_rate, 1));
    let latency = live.latency();
    let came = stems(live, std::slice::from_ref(&x), 500);
    let config = SeparateConfig {
        max_steps: 800,
        ..Default::default()
    };
    let separator = Separator::new(&sources(), config, SEED, &Device::flex()).unwrap();
    let clip = Clip::mono(x, AUDIO.sample_rate);
    let expected = separator.separate(&clip, &mut |_| Flow::Continue).unwrap();
    for (came, expected) in came.iter().zip(&expected.stems) {
        let (came, expected) = (&came[0][latency..], &expected.channels()[0]);
        let power = |x: f32| f64::from(x) * f64::from(x);
        let error: f64 = came.iter().zip(expected).map(|(a, b)| power(a - b)).sum();
        let own: f64 = expected.iter().map(|x| power(*x)).sum();
        // the minimum is one, and both come near it
        assert!(error < 1e-3 * own, "{} dB", 10.0 * (error / own).log10());
    }
}

#[test]
fn models_that_cannot_are_left_out_or_refused() {
    let mixed = Source::new("a", vec![model("a", 1, &deep()), model("a", 2, &nmf())]);
    let other = Source::new("b", vec![model("b", 3, &nmf())]);
    let found = solver(&[mixed, other], 2).unwrap();
    assert_eq!(found.used(), [("a".into(), 1, 2), ("b".into(), 1, 1)]);
    let only_deep = Source::new("a", vec![model("a", 1, &deep())]);
    let error = solver(&[only_deep], 2).err().expect("refused").to_string();
    assert!(
        error.contains("`a`") && error.contains("--joint"),
        "{error}"
    );
    let other_compression = ModelConfig {
        compression: 0.9,
        ..nmf()
    };
    let two = [
        Source::new("a", vec![model("a", 1, &nmf())]),
        Source::new("b", vec![model("b", 1, &other_compression)]),
    ];
    let error = solver(&two, 2).err().expect("refused").to_string();
    assert!(error.contains("compression"), "{error}");
    assert!(matches!(
        solver(&[], 1).err(),
        Some(SeparateError::NoSources)
    ));
}

#[test]
fn silence_stays_silence_and_nothing_is_not_finite() {
    let mut x = vec![0.0; 4000];
    x.extend(noise(4000, 6));
    x.extend(vec![0.0; 4000]);
    let live = live(2, &LiveConfig::new(AUDIO.sample_rate, 1));
    let latency = live.latency();
    let all = stems(live, &[x], 100);
    for stem in &all {
        assert!(stem[0].iter().all(|y| y.is_finite()));
        assert!(stem[0][..4000 + latency - 256].iter().all(|y| *y == 0.0));
    }
}
