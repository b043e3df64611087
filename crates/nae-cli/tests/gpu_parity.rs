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
use nae_model::kinds::dense::{DenseArchitecture, DenseNetwork};
use nae_model::loss::{DEFAULT_EPS, Target, generalised_kl, sparsity};
use nae_model::network::NetworkKind;
use nae_model::random::generator;
use nae_model::{Extent, ModelConfig, Nonlinearity, Output};
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

/// Loss and every weight's gradient.
fn loss_and_gradients(config: &ModelConfig, device: &Device) -> HashMap<String, Vec<f32>> {
    let device = device.clone().autodiff();
    let mut rng = generator(SEED, "weights");
    let architecture = DenseArchitecture::from_settings(config);
    let network = DenseNetwork::new(&architecture, BINS, Extent::Whole, &mut rng, &device);
    let x = uniform(BINS * FRAMES, 0.0..2.0f32, &mut rng);
    let target = Target::new(
        Tensor::from_data(TensorData::new(x, [1, BINS, FRAMES]), &device),
        DEFAULT_EPS,
    );
    let encoded = network.encode(target.spectrum.clone());
    let decoded = network.decode(encoded.latent.clone());
    let loss = generalised_kl(&target, decoded.estimate)
        + sparsity(encoded.layers().chain(&decoded.hidden), &[0.1]).unwrap();
    let gradients = loss.backward();
    let mut found = HashMap::from([("loss".to_owned(), values(loss.inner()))]);
    for (i, dense) in network.encoder.iter().chain(&network.decoder).enumerate() {
        found.insert(
            format!("weight {i}"),
            values(dense.weight.val().grad(&gradients).unwrap()),
        );
    }
    found
}

#[test]
fn losses_and_gradients_agree() {
    for (output, hidden, layers) in [
        (Output::Softplus, Nonlinearity::Softplus, 2),
        (Output::Linear, Nonlinearity::Softplus, 4),
        (Output::Abs, Nonlinearity::Relu, 2),
    ] {
        let config = ModelConfig {
            layers,
            rank: 4,
            output,
            hidden,
            ..Default::default()
        };
        let cpu = loss_and_gradients(&config, &Device::flex());
        let gpu = loss_and_gradients(&config, &gpu());
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

#[test]
fn training_and_separation_agree() {
    let recipe = recipe();
    let run = |device: &Device| {
        let go_on = &mut |_: &nae_model::optim::Progress| nae_model::optim::Flow::Continue;
        let low = [clip(&[300.0, 700.0], 1)];
        let high = [clip(&[1900.0, 3100.0], 2)];
        let low = trained("low", &low, &recipe, SEED, device);
        let high = trained("high", &high, &recipe, SEED, device);
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
        "loss: cpu {}, gpu {}",
        cpu.0,
        gpu.0
    );
    for (cpu, gpu) in cpu.1.iter().zip(&gpu.1) {
        let error: f32 = cpu.iter().zip(gpu).map(|(a, b)| (a - b).powi(2)).sum();
        let power: f32 = cpu.iter().map(|a| a * a).sum();
        assert!(
            error < 1e-3 * power,
            "stems differ by {:.1} dB",
            10.0 * (error / power).log10()
        );
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
