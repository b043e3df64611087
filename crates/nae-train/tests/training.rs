//! Training runs on small made-up sources. One file, over 400 lines, because all tests share one recipe.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::tensor::Device;
use nae_audio::Stft;
use nae_model::init::from_host;
use nae_model::optim::{Flow, OptimizerKind, Progress, RpropSettings};
use nae_model::random::generator;
use nae_model::spectra::bin_major;
use nae_model::{
    AudioConfig, BasisNorm, ClipRecord, Hidden, Latent, Model, ModelConfig, ModelKind, Network,
    Output,
};
use nae_testing::tones::scale;
use nae_train::settings::{NmfConfig, NmfStart, RefineConfig};
use nae_train::{
    Job, Recipe, TrainConfig, TrainError, TrainingClip, store_latents, train, train_many,
};

const SEED: u64 = 5;

fn clip(samples: Vec<f32>) -> TrainingClip {
    let duration_s = samples.len() as f64 / 8000.0;
    TrainingClip {
        record: ClipRecord {
            name: "clip".into(),
            sha256: "ab".into(),
            duration_s,
        },
        samples,
    }
}

/// Notes of a few harmonics each, one after another.
fn notes() -> TrainingClip {
    clip(scale(&mut generator(SEED, "notes")))
}

fn recipe() -> Recipe {
    Recipe {
        audio: AudioConfig {
            sample_rate: 8000,
            n_fft: 256,
            hop: 64,
        },
        model: ModelConfig {
            layers: 4,
            rank: 8,
            // bounds on losses below are for it
            compression: 0.5,
            ..Default::default()
        },
        train: TrainConfig {
            max_steps: 150,
            batch_frames: 64,
            refine: RefineConfig {
                passes: 40,
                ..Default::default()
            },
            ..Default::default()
        },
    }
}

fn run(recipe: &Recipe) -> (Result<Model, TrainError>, Vec<Progress>) {
    let mut seen = Vec::new();
    let model = train(
        "notes",
        &[notes()],
        recipe,
        SEED,
        &Device::flex(),
        &mut |progress| {
            seen.push(*progress);
            Flow::Continue
        },
    );
    (model, seen)
}

#[test]
fn every_optimiser_and_output_lowers_the_loss() {
    for (optimizer, learning_rate, batch_frames) in [
        (OptimizerKind::Adam, 3e-3, 64),
        (OptimizerKind::Rmsprop, 1e-3, 64),
        (OptimizerKind::Rprop, 1e-3, 0),
    ] {
        for output in [Output::Softplus, Output::Relu, Output::Abs, Output::Linear] {
            for layers in [2, 3, 4] {
                let mut recipe = recipe();
                recipe.model = ModelConfig {
                    layers,
                    output,
                    ..recipe.model
                };
                recipe.train = TrainConfig {
                    optimizer,
                    learning_rate,
                    batch_frames,
                    ..recipe.train
                };
                let mut start = recipe.clone();
                // a window is evaluated by its end: this is the loss at the start
                start.train.max_steps = 1;
                start.train.refine.passes = 0;
                let first = run(&start).1[0].loss;
                let (model, seen) = run(&recipe);
                let last = seen
                    .iter()
                    .rfind(|p| p.stage == "autoencoder")
                    .unwrap()
                    .loss;
                assert!(
                    last < 0.9 * first,
                    "{optimizer:?} {output:?} {layers} layers: {first} to {last}"
                );
                assert!(model.unwrap().metadata.training.loss.is_finite());
            }
        }
    }
}

#[test]
fn refining_lowers_the_loss_further() {
    let (model, seen) = run(&recipe());
    let before = seen
        .iter()
        .rfind(|p| p.stage == "autoencoder")
        .unwrap()
        .loss;
    let training = model.unwrap().metadata.training;
    assert!(training.loss < before, "{before} to {}", training.loss);
    assert_eq!(training.steps, 150 + 40 * 6);
}

#[test]
fn a_seed_decides_everything() {
    let fingerprint = |seed| {
        train(
            "a",
            &[notes()],
            &recipe(),
            seed,
            &Device::flex(),
            &mut |_| Flow::Continue,
        )
        .unwrap()
        .fingerprint()
        .unwrap()
    };
    assert_eq!(fingerprint(1), fingerprint(1));
    assert_ne!(fingerprint(1), fingerprint(2));
}

#[test]
fn level_does_not_matter_to_what_is_learnt() {
    let quiet = TrainingClip {
        samples: notes().samples.iter().map(|x| x * 0.125).collect(),
        ..notes()
    };
    let learn = |clip| {
        train("a", &[clip], &recipe(), SEED, &Device::flex(), &mut |_| {
            Flow::Continue
        })
        .unwrap()
    };
    let (loud, quiet) = (learn(notes()), learn(quiet));
    assert!((quiet.metadata.gain / loud.metadata.gain - 8.0).abs() < 1e-5);
    assert!(
        (quiet.metadata.training.loss - loud.metadata.training.loss).abs()
            < 1e-3 * loud.metadata.training.loss
    );
}

#[test]
fn a_constant_offset_does_not_matter_to_what_is_learnt() {
    let learn = |offset: f32| {
        // the notes have a mean of their own, too small to be taken off
        let notes = notes().samples;
        let mean = notes.iter().sum::<f32>() / notes.len() as f32;
        let samples = notes.iter().map(|x| x - mean + offset).collect();
        let clips = [clip(samples)];
        let device = Device::flex();
        let model = train("a", &clips, &recipe(), SEED, &device, &mut |_| {
            Flow::Continue
        });
        model.unwrap().metadata
    };
    let clean = learn(0.0);
    for offset in [0.05, -0.3] {
        let found = learn(offset);
        assert_eq!(found.training.frames, clean.training.frames);
        assert!((found.gain / clean.gain - 1.0).abs() < 1e-3);
        // rounding of samples at another place
        let (a, b) = (found.training.loss, clean.training.loss);
        assert!((a - b).abs() < 0.05 * b, "{a} {b}");
    }
}

/// A run on threads of their own.
fn run_on(threads: usize) -> Model {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(|| run(&recipe()).0.unwrap())
}

#[test]
fn equal_runs_are_equal_and_threads_change_no_more_than_the_docs_say() {
    let one = run_on(1);
    for threads in [1, 2, 4] {
        let (a, b) = (run_on(threads), run_on(threads));
        assert_eq!(a.fingerprint().unwrap(), b.fingerprint().unwrap());
        assert_eq!(a.metadata.gain, one.metadata.gain);
        let (loss, of_one) = (a.metadata.training.loss, one.metadata.training.loss);
        assert!(
            (loss - of_one).abs() < 0.02 * of_one,
            "{threads} threads: {loss}, one: {of_one}"
        );
    }
    assert_eq!(run_on(1).fingerprint().unwrap(), one.fingerprint().unwrap());
}

#[test]
fn an_observer_stops_training_and_gets_the_best_model_so_far() {
    let model = train(
        "a",
        &[notes()],
        &recipe(),
        SEED,
        &Device::flex(),
        &mut |progress| {
            if progress.step >= 50 {
                Flow::Stop
            } else {
                Flow::Continue
            }
        },
    )
    .unwrap();
    assert!(model.metadata.training.interrupted);
    assert_eq!(model.metadata.training.steps, 50);
}

#[test]
fn the_tolerance_ends_a_run_that_has_settled() {
    let mut recipe = recipe();
    recipe.train = TrainConfig {
        tolerance: 0.5,
        refine: RefineConfig {
            passes: 0,
            ..Default::default()
        },
        ..recipe.train
    };
    assert!(run(&recipe).0.unwrap().metadata.training.steps < 150);
}

#[test]
fn silent_frames_are_left_out() {
    let mut padded = notes();
    let frames = run(&recipe()).0.unwrap().metadata.training.frames;
    padded.samples.extend(vec![0.0; 8000]);
    let model = train(
        "a",
        &[padded],
        &recipe(),
        SEED,
        &Device::flex(),
        &mut |_| Flow::Continue,
    )
    .unwrap();
    // the last note's own end is all that may differ
    assert!(
        model.metadata.training.frames.abs_diff(frames) <= 4,
        "{} {frames}",
        model.metadata.training.frames
    );
}

#[test]
fn what_cannot_be_trained_on_is_an_error_that_says_so() {
    let fails = |clips: &[TrainingClip], recipe: &Recipe| {
        train("a", clips, recipe, SEED, &Device::flex(), &mut |_| {
            Flow::Continue
        })
        .unwrap_err()
    };
    assert!(matches!(fails(&[], &recipe()), TrainError::NoClips));
    assert!(matches!(
        fails(&[clip(vec![0.0; 8000])], &recipe()),
        TrainError::Silent { .. }
    ));
    assert!(matches!(
        fails(&[clip(notes().samples[..100].to_vec())], &recipe()),
        TrainError::TooShort { .. }
    ));
    let mut rprop = recipe();
    rprop.train = TrainConfig {
        optimizer: OptimizerKind::Rprop,
        ..rprop.train
    };
    assert!(
        fails(&[notes()], &rprop)
            .to_string()
            .contains("batch_frames")
    );
}

#[test]
fn a_diverging_run_is_an_error_with_advice() {
    let mut recipe = recipe();
    recipe.model = ModelConfig {
        hidden: Hidden::Abs,
        output: Output::Abs,
        layers: 8,
        ..recipe.model
    };
    recipe.train = TrainConfig {
        optimizer: OptimizerKind::Rprop,
        batch_frames: 0,
        learning_rate: 1e6,
        rprop: RpropSettings {
            max_step: 1e9,
            increase: 100.0,
            ..Default::default()
        },
        ..recipe.train
    };
    let error = run(&recipe).0.unwrap_err().to_string();
    assert!(error.contains("learning rate"), "{error}");
}

#[test]
fn a_limit_on_refined_frames_is_kept_and_still_trains() {
    let mut recipe = recipe();
    recipe.train.refine.max_frames = 50;
    assert!(run(&recipe).0.unwrap().metadata.training.loss.is_finite());
}

#[test]
fn a_memory_is_nearer_to_the_clip_than_what_the_decoder_gives() {
    let recipe = recipe();
    let (model, _) = run(&recipe);
    let model = model.unwrap();
    let device = Device::flex();
    let memory = store_latents(&model, &[notes()], &device).unwrap().unwrap();
    let stft = Stft::new(recipe.audio.stft()).unwrap();
    let observed = stft.analyze(&notes().samples).unwrap().magnitude();
    let (bins, frames) = (observed.bins(), observed.frames());
    assert_eq!(memory.clips(), [frames]);
    let observed = bin_major(&observed);
    let rows = from_host(memory.values(), [1, memory.rank(), frames], &device);
    let decoder = model.network.decoder(Latent::Bottleneck, &device);
    let decoded = decoder
        .decode(rows)
        .into_data()
        .try_to_vec::<f32>()
        .unwrap();
    let distance = |factors: &[f32]| -> f64 {
        let pairs = observed.iter().zip(decoded.iter().zip(factors));
        let errors = pairs.map(|(observed, (decoded, factor))| {
            let magnitude = f64::from(decoded.powi(2) * factor) / model.metadata.gain;
            (f64::from(*observed) - magnitude).powi(2)
        });
        errors.sum()
    };
    let (plain, detailed) = (
        distance(&vec![1.0; bins * frames]),
        distance(&memory.residual_factors(bins)),
    );
    assert!(detailed < plain / 3.0, "{detailed} {plain}");
}

#[test]
fn a_factorisation_is_a_model_like_any_other() {
    for basis_norm in [BasisNorm::None, BasisNorm::L2] {
        for start in [NmfStart::Random, NmfStart::Nndsvd] {
            let mut recipe = recipe();
            recipe.model = ModelConfig {
                kind: ModelKind::Nmf,
                basis_norm,
                ..recipe.model
            };
            recipe.train.nmf = NmfConfig {
                updates: 60,
                restarts: 2,
                start,
                ..Default::default()
            };
            let (model, seen) = run(&recipe);
            let model = model.unwrap();
            assert!(model.metadata.training.loss < 0.9 * seen[0].loss);
            assert_eq!(model.metadata.training.steps, 120);
            assert!(matches!(model.network, Network::Nmf(_)));
            let bases = model.network.bases().unwrap();
            let bases: Vec<f32> = bases.into_data().try_to_vec().unwrap();
            assert!(bases.iter().all(|&w| w >= 0.0 && w.is_finite()));
        }
    }
}

/// Recipes that differ in shape, and in nothing but sparsity.
fn some_recipes() -> Vec<Recipe> {
    let mut recipes = Vec::new();
    for (kind, output, batch_frames, optimizer, sparsity) in [
        (ModelKind::Nae, Output::Linear, 64, OptimizerKind::Adam, 0.0),
        (ModelKind::Nae, Output::Linear, 64, OptimizerKind::Adam, 0.1),
        (
            ModelKind::Nae,
            Output::Softplus,
            0,
            OptimizerKind::Rprop,
            0.0,
        ),
        (ModelKind::Nmf, Output::Linear, 64, OptimizerKind::Adam, 0.0),
    ] {
        let mut recipe = recipe();
        recipe.model.kind = kind;
        recipe.model.output = output;
        recipe.model.hidden = match output {
            Output::Softplus => Hidden::Softplus,
            _ => Hidden::Relu,
        };
        recipe.train.batch_frames = batch_frames;
        recipe.train.optimizer = optimizer;
        recipe.train.learning_rate = 1e-3;
        recipe.train.sparsity = sparsity;
        recipe.train.max_steps = 30;
        recipe.train.refine.passes = 10;
        recipe.train.nmf.updates = 30;
        recipe.train.nmf.restarts = 2;
        recipes.push(recipe);
    }
    recipes
}

#[test]
fn models_that_train_together_come_out_as_they_do_alone() {
    let device = Device::flex();
    // of different lengths, the last below one mini-batch
    let clips = [12_000, 7_000, 4_500, 1_500].map(|samples| {
        let mut clip = notes();
        clip.samples.truncate(samples);
        [clip]
    });
    let recipes = some_recipes();
    let jobs: Vec<Job<'_>> = recipes
        .iter()
        .flat_map(|recipe| clips.iter().map(move |clips| (recipe, clips)))
        .enumerate()
        .map(|(i, (recipe, clips))| Job {
            name: "notes",
            clips,
            recipe,
            seed: i as u64,
        })
        .collect();
    let together = train_many(&jobs, &device, &mut |_| Flow::Continue);
    assert_eq!(together.len(), jobs.len());
    for (job, together) in jobs.iter().zip(together) {
        let alone = train(
            "notes",
            job.clips,
            job.recipe,
            job.seed,
            &device,
            &mut |_| Flow::Continue,
        );
        let (alone, together) = (alone.unwrap(), together.unwrap());
        let (a, b) = (&alone.metadata.training, &together.metadata.training);
        let what = format!(
            "{:?} frames {} sparsity {}",
            job.recipe.model.kind, a.frames, job.recipe.train.sparsity
        );
        assert_eq!(
            (a.steps, a.frames, a.seed),
            (b.steps, b.frames, b.seed),
            "{what}"
        );
        // sums in another order, in single precision, over forty steps
        assert!(
            (a.loss - b.loss).abs() < 1e-5 * (1.0 + a.loss),
            "{what}: {} {}",
            a.loss,
            b.loss
        );
        let weights = |model: &Model| {
            let basis = model.network.bases().unwrap();
            basis.into_data().try_to_vec::<f32>().unwrap()
        };
        let (a, b) = (weights(&alone), weights(&together));
        let scale = a.iter().fold(0.0f32, |scale, x| scale.max(x.abs()));
        let error = a
            .iter()
            .zip(&b)
            .fold(0.0f32, |error, (a, b)| error.max((a - b).abs()));
        // Adam and RProp turn the rounding of a gradient near zero into a step of full size
        assert!(error < 1e-3 * scale, "{what}: {error} of {scale}");
    }
}

#[test]
fn of_many_models_each_has_its_own_error() {
    let (recipe, mut wrong) = (recipe(), recipe());
    wrong.model.rank = 0;
    let (good, silent) = ([notes()], [clip(vec![0.0; 8000])]);
    let job = |clips, recipe| Job {
        name: "notes",
        clips,
        recipe,
        seed: 0,
    };
    let jobs = [
        job(&good, &wrong),
        job(&silent, &recipe),
        job(&good, &recipe),
    ];
    let [range, level, model] = train_many(&jobs, &Device::flex(), &mut |_| Flow::Continue)
        .try_into()
        .unwrap();
    assert!(range.unwrap_err().to_string().contains("model.rank"));
    assert!(matches!(level, Err(TrainError::Silent { .. })));
    assert!(model.is_ok());
}

#[test]
fn a_model_that_can_only_decode_silence_is_refused() {
    let mut recipe = recipe();
    recipe.model.rank = 1;
    recipe.train.max_steps = 20;
    recipe.train.refine.passes = 2;
    let clips = [notes()];
    let mut refused = 0;
    // with one unit a layer and ReLU, many a seed gives zero for every frame
    for (seed, layers) in (0..8).flat_map(|seed| [(seed, 2), (seed, 6)]) {
        recipe.model.layers = layers;
        let device = Device::flex();
        match train("notes", &clips, &recipe, seed, &device, &mut |_| {
            Flow::Continue
        }) {
            Ok(model) => {
                let decoder = model.network.decoder(Latent::Bottleneck, &device);
                let x = from_host(vec![1.0; 129 * 4], [1, 129, 4], &device);
                let loudest = decoder.decode(decoder.encode(x)).max();
                assert!(
                    loudest.into_scalar::<f32>() > 0.0,
                    "seed {seed}, {layers} layers"
                );
            }
            Err(error) => {
                let text = error.to_string();
                assert!(matches!(error, TrainError::SilentModel { .. }), "{text}");
                assert!(text.contains("notes") && text.contains("--seed"), "{text}");
                refused += 1;
            }
        }
    }
    assert!(
        refused > 0,
        "no seed gives a dead model: the test shows nothing"
    );
}
