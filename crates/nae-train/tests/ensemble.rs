//! Ensembles: what their members are, and what becomes of them when training stops or fails.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use burn::tensor::Device;
use nae_model::optim::Flow;
use nae_model::random::generator;
use nae_model::{AudioConfig, ClipRecord, ModelConfig};
use nae_testing::tones::scale;
use nae_train::settings::RefineConfig;
use nae_train::{
    Member, MemberKind, Recipe, TrainConfig, TrainError, TrainedEnsemble, TrainingClip, train,
    train_ensemble,
};

const SEED: u64 = 5;

fn clips() -> Vec<TrainingClip> {
    let samples = scale(&mut generator(SEED, "notes"));
    let record = ClipRecord {
        name: "clip".into(),
        sha256: "ab".into(),
        duration_s: samples.len() as f64 / 8000.0,
    };
    vec![TrainingClip { record, samples }]
}

fn recipe(ensemble: &[MemberKind]) -> Recipe {
    Recipe {
        audio: AudioConfig {
            sample_rate: 8000,
            n_fft: 128,
            hop: 64,
        },
        model: ModelConfig {
            rank: 4,
            ..ModelConfig::default()
        },
        train: TrainConfig {
            max_steps: 60,
            batch_frames: 64,
            ensemble: ensemble.to_vec(),
            refine: RefineConfig {
                passes: 5,
                ..RefineConfig::default()
            },
            ..TrainConfig::default()
        },
    }
}

fn ensemble_of(recipe: &Recipe) -> Result<TrainedEnsemble, TrainError> {
    let device = Device::flex();
    train_ensemble("notes", &clips(), recipe, SEED, &device, &mut |_, _| {
        Flow::Continue
    })
}

#[test]
fn each_member_is_what_it_is_when_trained_alone() {
    use MemberKind::{Conv, Dense, Nmf, Recurrent, Shallow};
    let recipe = recipe(&[Conv, Dense, Shallow, Nmf, Recurrent, Shallow]);
    // on more threads sums are rounded in another order
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    let pool = pool.build().unwrap();
    let trained = pool.install(|| ensemble_of(&recipe)).unwrap();
    let models = trained.ensemble.members();
    assert_eq!((models.len(), trained.members.len()), (6, 6));
    let described: Vec<String> = models
        .iter()
        .map(|model| model.metadata.architecture.describe())
        .collect();
    assert!(described[0].contains("rank 2") && described[0].contains("4 frames"));
    assert!(described[3].contains("NMF with 4 bases"), "{described:?}");
    for (member, model) in trained.members.iter().zip(models) {
        assert!(member.recipe.train.ensemble.is_empty());
        let (clips, device) = (clips(), Device::flex());
        let observe = &mut |_: &_| Flow::Continue;
        let (recipe, seed) = (&member.recipe, member.seed);
        let alone = pool.install(|| train("notes", &clips, recipe, seed, &device, observe));
        let alone = alone.unwrap();
        assert_eq!(
            alone.fingerprint().unwrap(),
            model.fingerprint().unwrap(),
            "{}",
            member.word()
        );
        assert_eq!(model.metadata.name, "notes");
        assert_eq!(model.metadata.training.seed, member.seed);
    }
    let repeated = [&models[2], &models[5]].map(|model| model.fingerprint().unwrap());
    assert_ne!(repeated[0], repeated[1]);
}

#[test]
fn without_words_there_is_the_one_model_that_settings_describe() {
    let trained = ensemble_of(&recipe(&[])).unwrap();
    assert_eq!(trained.ensemble.members().len(), 1);
    let (clips, recipe) = (clips(), recipe(&[]));
    let device = Device::flex();
    let observe = &mut |_: &_| Flow::Continue;
    let alone = train("notes", &clips, &recipe, SEED, &device, observe).unwrap();
    assert_eq!(
        alone.fingerprint().unwrap(),
        trained.ensemble.first().fingerprint().unwrap()
    );
}

/// Words of members.
fn words(members: &[Member]) -> Vec<&'static str> {
    members.iter().map(Member::word).collect()
}

/// Three members on so many threads, stopped in the first window of the member `word`.
fn stopped_in(word: &str, threads: usize) -> TrainedEnsemble {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let observe = &mut |member: &Member, _: &_| match member.word() == word {
        true => Flow::Stop,
        false => Flow::Continue,
    };
    let recipe = recipe(&[MemberKind::Dense, MemberKind::Shallow, MemberKind::Nmf]);
    let train = || train_ensemble("notes", &clips(), &recipe, SEED, &Device::flex(), observe);
    pool.build().unwrap().install(train).unwrap()
}

#[test]
fn a_stopped_training_keeps_finished_members_and_the_one_in_work_and_names_the_others() {
    let trained = stopped_in("shallow", 1);
    assert_eq!(words(&trained.members), ["dense", "shallow"]);
    assert_eq!(words(&trained.not_begun), ["nmf"]);
    let interrupted = trained.ensemble.members().iter();
    let interrupted: Vec<bool> = interrupted
        .map(|model| model.metadata.training.interrupted)
        .collect();
    assert_eq!(interrupted, [false, true]);
    assert!(trained.ensemble.training().interrupted);
    let trained = stopped_in("dense", 1);
    assert_eq!(trained.ensemble.members().len(), 1);
    assert_eq!(words(&trained.not_begun), ["shallow", "nmf"]);
}

#[test]
fn a_stop_reaches_all_members_in_work() {
    for (word, threads) in [("dense", 3), ("shallow", 2), ("nmf", 3), ("nmf", 8)] {
        let trained = stopped_in(word, threads);
        assert!(trained.ensemble.training().interrupted);
        let mut all = words(&trained.members);
        assert_eq!(all[0], "dense");
        assert!(all.contains(&word), "{word} is not in {all:?}");
        all.extend(words(&trained.not_begun));
        all.sort_unstable();
        assert_eq!(all, ["dense", "nmf", "shallow"]);
        let models = trained.ensemble.members().iter().zip(&trained.members);
        for (model, member) in models {
            let is_stopped = member.word() == word;
            assert!(!is_stopped || model.metadata.training.interrupted);
        }
    }
}

#[test]
fn on_any_number_of_threads_members_keep_their_order() {
    let recipe = recipe(&[MemberKind::Nmf, MemberKind::Dense, MemberKind::Shallow]);
    for threads in [1, 2, 3, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let train = || ensemble_of(&recipe).unwrap();
        let trained = pool.build().unwrap().install(train);
        assert_eq!(words(&trained.members), ["nmf", "dense", "shallow"]);
        let models = trained.ensemble.members();
        for (model, member) in models.iter().zip(&trained.members) {
            let architecture = member.recipe.model.architecture();
            assert_eq!(
                model.metadata.architecture.describe(),
                architecture.describe()
            );
        }
    }
}

#[test]
fn what_is_wrong_with_the_clips_for_one_member_is_said_before_any_is_trained() {
    let mut clips = clips();
    clips[0].samples.truncate(64 * 12);
    let mut short = clips[0].clone();
    short.record.name = "short".into();
    // two frames, shorter than the bases of four
    short.samples.truncate(64);
    clips.push(short);
    let recipe = recipe(&[MemberKind::Dense, MemberKind::Conv]);
    let device = Device::flex();
    let observe = &mut |_: &_, _: &_| panic!("nothing is trained");
    let error = train_ensemble("notes", &clips, &recipe, SEED, &device, observe).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("`conv`") && error.contains("`short`") && error.contains("train.ensemble"),
        "{error}"
    );
}

#[test]
fn wrong_lists_name_the_key_and_what_to_try() {
    let refused = |ensemble: &[MemberKind], words: &[&str]| {
        let error = recipe(ensemble).validate().unwrap_err().to_string();
        for word in ["`train.ensemble`", "Try"].iter().chain(words) {
            assert!(error.contains(word), "{error}");
        }
    };
    refused(&[MemberKind::Auto, MemberKind::Nmf], &["alone", "\"nmf\""]);
    refused(&[MemberKind::Auto; 2], &["alone"]);
    refused(&[MemberKind::Nmf; 17], &["at most 16", "a list of 17"]);
    recipe(&[MemberKind::Nmf; 16]).validate().unwrap();
}

#[test]
fn a_member_too_large_for_memory_is_refused_before_any_is_trained() {
    let mut recipe = recipe(&[MemberKind::Dense, MemberKind::Conv]);
    recipe.audio.n_fft = 1 << 20;
    recipe.model.rank = 200;
    let error = recipe.validate().unwrap_err().to_string();
    assert!(error.contains("`model.rank`"), "{error}");
    recipe.train.ensemble = vec![MemberKind::Dense];
    recipe.validate().unwrap();
}
