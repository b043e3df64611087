//! Training of kinds that see several frames at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::tensor::Device;
use nae_audio::{Magnitude, Stft, without_offset};
use nae_model::config::Cell;
use nae_model::init::from_host;
use nae_model::loss::{DEFAULT_EPS, Target, generalised_kl};
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::spectra::upload;
use nae_model::{
    AudioConfig, BasisNorm, ClipRecord, Hidden, Latent, Model, ModelConfig, ModelKind,
};
use nae_testing::tones::scale;
use nae_train::settings::{InitialWeights, NmfConfig, NmfStart, RefineConfig};
use nae_train::{
    Job, Recipe, TrainConfig, TrainError, TrainingClip, store_latents, train, train_many,
};

const SEED: u64 = 5;
const RATE: u32 = 8000;

fn clip(name: &str, samples: Vec<f32>) -> TrainingClip {
    TrainingClip {
        record: ClipRecord {
            name: name.into(),
            sha256: "ab".into(),
            duration_s: samples.len() as f64 / f64::from(RATE),
        },
        samples,
    }
}

/// Notes of a few harmonics each, one after another, with a pause among them.
fn notes() -> Vec<TrainingClip> {
    let mut samples = scale(&mut generator(SEED, "notes"));
    let half = samples.len() / 2;
    samples.splice(half..half, vec![0.0; 4000]);
    let rest = samples.split_off(half / 2);
    vec![clip("a.wav", samples), clip("b.wav", rest)]
}

fn recipes() -> Vec<Recipe> {
    let base = Recipe {
        audio: AudioConfig {
            sample_rate: RATE,
            n_fft: 256,
            hop: 64,
        },
        model: ModelConfig {
            layers: 2,
            rank: 8,
            hidden: Hidden::Softplus,
            span: 4,
            // bounds on losses below are for it
            compression: 0.5,
            ..Default::default()
        },
        train: TrainConfig {
            max_steps: 150,
            batch_frames: 64,
            refine: RefineConfig {
                passes: 20,
                batches: 3,
                ..Default::default()
            },
            nmf: NmfConfig {
                updates: 60,
                ..Default::default()
            },
            ..Default::default()
        },
    };
    let with = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = base.clone();
        change(&mut recipe);
        recipe
    };
    vec![
        base.clone(),
        with(&|r| {
            r.model.layers = 4;
            r.model.hidden = Hidden::Relu;
        }),
        with(&|r| {
            r.model.layers = 4;
            r.model.span = 1;
            r.model.cell = Cell::Rnn;
        }),
        with(&|r| {
            r.model.layers = 4;
            r.model.cell = Cell::Gru;
        }),
        with(&|r| {
            r.model.layers = 3;
            r.model.span = 1;
            r.model.cell = Cell::Lstm;
        }),
        with(&|r| {
            r.model.kind = ModelKind::Nmf;
            r.model.basis_norm = BasisNorm::L2;
        }),
        with(&|r| {
            r.model.kind = ModelKind::Nmf;
            r.train.nmf.start = NmfStart::Nndsvd;
            r.train.nmf.restarts = 2;
        }),
        with(&|r| {
            r.model.span = 2;
            r.train.initial_weights = InitialWeights::Random;
            r.train.batch_frames = 0;
            r.train.sparsity = 0.01;
        }),
    ]
}

fn run(clips: &[TrainingClip], recipe: &Recipe) -> (Result<Model, TrainError>, Vec<Progress>) {
    let mut seen = Vec::new();
    let device = Device::flex();
    let model = train("notes", clips, recipe, SEED, &device, &mut |progress| {
        seen.push(*progress);
        Flow::Continue
    });
    (model, seen)
}

#[test]
fn the_loss_falls_and_the_frames_that_are_not_silent_are_counted() {
    let clips = notes();
    let mut plain = recipes()[0].clone();
    plain.model.span = 1;
    let frames = run(&clips, &plain).0.unwrap().metadata.training.frames;
    for recipe in recipes() {
        let (model, seen) = run(&clips, &recipe);
        let model = model.unwrap();
        let (first, last) = (seen[0].loss, model.metadata.training.loss);
        assert!(last < 0.8 * first, "{:?}: {first} {last}", recipe.model);
        assert_eq!(model.metadata.training.frames, frames);
        assert!(model.network.bases().is_some());
    }
}

#[test]
fn models_that_train_together_come_out_as_they_do_alone() {
    let device = Device::flex();
    // of different lengths, the last shorter than a segment
    let clips = [12_000, 7_000, 4_500, 1_500].map(|samples| {
        let mut all: Vec<f32> = notes().into_iter().flat_map(|clip| clip.samples).collect();
        all.truncate(samples);
        [clip("notes.wav", all)]
    });
    let recipes: Vec<Recipe> = recipes()
        .into_iter()
        .map(|mut recipe| {
            recipe.train.learning_rate = 1e-3;
            recipe.train.max_steps = 30;
            recipe.train.refine.passes = 10;
            recipe.train.nmf.updates = 30;
            recipe
        })
        .collect();
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
        let what = format!("{:?} {} frames", job.recipe.model, a.frames);
        let of = |t: &nae_model::TrainingSummary| (t.steps, t.frames, t.seed);
        assert_eq!(of(a), of(b), "{what}");
        // sums in another order, in single precision, over many steps
        let (a, b) = (a.loss, b.loss);
        assert!((a - b).abs() < 1e-4 * (1.0 + a), "{what}: {a} {b}");
    }
}

#[test]
fn bases_longer_than_the_shortest_clip_are_refused_by_name() {
    for mut recipe in recipes() {
        recipe.model.span = 40;
        let short = clip("short.wav", notes()[0].samples[..1600].to_vec());
        let clips = [notes().remove(0), short];
        let error = run(&clips, &recipe).0.unwrap_err().to_string();
        for word in ["`model.span` is 40", "`short.wav`", "28", "or less"] {
            assert!(error.contains(word), "{error}");
        }
    }
}

#[test]
fn silence_and_too_little_sound_are_refused_as_ever() {
    for recipe in recipes() {
        let silent = [clip("silent.wav", vec![0.0; 8000])];
        assert!(matches!(
            run(&silent, &recipe).0,
            Err(TrainError::Silent { .. })
        ));
        let mut short = vec![0.0; 4000];
        short[2000] = 1.0;
        let short = [clip("short.wav", short)];
        let error = run(&short, &recipe).0.unwrap_err();
        assert!(matches!(error, TrainError::TooShort { .. }), "{error}");
    }
}

#[test]
fn initial_weights_and_an_encoder_s_rate_are_settings_of_dense_models_too() {
    let mut recipe = recipes().remove(0);
    recipe.model.span = 1;
    let plain = run(&notes(), &recipe).0.unwrap();
    recipe.train.initial_weights = InitialWeights::Matched;
    let matched = run(&notes(), &recipe).0.unwrap();
    recipe.train.encoder_factor = 0.03;
    let slow = run(&notes(), &recipe).0.unwrap();
    let losses = [plain, matched, slow].map(|model| model.metadata.training.loss);
    assert!(
        losses[0] != losses[1] && losses[1] != losses[2],
        "{losses:?}"
    );
}

#[test]
fn a_memory_holds_activations_of_every_kind_and_is_nearer_to_the_clips_than_the_encoder_s() {
    let device = Device::flex();
    let clips = notes();
    for recipe in recipes() {
        let model = run(&clips, &recipe).0.unwrap();
        let memory = store_latents(&model, &clips, &device).unwrap().unwrap();
        let stft = Stft::new(recipe.audio.stft()).unwrap();
        let magnitudes = clips.iter().map(|clip| {
            let centred = without_offset(&clip.samples, RATE);
            stft.analyze(&centred).unwrap().magnitude()
        });
        let magnitudes: Vec<Magnitude> = magnitudes.collect();
        let frames: Vec<usize> = magnitudes.iter().map(Magnitude::frames).collect();
        assert_eq!(memory.clips(), frames);
        let values = magnitudes.iter().flat_map(|own| own.data().to_vec());
        let frames = frames.iter().sum();
        let all = Magnitude::new(recipe.audio.stft().bins(), frames, values.collect()).unwrap();
        let sound = [(&all, model.metadata.gain)];
        let x = upload(&sound, model.metadata.architecture.compression(), &device);
        let decoder = model.network.decoder(Latent::Bottleneck, &device);
        let target = Target::new(x.clone(), DEFAULT_EPS);
        let loss = |h| generalised_kl(&target, decoder.decode(h)).into_scalar::<f32>();
        let stored = loss(from_host(
            memory.values(),
            [1, memory.rank(), frames],
            &device,
        ));
        let encoded = loss(decoder.encode(x));
        assert!(
            stored < 0.9 * encoded,
            "{:?}: {stored} {encoded}",
            recipe.model
        );
    }
}
