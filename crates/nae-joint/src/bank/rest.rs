//! The decoder of all that is not known.

use burn::tensor::{Device, Tensor};
use nae_model::config::BasisNorm;
use nae_model::init::from_host;
use nae_model::random::generator;
use nae_model::{
    AudioConfig, Extent, Metadata, Model, ModelConfig, ModelKind, Network, TrainingSummary,
};

/// Bases at most; spectra with more bins have overlapping triangular bands.
const MOST: usize = 1025;

/// The model of the rest: a factorisation with one basis a frequency bin, whose activations are spectra
/// themselves.
///
/// Bases of the bank's sounds would restrict it to mixtures of these. With one a bin it is the network alone
/// that learns what is not known. (Bases merged from the bank are as good, 100 bands for 513 bins half a
/// dB worse.)
///
/// - `name`: of its source
/// - `compression`: exponent of its spectra
pub fn rest_model(name: &str, audio: AudioConfig, compression: f64, device: &Device) -> Model {
    let bins = audio.stft().bins();
    let bands = bins.min(MOST);
    let settings = ModelConfig {
        kind: ModelKind::Nmf,
        rank: bands,
        compression,
        basis_norm: BasisNorm::L2,
        ..ModelConfig::default()
    };
    let architecture = settings.architecture();
    let bases: Tensor<4> = from_host(triangles(bins, bands), [1, 1, bins, bands], device);
    // all of its numbers are replaced
    let rng = &mut generator(0, "rest");
    let network = Network::new(&architecture, bins, Extent::Whole, rng, device);
    Model {
        metadata: Metadata {
            name: name.into(),
            audio,
            architecture,
            gain: 1.0,
            training: TrainingSummary {
                tool_version: env!("CARGO_PKG_VERSION").into(),
                ..TrainingSummary::default()
            },
        },
        network: network.with_bases(bases),
        latent_cache: None,
    }
}

/// Triangles of unit norm at equal distances, each 0 at the centres of its neighbours: one bin each for as many
/// bands as bins. `[bins, bands]`, row-major.
fn triangles(bins: usize, bands: usize) -> Vec<f32> {
    let distance = (bins.max(2) - 1) as f64 / (bands.max(2) - 1) as f64;
    let height = |bin: usize, band: usize| {
        (1.0 - (bin as f64 - band as f64 * distance).abs() / distance).max(0.0)
    };
    let norm = |band: usize| {
        let squares = (0..bins).map(|bin| height(bin, band).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let norms: Vec<f64> = (0..bands).map(norm).collect();
    let mut values = vec![0.0; bins * bands];
    for (bin, row) in values.chunks_exact_mut(bands).enumerate() {
        for ((band, value), norm) in row.iter_mut().enumerate().zip(&norms) {
            *value = (height(bin, band) / norm) as f32;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use nae_model::spectra::read;

    use super::*;

    #[test]
    fn activations_of_the_rest_are_its_spectra() {
        let audio = AudioConfig {
            sample_rate: 8000,
            n_fft: 64,
            hop: 16,
        };
        let model = rest_model("rest", audio, 0.5, &Device::flex());
        let bases = model.network.bases().unwrap();
        assert_eq!(bases.dims(), [1, 1, 33, 33]);
        let values = read(bases).unwrap();
        let is_identity = |(i, x): (usize, &f32)| *x == f32::from(u8::from(i % 34 == 0));
        assert!(values.iter().enumerate().all(is_identity));
        assert_eq!(model.metadata.architecture.compression(), 0.5);
    }

    #[test]
    fn bands_have_unit_norm_and_cover_every_bin() {
        for (bins, bands) in [(513, 100), (33, 33), (33, 32), (129, 100), (5, 2)] {
            let values = triangles(bins, bands);
            assert!(values.iter().all(|x| x.is_finite() && *x >= 0.0));
            for bin in values.chunks_exact(bands) {
                assert!(bin.iter().sum::<f32>() > 0.1, "{bins} {bands}");
            }
            for band in 0..bands {
                let column = values.iter().skip(band).step_by(bands);
                let norm: f32 = column.map(|x| x * x).sum();
                assert!((norm - 1.0).abs() < 1e-5, "{bins} {bands}: {norm}");
            }
        }
    }
}
