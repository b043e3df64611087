//! Bases of several models in one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::tensor::Device;
use nae_model::optim::Flow;
use nae_model::spectra::read;
use nae_model::{AudioConfig, ClipRecord, Ensemble, Model, ModelConfig, ModelKind};
use nae_train::{
    Recipe, Reduction, TrainConfig, TrainError, TrainingClip, merge, store_latents, train,
};

const RATE: u32 = 8000;
const BINS: usize = 65;
const SEED: u64 = 3;

/// A second of two tones, one after the other, of an amplitude.
fn clip(name: &str, tones: [f32; 2], amplitude: f32) -> TrainingClip {
    let sample = |n: usize| {
        let tone = tones[usize::from(n >= RATE as usize / 2)];
        amplitude * (std::f32::consts::TAU * tone * n as f32 / RATE as f32).sin()
    };
    TrainingClip {
        record: ClipRecord {
            name: name.into(),
            sha256: String::new(),
            duration_s: 1.0,
        },
        samples: (0..RATE as usize).map(sample).collect(),
    }
}

/// A factorisation of a clip, with its latent cache or without.
fn model(rank: usize, clip: &TrainingClip, is_cached: bool) -> Ensemble {
    let recipe = Recipe {
        audio: AudioConfig {
            sample_rate: RATE,
            n_fft: 128,
            hop: 32,
        },
        model: ModelConfig {
            kind: ModelKind::Nmf,
            rank,
            ..ModelConfig::default()
        },
        train: TrainConfig::default(),
    };
    let clips = [clip.clone()];
    let (name, device) = (clip.record.name.clone(), Device::flex());
    let mut model = train(&name, &clips, &recipe, SEED, &device, &mut |_| {
        Flow::Continue
    })
    .unwrap();
    if is_cached {
        model.latent_cache = store_latents(&model, &clips, &device).unwrap();
    }
    Ensemble::new(vec![model]).unwrap()
}

fn merged(sources: &[Ensemble], rank_each: usize) -> Result<nae_train::Merged, TrainError> {
    let observe = &mut |_: &_| Flow::Continue;
    merge("all", sources, rank_each, SEED, &Device::flex(), observe)
}

/// Columns of a factorisation.
fn columns(model: &Model) -> Vec<Vec<f32>> {
    let bases = model.network.bases().unwrap();
    let rank = bases.dims()[3];
    let values = read(bases).unwrap();
    let column = |k: usize| values.iter().skip(k).step_by(rank).copied().collect();
    (0..rank).map(column).collect()
}

/// The bin where a column is largest.
fn peak(column: &[f32]) -> usize {
    let bins = column.iter().enumerate();
    bins.max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0
}

#[test]
fn bases_of_models_of_any_level_stand_side_by_side_at_unit_norm() {
    let quiet = model(1, &clip("quiet", [500.0, 500.0], 1e-3), false);
    let loud = model(2, &clip("loud", [1000.0, 3000.0], 0.5), false);
    let all = merged(&[quiet.clone(), loud.clone()], 10).unwrap();
    let columns = columns(&all.model);
    assert_eq!(columns.len(), 3);
    for column in &columns {
        assert_eq!(column.len(), BINS);
        let norm: f32 = column.iter().map(|x| x * x).sum::<f32>().sqrt();
        // single precision over 65 bins
        assert!((norm - 1.0).abs() < 1e-5, "{norm}");
        assert!(column.iter().all(|x| *x >= 0.0));
    }
    // 62.5 Hz a bin
    assert_eq!(peak(&columns[0]), 8);
    let mut peaks: Vec<usize> = columns[1..].iter().map(|c| peak(c)).collect();
    peaks.sort_unstable();
    assert_eq!(peaks, [16, 48]);

    let metadata = &all.model.metadata;
    let [quiet, loud] = [quiet, loud].map(|one| one.first().metadata.gain);
    // both clips together are half as powerful as the loud one
    let expected = loud * 2f64.sqrt();
    assert!(quiet > 100.0 * loud);
    assert!((metadata.gain / expected - 1.0).abs() < 1e-3);
    let names: Vec<(&str, usize)> = metadata
        .training
        .merged
        .iter()
        .map(|source| (source.name.as_str(), source.rank))
        .collect();
    assert_eq!(names, [("quiet", 1), ("loud", 2)]);
    assert_eq!(metadata.training.clips.len(), 2);
    assert_eq!(metadata.training.duration_s, 2.0);
    let back = all.model.to_bytes().unwrap();
    assert_eq!(back, merged_bytes(), "equal models make equal files");
}

/// The file of the same models, trained and merged once more.
fn merged_bytes() -> Vec<u8> {
    let quiet = model(1, &clip("quiet", [500.0, 500.0], 1e-3), false);
    let loud = model(2, &clip("loud", [1000.0, 3000.0], 0.5), false);
    let all = merged(&[quiet, loud], 10).unwrap();
    all.model.to_bytes().unwrap()
}

#[test]
fn a_model_of_more_bases_is_reduced_to_the_sound_that_it_is_of() {
    let tones = clip("tones", [500.0, 1500.0], 0.1);
    for (is_cached, reduction) in [(true, Reduction::LatentCache), (false, Reduction::Bases)] {
        let all = merged(&[model(12, &tones, is_cached)], 2).unwrap();
        assert_eq!(all.parts[0].reduction, reduction);
        let mut peaks: Vec<usize> = columns(&all.model).iter().map(|c| peak(c)).collect();
        peaks.sort_unstable();
        assert_eq!(peaks, [8, 24], "{reduction:?}");
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let one = || model(2, &clip("one", [500.0, 900.0], 0.1), true);
    for rank_each in [0, 4097] {
        let error = merged(&[one()], rank_each).unwrap_err().to_string();
        assert!(error.contains("1 to 4096"), "{error}");
    }
    let many = model(9, &clip("many", [500.0, 900.0], 0.1), true);
    let error = merged(&[many.clone(), many], 3000);
    // no more than they have: nine each
    assert_eq!(columns(&error.unwrap().model).len(), 18);
    assert!(matches!(merged(&[], 2), Err(TrainError::NoClips)));
}
