//! The GPU path says the same as the CPU: losses, gradients, a training run and a separation.
//!
//! Runs on whatever device wgpu finds, also a software one; shapes are tiny because a software
//! device compiles shaders slowly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]
#![recursion_limit = "256"]

use std::collections::HashMap;

use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use nae_model::architecture::ArchitectureKind;
use nae_model::config::Cell;
use nae_model::kinds::dense::DenseNetwork;
use nae_model::kinds::stack::StackNetwork;
use nae_model::layers::Layer;
use nae_model::loss::{DEFAULT_EPS, Target, generalised_kl, sparsity};
use nae_model::network::NetworkKind;
use nae_model::random::generator;
use nae_model::{Extent, Hidden, ModelConfig, ModelKind, Nonlinearity, Output};
use nae_separate::{SeparateConfig, Separator, Source};
use nae_testing::noise::uniform;
use nae_testing::tones::chord;
use nae_testing_models::clips;
use nae_testing_models::models::{AUDIO, trained};
use nae_train::{Job, Recipe, TrainConfig, TrainingClip};

const SEED: u64 = 21;
const BINS: usize = 9;
const FRAMES: usize = 12;
/// Both compute in single precision; the order of sums and the `exp`/`log` of the shader
/// languages (specified to about 1e-5 relative) differ.
const TOLERANCE: f32 = 2e-4;

fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

fn close(cpu: &[f32], gpu: &[f32], what: &str) {
    assert_eq!(cpu.len(), gpu.len(), "{what}");
    let scale = cpu.iter().fold(1e-3f32, |scale, x| scale.max(x.abs()));
    for (cpu, gpu) in cpu.iter().zip(gpu) {
        assert!(
            (cpu - gpu).abs() <= TOLERANCE * scale,
            "{what}: cpu {cpu}, gpu {gpu}, scale {scale}"
        );
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Loss and every weight's gradient of segments of half the frames each.
fn loss_and_gradients<N: NetworkKind>(
    config: &ModelConfig,
    device: &Device,
    weights: impl Fn(&N) -> Vec<Tensor<3>>,
) -> HashMap<String, Vec<f32>>
where
    N::Architecture: ArchitectureKind,
{
    let device = device.clone().autodiff();
    let mut rng = generator(SEED, "weights");
    let architecture = N::Architecture::from_settings(config);
    let network = N::new(&architecture, BINS, Extent::Whole, &mut rng, &device);
    let x = uniform(BINS * FRAMES, 0.0..2.0f32, &mut rng);
    let target = Target::new(
        Tensor::from_data(TensorData::new(x, [1, BINS, FRAMES]), &device),
        DEFAULT_EPS,
    );
    let segment = FRAMES / 2;
    let encoded = network.encode_segments(target.spectrum.clone(), segment);
    let decoded = network.decode_segments(encoded.latent.clone(), segment);
    let loss = generalised_kl(&target, decoded.estimate)
        + sparsity(encoded.layers().chain(&decoded.hidden), &[0.1]).unwrap();
    let gradients = loss.backward();
    let mut found = HashMap::from([("loss".to_owned(), values(loss.inner()))]);
    for (i, weight) in weights(&network).into_iter().enumerate() {
        let gradient = weight.grad(&gradients).unwrap();
        found.insert(format!("weight {i}"), values(gradient));
    }
    found
}

#[test]
fn losses_and_gradients_agree() {
    let weights = |network: &DenseNetwork| {
        let layers = network.encoder.iter().chain(&network.decoder);
        layers.map(|layer| layer.weight.val()).collect()
    };
    for (output, hidden, layers) in [
        (Output::Softplus, Nonlinearity::Softplus, 2),
        (Output::Linear, Nonlinearity::Softplus, 4),
        (Output::Abs, Nonlinearity::Relu, 2),
    ] {
        let config = ModelConfig {
            layers,
            rank: 4,
            output,
            hidden: hidden.into(),
            ..Default::default()
        };
        let cpu = loss_and_gradients(&config, &Device::flex(), weights);
        let gpu = loss_and_gradients(&config, &gpu(), weights);
        for (name, cpu) in &cpu {
            close(cpu, &gpu[name], &format!("{config:?} {name}"));
        }
    }
}

/// Kinds that see several frames: convolutive, and each recurrence.
fn kinds_of_several_frames() -> Vec<ModelConfig> {
    let kind = |layers, span, cell| ModelConfig {
        layers,
        rank: 4,
        hidden: Hidden::Softplus,
        span,
        cell,
        ..Default::default()
    };
    vec![
        kind(2, 3, Cell::None),
        kind(4, 1, Cell::Rnn),
        kind(4, 1, Cell::Gru),
        kind(3, 2, Cell::Lstm),
    ]
}

#[test]
fn losses_and_gradients_of_kinds_that_see_several_frames_agree() {
    let weights = |network: &StackNetwork| {
        let layers = network.encoder.iter().chain(&network.decoder);
        let of_layer = |layer: &Layer| match layer {
            Layer::Dense(layer) => vec![layer.weight.val()],
            Layer::Recurrent(layer) => vec![layer.weight.val(), layer.recurrent.val()],
        };
        layers.flat_map(of_layer).collect()
    };
    for config in kinds_of_several_frames() {
        let cpu = loss_and_gradients(&config, &Device::flex(), weights);
        let gpu = loss_and_gradients(&config, &gpu(), weights);
        for (name, cpu) in &cpu {
            close(cpu, &gpu[name], &format!("{config:?} {name}"));
        }
    }
}

fn clip(frequencies: &[f64], seed: u64) -> TrainingClip {
    let samples = chord(
        frequencies,
        AUDIO.sample_rate,
        4000,
        &mut generator(seed, "clip"),
    );
    clips::clip("tones", samples, AUDIO.sample_rate)
}

fn recipe() -> Recipe {
    Recipe {
        audio: AUDIO,
        model: ModelConfig {
            layers: 2,
            rank: 4,
            ..Default::default()
        },
        train: TrainConfig {
            max_steps: 10,
            window: 5,
            batch_frames: 32,
            refine: nae_train::settings::RefineConfig {
                passes: 3,
                batches: 2,
                ..Default::default()
            },
            ..Default::default()
        },
    }
}

/// Trains two models of a recipe and separates a mixture with them, on both devices.
fn check_training_and_separation(recipe: &Recipe) {
    let run = |device: &Device| {
        let go_on = &mut |_: &nae_model::optim::Progress| nae_model::optim::Flow::Continue;
        let low = [clip(&[300.0, 700.0], 1)];
        let high = [clip(&[1900.0, 3100.0], 2)];
        let low = trained("low", &low, recipe, SEED, device);
        let high = trained("high", &high, recipe, SEED, device);
        let loss = low.metadata.training.loss as f32;
        let sources: Vec<Source> = [low, high]
            .into_iter()
            .map(|model| Source {
                name: model.metadata.name.clone(),
                models: vec![model],
            })
            .collect();
        let config = SeparateConfig {
            max_steps: 5,
            ..Default::default()
        };
        let separator = Separator::new(&sources, config, SEED, device).unwrap();
        let mixture = clip(&[300.0, 700.0, 1900.0, 3100.0], 3).samples;
        let mixture = nae_audio::Clip::mono(mixture, 8000);
        let stems = separator.separate(&mixture, go_on).unwrap().stems;
        (
            loss,
            stems
                .into_iter()
                .map(|stem| stem.into_channels().remove(0))
                .collect::<Vec<_>>(),
        )
    };
    let (cpu, gpu) = (run(&Device::flex()), run(&gpu()));
    // 15 steps of Adam, whose division by small second moments amplifies rounding
    assert!(
        (cpu.0 - gpu.0).abs() < 5e-3 * cpu.0.abs(),
        "{:?} loss: cpu {}, gpu {}",
        recipe.model,
        cpu.0,
        gpu.0
    );
    for (cpu, gpu) in cpu.1.iter().zip(&gpu.1) {
        let error: f32 = cpu.iter().zip(gpu).map(|(a, b)| (a - b).powi(2)).sum();
        let power: f32 = cpu.iter().map(|a| a * a).sum();
        assert!(
            error < 1e-3 * power,
            "{:?}: stems differ by {:.1} dB",
            recipe.model,
            10.0 * (error / power).log10()
        );
    }
}

#[test]
fn training_and_separation_agree() {
    check_training_and_separation(&recipe());
}

#[test]
fn training_and_separation_with_kinds_that_see_several_frames_agree() {
    // of the recurrences one: they differ in their gradients, which are compared above, and thousands of
    // small operations take minutes on a software device
    let is_taken = |model: &ModelConfig| matches!(model.cell, Cell::None | Cell::Gru);
    let mut kinds = kinds_of_several_frames();
    kinds.retain(is_taken);
    kinds.push(ModelConfig {
        kind: ModelKind::Nmf,
        rank: 4,
        span: 3,
        ..Default::default()
    });
    for model in kinds {
        let mut recipe = recipe();
        recipe.model = model;
        recipe.train.nmf.updates = 10;
        recipe.train.max_steps = 4;
        recipe.train.refine.passes = 1;
        check_training_and_separation(&recipe);
    }
}

#[test]
fn a_stack_of_models_of_different_lengths_agrees() {
    let recipe = recipe();
    let clips = [4000, 3000, 1100].map(|samples| {
        let mut clip = clip(&[300.0, 700.0], samples as u64);
        clip.samples.truncate(samples);
        [clip]
    });
    let losses = |device: &Device| -> Vec<f64> {
        let job = |(i, clips)| Job {
            name: "tones",
            clips,
            recipe: &recipe,
            // from 1: with seed 0 no unit outlives these few steps, and the model is refused
            seed: i as u64 + 1,
        };
        let clips = clips.iter().map(|clips| clips.as_slice());
        let jobs: Vec<Job<'_>> = clips.enumerate().map(job).collect();
        nae_train::train_many(&jobs, device, &mut |_| nae_model::optim::Flow::Continue)
            .into_iter()
            .map(|model| model.unwrap().metadata.training.loss)
            .collect()
    };
    let (cpu, gpu) = (losses(&Device::flex()), losses(&gpu()));
    for (cpu, gpu) in cpu.into_iter().zip(gpu) {
        // as above: some steps of Adam
        assert!((cpu - gpu).abs() < 5e-3 * cpu, "cpu {cpu}, gpu {gpu}");
    }
}
