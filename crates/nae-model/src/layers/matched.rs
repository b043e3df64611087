//! Initial weights that are excerpts of training sound.
//!
//! Random weights of both signs, behind which all inputs are positive, leave many units without a
//! response to any frame, and these never learn. A row that is an excerpt of its input with the mean
//! taken off responds to about the half of all frames that are more like it than the mean.

use burn::tensor::{Int, Tensor, TensorData};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::dense::{Dense, as_columns};
use super::layer::Layer;
use super::window::Window;

/// Keeps scales finite where all numbers are equal.
const FLOOR: f64 = 1e-6;

/// A layer whose weights can be matched to its input.
pub trait Matched {
    /// Number of its outputs.
    fn outputs(&self) -> usize;

    /// Puts windows of its input with the mean taken off in the weight's place, scaled to products of
    /// unit deviation.
    ///
    /// - `places`: of the windows, one an output
    /// - `at`: frames whose mean and deviation count
    ///
    /// # Shapes
    /// - `h`: `[1, inputs, frames]`
    fn match_to(&mut self, h: &Tensor<3>, places: &[usize], at: &[usize]);

    /// What the layer makes of one sequence.
    ///
    /// # Shapes
    /// - `h`: `[1, inputs, frames]`; output: `[1, outputs, frames]`
    fn respond(&self, h: Tensor<3>) -> Tensor<3>;

    /// The layer as a last one, whose basis can be excerpts of the spectrum.
    fn as_last(&mut self) -> Option<&mut Dense>;
}

impl Matched for Dense {
    fn outputs(&self) -> usize {
        self.weight.dims()[1]
    }

    fn match_to(&mut self, h: &Tensor<3>, places: &[usize], at: &[usize]) {
        let frames = h.dims()[2];
        let windows = self.spec().window.unfold(h.clone(), frames);
        self.set_weight(centred(&windows, places, at));
        let product = self.product(h.clone(), frames);
        let scale = unit_deviation(&product, at) * responding(&product, at);
        self.set_weight(self.weight.val() * scale);
    }

    fn respond(&self, h: Tensor<3>) -> Tensor<3> {
        self.forward(h)
    }

    fn as_last(&mut self) -> Option<&mut Dense> {
        Some(self)
    }
}

impl Matched for Layer {
    fn outputs(&self) -> usize {
        match self {
            Self::Dense(layer) => layer.outputs(),
            Self::Recurrent(layer) => layer.units(),
        }
    }

    fn match_to(&mut self, h: &Tensor<3>, places: &[usize], at: &[usize]) {
        match self {
            Self::Dense(layer) => layer.match_to(h, places, at),
            // a gate passes its input from the start
            Self::Recurrent(layer) if layer.recurrence().is_gate() => {}
            Self::Recurrent(layer) => {
                let weight = centred(h, places, at);
                let product = weight.clone().matmul(h.clone());
                let scale = unit_deviation(&product, at) * responding(&product, at);
                layer.set_weight(weight * scale);
            }
        }
    }

    fn respond(&self, h: Tensor<3>) -> Tensor<3> {
        let frames = h.dims()[2];
        Layer::forward(self, h, frames)
    }

    fn as_last(&mut self) -> Option<&mut Dense> {
        match self {
            Self::Dense(layer) => Some(layer),
            Self::Recurrent(_) => None,
        }
    }
}

/// Columns at some places, with the mean of all that count taken off, as rows.
fn centred(windows: &Tensor<3>, places: &[usize], at: &[usize]) -> Tensor<3> {
    let excerpts = columns(windows, places);
    (excerpts - columns(windows, at).mean_dim(2)).transpose()
}

/// What scales products to unit deviation, `[1, 1, 1]`.
fn unit_deviation(product: &Tensor<3>, at: &[usize]) -> Tensor<3> {
    let deviation = columns(product, at).square().mean().sqrt();
    deviation.clamp_min(FLOOR).recip().reshape([1, 1, 1])
}

/// −1 for units whose products are negative in all frames that count, else 1: turned round, they
/// respond.
///
/// # Shapes
/// - `product`: `[1, units, frames]`; output: `[1, units, 1]`
fn responding(product: &Tensor<3>, at: &[usize]) -> Tensor<3> {
    let most = columns(product, at).max_dim(2);
    let options = (&most.device(), most.dtype());
    let ones = Tensor::ones(most.dims(), options);
    ones.mask_fill(most.lower_equal_elem(0.0), -1.0)
}

/// Puts excerpts of training sound in the place of all weights, layer by layer: hidden layers get
/// windows of their input with the mean taken off, scaled to products of unit deviation; the last layer
/// gets windows of the spectrum itself, scaled so that the estimate has the spectrum's mean. Unit
/// number `k` of every layer has its excerpt from the same place.
///
/// - `at`: frames to take excerpts at, of which there is at least one
///
/// # Shapes
/// - `x`: `[1, bins, frames]`, one model's training sound in order
pub fn match_layers<L: Matched>(
    encoder: &mut [L],
    decoder: &mut [L],
    x: &Tensor<3>,
    at: &[usize],
    rng: &mut ChaCha8Rng,
) {
    let Some((last, hidden)) = decoder.split_last_mut() else {
        return;
    };
    let most = encoder.iter().chain(&*hidden).map(L::outputs);
    let places = places(at, most.max().unwrap_or(1), rng);
    let mut h = x.clone();
    for layer in encoder.iter_mut().chain(hidden) {
        let own = layer.outputs();
        layer.match_to(&h, &places[..own], at);
        h = layer.respond(h);
    }
    if let Some(last) = last.as_last() {
        match_last(last, h, x, &places, at);
    }
}

/// Puts windows of the spectrum in the last layer's place, scaled so that its estimate has the
/// spectrum's mean.
fn match_last(last: &mut Dense, h: Tensor<3>, x: &Tensor<3>, places: &[usize], at: &[usize]) {
    let [_, bins, frames] = x.dims();
    let units = h.dims()[1];
    let span = last.spec().window.span;
    let windows = Window::future(span).unfold(x.clone(), frames);
    let places: Vec<usize> = places.iter().copied().cycle().take(units).collect();
    let bases = columns(&windows, &places).reshape([1, span, bins, units]);
    last.set_weight(as_columns(bases));
    let estimate = last.forward(h);
    let [expected, came] = [x, &estimate].map(|y| columns(y, at).mean());
    let factor = (expected / came.clamp_min(FLOOR)).reshape([1, 1, 1]);
    last.set_weight(last.weight.val() * factor);
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
