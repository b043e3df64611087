//! Sources that nobody recorded alone: learnt on the mixture, then separated like any other.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use burn::tensor::Device;
use nae_audio::{AudioReader, Clip};
use nae_model::optim::Flow;
use nae_model::{AudioConfig, ClipRecord};
use nae_separate::unknown::{Excerpts, Learnt, Unknown, components, excerpts, learn};
use nae_separate::{SeparateConfig, SeparateError, Separator, Source};

const RATE: u32 = 8000;

const AUDIO: AudioConfig = AudioConfig {
    sample_rate: RATE,
    n_fft: 256,
    hop: 64,
};

/// Notes of three harmonics on a scale, `seconds` long, each a quarter of a second.
fn notes(hertz: f32, seconds: f32, level: f32) -> Vec<f32> {
    let count = (seconds * RATE as f32) as usize;
    let sample = |n: usize| {
        let t = n as f32 / RATE as f32;
        let note = (4.0 * t) as usize * 7 % 5;
        let f = hertz * (1.0 + note as f32 / 8.0);
        let phase = std::f32::consts::TAU * f * t;
        level * (phase.sin() + 0.5 * (2.0 * phase).sin() + 0.25 * (3.0 * phase).sin())
    };
    (0..count).map(sample).collect()
}

/// A hum with noise, as a machine makes it, that repeats with a rhythm of its own.
fn machine(seconds: f32, level: f32) -> Vec<f32> {
    let mut state = 1u32;
    let count = (seconds * RATE as f32) as usize;
    let mut smooth = 0.0f32;
    let sample = |n: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = state as f32 / u32::MAX as f32 - 0.5;
        smooth = 0.6 * smooth + white;
        let beat = if (n / 1100).is_multiple_of(2) {
            1.0
        } else {
            0.3
        };
        level * beat * smooth
    };
    (0..count).map(sample).collect()
}

fn heard(samples: &[f32]) -> Excerpts {
    let clip = Clip::mono(samples.to_vec(), RATE);
    excerpts(|| Ok(AudioReader::from_clip(clip.clone())), AUDIO, 60.0).unwrap()
}

fn learnt(
    known: Vec<Source>,
    unknown: &[(&str, usize)],
    samples: &[f32],
) -> Result<Learnt, SeparateError> {
    observed(known, unknown, samples, Flow::Continue)
}

/// With an observer that always says the same.
fn observed(
    known: Vec<Source>,
    unknown: &[(&str, usize)],
    samples: &[f32],
    flow: Flow,
) -> Result<Learnt, SeparateError> {
    let unknown: Vec<Unknown> = unknown
        .iter()
        .map(|(name, rank)| Unknown {
            name: (*name).into(),
            rank: *rank,
        })
        .collect();
    let record = ClipRecord {
        name: "mixture.wav".into(),
        sha256: "ab".into(),
        duration_s: samples.len() as f64 / f64::from(RATE),
    };
    let (config, device) = (SeparateConfig::default(), Device::flex());
    let observe = &mut |_: &_| flow;
    let heard = heard(samples);
    learn(
        known,
        &unknown,
        &heard,
        0.5,
        Some(&record),
        &config,
        0,
        &device,
        observe,
    )
}

/// A model of the notes, learnt on them alone.
fn voice() -> Source {
    let mut learnt = learnt(Vec::new(), &[("voice", 8)], &notes(440.0, 4.0, 0.3)).unwrap();
    learnt.sources.remove(0)
}

/// Energy of `a − b` relative to that of `a`, in dB.
fn error_db(a: &[f32], b: &[f32]) -> f64 {
    let energy = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x * x)).sum::<f64>();
    let difference = energy(&mut a.iter().zip(b).map(|(a, b)| a - b));
    10.0 * (difference / energy(&mut a.iter().copied())).log10()
}

fn stems(separator: &Separator, mixture: &[f32]) -> Vec<Vec<f32>> {
    let clip = Clip::mono(mixture.to_vec(), RATE);
    let separated = separator.separate(&clip, &mut |_| Flow::Continue).unwrap();
    let stems = separated.stems.into_iter();
    stems.map(|stem| stem.into_channels().remove(0)).collect()
}

fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

#[test]
fn a_known_source_comes_out_of_an_unknown_one() {
    let (voice_alone, noise) = (notes(440.0, 5.0, 0.2), machine(5.0, 0.5));
    let mixture = sum(&voice_alone, &noise);
    let Learnt {
        sources,
        is_interrupted,
    } = learnt(vec![voice()], &[("noise", 10)], &mixture).unwrap();
    assert!(!is_interrupted);
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["voice", "noise"]);
    let config = SeparateConfig::default();
    let separator = Separator::new(&sources, config, 0, &Device::flex()).unwrap();
    let stems = stems(&separator, &mixture);
    let before = error_db(&voice_alone, &mixture);
    let after = error_db(&voice_alone, &stems[0]);
    // 9 dB better here; what matters is that the model of the voice does not explain the noise
    assert!(after < before - 5.0, "{before} {after}");
    assert!(error_db(&mixture, &sum(&stems[0], &stems[1])) < -100.0);
}

#[test]
fn what_was_learnt_is_an_ordinary_model_with_bases_of_unit_length() {
    let mixture = sum(&notes(440.0, 3.0, 0.2), &machine(3.0, 0.5));
    let learnt = learnt(vec![voice()], &[("noise", 6)], &mixture).unwrap();
    let model = &learnt.sources[1].models[0];
    assert_eq!(model.metadata.name, "noise");
    assert_eq!(model.metadata.architecture.describe(), "NMF with 6 bases");
    let training = &model.metadata.training;
    assert_eq!(training.clips[0].name, "mixture.wav");
    assert_eq!(training.beside, Some(vec!["voice".into()]));
    assert!(training.steps > 0 && training.loss.is_finite());
    let bases = model.network.bases().unwrap().squeeze_dim::<3>(1);
    let lengths = bases
        .square()
        .sum_dim(1)
        .into_data()
        .try_to_vec::<f32>()
        .unwrap();
    // single precision
    assert!(
        lengths.iter().all(|length| (length - 1.0).abs() < 1e-4),
        "{lengths:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.safetensors");
    model.save(&path).unwrap();
    let again = nae_model::Model::load(&path, &Device::flex()).unwrap();
    assert_eq!(again.fingerprint().unwrap(), model.fingerprint().unwrap());
}

#[test]
fn an_unknown_source_has_a_model_for_each_of_the_known_ones() {
    let mixture = sum(&notes(440.0, 3.0, 0.2), &machine(3.0, 0.5));
    let (a, b) = (voice(), voice());
    let models = a.models.into_iter().chain(b.models).collect();
    let both = Source::new("voice", models);
    let learnt = learnt(vec![both], &[("noise", 4)], &mixture).unwrap();
    assert_eq!(learnt.sources[1].models.len(), 2);
}

#[test]
fn without_known_sources_there_are_components_that_sum_to_the_mixture() {
    let mixture = sum(&notes(440.0, 3.0, 0.2), &machine(3.0, 0.5));
    let learnt = learnt(Vec::new(), &[("part", 12)], &mixture).unwrap();
    let parts = components(&learnt.sources[0], &Device::flex()).unwrap();
    assert_eq!((parts.len(), parts[0].name.as_str()), (12, "part-01"));
    let separator = Separator::new(&parts, SeparateConfig::default(), 0, &Device::flex()).unwrap();
    let stems = stems(&separator, &mixture);
    let total = stems
        .iter()
        .skip(1)
        .fold(stems[0].clone(), |a, b| sum(&a, b));
    assert!(error_db(&mixture, &total) < -100.0);
}

#[test]
fn what_no_source_explains_gets_a_stem_and_all_still_sum_to_the_mixture() {
    // a tone that no basis of the voice has
    let whistle: Vec<f32> = (0..4 * RATE)
        .map(|n| 0.2 * (2.75 * n as f32).sin())
        .collect();
    let mixture = sum(&notes(440.0, 4.0, 0.3), &whistle);
    let separator = Separator::new(&[voice()], SeparateConfig::default(), 0, &Device::flex());
    let separator = separator.unwrap().with_residual("rest").unwrap();
    assert_eq!(separator.names(), ["voice", "rest"]);
    let stems = stems(&separator, &mixture);
    assert!(error_db(&mixture, &sum(&stems[0], &stems[1])) < -100.0);
    let error = error_db(&whistle, &stems[1]);
    assert!(error < -6.0, "{error}");
    let taken = Separator::new(&[voice()], SeparateConfig::default(), 0, &Device::flex());
    let error = taken.unwrap().with_residual("voice").unwrap_err();
    assert!(error.to_string().contains("`voice`"), "{error}");
}

#[test]
fn what_cannot_be_learnt_says_what_to_try() {
    let mixture = sum(&notes(440.0, 3.0, 0.2), &machine(3.0, 0.5));
    let refused = |unknown: &[(&str, usize)], samples: &[f32], words: &[&str]| {
        let error = learnt(vec![voice()], unknown, samples)
            .unwrap_err()
            .to_string();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
    };
    refused(&[("voice", 5)], &mixture, &["`voice`", "--unknown OTHER"]);
    refused(&[("a", 5), ("a", 5)], &mixture, &["`a`", "--unknown OTHER"]);
    refused(&[("noise", 0)], &mixture, &["rank 0", "rank=20"]);
    refused(
        &[("noise", 4000)],
        &mixture,
        &["rank 4000", "frames", "rank=20"],
    );
    refused(
        &[("noise", 5)],
        &mixture[..4000],
        &["0.50 s", "at least 1 s"],
    );
    refused(&[("noise", 5)], &[0.0; 16_000], &["silent"]);
}

#[test]
fn a_stop_is_passed_on() {
    let mixture = sum(&notes(440.0, 3.0, 0.2), &machine(3.0, 0.5));
    let learnt = observed(vec![voice()], &[("noise", 5)], &mixture, Flow::Stop);
    assert!(learnt.unwrap().is_interrupted);
}
