//! One frame at a time, on slices: what sound that is still coming needs.
//!
//! A network of a few hundred units takes some ten microseconds a frame. As tensors, every operation
//! would cost about as much again for its buffer and its dispatch.

use pulp::{Arch, Simd, WithSimd};

use crate::activate::Activation;
use crate::cells::{Forward, RecurrentCell};
use crate::math::softplus;
use crate::simd::{SimdLoop, dispatch};

/// `y = W·x`.
///
/// # Shapes
/// - `weight` (`W`): `[y.len(), x.len()]`, row after row
///
/// # Panics
/// If the weight has another number of values.
pub fn product(weight: &[f32], x: &[f32], y: &mut [f32]) {
    assert_eq!(
        weight.len(),
        x.len() * y.len(),
        "a matrix of {} values does not take {} values to {}",
        weight.len(),
        x.len(),
        y.len()
    );
    if x.is_empty() {
        y.fill(0.0);
        return;
    }
    Arch::new().dispatch(Product { weight, x, y });
}

/// Rows that share what is read of `x`.
const ROWS: usize = 4;

struct Product<'a> {
    weight: &'a [f32],
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let length = self.x.len();
        let rows = self.weight.chunks(ROWS * length);
        for (rows, y) in rows.zip(self.y.chunks_mut(ROWS)) {
            if let Ok(y) = <&mut [f32; ROWS]>::try_from(&mut *y) {
                *y = dot_products::<S, ROWS>(simd, rows, self.x);
            } else {
                for (row, y) in rows.chunks_exact(length).zip(y) {
                    [*y] = dot_products::<S, 1>(simd, row, self.x);
                }
            }
        }
    }
}

/// `N` rows times `x`.
#[inline(always)]
fn dot_products<S: Simd, const N: usize>(simd: S, rows: &[f32], x: &[f32]) -> [f32; N] {
    let length = x.len();
    let (x_whole, x_rest) = S::as_simd_f32s(x);
    let rows: [(&[S::f32s], &[f32]); N] =
        std::array::from_fn(|r| S::as_simd_f32s(&rows[r * length..(r + 1) * length]));
    let mut sums = [simd.splat_f32s(0.0); N];
    for (k, &x) in x_whole.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(&rows) {
            *sum = simd.mul_add_e_f32s(row.0[k], x, *sum);
        }
    }
    if !x_rest.is_empty() {
        let x = simd.partial_load_f32s(x_rest);
        for (sum, row) in sums.iter_mut().zip(&rows) {
            *sum = simd.mul_add_e_f32s(simd.partial_load_f32s(row.1), x, *sum);
        }
    }
    sums.map(|sum| simd.reduce_sum_f32s(sum))
}

/// `g(x)`, in place: as [`activate`](crate::activate()).
pub fn activate(values: &mut [f32], g: Activation) {
    match g {
        Activation::Identity => {}
        Activation::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
        Activation::Abs => values.iter_mut().for_each(|x| *x = x.abs()),
        Activation::Softplus { sharpness } => dispatch(Softplus { values, sharpness }),
    }
}

struct Softplus<'a> {
    values: &'a mut [f32],
    sharpness: f64,
}

impl SimdLoop for Softplus<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (p, inverse) = (self.sharpness as f32, (1.0 / self.sharpness) as f32);
        for x in self.values {
            *x = softplus::<FMA>(*x, p, inverse).0;
        }
    }
}

/// A recurrence with its state: [`recurrence`](crate::recurrence()) frame by frame.
#[derive(Clone, Debug)]
pub struct FrameRecurrence {
    cell: RecurrentCell,
    units: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
    state: Vec<f32>,
    next: Vec<f32>,
    memory: Vec<f32>,
    next_memory: Vec<f32>,
    before: Vec<f32>,
    kept: Vec<f32>,
}

impl FrameRecurrence {
    /// A recurrence with a state of zero.
    ///
    /// # Shapes
    /// - `weight` (`V`): `[gates·units, units]`, row after row; `bias`: `gates·units`, added to
    ///   `V·h_{t−1}`, or empty
    ///
    /// # Panics
    /// If there are other numbers of values.
    pub fn new(cell: RecurrentCell, units: usize, weight: Vec<f32>, bias: Vec<f32>) -> Self {
        let rows = cell.gates() * units;
        assert!(
            weight.len() == rows * units && (bias.is_empty() || bias.len() == rows),
            "{} weights and {} biases are no {cell:?} of {units} units",
            weight.len(),
            bias.len()
        );
        let memory = match cell {
            RecurrentCell::Lstm => units,
            RecurrentCell::Rnn | RecurrentCell::Gru => 0,
        };
        Self {
            cell,
            units,
            weight,
            bias,
            state: vec![0.0; units],
            next: vec![0.0; units],
            memory: vec![0.0; memory],
            next_memory: vec![0.0; memory],
            before: vec![0.0; rows],
            kept: vec![0.0; cell.kept() * units],
        }
    }

    /// The next state from a frame's products.
    ///
    /// # Shapes
    /// - `products`: `W·x_t`, `gates·units`
    /// - output: `units`
    pub fn step(&mut self, products: &[f32]) -> &[f32] {
        product(&self.weight, &self.state, &mut self.before);
        for (before, bias) in self.before.iter_mut().zip(&self.bias) {
            *before += bias;
        }
        dispatch(Forward {
            cell: self.cell,
            units: self.units,
            own: products,
            before: &self.before,
            state: &self.state,
            next: &mut self.next,
            memory: &self.memory,
            next_memory: &mut self.next_memory,
            kept: &mut self.kept,
        });
        std::mem::swap(&mut self.state, &mut self.next);
        std::mem::swap(&mut self.memory, &mut self.next_memory);
        &self.state
    }

    /// Back to a state of zero.
    pub fn reset(&mut self) {
        self.state.fill(0.0);
        self.memory.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recurrence::{RecurrenceSpec, recurrence};
    use burn::tensor::{Device, Tensor, TensorData};
    use nae_testing::noise::uniform_lcg;

    const SEED: u64 = 31;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        uniform_lcg(count, -1.0..1.0, seed)
    }

    #[test]
    fn a_product_is_its_sums_for_any_shape() {
        for rows in [1, 3, 4, 5, 17] {
            for length in [1, 7, 16, 33, 160] {
                let (weight, x) = (numbers(rows * length, SEED), numbers(length, SEED + 1));
                let mut y = vec![f32::NAN; rows];
                product(&weight, &x, &mut y);
                for (row, y) in weight.chunks(length).zip(&y) {
                    let expected: f32 = row.iter().zip(&x).map(|(w, x)| w * x).sum();
                    assert!((y - expected).abs() < 1e-5, "{rows} {length}");
                }
            }
        }
        let mut y = [1.0];
        product(&[], &[], &mut y);
        assert_eq!(y, [0.0]);
    }

    #[test]
    fn functions_are_those_of_tensors() {
        let values = numbers(100, SEED);
        for g in [
            Activation::Identity,
            Activation::Relu,
            Activation::Abs,
            Activation::Softplus { sharpness: 3.0 },
        ] {
            let tensor = Tensor::<1>::from_data(values.as_slice(), &Device::flex());
            let expected = crate::activate::activate(tensor, g);
            let expected = expected.into_data().try_to_vec::<f32>().unwrap();
            let mut came = values.clone();
            activate(&mut came, g);
            assert_eq!(came, expected, "{g:?}");
        }
    }

    #[test]
    fn a_recurrence_is_that_of_a_sequence() {
        let (units, frames) = (5, 20);
        for cell in [RecurrentCell::Rnn, RecurrentCell::Gru, RecurrentCell::Lstm] {
            let rows = cell.gates() * units;
            let (products, weight) = (
                numbers(rows * frames, SEED),
                numbers(rows * units, SEED + 1),
            );
            let tensor = |values: &[f32], shape: [usize; 3]| {
                Tensor::<3>::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
            };
            let spec = RecurrenceSpec { cell, frames };
            let whole = recurrence(
                tensor(&products, [1, rows, frames]),
                tensor(&weight, [1, rows, units]),
                spec,
            );
            let whole = whole.into_data().try_to_vec::<f32>().unwrap();
            let mut stepped = FrameRecurrence::new(cell, units, weight, Vec::new());
            for _ in 0..2 {
                for t in 0..frames {
                    let own: Vec<f32> = (0..rows).map(|row| products[row * frames + t]).collect();
                    for (u, came) in stepped.step(&own).iter().enumerate() {
                        // the products are summed in another order
                        assert!((came - whole[u * frames + t]).abs() < 1e-5, "{cell:?} {t}");
                    }
                }
                stepped.reset();
            }
        }
    }
}
