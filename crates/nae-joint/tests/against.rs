//! Joint encoders of known sources against a bank of sounds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use std::sync::LazyLock;

use burn::tensor::Device;
use nae_audio::{Magnitude, Stft};
use nae_joint::bank::{ModelSound, model_sounds};
use nae_joint::{
    Bank, BankOrigin, BankRecord, BankSound, JointConfig, JointEncoder, JointError, MaterialRecord,
    join_against,
};
use nae_model::optim::Flow;
use nae_model::{AudioConfig, Ensemble, Model, ModelKind};
use nae_separate::{SeparateConfig, Separator, Source};

use common::{AUDIO, RATE, SEED, model, small, sound, source};

/// A bank of tones, each given by its frequency.
fn bank(name: &str, hertz: &[f32]) -> Bank {
    let tone = |&hertz: &f32| BankSound {
        record: BankRecord {
            name: format!("{hertz}.wav"),
            origin: BankOrigin::Clip,
            sha256: String::new(),
            duration_s: 2.0,
        },
        clips: vec![sound(hertz, 2.0, hertz as u64)],
    };
    Bank {
        name: name.into(),
        sounds: hertz.iter().map(tone).collect(),
    }
}

fn against(bank: &Bank, config: &JointConfig) -> Result<JointEncoder, JointError> {
    let device = Device::flex();
    join_against(
        None,
        &[source("low", 300.0)],
        bank,
        config,
        SEED,
        &device,
        &mut |_| Flow::Continue,
    )
}

/// Trained once for all tests.
fn trained() -> JointEncoder {
    static TRAINED: LazyLock<JointEncoder> = LazyLock::new(|| {
        let config = JointConfig {
            steps: 150,
            ..small()
        };
        let model = model("low", 300.0, ModelKind::Nae, AUDIO);
        let joint = against(&bank("rest", &[700.0, 1100.0, 1500.0, 2200.0]), &config).unwrap();
        let models = vec![Ensemble::new(vec![model]).unwrap()];
        joint.with_known_models(models).unwrap()
    });
    TRAINED.clone()
}

fn magnitude(samples: &[f32]) -> Magnitude {
    let stft = Stft::new(AUDIO.stft()).unwrap();
    stft.analyze(samples).unwrap().magnitude()
}

/// Energy of the error of the masked magnitudes of a tone that no bank has, and of the known one, relative to
/// theirs.
fn errors(separator: &Separator) -> Vec<f32> {
    let truth = [sound(300.0, 1.0, 7), sound(1300.0, 1.0, 8)];
    let mixture: Vec<f32> = truth[0].iter().zip(&truth[1]).map(|(a, b)| a + b).collect();
    let mixture = magnitude(&mixture);
    let masks = separator.masks(&mixture, &mut |_| Flow::Continue).unwrap();
    for i in 0..mixture.data().len() {
        let sum: f32 = masks.masks.iter().map(|mask| mask.data()[i]).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }
    let error = |(mask, truth): (&Magnitude, &Vec<f32>)| {
        let truth = magnitude(truth);
        let masked = mask.data().iter().zip(mixture.data()).map(|(m, x)| m * x);
        let wrong = masked.zip(truth.data()).map(|(x, s)| (x - s).powi(2));
        wrong.sum::<f32>() / truth.data().iter().map(|s| s * s).sum::<f32>()
    };
    masks.masks.iter().zip(&truth).map(error).collect()
}

#[test]
fn a_sound_that_the_bank_lacks_is_separated_from_the_known_one() {
    let joint = trained();
    let separator = joint.separator(SeparateConfig::default(), &Device::flex());
    let separator = separator.unwrap();
    assert_eq!(separator.names(), ["low", "rest"]);
    for error in errors(&separator) {
        // equal masks leave about 0.5
        assert!(error < 0.25, "{error}");
    }
    assert_eq!(joint.rest().unwrap().name, "rest");
    let MaterialRecord::Bank(records) = &joint.metadata.sources[1].material else {
        panic!("the rest is a bank's");
    };
    let names: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["700.wav", "1100.wav", "1500.wav", "2200.wav"]);
}

#[test]
fn masks_are_averaged_with_those_of_the_models_that_the_file_keeps() {
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("joint.safetensors");
    let trained = trained();
    trained.save(&path).unwrap();
    let joint = JointEncoder::load(&path, &device).unwrap();
    assert_eq!(joint.metadata, trained.metadata);
    let known = joint.known_sources();
    assert_eq!(known[0].name, "low");
    let fingerprint = known[0].models[0].fingerprint().unwrap();
    assert_eq!(fingerprint, joint.metadata.sources[0].fingerprint);
    // what would be learnt on the mixture, in another order
    let rest = Source::new("rest", vec![model("rest", 1300.0, ModelKind::Nae, AUDIO)]);
    let config = SeparateConfig::default();
    let models = Separator::new(&[rest, known[0].clone()], config.clone(), 0, &device).unwrap();
    let encoder = joint.separator(config.clone(), &device).unwrap();
    let both = Separator::mean(vec![encoder, models]).unwrap();
    assert_eq!(both.names(), ["low", "rest"]);
    for error in errors(&both) {
        assert!(error < 0.2, "{error}");
    }
    // other sources have other masks
    let other = Source::new("other", known[0].models.clone());
    let models = Separator::new(&[known[0].clone(), other], config.clone(), 0, &device).unwrap();
    let encoder = joint.separator(config, &device).unwrap();
    let error = Separator::mean(vec![encoder, models])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("low, rest") && error.contains("low, other"),
        "{error}"
    );
}

#[test]
fn models_of_other_sources_are_not_kept() {
    let other = Ensemble::new(vec![model("low", 500.0, ModelKind::Nae, AUDIO)]).unwrap();
    let error = trained().with_known_models(vec![other]).unwrap_err();
    assert!(matches!(error, JointError::OtherModels { .. }), "{error}");
    let error = trained().with_known_models(Vec::new()).unwrap_err();
    assert!(matches!(error, JointError::Count { came: 0 }), "{error}");
}

#[test]
fn banks_without_sound_and_names_that_are_taken_are_refused() {
    let mut silent = bank("rest", &[700.0]);
    silent.sounds[0].clips = vec![vec![0.0; 4000]];
    let error = against(&silent, &small()).unwrap_err().to_string();
    assert!(error.contains("no sound in the bank"), "{error}");
    silent.sounds.clear();
    assert!(against(&silent, &small()).is_err());
    let error = against(&bank("low", &[700.0]), &small()).unwrap_err();
    assert!(matches!(error, JointError::SameName { .. }), "{error}");
    // a silent sound beside others is no error
    let mut mixed = bank("rest", &[700.0, 900.0]);
    mixed.sounds[0].clips = vec![vec![0.0; 4000]];
    let few = JointConfig {
        steps: 5,
        ..small()
    };
    against(&mixed, &few).unwrap();
}

fn sounds_of(model: Model, audio: &AudioConfig) -> Vec<BankSound> {
    let model = Ensemble::new(vec![model]).unwrap();
    match model_sounds(&model, audio, SEED, &Device::flex()).unwrap() {
        ModelSound::Sounds(sounds) => sounds,
        ModelSound::Nothing => Vec::new(),
    }
}

#[test]
fn models_give_their_latent_caches_or_else_sound_of_their_bases() {
    // at whatever rate they are
    let twice = AudioConfig {
        sample_rate: 2 * RATE,
        ..AUDIO
    };
    let model = model("tone", 1000.0, ModelKind::Nae, AUDIO);
    let cached = sounds_of(model.clone(), &twice);
    assert_eq!(cached.len(), 1);
    assert_eq!(cached[0].record.origin, BankOrigin::LatentCache);
    let seconds = |sound: &BankSound, rate: u32| {
        let samples: usize = sound.clips.iter().map(Vec::len).sum();
        samples as f64 / f64::from(rate)
    };
    assert!((seconds(&cached[0], 2 * RATE) - 4.0).abs() < 0.2);
    let bare = Model {
        latent_cache: None,
        ..model
    };
    let drawn = sounds_of(bare, &AUDIO);
    assert_eq!(drawn[0].record.origin, BankOrigin::Bases);
    // its spectrum is where the model's bases are, around 1000 Hz and its harmonics
    for clip in &drawn[0].clips {
        let spectrum = magnitude(clip);
        let bins = spectrum.bins();
        let energy = |range: std::ops::Range<usize>| -> f32 {
            let frames = 0..spectrum.frames();
            frames
                .flat_map(|t| spectrum.frame(t)[range.clone()].to_vec())
                .map(|x| x * x)
                .sum()
        };
        let edge = bins * 600 / (RATE as usize / 2);
        assert!(energy(0..edge) < 0.2 * energy(edge..bins));
    }
    // nothing is known of how a deep decoder's activations move
    let deep = nae_model::ModelConfig {
        layers: 4,
        rank: 6,
        ..Default::default()
    };
    let deep = nae_testing_models::models::untrained("deep", AUDIO, &deep, SEED, &Device::flex());
    assert!(sounds_of(deep, &AUDIO).is_empty());
}
