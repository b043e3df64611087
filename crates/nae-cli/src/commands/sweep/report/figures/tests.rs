use std::path::PathBuf;

use nae_model::optim::{OptimizerKind, Schedule};
use nae_model::{Hidden, ModelConfig, ModelKind, Output};
use nae_train::settings::RefineConfig;
use nae_train::{Recipe, TrainConfig};

use super::components::MAX_CURVES;
use super::*;

const SEED: u64 = 0;

fn notes() -> Vec<PathBuf> {
    ["C4", "E4", "G4"]
        .map(|note| nae_testing::folders::data(&format!("music/piano_{note}.wav")))
        .into()
}

/// The three notes one after another.
fn melody() -> Clip {
    let clips: Vec<Clip> = notes()
        .iter()
        .map(|path| nae_audio::read(path).unwrap())
        .collect();
    let samples = clips.iter().flat_map(Clip::mixdown).collect();
    Clip::mono(samples, clips[0].sample_rate())
}

/// Trained as in the deck's demonstration: full batches and RProp.
fn model(config: ModelConfig, sparsity: f64) -> Model {
    let recipe = Recipe {
        model: ModelConfig {
            rank: 3,
            compression: 1.0,
            ..config
        },
        train: TrainConfig {
            optimizer: OptimizerKind::Rprop,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            batch_frames: 0,
            max_steps: 1000,
            latent_noise: 0.0,
            sparsity,
            refine: RefineConfig {
                passes: 0,
                ..RefineConfig::default()
            },
            ..TrainConfig::default()
        },
        ..Recipe::default()
    };
    let clips = crate::training_clips::read_clips(&notes(), recipe.audio.sample_rate).unwrap();
    nae_testing_models::models::trained("piano", &clips, &recipe, SEED, &Device::flex())
}

fn nmf() -> Model {
    let config = ModelConfig {
        kind: ModelKind::Nmf,
        ..ModelConfig::default()
    };
    model(config, 0.0)
}

fn nae(sparsity: f64) -> Model {
    let config = ModelConfig {
        layers: 2,
        hidden: Hidden::Softplus,
        output: Output::Softplus,
        sharpness: 2.0,
        ..ModelConfig::default()
    };
    model(config, sparsity)
}

fn shown<'a>(name: &str, model: &'a Model) -> Shown<'a> {
    Shown {
        name: name.into(),
        model,
        top_hz: 3000.0,
    }
}

/// Share of a component's activity that lies in the third of the melody where it has most.
fn concentration(reconstructed: &Reconstruction) -> f32 {
    let frames = reconstructed.input.frames();
    let share = |row: &[f32]| {
        let third = |i: usize| -> f32 { row[i * frames / 3..(i + 1) * frames / 3].iter().sum() };
        let most = (0..3).map(third).fold(0.0, f32::max);
        most / row.iter().sum::<f32>()
    };
    reconstructed
        .activations
        .chunks(frames)
        .map(share)
        .fold(1.0, f32::min)
}

/// Share of the last layer that is negative, as magnitudes.
fn negative(model: &Model) -> f32 {
    let bases = Bases::of(model).unwrap().columns().concat();
    let below: f32 = bases.iter().map(|x| (-x).max(0.0)).sum();
    below / bases.iter().map(|x| x.abs()).sum::<f32>()
}

#[test]
fn sparsity_turns_dense_signed_bases_into_those_of_notes() {
    let (dense, sparse) = (nae(0.0), nae(0.01));
    let read = |model: &Model| reconstruct(model, &melody(), &Device::flex()).unwrap();
    let (dense_notes, sparse_notes) = (concentration(&read(&dense)), concentration(&read(&sparse)));
    assert!(
        dense_notes < 0.7 && sparse_notes > 0.8,
        "{dense_notes} {sparse_notes}"
    );
    let (dense_signs, sparse_signs) = (negative(&dense), negative(&sparse));
    assert!(
        dense_signs > 2.0 * sparse_signs,
        "{dense_signs} {sparse_signs}"
    );
}

#[test]
fn nmf_finds_the_three_notes_and_when_they_sound() {
    let reconstructed = reconstruct(&nmf(), &melody(), &Device::flex()).unwrap();
    let frames = reconstructed.input.frames();
    // every note has a component of its own that is loudest while it sounds
    let mut thirds: Vec<usize> = reconstructed
        .activations
        .chunks(frames)
        .map(|row| {
            let loudest = (0..frames)
                .max_by(|&a, &b| row[a].total_cmp(&row[b]))
                .unwrap();
            loudest * 3 / frames
        })
        .collect();
    thirds.sort_unstable();
    assert_eq!(thirds, [0, 1, 2]);
    // the reconstruction is close: three notes of two loudnesses are not quite three spectra
    let input = bin_major(&reconstructed.input);
    let off: f32 = input
        .iter()
        .zip(&reconstructed.reconstruction)
        .map(|(a, b)| (a - b).abs())
        .sum();
    let share = off / input.iter().sum::<f32>();
    assert!(share < 0.35, "{share}");
}

#[test]
fn figures_have_their_panels_and_come_as_files() {
    let plain = nae(0.0);
    let sparse = nae(0.01);
    let clip = melody();
    let device = Device::flex();
    let mut figures = vec![
        reconstruction_figure("nmf", "NMF in action", &nmf(), &clip, &device).unwrap(),
        reconstruction_figure("nae", "NAE in action", &plain, &clip, &device).unwrap(),
        reconstruction_figure(
            "nae-sparse",
            "Sparse NAE in action",
            &sparse,
            &clip,
            &device,
        )
        .unwrap(),
    ];
    let models = [
        shown("without sparsity", &plain),
        shown("with sparsity", &sparse),
    ];
    figures.push(bases("bases", "Bases", &models).unwrap());
    for figure in &figures {
        let svg = figure.svg().unwrap();
        let words: &[&str] = match figure.name.as_str() {
            "bases" => &["without sparsity", "with sparsity", "frequency (kHz)"],
            _ => &[
                "Input",
                "Reconstruction",
                "Bases",
                "Activations",
                "time (s)",
                "<image",
            ],
        };
        for word in words {
            assert!(svg.contains(word), "{word} is missing in {}", figure.name);
        }
        assert!(figure.png().unwrap().starts_with(b"\x89PNG"));
    }
}

#[test]
fn many_components_become_a_heat_map() {
    let rows = vec![vec![0.0, 1.0, 2.0]; MAX_CURVES + 1];
    let panel = components("a", rows, Axis::time(1.0), Upwards::Frequency).unwrap();
    let Panel::HeatMap(heat_map) = panel else {
        panic!("curves of {} components", MAX_CURVES + 1);
    };
    assert_eq!(
        (heat_map.matrix.rows(), heat_map.matrix.cols()),
        (3, MAX_CURVES + 1)
    );
}

#[test]
fn bases_of_several_frames_are_small_spectrograms_and_the_caption_says_how_long() {
    let config = ModelConfig {
        kind: ModelKind::Nmf,
        span: 4,
        ..ModelConfig::default()
    };
    let model = model(config, 0.0);
    let bases = Bases::of(&model).unwrap();
    let Panel::Spectrograms(row) = bases.panel("Bases", 15.625, 100).unwrap() else {
        panic!("no spectrograms");
    };
    let names: Vec<&str> = row
        .spectrograms
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["1", "2", "3"]);
    for (_, spectrogram) in &row.spectrograms {
        assert_eq!((spectrogram.rows(), spectrogram.cols()), (100, 4));
        assert!(spectrogram.largest() <= Some(1.0) && spectrogram.smallest() >= Some(0.0));
    }
    // low notes first, as curves are
    let peaks = row.spectrograms.iter().map(|(_, own)| {
        let sums = own.values().chunks(4).map(|row| row.iter().sum::<f32>());
        sums.enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap()
            .0
    });
    assert!(peaks.is_sorted());
    let audio = model.metadata.audio;
    let caption = bases.caption(&audio);
    // three hops of 16 ms and a frame of 64 ms
    for word in ["4 frames", "every 16 ms", "112 ms in all"] {
        assert!(caption.contains(word), "{caption}");
    }
    let figure = super::bases("bases", "Bases", &[shown("NMFD", &model)]).unwrap();
    assert!(
        figure
            .caption
            .contains("NMFD: Bases are spectrograms of 4 frames")
    );
    // one picture a basis, and the scale
    assert_eq!(figure.svg().unwrap().matches("<image").count(), 4);
    let whole = reconstruction_figure("nmfd", "NMFD", &model, &melody(), &Device::flex());
    assert!(whole.unwrap().caption.contains("112 ms in all"));
}

#[test]
fn of_many_long_bases_some_are_shown_and_the_caption_says_so() {
    let config = ModelConfig {
        kind: ModelKind::Nmf,
        span: 8,
        ..ModelConfig::default()
    };
    let clip = melody();
    let recipe = Recipe {
        model: ModelConfig { rank: 25, ..config },
        ..Recipe::default()
    };
    let clips = crate::training_clips::read_clips(&notes(), clip.sample_rate()).unwrap();
    let model =
        nae_testing_models::models::trained("piano", &clips, &recipe, SEED, &Device::flex());
    let bases = Bases::of(&model).unwrap();
    let Panel::Spectrograms(row) = bases.panel("Bases", 15.625, 50).unwrap() else {
        panic!("no spectrograms");
    };
    assert_eq!(row.spectrograms.len(), 10);
    assert_eq!(row.spectrograms[9].0, "25");
    assert!(bases.caption(&model.metadata.audio).contains("10 of 25"));
}

/// The colours of bases are dB of magnitudes, whatever exponent the model was trained on.
#[test]
fn spectrograms_of_bases_are_uncompressed() {
    let config = ModelConfig {
        kind: ModelKind::Nmf,
        span: 2,
        ..ModelConfig::default()
    };
    let clips = crate::training_clips::read_clips(&notes(), 16000).unwrap();
    for compression in [1.0, 0.5] {
        let recipe = Recipe {
            model: ModelConfig {
                rank: 3,
                compression,
                ..config.clone()
            },
            ..Recipe::default()
        };
        let model =
            nae_testing_models::models::trained("piano", &clips, &recipe, SEED, &Device::flex());
        let bases = model.network.bases().unwrap();
        let [_, span, bins, count] = bases.dims();
        let values = read(bases.reshape([span * bins, count])).unwrap();
        let largest = |k: usize| {
            values
                .iter()
                .skip(k)
                .step_by(count)
                .fold(0.0f32, |a, x| a.max(*x))
        };
        let mut expected: Vec<f32> = (0..count)
            .flat_map(|k| {
                let largest = largest(k);
                let own = values.iter().skip(k).step_by(count);
                own.map(move |x| (x / largest).powf(1.0 / compression as f32))
            })
            .collect();
        let Panel::Spectrograms(row) = Bases::of(&model)
            .unwrap()
            .panel("Bases", 15.625, bins)
            .unwrap()
        else {
            panic!("no spectrograms");
        };
        let mut drawn: Vec<f32> = row
            .spectrograms
            .iter()
            .flat_map(|(_, own)| own.values().to_vec())
            .collect();
        expected.sort_by(f32::total_cmp);
        drawn.sort_by(f32::total_cmp);
        let off = expected.iter().zip(&drawn).map(|(a, b)| (a - b).abs());
        assert!(expected.len() == drawn.len() && off.fold(0.0, f32::max) < 1e-6);
    }
}
