//! Gradients of the training loss against central finite differences, in double precision.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use nae_model::architecture::ArchitectureKind;
use nae_model::decoder::DecoderKind;
use nae_model::kinds::dense::{DenseArchitecture, DenseNetwork};
use nae_model::loss::{DEFAULT_EPS, Target, generalised_kl, sparsity};
use nae_model::network::NetworkKind;
use nae_model::parameters::has_gradient;
use nae_model::random::generator;
use nae_model::{
    ActivationForm, Activations, BasisNorm, Extent, Latent, ModelConfig, Nonlinearity, Output,
};

const SEED: u64 = 11;
const BINS: usize = 6;
const FRAMES: usize = 5;
const LAMBDA: f64 = 0.05;
/// Central differences in f64 with this step err by about step² + 1e-16/step.
const STEP: f64 = 1e-6;
/// Leaves room for the curvature of the logarithm at small estimates.
const TOLERANCE: f64 = 1e-6;

fn device() -> Device {
    Device::flex().autodiff()
}

fn double(values: Vec<f64>, shape: [usize; 3]) -> Tensor<3> {
    Tensor::from_data(TensorData::new(values, shape), (&device(), DType::F64))
}

fn values(tensor: Tensor<3>) -> Vec<f64> {
    tensor.into_data().try_to_vec().unwrap()
}

fn uniform(count: usize, low: f64, high: f64, purpose: &str) -> Vec<f64> {
    nae_testing::noise::uniform(count, low..high, &mut generator(SEED, purpose))
}

/// The network with double-precision weights, entry `index` of weight `layer` moved by `shift`.
fn network(config: &ModelConfig, layer: usize, index: usize, shift: f64) -> DenseNetwork {
    let mut rng = generator(SEED, "weights");
    let architecture = DenseArchitecture::from_settings(config);
    let mut network = DenseNetwork::new(&architecture, BINS, Extent::Whole, &mut rng, &device());
    for (i, dense) in network
        .encoder
        .iter_mut()
        .chain(&mut network.decoder)
        .enumerate()
    {
        let shape = dense.weight.dims();
        let mut weights: Vec<f64> = dense
            .weight
            .val()
            .into_data()
            .convert::<f64>()
            .try_to_vec()
            .unwrap();
        if i == layer {
            weights[index] += shift;
        }
        dense.weight = Param::from_tensor(double(weights, shape));
        if let Some(bias) = &dense.bias {
            let shape = bias.dims();
            dense.bias = Some(Param::from_tensor(double(
                uniform(shape[1], 0.1, 0.4, "bias"),
                shape,
            )));
        }
    }
    network
}

fn target() -> Target {
    Target::new(
        double(
            uniform(BINS * FRAMES, 0.05, 3.0, "spectrum"),
            [1, BINS, FRAMES],
        ),
        DEFAULT_EPS,
    )
}

fn loss(network: &DenseNetwork) -> Tensor<1> {
    let target = target();
    let encoded = network.encode(target.spectrum.clone());
    let decoded = network.decode(encoded.latent.clone());
    let hidden = encoded.layers().chain(&decoded.hidden);
    generalised_kl(&target, decoded.estimate) + sparsity(hidden, &[LAMBDA]).unwrap()
}

fn scalar(loss: Tensor<1>) -> f64 {
    loss.into_data().try_to_vec::<f64>().unwrap()[0]
}

fn configs() -> Vec<ModelConfig> {
    let mut configs = Vec::new();
    for output in [Output::Softplus, Output::Relu, Output::Abs, Output::Linear] {
        for hidden in [
            Nonlinearity::Softplus,
            Nonlinearity::Relu,
            Nonlinearity::Abs,
        ] {
            for (layers, basis_norm) in [
                (2, BasisNorm::None),
                (4, BasisNorm::L2),
                (5, BasisNorm::None),
            ] {
                configs.push(ModelConfig {
                    layers,
                    rank: 3,
                    hidden: hidden.into(),
                    output,
                    basis_norm,
                    ..Default::default()
                });
            }
        }
    }
    configs.push(ModelConfig {
        layers: 4,
        rank: 3,
        bias: nae_model::config::Bias::All,
        ..Default::default()
    });
    configs
}

#[test]
fn weight_gradients_agree_with_finite_differences() {
    for config in configs() {
        let centre = network(&config, usize::MAX, 0, 0.0);
        let gradients = loss(&centre).backward();
        for (layer, dense) in centre.encoder.iter().chain(&centre.decoder).enumerate() {
            let gradient = values(
                dense
                    .weight
                    .val()
                    .grad(&gradients)
                    .expect("every weight has a gradient"),
            );
            for (index, came) in gradient.into_iter().enumerate() {
                let moved = |shift| scalar(loss(&network(&config, layer, index, shift)));
                let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                assert!(
                    (came - expected).abs() < TOLERANCE * (1.0 + expected.abs()),
                    "{config:?} layer {layer} entry {index}: {came} {expected}"
                );
            }
        }
    }
}

#[test]
fn activation_gradients_agree_with_finite_differences_and_decoders_get_none() {
    for config in configs() {
        let network = network(&config, usize::MAX, 0, 0.0);
        for latent in [Latent::Bottleneck, Latent::First] {
            for form in [ActivationForm::Nonnegative, ActivationForm::Preactivation] {
                let decoder = network.decoder(latent, &device());
                let start = uniform(decoder.rank() * FRAMES, 0.2, 2.0, "activations");
                let at = |index: usize, shift: f64| {
                    let mut leaf = start.clone();
                    leaf[index] += shift;
                    let mut activations =
                        Activations::new(double(leaf.clone(), [1, decoder.rank(), FRAMES]), form);
                    // the leaf itself, not the activations, is what moves
                    activations.leaf =
                        Param::from_tensor(double(leaf, [1, decoder.rank(), FRAMES]));
                    let h = activations.value();
                    let loss = generalised_kl(&target(), decoder.decode(h.clone()))
                        + sparsity([&h], &[LAMBDA]).unwrap();
                    (activations, loss)
                };
                let (activations, centre) = at(0, 0.0);
                let gradients = centre.backward();
                assert!(
                    !has_gradient(&decoder, &gradients),
                    "a frozen decoder got a gradient"
                );
                let gradient = values(
                    activations
                        .leaf
                        .val()
                        .grad(&gradients)
                        .expect("activations have a gradient"),
                );
                for (index, came) in gradient.into_iter().enumerate() {
                    let expected =
                        (scalar(at(index, STEP).1) - scalar(at(index, -STEP).1)) / (2.0 * STEP);
                    assert!(
                        (came - expected).abs() < TOLERANCE * (1.0 + expected.abs()),
                        "{config:?} {latent:?} {form:?} entry {index}: {came} {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_divergence_equals_its_definition_and_vanishes_at_the_target() {
    let target = target();
    let estimate = uniform(BINS * FRAMES, 0.01, 2.0, "estimate");
    let x = values(target.spectrum.clone());
    let expected: f64 = x
        .iter()
        .zip(&estimate)
        .map(|(x, y)| x * ((x + DEFAULT_EPS).ln() - (y + DEFAULT_EPS).ln()) - x + y)
        .sum::<f64>()
        / x.len() as f64;
    let came = scalar(generalised_kl(&target, double(estimate, [1, BINS, FRAMES])));
    assert!((came - expected).abs() < 1e-12);
    assert_eq!(
        scalar(generalised_kl(&target, target.spectrum.clone())),
        0.0
    );
}

#[test]
fn silence_gives_a_finite_loss_and_finite_gradients() {
    for config in configs() {
        let architecture = DenseArchitecture::from_settings(&config);
        let mut rng = generator(SEED, "weights");
        let network = DenseNetwork::new(&architecture, BINS, Extent::Whole, &mut rng, &device());
        let target = Target::new(Tensor::zeros([1, BINS, FRAMES], &device()), DEFAULT_EPS);
        let latent = network.encode(target.spectrum.clone()).latent;
        let loss = generalised_kl(&target, network.decode(latent).estimate);
        let gradients = loss.backward();
        assert!(loss.into_data().try_to_vec::<f32>().unwrap()[0].is_finite());
        for dense in network.encoder.iter().chain(&network.decoder) {
            let gradient: Vec<f32> = dense
                .weight
                .val()
                .grad(&gradients)
                .unwrap()
                .into_data()
                .try_to_vec()
                .unwrap();
            assert!(gradient.iter().all(|g| g.is_finite()), "{config:?}");
        }
    }
}
