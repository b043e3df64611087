//! Initial weights that are excerpts of training sound.
//!
//! Random weights of both signs, behind which all inputs are positive, leave many units without a
//! response to any frame, and these never learn. A row that is an excerpt of its input with the mean
//! taken off responds to about the half of all frames that are more like it than the mean.

use burn::tensor::{Int, Tensor, TensorData};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::dense::{Dense, as_columns};
use super::window::Window;

/// Keeps scales finite where all numbers are equal.
const FLOOR: f64 = 1e-6;

/// Puts excerpts of training sound in the place of all weights, layer by layer: hidden layers get
/// windows of their input with the mean taken off, scaled to products of unit deviation; the last layer
/// gets windows of the spectrum itself, scaled so that the estimate has the spectrum's mean. Unit
/// number `k` of every layer has its excerpt from the same place.
///
/// - `at`: frames to take excerpts at, of which there is at least one
///
/// # Shapes
/// - `x`: `[1, bins, frames]`, one model's training sound in order
pub fn match_layers(
    encoder: &mut [Dense],
    decoder: &mut [Dense],
    x: &Tensor<3>,
    at: &[usize],
    rng: &mut ChaCha8Rng,
) {
    let Some((last, hidden)) = decoder.split_last_mut() else {
        return;
    };
    let frames = x.dims()[2];
    let most = encoder.iter().chain(&*hidden).map(outputs);
    let places = places(at, most.max().unwrap_or(1), rng);
    let mut h = x.clone();
    for layer in encoder.iter_mut().chain(hidden) {
        let windows = layer.spec().window.unfold(h.clone(), frames);
        let rows = columns(&windows, &places[..outputs(layer)]);
        let centred = rows - columns(&windows, at).mean_dim(2);
        layer.set_weight(centred.transpose());
        let product = layer.product(h.clone(), frames);
        let deviation = columns(&product, at).square().mean().sqrt();
        rescale(layer, deviation.clamp_min(FLOOR).recip());
        h = layer.forward(h);
    }
    let units = h.dims()[1];
    let span = last.spec().window.span;
    let windows = Window::future(span).unfold(x.clone(), frames);
    let places: Vec<usize> = places.iter().copied().cycle().take(units).collect();
    let bases = columns(&windows, &places).reshape([1, span, x.dims()[1], units]);
    last.set_weight(as_columns(bases));
    let estimate = last.forward(h);
    let means = [x, &estimate].map(|y| columns(y, at).mean());
    let [expected, came] = means;
    rescale(last, expected / came.clamp_min(FLOOR));
}

fn outputs(layer: &Dense) -> usize {
    layer.weight.dims()[1]
}

/// `count` of some places in random order, none twice before all came once.
fn places(at: &[usize], count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut left: Vec<usize> = Vec::new();
    let mut draw = || {
        if left.is_empty() {
            left = at.to_vec();
        }
        left.swap_remove(rng.random_range(0..left.len()))
    };
    (0..count).map(|_| draw()).collect()
}

/// Some columns of a matrix.
///
/// # Shapes
/// - `x`: `[1, rows, columns]`; output: `[1, rows, places]`
fn columns(x: &Tensor<3>, places: &[usize]) -> Tensor<3> {
    let indices: Vec<i32> = places.iter().map(|&place| place as i32).collect();
    let data = TensorData::new(indices, [places.len()]);
    let indices = Tensor::<1, Int>::from_data(data, &x.device());
    x.clone().select(2, indices)
}

/// Multiplies a layer's weight by one number.
fn rescale(layer: &mut Dense, factor: Tensor<1>) {
    let factor = factor.reshape([1, 1, 1]);
    layer.set_weight(layer.weight.val() * factor);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::from_host;
    use crate::kinds::dense::{DenseArchitecture, DenseNetwork};
    use crate::network::{Extent, NetworkKind};
    use crate::random::generator;
    use burn::tensor::Device;

    const SEED: u64 = 31;

    #[test]
    fn matched_units_respond_and_the_estimate_has_the_sound_s_level() {
        let (bins, frames) = (20, 60);
        let mut rng = generator(SEED, "spectrum");
        let values = (0..bins * frames).map(|_| rng.random_range(0.0..2.0f32));
        let device = Device::flex();
        let x = from_host(values.collect(), [1, bins, frames], &device);
        let architecture = DenseArchitecture {
            rank: 12,
            ..Default::default()
        };
        let rng = &mut generator(SEED, "weights");
        let at: Vec<usize> = (0..frames).collect();
        let network = DenseNetwork::new(&architecture, bins, Extent::Whole, rng, &device);
        let network = network.matched(&x, &at, rng);
        let encoding = network.encode(x.clone());
        let decoding = network.decode(encoding.latent.clone());
        for layer in encoding.layers().chain(&decoding.hidden) {
            let loudest = layer.clone().max_dim(2).min().into_scalar::<f32>();
            assert!(loudest > 0.0, "a unit responds to no frame");
        }
        let mean = |y: Tensor<3>| y.mean().into_scalar::<f32>();
        let (expected, came) = (mean(x), mean(decoding.estimate.value()));
        // sums of a thousand numbers in single precision
        assert!((came / expected - 1.0).abs() < 1e-4, "{came} {expected}");
    }
}
