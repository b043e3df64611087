//! Separation with decoders that see several frames at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::tensor::{Device, Tensor};
use nae_audio::{Clip, Stft};
use nae_model::config::Cell;
use nae_model::multiplicative::Objective;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::spectra::upload;
use nae_model::{AudioConfig, BasisNorm, Hidden, Latent, Model, ModelConfig, ModelKind};
use nae_separate::settings::{SolverKind, Start};
use nae_separate::{ResidualLevel, SeparateConfig, Separator, Source, separate_many};
use nae_testing_models::models::untrained;

const SEED: u64 = 8;
const AUDIO: AudioConfig = AudioConfig {
    sample_rate: 8000,
    n_fft: 256,
    hop: 64,
};

fn go_on(_: &Progress) -> Flow {
    Flow::Continue
}

fn model(name: &str, seed: u64, config: &ModelConfig) -> Model {
    untrained(name, AUDIO, config, seed, &Device::flex())
}

fn source(name: &str, seed: u64, config: &ModelConfig) -> Source {
    Source {
        name: name.into(),
        models: vec![model(name, seed, config)],
    }
}

fn dense() -> ModelConfig {
    ModelConfig {
        layers: 4,
        rank: 6,
        ..Default::default()
    }
}

fn shallow() -> ModelConfig {
    ModelConfig {
        layers: 2,
        rank: 5,
        span: 4,
        hidden: Hidden::Softplus,
        ..Default::default()
    }
}

fn deep() -> ModelConfig {
    ModelConfig {
        layers: 4,
        span: 3,
        ..shallow()
    }
}

fn recurrent(cell: Cell) -> ModelConfig {
    ModelConfig {
        layers: 4,
        rank: 5,
        cell,
        ..Default::default()
    }
}

fn nmfd() -> ModelConfig {
    ModelConfig {
        kind: ModelKind::Nmf,
        rank: 5,
        span: 6,
        basis_norm: BasisNorm::L2,
        compression: 0.5,
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

fn separator(sources: &[Source], config: SeparateConfig) -> Separator {
    Separator::new(sources, config, SEED, &Device::flex()).unwrap()
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
fn kinds_separate_together_in_every_setting() {
    let sources = [
        source("a", 1, &nmfd()),
        source("b", 2, &deep()),
        source("c", 3, &dense()),
        source("d", 4, &shallow()),
        source("f", 6, &recurrent(Cell::Rnn)),
        source("g", 7, &recurrent(Cell::Gru)),
        source(
            "e",
            5,
            &ModelConfig {
                compression: 1.0,
                ..shallow()
            },
        ),
    ];
    let mixture = Clip::mono(noise(4000, 3), 8000);
    for latent in [Latent::Bottleneck, Latent::First] {
        for start in [Start::Encoder, Start::Random] {
            for solver in [SolverKind::Auto, SolverKind::Gradient] {
                let config = SeparateConfig {
                    start,
                    latent,
                    solver,
                    starts: 2,
                    sparsity: 0.01,
                    ..quick()
                };
                let separated = separator(&sources, config).separate(&mixture, &mut go_on);
                let separated = separated.unwrap();
                assert!(residual_db(&mixture, &separated.stems) < -100.0);
                assert!(separated.loss.is_finite() && separated.loss > 0.0);
            }
        }
    }
    // shorter than a basis
    let mixture = Clip::mono(noise(100, 3), 8000);
    let separated = separator(&sources, quick()).separate(&mixture, &mut go_on);
    assert!(residual_db(&mixture, &separated.unwrap().stems) < -100.0);
}

#[test]
fn multiplicative_updates_of_a_model_that_has_none_are_refused_by_name() {
    let plain = ModelConfig {
        compression: 1.0,
        ..shallow()
    };
    for (second, latent, words) in [
        (deep(), Latent::Bottleneck, ["`b`", "one linear layer"]),
        (dense(), Latent::Bottleneck, ["`b`", "one linear layer"]),
        (
            recurrent(Cell::Gru),
            Latent::Bottleneck,
            ["`b`", "one linear layer"],
        ),
        (deep(), Latent::First, ["`b`", "one linear layer"]),
        (
            plain,
            Latent::Bottleneck,
            ["`b`", "`model.compression` of 1"],
        ),
    ] {
        let config = SeparateConfig {
            solver: SolverKind::Multiplicative,
            latent,
            ..quick()
        };
        let sources = [source("a", 1, &nmfd()), source("b", 2, &second)];
        let error = Separator::new(&sources, config, SEED, &Device::flex()).unwrap_err();
        let error = error.to_string();
        for word in ["`separate.solver`", "multiplicative", "Try", "\"auto\""]
            .iter()
            .chain(&words)
        {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}

#[test]
fn a_batch_of_mixtures_gives_the_stems_that_each_gives_alone() {
    let set = |seed, second: &ModelConfig| {
        let sources = [source("a", seed, &shallow()), source("b", seed + 1, second)];
        separator(&sources, quick())
    };
    let sets = [
        set(1, &deep()),
        set(5, &deep()),
        set(1, &nmfd()),
        set(1, &recurrent(Cell::Lstm)),
    ];
    let clips: Vec<Clip> = [4000, 9000, 2500, 3000]
        .iter()
        .enumerate()
        .map(|(i, &samples)| Clip::mono(noise(samples, i as u64), 8000))
        .collect();
    let items: Vec<(&Separator, &Clip)> = sets
        .iter()
        .flat_map(|set| clips.iter().map(move |clip| (set, clip)))
        .collect();
    let together = separate_many(&items, &mut go_on);
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    for ((separator, clip), together) in items.iter().zip(together) {
        let together = together.unwrap();
        // in a batch the frames of a mixture stay on one thread
        let alone = one_thread
            .install(|| separator.separate(clip, &mut go_on))
            .unwrap();
        for (a, b) in alone.stems.iter().zip(&together.stems) {
            let pairs = a.channels()[0].iter().zip(&b.channels()[0]);
            let error = pairs.fold(0.0f32, |error, (a, b)| error.max((a - b).abs()));
            // sums in another order, in single precision, over six steps
            assert!(error < 1e-3, "{error}");
        }
    }
}

#[test]
fn threads_change_next_to_nothing() {
    let with = |second: &ModelConfig| {
        let sources = [source("a", 1, &nmfd()), source("b", 2, second)];
        let config = SeparateConfig {
            max_steps: 40,
            ..quick()
        };
        separator(&sources, config)
    };
    let all = [with(&shallow()), with(&deep()), with(&recurrent(Cell::Gru))];
    all.iter().for_each(check_threads);
}

/// One thread and three give nearly the same stems.
fn check_threads(separator: &Separator) {
    let mixture = Clip::mono(noise(30_000, 1), 8000);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| separator.separate(&mixture, &mut go_on).unwrap().stems)
    };
    let (one, three) = (on(1), on(3));
    let power = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    for (a, b) in one.iter().zip(&three) {
        let (a, b) = (&a.channels()[0], &b.channels()[0]);
        let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let db = 10.0 * (power(&difference) / power(a)).log10();
        // each thread sees its neighbours' frames, but has activations of its own for them
        assert!(db < -30.0, "{db} dB");
    }
}

#[test]
fn multiplicative_updates_are_those_of_factorisation() {
    let nmf = |rank| ModelConfig {
        kind: ModelKind::Nmf,
        rank,
        compression: 0.5,
        ..Default::default()
    };
    let sources = [source("a", 1, &nmf(3)), source("b", 2, &nmf(4))];
    let updates = 5;
    let config = SeparateConfig {
        solver: SolverKind::Multiplicative,
        max_steps: updates,
        window: 1,
        ..Default::default()
    };
    let mixture = Clip::mono(noise(4000, 3), 8000);
    let magnitude = Stft::new(AUDIO.stft()).unwrap();
    let magnitude = magnitude
        .analyze(&mixture.channels()[0])
        .unwrap()
        .magnitude();
    let separator = separator(&sources, config);
    let gain = separator.gain_for(&magnitude).unwrap();
    let found = separator.masks(&magnitude, &mut go_on).unwrap().activations;

    let device = Device::flex();
    let x = upload(&[(&magnitude, gain)], 0.5, &device);
    let decoders = sources.iter().map(|source| {
        let model = &source.models[0];
        model.network.decoder(Latent::Bottleneck, &device)
    });
    let starts = decoders.map(|decoder| decoder.encode(x.clone()).div_scalar(2.0));
    let start = Tensor::cat(starts.collect(), 1).clamp_min(1e-2);
    let bases = sources.iter().map(|source| {
        let bases = source.models[0].network.bases().unwrap();
        bases.squeeze_dim::<3>(1)
    });
    let bases = Tensor::cat(bases.collect(), 2);
    // the best state is the last before an update
    let expected = (1..updates).fold(start, |h, _| {
        Objective::KL.update_activations(&bases, h, &x)
    });
    let found = Tensor::cat(found, 0).unsqueeze::<3>();
    let again = Objective::KL.update_activations(&bases, expected.clone(), &x);
    let error = |expected: &Tensor<3>| {
        let distance = (found.clone() - expected.clone()).abs().max();
        (distance / expected.clone().max()).into_scalar::<f32>()
    };
    // the floor of the logarithm, and single precision
    let nearest = error(&expected).min(error(&again));
    assert!(nearest < 1e-4, "{nearest}");
}

#[test]
fn activations_before_the_mixture_explain_its_first_frames() {
    // a mixture that one model's decoder makes, cut in the middle of a basis
    let config = nmfd();
    let sources = [source("a", 1, &config)];
    let separator = separator(
        &sources,
        SeparateConfig {
            max_steps: 300,
            ..Default::default()
        },
    );
    let device = Device::flex();
    let decoder = sources[0].models[0]
        .network
        .decoder(Latent::Bottleneck, &device);
    let (frames, cut) = (40, 20);
    let values: Vec<f32> = (0..config.rank * frames)
        .map(|i| {
            if i % 7 == 0 {
                1.0 + (i % 3) as f32
            } else {
                0.01
            }
        })
        .collect();
    let h = nae_model::init::from_host(values, [1, config.rank, frames], &device);
    let whole = decoder.decode(h).square();
    let kept = whole.narrow(2, cut, frames - cut);
    let magnitude = nae_model::spectra::download(kept, &[frames - cut])
        .unwrap()
        .remove(0);
    let loss = separator.masks(&magnitude, &mut go_on).unwrap().loss;
    // without them the first five frames could not be explained at all
    assert!(loss < 1e-3, "{loss}");
}
