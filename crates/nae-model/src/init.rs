//! Initial weights, drawn on the host.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Glorot-uniform weights, `U(−a, a)` with `a = √(6/(inputs + outputs))`
/// (Glorot & Bengio, AISTATS 2010).
///
/// # Shapes
/// - output: `[1, outputs, inputs]`
pub fn glorot_uniform(
    outputs: usize,
    inputs: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<3> {
    let limit = (6.0 / (inputs + outputs) as f64).sqrt() as f32;
    let values = (0..outputs * inputs)
        .map(|_| rng.random_range(-limit..limit))
        .collect();
    from_host(values, [1, outputs, inputs], device)
}

/// Uploads row-major host values.
///
/// # Shapes
/// - output: `shape`
///
/// # Panics
/// Panics if `values` does not hold as many numbers as `shape` says.
pub fn from_host<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}
