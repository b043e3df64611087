//! Kinds that see several frames at a time: gradients, segments, context, files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use nae_model::architecture::{ArchitectureKind, Context};
use nae_model::config::Cell;
use nae_model::decoder::DecoderKind;
use nae_model::kinds::dense::{DenseArchitecture, DenseNetwork};
use nae_model::kinds::stack::{StackArchitecture, StackNetwork};
use nae_model::layers::Layer;
use nae_model::loss::{DEFAULT_EPS, Target, generalised_kl, sparsity};
use nae_model::network::NetworkKind;
use nae_model::random::generator;
use nae_model::{
    Architecture, AudioConfig, BasisNorm, Extent, Hidden, Latent, Metadata, Model, ModelConfig,
    ModelError, ModelKind, Network, Nonlinearity, Output, TrainingSummary,
};

const SEED: u64 = 12;
const BINS: usize = 5;
const FRAMES: usize = 8;
const SEGMENT: usize = 4;
const LAMBDA: f64 = 0.05;
/// Central differences in f64 with this step err by about step² + 1e-16/step.
const STEP: f64 = 1e-6;
/// Leaves room for the curvature of the logarithm at small estimates.
const TOLERANCE: f64 = 1e-6;

fn autodiff() -> Device {
    Device::flex().autodiff()
}

fn double(values: Vec<f64>, shape: [usize; 3]) -> Tensor<3> {
    Tensor::from_data(TensorData::new(values, shape), (&autodiff(), DType::F64))
}

fn doubles(tensor: Tensor<3>) -> Vec<f64> {
    tensor.into_data().try_to_vec().unwrap()
}

fn singles(tensor: Tensor<3>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn uniform(count: usize, low: f64, high: f64, purpose: &str) -> Vec<f64> {
    nae_testing::noise::uniform(count, low..high, &mut generator(SEED, purpose))
}

fn stacks() -> Vec<ModelConfig> {
    let mut configs = Vec::new();
    for (output, hidden) in [
        (Output::Linear, Nonlinearity::Softplus),
        (Output::Softplus, Nonlinearity::Abs),
        (Output::Linear, Nonlinearity::Relu),
    ] {
        for (layers, span, basis_norm) in [
            (2, 3, BasisNorm::None),
            (3, 2, BasisNorm::L2),
            (4, 6, BasisNorm::None),
        ] {
            configs.push(ModelConfig {
                layers,
                rank: 3,
                hidden: hidden.into(),
                output,
                basis_norm,
                span,
                ..Default::default()
            });
        }
    }
    for (cell, layers, span) in [(Cell::Rnn, 3, 1), (Cell::Gru, 4, 1), (Cell::Lstm, 4, 2)] {
        configs.push(ModelConfig {
            layers,
            rank: 3,
            hidden: Hidden::Softplus,
            span,
            cell,
            ..Default::default()
        });
    }
    configs
}

fn kinds() -> Vec<ModelConfig> {
    let mut configs = stacks();
    configs.push(ModelConfig {
        kind: ModelKind::Nmf,
        rank: 4,
        span: 3,
        basis_norm: BasisNorm::L2,
        ..Default::default()
    });
    configs
}

fn network(config: &ModelConfig, device: &Device) -> Network {
    let architecture = config.architecture();
    architecture.network(BINS, &mut generator(SEED, "weights"), device)
}

fn spectrum(frames: usize, device: &Device) -> Tensor<3> {
    let values = uniform(BINS * frames, 0.05, 3.0, "spectrum").into_iter();
    let values: Vec<f32> = values.map(|x| x as f32).collect();
    Tensor::from_data(TensorData::new(values, [1, BINS, frames]), device)
}

/// All weights of a network, in order.
fn weights(network: &StackNetwork) -> Vec<&Param<Tensor<3>>> {
    let layers = network.encoder.iter().chain(&network.decoder);
    let of_layer = layers.flat_map(|layer| match layer {
        Layer::Dense(layer) => vec![&layer.weight],
        Layer::Recurrent(layer) => vec![&layer.weight, &layer.recurrent],
    });
    of_layer.collect()
}

/// The same, to be changed.
fn weights_mut(network: &mut StackNetwork) -> Vec<&mut Param<Tensor<3>>> {
    let layers = network.encoder.iter_mut().chain(&mut network.decoder);
    let of_layer = layers.flat_map(|layer| match layer {
        Layer::Dense(layer) => vec![&mut layer.weight],
        Layer::Recurrent(layer) => vec![&mut layer.weight, &mut layer.recurrent],
    });
    of_layer.collect()
}

/// The network with double-precision weights, entry `index` of weight `number` moved by `shift`.
fn moved(config: &ModelConfig, number: usize, index: usize, shift: f64) -> StackNetwork {
    let mut rng = generator(SEED, "weights");
    let architecture = StackArchitecture::from_settings(config);
    let mut network = StackNetwork::new(&architecture, BINS, Extent::Whole, &mut rng, &autodiff());
    for (i, weight) in weights_mut(&mut network).into_iter().enumerate() {
        let shape = weight.dims();
        let values = weight.val().into_data().convert::<f64>();
        let mut values: Vec<f64> = values.try_to_vec().unwrap();
        if i == number {
            values[index] += shift;
        }
        *weight = Param::from_tensor(double(values, shape));
    }
    network
}

fn target() -> Target {
    let values = uniform(BINS * FRAMES, 0.05, 3.0, "spectrum");
    let counted: Vec<bool> = (0..FRAMES).map(|t| t % SEGMENT != 1).collect();
    Target::new(double(values, [1, BINS, FRAMES]), DEFAULT_EPS).counting(&counted, vec![4.0 / 3.0])
}

fn loss(network: &StackNetwork) -> f64 {
    value(network).into_data().try_to_vec::<f64>().unwrap()[0]
}

fn value(network: &StackNetwork) -> Tensor<1> {
    let target = target();
    let x = double(
        uniform(BINS * FRAMES, 0.05, 3.0, "spectrum"),
        [1, BINS, FRAMES],
    );
    let encoded = network.encode_segments(x, SEGMENT);
    let decoded = network.decode_segments(encoded.latent.clone(), SEGMENT);
    let hidden = encoded.layers().chain(&decoded.hidden);
    generalised_kl(&target, decoded.estimate) + sparsity(hidden, &[LAMBDA]).unwrap()
}

#[test]
fn weight_gradients_agree_with_finite_differences() {
    for config in stacks() {
        let centre = moved(&config, usize::MAX, 0, 0.0);
        let gradients = value(&centre).backward();
        for (layer, weight) in weights(&centre).into_iter().enumerate() {
            let gradient = weight.val().grad(&gradients);
            let gradient = doubles(gradient.expect("every weight has a gradient"));
            for (index, came) in gradient.into_iter().enumerate() {
                let at = |shift| loss(&moved(&config, layer, index, shift));
                let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                assert!(
                    (came - expected).abs() < TOLERANCE * (1.0 + expected.abs()),
                    "{config:?} layer {layer} entry {index}: {came} {expected}"
                );
            }
        }
    }
}

#[test]
fn activation_gradients_agree_with_finite_differences() {
    for config in stacks() {
        let network = moved(&config, usize::MAX, 0, 0.0);
        for latent in [Latent::Bottleneck, Latent::First] {
            let decoder = network.decoder(latent, &autodiff());
            let shape = [1, decoder.rank(), FRAMES];
            let start = uniform(decoder.rank() * FRAMES, 0.2, 2.0, "activations");
            let at = |index: usize, shift: f64| {
                let mut values = start.clone();
                values[index] += shift;
                let leaf = double(values, shape).require_grad();
                let estimate = decoder.decode_segments(leaf.clone(), SEGMENT);
                (leaf, generalised_kl(&target(), estimate))
            };
            let (leaf, centre) = at(0, 0.0);
            let gradient = doubles(leaf.grad(&centre.backward()).unwrap());
            for (index, came) in gradient.into_iter().enumerate() {
                let scalar = |shift| at(index, shift).1.into_data().try_to_vec::<f64>().unwrap()[0];
                let expected = (scalar(STEP) - scalar(-STEP)) / (2.0 * STEP);
                assert!(
                    (came - expected).abs() < TOLERANCE * (1.0 + expected.abs()),
                    "{config:?} {latent:?} entry {index}: {came} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_span_of_one_frame_is_the_dense_model_bit_for_bit() {
    for layers in [2, 4, 5] {
        let config = ModelConfig {
            layers,
            rank: 3,
            ..Default::default()
        };
        assert!(matches!(config.architecture(), Architecture::Dense(_)));
        // and layers that see one frame do what dense ones do
        let device = Device::flex();
        let stack = StackNetwork::new(
            &StackArchitecture::from_settings(&config),
            BINS,
            Extent::Whole,
            &mut generator(SEED, "weights"),
            &device,
        );
        let dense = DenseNetwork::new(
            &DenseArchitecture::from_settings(&config),
            BINS,
            Extent::Whole,
            &mut generator(SEED, "weights"),
            &device,
        );
        let x = spectrum(FRAMES, &device);
        let (a, b) = (stack.encode(x.clone()).latent, dense.encode(x).latent);
        assert_eq!(singles(a.clone()), singles(b.clone()));
        let (a, b) = (stack.decode(a).estimate, dense.decode(b).estimate);
        assert_eq!(singles(a.value()), singles(b.value()));
    }
    let nmf = ModelConfig {
        kind: ModelKind::Nmf,
        ..Default::default()
    };
    let architecture = nmf.architecture();
    assert_eq!(architecture.format_version(), 1);
    assert!(!architecture.canonical().unwrap().contains("span"));
}

#[test]
fn segments_know_nothing_of_each_other() {
    let device = Device::flex();
    for config in kinds() {
        let network = network(&config, &device);
        let decoder = network.decoder(Latent::Bottleneck, &device);
        let x = spectrum(FRAMES, &device);
        let latents = decoder.encode_segments(x.clone(), SEGMENT);
        let same = network.encode_segments(x.clone(), SEGMENT).latent;
        assert_eq!(singles(latents.clone()), singles(same));
        let decoded = decoder.decode_segments(latents.clone(), SEGMENT);
        for first in [0, SEGMENT] {
            let close = |a: Tensor<3>, b: Tensor<3>| {
                let error = (a - b).abs().max().into_scalar::<f32>();
                // products of other widths sum in another order
                assert!(error < 1e-5, "{config:?}: {error}");
            };
            let own = |tensor: &Tensor<3>| tensor.clone().narrow(2, first, SEGMENT);
            close(decoder.encode(own(&x)), own(&latents));
            close(decoder.decode(own(&latents)), own(&decoded));
        }
    }
}

#[test]
fn a_stack_of_networks_is_each_alone() {
    let device = Device::flex();
    for config in kinds() {
        let architecture = config.architecture();
        let one = |seed| architecture.network(BINS, &mut generator(seed, "weights"), &device);
        let networks = [one(1), one(2), one(3)];
        let stack = Network::stack(&networks.iter().collect::<Vec<_>>()).unwrap();
        let x = spectrum(FRAMES, &device);
        let all = stack.encode_segments(x.clone().repeat_dim(0, 3), SEGMENT);
        let decoded = stack.decode_segments(all.latent, SEGMENT).estimate.value();
        for (i, network) in networks.iter().enumerate() {
            let alone = network.encode_segments(x.clone(), SEGMENT).latent;
            let alone = network.decode_segments(alone, SEGMENT).estimate.value();
            let error = (decoded.clone().narrow(0, i, 1) - alone).abs().max();
            // products of other sizes sum in another order
            assert!(error.into_scalar::<f32>() < 1e-5, "{config:?}");
            let own = stack.select(i).values().unwrap();
            assert_eq!(own, network.values().unwrap());
        }
    }
}

#[test]
fn an_estimate_depends_on_the_frames_that_its_context_says() {
    let device = Device::flex();
    let place = 9;
    for config in kinds() {
        let config = ModelConfig {
            hidden: Hidden::Softplus,
            ..config
        };
        let architecture = config.architecture();
        let decoder = network(&config, &device).decoder(Latent::Bottleneck, &device);
        assert_eq!(decoder.context(), architecture.context());
        let frames = 20;
        let depends = |output: &dyn Fn(Tensor<3>) -> Tensor<3>, x: Tensor<3>| -> Vec<i64> {
            let centre = singles(output(x.clone()).narrow(2, place, 1));
            let reaches = |t: &usize| {
                let [_, rows, _] = x.dims();
                let other = x.clone().slice_assign(
                    [0..1, 0..rows, *t..*t + 1],
                    Tensor::ones([1, rows, 1], &device) * 7.0,
                );
                singles(output(other).narrow(2, place, 1)) != centre
            };
            let found = (0..frames).filter(reaches);
            found.map(|t| t as i64 - place as i64).collect()
        };
        let expected = |context: Context| match context {
            Context::Frames { before, after } => (-(before as i64)..=after as i64).collect(),
            // all frames up to it
            Context::Whole => (-(place as i64)..=0).collect::<Vec<i64>>(),
        };
        let h = Tensor::ones([1, decoder.rank(), frames], &device);
        let decode = |h| decoder.decode(h);
        assert_eq!(depends(&decode, h), expected(architecture.context()));
        if architecture.has_encoder() {
            let encode = |x| decoder.encode(x);
            let context = architecture.encoder_context();
            assert_eq!(
                depends(&encode, spectrum(frames, &device)),
                expected(context)
            );
        }
    }
}

#[test]
fn bases_go_out_and_come_back() {
    let device = Device::flex();
    for config in kinds() {
        let config = ModelConfig {
            basis_norm: BasisNorm::None,
            ..config
        };
        let network = network(&config, &device);
        let bases = network.bases().unwrap();
        assert_eq!(bases.dims()[..3], [1, config.span, BINS]);
        let h = Tensor::<3>::ones([1, config.rank, FRAMES], &device);
        let same = network.clone().with_bases(bases.clone());
        let estimate = |network: &Network| singles(network.decode(h.clone()).estimate.value());
        assert_eq!(estimate(&same), estimate(&network), "{config:?}");
        // the estimate of one activation is its basis, frame by frame
        if config.kind == ModelKind::Nmf {
            let one = h
                .zeros_like()
                .slice_assign([0..1, 1..2, 2..3], Tensor::ones([1, 1, 1], &device));
            let estimate = network.decode(one).estimate.value();
            for tau in 0..config.span {
                let frame = singles(estimate.clone().narrow(2, 2 + tau, 1));
                let basis = bases.clone().narrow(1, tau, 1).narrow(3, 1, 1);
                assert_eq!(frame, singles(basis.squeeze_dim(1)));
            }
        }
    }
}

fn model(config: &ModelConfig) -> Model {
    let audio = AudioConfig {
        sample_rate: 8000,
        n_fft: 8,
        hop: 2,
    };
    Model {
        metadata: Metadata {
            name: "voice".into(),
            audio,
            architecture: config.architecture(),
            gain: 0.3,
            training: TrainingSummary::default(),
        },
        network: network(config, &Device::flex()),
        latent_cache: None,
    }
}

#[test]
fn files_hold_them_in_a_version_that_earlier_builds_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for config in kinds() {
        let saved = model(&config);
        assert_eq!(saved.metadata.architecture.format_version(), 2);
        saved.save(&path).unwrap();
        let loaded = Model::load(&path, &Device::flex()).unwrap();
        assert_eq!(loaded.metadata, saved.metadata);
        assert_eq!(
            loaded.network.values().unwrap(),
            saved.network.values().unwrap()
        );
        assert_eq!(loaded.fingerprint().unwrap(), saved.fingerprint().unwrap());
        // what a build of version 1 does with it
        let earlier = nae_model::safetensors_file::SafetensorsFile::open(&path, "nae", 1);
        assert!(matches!(earlier, Err(ModelError::Version { known: 1, .. })));
    }
}

#[test]
fn sizes_in_files_that_do_not_fit_are_refused_before_anything_is_allocated() {
    for text in [
        r#"{"kind":"stack","encoder":[{"units":4,"span":99}],"decoder":[{"span":2}],"hidden":"relu","output":"linear","sharpness":3.0,"compression":0.5,"bias":"none","basis_norm":"none"}"#,
        r#"{"kind":"stack","encoder":[],"decoder":[{"span":2}],"hidden":"relu","output":"linear","sharpness":3.0,"compression":0.5,"bias":"none","basis_norm":"none"}"#,
        r#"{"kind":"stack","encoder":[{"units":18446744073709551615}],"decoder":[{}],"hidden":"relu","output":"linear","sharpness":3.0,"compression":0.5,"bias":"none","basis_norm":"none"}"#,
        r#"{"kind":"stack","encoder":[{"units":4}],"decoder":[{"units":5,"cell":"gru"},{}],"hidden":"relu","output":"linear","sharpness":3.0,"compression":0.5,"bias":"none","basis_norm":"none"}"#,
        r#"{"kind":"stack","encoder":[{"units":4}],"decoder":[{"cell":"rnn"}],"hidden":"relu","output":"linear","sharpness":3.0,"compression":0.5,"bias":"none","basis_norm":"none"}"#,
        r#"{"kind":"nmf","rank":4,"span":0}"#,
        r#"{"kind":"nmf","rank":4,"span":1000000}"#,
    ] {
        let architecture: Architecture = serde_json::from_str(text).unwrap();
        let error = architecture.validate().unwrap_err().to_string();
        assert!(error.contains("`model."), "{error}");
        // listing and cost must not overflow
        architecture.tensors(BINS, Extent::Whole);
        architecture.cost(BINS);
    }
}
