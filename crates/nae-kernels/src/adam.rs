//! Adam's step in one pass.
//!
//! Composed of Burn's operations it is a dozen passes. Measured gain (one thread, AVX2,
//! `cargo run --release --example kernels -- adam`): 4.4 to 4.8 times.
//!
//! Upstream: burn-optim could have a fused step a backend may provide.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::flex::{FlexTensor, contiguous, has_kernels_without_gradient, values, values_mut};
use crate::schedule::chunk;
use crate::simd::{SimdLoop, dispatch};

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Gradients below this count as zero: ε makes nothing of them, but their squares are denormal
/// numbers, with which processors are a hundred times slower. Activations far below zero before
/// their softplus have such gradients.
const TINY: f32 = 1e-16;

/// Factors of one step, bias corrections included.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// `rate·√(1 − β₂ᵗ)/(1 − β₁ᵗ)`.
    rate: f32,
    /// `ε·√(1 − β₂ᵗ)`.
    epsilon: f32,
    /// What decay leaves of a parameter, `1 − rate·decay`.
    kept: f32,
}

impl AdamStep {
    /// Factors of step number `time` (from 1) at a learning rate.
    pub fn new(rate: f64, time: usize) -> Self {
        let power = |beta: f32| f64::from(beta).powf(time as f64);
        let correction = (1.0 - power(BETA_2)).sqrt();
        Self {
            rate: (rate * correction / (1.0 - power(BETA_1))) as f32,
            epsilon: EPSILON * correction as f32,
            kept: 1.0,
        }
    }

    /// The same with decoupled weight decay (I. Loshchilov, F. Hutter, "Decoupled weight decay
    /// regularization", ICLR 2019): the parameter first shrinks by `rate·decay`.
    pub fn with_decay(mut self, rate: f64, decay: f64) -> Self {
        self.kept = (1.0 - rate * decay) as f32;
        self
    }
}

/// One step of Adam (D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015),
/// β = (0.9, 0.999), ε = 1e-8: the parameter and both moments after it.
///
/// # Shapes
/// - all inputs and outputs: that of the parameter
pub fn adam<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
    step: AdamStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    if !has_kernels_without_gradient(&parameter) {
        return composite(parameter, gradient, moments, step);
    }
    let [first, second] = moments;
    let (parameter, first, second) = <Dispatch as AdamOps>::adam(
        parameter.into_dispatch(),
        gradient.into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        step,
    );
    (
        Tensor::from_dispatch(parameter),
        [first, second].map(Tensor::from_dispatch),
    )
}

/// [`adam`] composed of Burn's own operations.
pub fn composite<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    [first, second]: [Tensor<D>; 2],
    step: AdamStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let first = first.mul_scalar(BETA_1) + gradient.clone().mul_scalar(1.0 - BETA_1);
    let second = second.mul_scalar(BETA_2) + gradient.square().mul_scalar(1.0 - BETA_2);
    let length = second.clone().sqrt().add_scalar(step.epsilon);
    let parameter = parameter.mul_scalar(step.kept) - first.clone().mul_scalar(step.rate) / length;
    (parameter, [first, second])
}

/// What a backend needs for [`adam`].
#[backend_extension(Flex)]
pub(crate) trait AdamOps: Backend {
    /// See [`adam`].
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl AdamOps for Flex {
    fn adam(
        parameter: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let gradient = contiguous(gradient);
        let (mut parameter, mut first, mut second) =
            (contiguous(parameter), contiguous(first), contiguous(second));
        let gradient = values(&gradient);
        let chunk = chunk(gradient.len());
        values_mut(&mut parameter)
            .par_chunks_mut(chunk)
            .zip(values_mut(&mut first).par_chunks_mut(chunk))
            .zip(values_mut(&mut second).par_chunks_mut(chunk))
            .zip(gradient.par_chunks(chunk))
            .for_each(|(((parameter, first), second), gradient)| {
                dispatch(UpdateLoop {
                    parameter,
                    first,
                    second,
                    gradient,
                    step,
                });
            });
        (parameter, first, second)
    }
}

struct UpdateLoop<'a> {
    parameter: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    gradient: &'a [f32],
    step: AdamStep,
}

impl SimdLoop for UpdateLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let moments = self.first.iter_mut().zip(self.second);
        let parameters = self.parameter.iter_mut().zip(self.gradient);
        for ((parameter, g), (first, second)) in parameters.zip(moments) {
            let g = if g.abs() < TINY { 0.0 } else { *g };
            *first = BETA_1 * *first + (1.0 - BETA_1) * g;
            *second = BETA_2 * *second + (1.0 - BETA_2) * g * g;
            let change = self.step.rate * *first / (second.sqrt() + self.step.epsilon);
            *parameter = self.step.kept * *parameter - change;
        }
    }
}
