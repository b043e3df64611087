//! What `nae` spends its time on, each alone: `cargo bench`. Compare runs on one machine only; for
//! figures beside other tools see `scripts/bench/`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench may stop with a panic"
)]
#![recursion_limit = "256"]

use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use criterion::{Criterion, criterion_group, criterion_main};
use nae_audio::{Magnitude, Stft, StftConfig};
use nae_metrics::{BSS_EVAL_TAPS, BssEval, Estimate, Reference};
use nae_model::init::from_host;
use nae_model::optim::Flow;
use nae_model::random::generator;
use nae_model::{AudioConfig, ModelConfig, Network};
use nae_separate::activation_solver::solve;
use nae_separate::{ActivationSolver, BatchItem, Parallelism, SeparateConfig, Source};
use nae_testing::noise::uniform;
use nae_testing_models::models::untrained;
use nae_train::TrainConfig;
use nae_train::seeds::Seeds;
use nae_train::spectra::Spectra;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BINS: usize = 513;
const SEED: u64 = 1;
const SHAPES: [(usize, usize); 3] = [(2, 20), (2, 100), (4, 100)];

fn config(layers: usize, rank: usize) -> ModelConfig {
    ModelConfig {
        layers,
        rank,
        ..Default::default()
    }
}

fn network(config: &ModelConfig, device: &Device) -> Network {
    let mut rng = generator(SEED, "weights");
    config.architecture().network(BINS, &mut rng, device)
}

fn magnitudes(count: usize, purpose: &str) -> Vec<f32> {
    let values = uniform(count, 0.0..2.0f32, &mut generator(SEED, purpose));
    values.into_iter().map(|x| x.powi(2)).collect()
}

/// Steps as `nae train` takes them: random frames, latent noise, Adam.
fn training(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    for (layers, rank) in SHAPES {
        for batch_frames in [128, 0] {
            let frames = 1563;
            let values = magnitudes(BINS * frames, "spectrum");
            let spectra = Spectra::one(from_host(values, [1, BINS, frames], &device));
            let network = network(&config(layers, rank), &device);
            let batch = if batch_frames == 0 {
                frames
            } else {
                batch_frames
            };
            let name = format!("training step, {layers} layers, rank {rank}, {batch} frames");
            criterion.bench_function(&name, |bencher| {
                bencher.iter_custom(|steps| {
                    let settings = TrainConfig {
                        batch_frames,
                        max_steps: steps as usize,
                        ..Default::default()
                    };
                    // the clock starts after the first window, which includes the set-up
                    let mut first: Option<(usize, Instant)> = None;
                    let mut elapsed = Duration::ZERO;
                    let mut taken = 0;
                    let whole = Instant::now();
                    rayon::scope(|_| {
                        nae_train::fit::fit(
                            network.clone(),
                            &spectra,
                            &settings,
                            &[0.0],
                            &Seeds(vec![SEED]),
                            &mut |progress| {
                                let (from, since) =
                                    *first.get_or_insert((progress.step, Instant::now()));
                                elapsed = since.elapsed();
                                taken = progress.step - from;
                                Flow::Continue
                            },
                        )
                        .unwrap();
                    });
                    if taken == 0 {
                        return whole.elapsed();
                    }
                    elapsed.mul_f64(steps as f64 / taken as f64)
                });
            });
        }
    }
}

/// Steps of two sources in 10 s of mixture.
fn separation(criterion: &mut Criterion) {
    let device = Device::flex();
    let frames = 625;
    let mixture = Magnitude::new(BINS, frames, magnitudes(BINS * frames, "mixture")).unwrap();
    for (layers, rank) in SHAPES {
        let source = |name: &str| {
            let config = config(layers, rank);
            let audio = AudioConfig::default();
            let model = untrained(name, audio, &config, SEED, &device);
            Source::new(name, vec![model])
        };
        let sources = [source("a"), source("b")];
        let name = format!("separation step, two sources, {layers} layers, rank {rank}");
        criterion.bench_function(&name, |bencher| {
            bencher.iter_custom(|steps| {
                let settings = SeparateConfig {
                    max_steps: steps as usize,
                    ..Default::default()
                };
                let solver = ActivationSolver::new(&sources, settings, SEED, &device).unwrap();
                let item = BatchItem {
                    solver: &solver,
                    mixture: &mixture,
                    gain: 1.0,
                };
                let started = Instant::now();
                rayon::scope(|_| {
                    let observe = &mut |_: &_| Flow::Continue;
                    black_box(solve(&[item], 0, Parallelism::Frames, observe).unwrap());
                });
                started.elapsed()
            });
        });
    }
}

fn sound(samples: usize, purpose: &str) -> Vec<f32> {
    uniform(samples, -0.5..0.5, &mut generator(SEED, purpose))
}

fn transforms(criterion: &mut Criterion) {
    let stft = Stft::new(StftConfig::default()).unwrap();
    let samples = sound(160_000, "sound");
    let spectrogram = stft.analyze(&samples).unwrap();
    criterion.bench_function("STFT of 10 s", |bencher| {
        bencher.iter(|| stft.analyze(black_box(&samples)).unwrap());
    });
    criterion.bench_function("inverse STFT of 10 s", |bencher| {
        bencher.iter(|| {
            stft.synthesize(black_box(&spectrogram), samples.len())
                .unwrap()
        });
    });
}

fn scores(criterion: &mut Criterion) {
    let voices = [sound(160_000, "a"), sound(160_000, "b")];
    let noises = [sound(160_000, "c"), sound(160_000, "d")];
    let estimates: Vec<Vec<f32>> = voices
        .iter()
        .zip(&noises)
        .map(|(voice, noise)| voice.iter().zip(noise).map(|(v, n)| v + 0.3 * n).collect())
        .collect();
    let references = voices
        .each_ref()
        .map(|voice| Reference::new(voice).unwrap());
    let estimates: Vec<Estimate<'_>> = estimates
        .iter()
        .map(|e| Estimate::new(e).unwrap())
        .collect();
    for taps in [BSS_EVAL_TAPS, 1] {
        criterion.bench_function(
            &format!("BSS_eval of two sources, 10 s, {taps} taps"),
            |bencher| {
                bencher.iter(|| {
                    BssEval::new(&references, taps)
                        .unwrap()
                        .score_all(&estimates)
                        .unwrap()
                });
            },
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = training, separation, transforms, scores
}
criterion_main!(benches);
