//! iRprop−'s step in one pass.
//!
//! Composed of Burn's operations it is more than a dozen passes. Measured gain (one thread, AVX2,
//! `cargo run --release --example kernels -- rprop`): 11 to 16 times. Burn has no Rprop.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::flex::{FlexTensor, contiguous, has_kernels_without_gradient, values, values_mut};
use crate::schedule::chunk;
use crate::simd::{SimdLoop, dispatch};

/// Factors and bounds of the step sizes.
#[derive(Clone, Copy, Debug)]
pub struct RpropFactors {
    /// Factor of a step whose gradient keeps its sign, at least 1.
    pub increase: f64,
    /// Factor of a step whose gradient changes its sign, in (0, 1].
    pub decrease: f64,
    /// Smallest step, at least 0.
    pub min_step: f64,
    /// Largest step.
    pub max_step: f64,
}

/// One step of iRprop− (C. Igel, M. Hüsken, "Empirical evaluation of the improved Rprop learning
/// algorithms", Neurocomputing 50, 2003): the parameter, its step sizes and the signs for the next
/// step.
///
/// # Shapes
/// - all inputs and outputs: that of the parameter
pub fn rprop<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    [step, sign]: [Tensor<D>; 2],
    factors: RpropFactors,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    if !has_kernels_without_gradient(&parameter) {
        return composite(parameter, gradient, [step, sign], factors);
    }
    let (parameter, step, sign) = <Dispatch as RpropOps>::rprop(
        parameter.into_dispatch(),
        gradient.into_dispatch(),
        step.into_dispatch(),
        sign.into_dispatch(),
        factors,
    );
    (
        Tensor::from_dispatch(parameter),
        [step, sign].map(Tensor::from_dispatch),
    )
}

/// [`rprop`] composed of Burn's own operations.
pub fn composite<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    [step, last_sign]: [Tensor<D>; 2],
    factors: RpropFactors,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let sign = gradient.sign();
    let agreement = sign.clone() * last_sign; // 1 kept, −1 changed, 0 unknown
    let kept = agreement.clone().clamp_min(0.0);
    let changed = agreement.clamp_max(0.0).neg();
    let factor = kept.mul_scalar(factors.increase - 1.0)
        + changed.clone().mul_scalar(factors.decrease - 1.0);
    let step = (step * factor.add_scalar(1.0)).clamp(factors.min_step, factors.max_step);
    let sign = sign * changed.neg().add_scalar(1.0); // after a change: no update, no memory
    (parameter - sign.clone() * step.clone(), [step, sign])
}

/// What a backend needs for [`rprop`].
#[backend_extension(Flex)]
pub(crate) trait RpropOps: Backend {
    /// See [`rprop`].
    fn rprop(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: FloatTensor<Self>,
        sign: FloatTensor<Self>,
        factors: RpropFactors,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl RpropOps for Flex {
    fn rprop(
        parameter: FlexTensor,
        gradient: FlexTensor,
        step: FlexTensor,
        sign: FlexTensor,
        factors: RpropFactors,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let gradient = contiguous(gradient);
        let (mut parameter, mut step, mut sign) =
            (contiguous(parameter), contiguous(step), contiguous(sign));
        let gradient = values(&gradient);
        let chunk = chunk(gradient.len());
        values_mut(&mut parameter)
            .par_chunks_mut(chunk)
            .zip(values_mut(&mut step).par_chunks_mut(chunk))
            .zip(values_mut(&mut sign).par_chunks_mut(chunk))
            .zip(gradient.par_chunks(chunk))
            .for_each(|(((parameter, step), sign), gradient)| {
                dispatch(UpdateLoop {
                    parameter,
                    step,
                    sign,
                    gradient,
                    factors,
                });
            });
        (parameter, step, sign)
    }
}

struct UpdateLoop<'a> {
    parameter: &'a mut [f32],
    step: &'a mut [f32],
    sign: &'a mut [f32],
    gradient: &'a [f32],
    factors: RpropFactors,
}

impl SimdLoop for UpdateLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let [increase, decrease, min_step, max_step] = [
            self.factors.increase as f32,
            self.factors.decrease as f32,
            self.factors.min_step as f32,
            self.factors.max_step as f32,
        ];
        let state = self.step.iter_mut().zip(self.sign);
        let parameters = self.parameter.iter_mut().zip(self.gradient);
        for ((parameter, &gradient), (step, last)) in parameters.zip(state) {
            let positive = if gradient > 0.0 { 1.0 } else { 0.0 };
            let negative = if gradient < 0.0 { 1.0 } else { 0.0 };
            let sign = positive - negative;
            let agreement = sign * *last;
            let factor = if agreement > 0.0 {
                increase
            } else if agreement < 0.0 {
                decrease
            } else {
                1.0
            };
            *step = (*step * factor).max(min_step).min(max_step);
            // after a change: no update, no memory
            *last = if agreement < 0.0 { 0.0 } else { sign };
            *parameter -= *last * *step;
        }
    }
}
