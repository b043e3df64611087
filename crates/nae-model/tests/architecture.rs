//! Architectures: the text that files and fingerprints are made of, and what bounds files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use std::collections::BTreeMap;

use burn::tensor::Device;
use nae_config::Canonical;
use nae_model::architecture::Context;
use nae_model::config::Bias;
use nae_model::random::generator;
use nae_model::{Architecture, BasisNorm, Extent, Hidden, ModelConfig, ModelKind, Network, Output};

const SEED: u64 = 3;
const BINS: usize = 17;

fn settings() -> Vec<ModelConfig> {
    vec![
        ModelConfig::default(),
        ModelConfig {
            layers: 5,
            rank: 4,
            widths: vec![9, 4, 7, 8],
            hidden: Hidden::Softplus,
            output: Output::Softplus,
            sharpness: 1.5,
            compression: 1.0,
            bias: Bias::All,
            basis_norm: BasisNorm::L2,
            ..Default::default()
        },
        ModelConfig {
            kind: ModelKind::Nmf,
            rank: 20,
            ..Default::default()
        },
        // a factorisation keeps what was set, though it means nothing to it
        ModelConfig {
            kind: ModelKind::Nmf,
            layers: 2,
            widths: vec![3, 4],
            bias: Bias::All,
            ..Default::default()
        },
    ]
}

#[test]
fn the_canonical_text_is_that_of_the_first_version() {
    let expected = r#"{"kind":"nae","layers":4,"rank":100,"widths":[],"hidden":"relu","output":"linear","sharpness":3.0,"compression":0.5,"bias":"none","basis_norm":"none"}"#;
    let settings_then = ModelConfig {
        compression: 0.5,
        ..Default::default()
    };
    let architecture = settings_then.architecture();
    assert_eq!(architecture.canonical().unwrap(), expected);
    for settings in settings() {
        // the first version kept the settings themselves, with nothing automatic among them
        let settings = ModelConfig {
            hidden: settings.nonlinearity().into(),
            ..settings
        };
        let kept = serde_json::to_string(&Canonical(&settings)).unwrap();
        let architecture = settings.architecture();
        assert_eq!(architecture.canonical().unwrap(), kept);
        let read: Architecture = serde_json::from_str(&kept).unwrap();
        assert_eq!(read, architecture);
    }
}

#[test]
fn what_a_file_lacks_is_what_the_first_version_meant() {
    let read: Architecture = serde_json::from_str(r#"{"rank":7}"#).unwrap();
    let expected = ModelConfig {
        rank: 7,
        compression: 0.5,
        ..Default::default()
    };
    assert_eq!(read, expected.architecture());
}

#[test]
fn unknown_kinds_and_fields_are_named() {
    for (text, word) in [
        (r#"{"kind":"wavelet"}"#, "wavelet"),
        (r#"{"kind":"nae","depth":3}"#, "depth"),
        (r#"{"kind":3}"#, "`3`"),
        (r#"[1]"#, "map"),
    ] {
        let error = serde_json::from_str::<Architecture>(text).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn listed_tensors_are_the_network_s_parameters() {
    let several = [ModelKind::Nae, ModelKind::Nmf].map(|kind| ModelConfig {
        kind,
        layers: 5,
        rank: 4,
        widths: vec![9, 4, 7, 8],
        bias: Bias::All,
        span: 3,
        ..Default::default()
    });
    for settings in settings().into_iter().chain(several) {
        let architecture = settings.architecture();
        for extent in [Extent::Whole, Extent::Decoder] {
            let mut rng = generator(SEED, "weights");
            let network = Network::new(&architecture, BINS, extent, &mut rng, &Device::flex());
            let values = network.values().unwrap().into_iter();
            let came: BTreeMap<_, _> = values.map(|(name, (shape, _))| (name, shape)).collect();
            let listed = architecture.tensors(BINS, extent).into_iter();
            let listed: BTreeMap<_, _> = listed.map(|spec| (spec.name, spec.shape)).collect();
            assert_eq!(came, listed, "{settings:?} {extent:?}");
        }
    }
}

#[test]
fn a_decoder_decodes_what_its_network_decodes() {
    use burn::tensor::Tensor;
    use nae_model::Latent;
    for settings in settings() {
        let architecture = settings.architecture();
        let device = Device::flex();
        let network = architecture.network(BINS, &mut generator(SEED, "weights"), &device);
        let latent = Tensor::<3>::ones([1, architecture.rank(), 3], &device) * 0.3;
        let expected = network.decode(latent.clone()).estimate.value();
        let came = network.decoder(Latent::Bottleneck, &device).decode(latent);
        assert_eq!(came.into_data(), expected.into_data(), "{settings:?}");
    }
}

#[test]
fn kinds_of_the_first_version_see_every_frame_by_itself() {
    for settings in settings() {
        let architecture = settings.architecture();
        assert_eq!(architecture.context(), Context::NONE);
        assert_eq!(architecture.format_version(), 1);
    }
}

#[test]
fn what_decides_nothing_tells_no_architectures_apart() {
    let [.., plain, other] = settings()
        .try_into()
        .map(|all: [ModelConfig; 4]| all)
        .unwrap();
    let other = ModelConfig {
        rank: plain.rank,
        ..other
    };
    let (plain, other) = (plain.architecture(), other.architecture());
    assert_ne!(plain, other);
    assert_eq!(plain.identity().unwrap(), other.identity().unwrap());
}
