//! Separation with models that need no training: what must hold whatever the weights are. One file, over
//! 400 lines, because all tests share its models and mixtures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use std::path::Path;

use burn::tensor::Device;
use nae_audio::{AudioReader, Clip};
use nae_model::optim::{Flow, OptimizerKind, Progress};
use nae_model::random::generator;
use nae_model::{ActivationForm, AudioConfig, Latent, Model, ModelConfig, ModelKind, Output};
use nae_separate::settings::Start;
use nae_separate::{
    ResidualLevel, SeparateConfig, SeparateError, Separator, Source, separate_many,
};
use nae_testing_models::models::untrained;

const SEED: u64 = 8;

fn go_on(_: &Progress) -> Flow {
    Flow::Continue
}

fn model(name: &str, seed: u64, config: ModelConfig) -> Model {
    let audio = AudioConfig {
        sample_rate: 8000,
        n_fft: 256,
        hop: 64,
    };
    untrained(name, audio, &config, seed, &Device::flex())
}

fn source(name: &str, seed: u64, config: &ModelConfig) -> Source {
    Source {
        name: name.into(),
        models: vec![model(name, seed, config.clone())],
    }
}

fn small() -> ModelConfig {
    ModelConfig {
        layers: 4,
        rank: 6,
        ..Default::default()
    }
}

fn quick() -> SeparateConfig {
    SeparateConfig {
        max_steps: 6,
        window: 3,
        ..Default::default()
    }
}

fn two(config: SeparateConfig) -> Separator {
    Separator::new(
        &[source("a", 1, &small()), source("b", 2, &small())],
        config,
        SEED,
        &Device::flex(),
    )
    .unwrap()
}

fn noise(samples: usize, seed: u64) -> Vec<f32> {
    nae_testing::noise::red(samples, &mut generator(seed, "noise"))
}

fn residual_db(mixture: &Clip, stems: &[Clip]) -> f64 {
    let mut level = ResidualLevel::default();
    for (c, x) in mixture.channels().iter().enumerate() {
        let stems: Vec<&[f32]> = stems
            .iter()
            .map(|stem| stem.channels()[c].as_slice())
            .collect();
        level.add(x, &stems);
    }
    level.db()
}

#[test]
fn stems_sum_to_the_mixture_at_every_rate_channel_count_and_setting() {
    for (rate, channels) in [(8000, 1), (8000, 2), (44_100, 2), (16_000, 1), (6000, 3)] {
        let mixture = Clip::new((0..channels).map(|c| noise(9001, c)).collect(), rate).unwrap();
        let stems = two(quick()).separate(&mixture, &mut go_on).unwrap().stems;
        for stem in &stems {
            assert_eq!(
                (stem.samples(), stem.channel_count(), stem.sample_rate()),
                (9001, channels as usize, rate)
            );
        }
        let db = residual_db(&mixture, &stems);
        assert!(db < -100.0, "{rate} Hz, {channels} channels: {db} dB");
    }
    let mixture = Clip::mono(noise(5000, 1), 8000);
    for (optimizer, learning_rate) in [
        (OptimizerKind::Adam, 0.5),
        (OptimizerKind::Rmsprop, 0.01),
        (OptimizerKind::Rprop, 0.01),
    ] {
        for latent in [Latent::Bottleneck, Latent::First] {
            for activations in [
                ActivationForm::Free,
                ActivationForm::Nonnegative,
                ActivationForm::Preactivation,
            ] {
                for start in [Start::Encoder, Start::Random] {
                    let config = SeparateConfig {
                        optimizer,
                        learning_rate,
                        latent,
                        activations,
                        start,
                        starts: 2,
                        ..quick()
                    };
                    let separated = two(config).separate(&mixture, &mut go_on).unwrap();
                    assert!(residual_db(&mixture, &separated.stems) < -100.0);
                    assert_eq!(separated.steps, 12);
                }
            }
        }
    }
}

#[test]
fn one_model_s_stem_is_the_mixture() {
    let separator =
        Separator::new(&[source("a", 1, &small())], quick(), SEED, &Device::flex()).unwrap();
    let mixture = Clip::mono(noise(4000, 1), 8000);
    let stem = &separator.separate(&mixture, &mut go_on).unwrap().stems[0];
    assert!(residual_db(&mixture, std::slice::from_ref(stem)) < -100.0);
}

#[test]
fn mixtures_at_any_level_give_the_same_stems_up_to_gain() {
    for output in [Output::Linear, Output::Softplus] {
        let config = ModelConfig { output, ..small() };
        let separator = Separator::new(
            &[source("a", 1, &config), source("b", 2, &config)],
            quick(),
            SEED,
            &Device::flex(),
        )
        .unwrap();
        let at = |db: f32| {
            let gain = 10f32.powf(db / 20.0);
            let mixture = noise(6000, 1).iter().map(|x| x * gain).collect();
            let stem = separator
                .separate(&Clip::mono(mixture, 8000), &mut go_on)
                .unwrap()
                .stems
                .remove(0);
            stem.into_channels()
                .remove(0)
                .iter()
                .map(|x| x / gain)
                .collect::<Vec<f32>>()
        };
        let middle = at(0.0);
        let power: f32 = middle.iter().map(|x| x * x).sum();
        for db in [-20.0, 20.0] {
            let error: f32 = at(db)
                .iter()
                .zip(&middle)
                .map(|(a, b)| (a - b).powi(2))
                .sum();
            // f32 rounding, amplified a little by the optimisation
            assert!(
                error < 1e-6 * power,
                "{output:?} {db} dB: {}",
                10.0 * (error / power).log10()
            );
        }
    }
}

#[test]
fn the_stems_of_a_long_mixture_in_blocks_sum_to_it_and_keep_its_length() {
    let mixture = Clip::new(
        vec![noise(8000 * 7 + 123, 1), noise(8000 * 7 + 123, 2)],
        8000,
    )
    .unwrap();
    let separator = two(SeparateConfig {
        block_s: 1.5,
        overlap_s: 0.5,
        ..quick()
    });
    let mut written = vec![vec![Vec::new(); 2]; 2];
    let mut blocks = 0;
    let summary = separator
        .separate_blocks(
            AudioReader::from_clip(mixture.clone()),
            &mut |source, channels| {
                for (all, new) in written[source].iter_mut().zip(channels) {
                    all.extend(new);
                }
                Ok(())
            },
            &mut |progress| {
                blocks = progress.block + 1;
                Flow::Continue
            },
        )
        .unwrap();
    assert_eq!(summary.samples, mixture.samples() as u64);
    assert!(blocks > 4 && summary.steps == 6 * blocks as usize);
    assert!(summary.residual.db() < -100.0);
    let stems: Vec<Clip> = written
        .into_iter()
        .map(|channels| Clip::new(channels, 8000).unwrap())
        .collect();
    assert!((residual_db(&mixture, &stems) - summary.residual.db()).abs() < 0.1);
}

#[test]
fn silence_and_the_shortest_sounds_are_separated() {
    for samples in [vec![0.0; 3000], vec![0.5], noise(10, 1)] {
        let mixture = Clip::mono(samples, 8000);
        let stems = two(quick()).separate(&mixture, &mut go_on).unwrap().stems;
        assert!(stems.iter().all(|stem| stem.samples() == mixture.samples()));
        let rest: f32 = (0..mixture.samples())
            .map(|n| {
                (mixture.channels()[0][n] - stems[0].channels()[0][n] - stems[1].channels()[0][n])
                    .abs()
            })
            .sum();
        assert!(rest < 1e-6);
    }
}

#[test]
fn models_of_different_compression_and_depth_separate_together() {
    let sources = [
        source(
            "a",
            1,
            &ModelConfig {
                compression: 1.0,
                layers: 2,
                ..small()
            },
        ),
        source("b", 2, &small()),
        source(
            "c",
            3,
            &ModelConfig {
                output: Output::Softplus,
                compression: 0.67,
                layers: 5,
                ..small()
            },
        ),
    ];
    let separator = Separator::new(&sources, quick(), SEED, &Device::flex()).unwrap();
    let mixture = Clip::mono(noise(5000, 1), 8000);
    let stems = separator.separate(&mixture, &mut go_on).unwrap().stems;
    assert_eq!(stems.len(), 3);
    assert!(residual_db(&mixture, &stems) < -100.0);
}

#[test]
fn several_models_of_one_source_are_averaged() {
    let ensemble = Source {
        name: "a".into(),
        models: vec![model("a", 1, small()), model("a", 3, small())],
    };
    let single = |seed| {
        Separator::new(
            &[source("a", seed, &small()), source("b", 2, &small())],
            quick(),
            SEED,
            &Device::flex(),
        )
        .unwrap()
    };
    let mixture = Clip::mono(noise(5000, 1), 8000);
    let stem = |separator: &Separator| {
        separator
            .separate(&mixture, &mut go_on)
            .unwrap()
            .stems
            .remove(0)
            .into_channels()
            .remove(0)
    };
    let both = stem(
        &Separator::new(
            &[ensemble, source("b", 2, &small())],
            quick(),
            SEED,
            &Device::flex(),
        )
        .unwrap(),
    );
    let (first, second) = (stem(&single(1)), stem(&single(3)));
    for n in 0..both.len() {
        assert!((both[n] - 0.5 * (first[n] + second[n])).abs() < 1e-5);
    }
}

#[test]
fn more_steps_lower_the_loss() {
    let mixture = Clip::mono(noise(5000, 1), 8000);
    let loss = |max_steps| {
        two(SeparateConfig {
            max_steps,
            window: 1,
            ..quick()
        })
        .separate(&mixture, &mut go_on)
        .unwrap()
        .loss
    };
    assert!(loss(40) < loss(4));
}

#[test]
fn an_observer_can_stop_it() {
    let mixture = Clip::mono(noise(5000, 1), 8000);
    let separated = two(quick())
        .separate(&mixture, &mut |_| Flow::Stop)
        .unwrap();
    assert!(separated.is_interrupted && separated.steps == 3);
}

#[test]
fn sets_that_cannot_work_are_refused() {
    let new = |sources: &[Source], config: SeparateConfig| {
        Separator::new(sources, config, SEED, &Device::flex()).unwrap_err()
    };
    assert!(matches!(new(&[], quick()), SeparateError::NoSources));
    assert!(matches!(
        new(
            &[source("a", 1, &small()), source("a", 2, &small())],
            quick()
        ),
        SeparateError::SameName { .. }
    ));
    let mut other = source("b", 2, &small());
    other.models[0].metadata.audio.sample_rate = 16_000;
    let error = new(&[source("a", 1, &small()), other], quick()).to_string();
    assert!(
        error.contains("`a`")
            && error.contains("`b`")
            && error.contains("8000 Hz")
            && error.contains("16000 Hz"),
        "{error}"
    );
    let shallow = source(
        "a",
        1,
        &ModelConfig {
            layers: 2,
            ..small()
        },
    );
    let free = SeparateConfig {
        activations: ActivationForm::Free,
        ..quick()
    };
    assert!(matches!(
        new(&[shallow], free),
        SeparateError::FreeActivations { .. }
    ));
    assert!(
        new(
            &[source("a", 1, &small())],
            SeparateConfig {
                mask_exponent: 0.0,
                ..quick()
            }
        )
        .to_string()
        .contains("mask_exponent")
    );
}

#[test]
fn a_missing_mixture_is_an_error() {
    assert!(AudioReader::open(Path::new("no such file.wav")).is_err());
}

#[test]
fn a_factorisation_and_an_autoencoder_separate_together() {
    let nmf = ModelConfig {
        kind: ModelKind::Nmf,
        rank: 5,
        ..Default::default()
    };
    let sources = [source("nmf", 1, &nmf), source("nae", 2, &small())];
    for start in [Start::Encoder, Start::Random] {
        let config = SeparateConfig { start, ..quick() };
        let separator = Separator::new(&sources, config, SEED, &Device::flex()).unwrap();
        let mixture = Clip::new(vec![noise(4000, 3)], 8000).unwrap();
        let separated = separator.separate(&mixture, &mut go_on).unwrap();
        assert!(residual_db(&mixture, &separated.stems) < -100.0);
        assert!(separated.loss.is_finite() && separated.loss > 0.0);
    }
}

#[test]
fn a_batch_of_mixtures_gives_the_stems_that_each_gives_alone() {
    let nmf = ModelConfig {
        kind: ModelKind::Nmf,
        rank: 5,
        ..Default::default()
    };
    let random = SeparateConfig {
        start: Start::Random,
        sparsity: 0.1,
        ..quick()
    };
    let set = |seed, config: SeparateConfig, second: &ModelConfig| {
        let sources = [source("a", seed, &small()), source("b", seed + 1, second)];
        Separator::new(&sources, config, SEED, &Device::flex()).unwrap()
    };
    // two sets of one shape, one of another, one with other settings
    let sets = [
        set(1, quick(), &small()),
        set(5, quick(), &small()),
        set(1, quick(), &nmf),
        set(3, random, &small()),
    ];
    let clips: Vec<Clip> = [(4000, 8000), (9000, 11_025), (2500, 8000), (3000, 8000)]
        .iter()
        .enumerate()
        .map(|(i, &(samples, rate))| Clip::mono(noise(samples, i as u64), rate))
        .chain([Clip::mono(vec![0.0; 2000], 8000)])
        .collect();
    let items: Vec<(&Separator, &Clip)> = sets
        .iter()
        .flat_map(|set| clips.iter().map(move |clip| (set, clip)))
        .collect();
    let batch = separate_many(&items, &mut go_on);
    assert_eq!(batch.len(), items.len());
    for ((separator, clip), together) in items.into_iter().zip(batch) {
        let alone = separator.separate(clip, &mut go_on).unwrap();
        let together = together.unwrap();
        assert_eq!(alone.steps, together.steps);
        assert!((alone.loss - together.loss).abs() < 1e-5 * (1.0 + alone.loss));
        for (a, b) in alone.stems.iter().zip(&together.stems) {
            assert_eq!(a.sample_rate(), b.sample_rate());
            for (a, b) in a
                .channels()
                .iter()
                .flatten()
                .zip(b.channels().iter().flatten())
            {
                // single precision, sums in another order
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
    }
}
