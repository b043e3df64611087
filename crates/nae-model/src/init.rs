//! Initial weights, drawn on the host.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Glorot-uniform weights, `U(−a, a)` with `a = √(6/(inputs + outputs))`
/// (Glorot & Bengio, AISTATS 2010).
///
/// # Shapes
/// - output: `[outputs, inputs]`
pub fn glorot_uniform(
    outputs: usize,
    inputs: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<2> {
    let limit = (6.0 / (inputs + outputs) as f64).sqrt() as f32;
    let values = (0..outputs * inputs)
        .map(|_| rng.random_range(-limit..limit))
        .collect();
    matrix(values, outputs, inputs, device)
}

/// Uploads row-major host values as a matrix.
///
/// # Shapes
/// - output: `[rows, columns]`
///
/// # Panics
/// Panics if `values` does not hold `rows · columns` numbers.
pub fn matrix(values: Vec<f32>, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}
