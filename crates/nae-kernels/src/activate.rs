//! Element-wise activation function `g(x)`.
//!
//! Burn's softplus is seven passes over memory with a library call an element; here it is one pass
//! with a polynomial, and its gradient one more. Measured gain over Burn's operations (one thread,
//! AVX2, `cargo run --release --example kernels -- activate`): softplus 13 to 15 times forward, 8 to
//! 11 times with its gradient; 4 to 10 times on the smallest layers. The gradient of `|x|`, for which
//! Burn makes a tensor of signs, 2.4 to 3.9 times.
//!
//! ReLU and `|x|` itself are Burn's own: loops of ours were no faster forward, and ReLU's took up to
//! half as long again with its gradient.
//!
//! Upstream: a one-pass `softplus` would be welcome in burn-flex; so would a gradient of `abs` there
//! that multiplies by the sign in the same pass.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::flex::{FlexTensor, contiguous, has_kernels, values, values_mut};
use crate::math::{one_minus_exp_neg, softplus};
use crate::schedule::chunk;
use crate::simd::{SimdLoop, dispatch};

/// Element-wise function with non-negative range, or none at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `x` as it is.
    Identity,
    /// `ln(1 + e^{p·x})/p`.
    Softplus {
        /// Sharpness p, above 0.
        sharpness: f64,
    },
    /// `max(x, 0)`.
    Relu,
    /// `|x|`.
    Abs,
}

/// `g(x)`, element by element. The gradient of `|x|` and of `max(x, 0)` at zero is zero.
///
/// # Shapes
/// - input and output: any
pub fn activate<const D: usize>(x: Tensor<D>, g: Activation) -> Tensor<D> {
    match g {
        Activation::Softplus { sharpness } if has_kernels(&x) => {
            let x = x.into_dispatch();
            Tensor::from_dispatch(<Dispatch as ActivateOps>::softplus(x, sharpness))
        }
        Activation::Abs if has_kernels(&x) => {
            Tensor::from_dispatch(<Dispatch as ActivateOps>::abs(x.into_dispatch()))
        }
        _ => composite(x, g),
    }
}

/// [`activate`] composed of Burn's own operations.
pub fn composite<const D: usize>(x: Tensor<D>, g: Activation) -> Tensor<D> {
    match g {
        Activation::Identity => x,
        Activation::Softplus { sharpness } => burn::tensor::activation::softplus(x, sharpness),
        Activation::Relu => burn::tensor::activation::relu(x),
        Activation::Abs => x.abs(),
    }
}

/// What a backend needs for [`activate`].
#[backend_extension(Flex, Autodiff)]
pub(crate) trait ActivateOps: Backend {
    /// `ln(1 + e^{p·x})/p`.
    fn softplus(x: FloatTensor<Self>, sharpness: f64) -> FloatTensor<Self>;

    /// `|x|`.
    fn abs(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl ActivateOps for Flex {
    fn softplus(x: FlexTensor, sharpness: f64) -> FlexTensor {
        let mut x = contiguous(x);
        let values = values_mut(&mut x);
        values
            .par_chunks_mut(chunk(values.len()))
            .for_each(|values| dispatch(SoftplusLoop { values, sharpness }));
        x
    }

    /// Burn's own, which no loop of ours beats; only its gradient can be had for less.
    fn abs(x: FlexTensor) -> FlexTensor {
        Self::float_abs(x)
    }
}

impl<C: CheckpointStrategy> ActivateOps for Autodiff<Flex, C> {
    fn softplus(x: FloatTensor<Self>, sharpness: f64) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Softplus;

        impl Backward<Flex, 1> for Softplus {
            /// The result and p.
            type State = (FlexTensor, f64);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let (y, sharpness) = ops.state;
                unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
                    multiply_each(gradient, &y, |gradient, y| {
                        dispatch(SoftplusGradientLoop {
                            y,
                            gradient,
                            sharpness,
                        });
                    })
                });
            }
        }

        let node = x.node();
        let y = Flex::softplus(x.into_primitive(), sharpness);
        match Softplus.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((y.clone(), sharpness), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn abs(x: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Abs;

        impl Backward<Flex, 1> for Abs {
            /// The argument.
            type State = FlexTensor;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let x = contiguous(ops.state);
                unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
                    multiply_each(gradient, &x, |gradient, x| {
                        dispatch(AbsGradientLoop { x, gradient });
                    })
                });
            }
        }

        let node = x.node();
        let x = x.into_primitive();
        let y = Flex::abs(x.clone());
        match Abs.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(x, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

/// Runs a loop over the gradient and what was kept in the forward pass, on all threads.
fn multiply_each(
    gradient: FlexTensor,
    kept: &FlexTensor,
    body: impl Fn(&mut [f32], &[f32]) + Sync,
) -> FlexTensor {
    let mut gradient = contiguous(gradient);
    let kept = values(kept);
    let chunk = chunk(kept.len());
    values_mut(&mut gradient)
        .par_chunks_mut(chunk)
        .zip(kept.par_chunks(chunk))
        .for_each(|(gradient, kept)| body(gradient, kept));
    gradient
}

struct SoftplusLoop<'a> {
    values: &'a mut [f32],
    sharpness: f64,
}

impl SimdLoop for SoftplusLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (p, inverse) = (self.sharpness as f32, (1.0 / self.sharpness) as f32);
        for x in self.values {
            *x = softplus::<FMA>(*x, p, inverse).0;
        }
    }
}

struct SoftplusGradientLoop<'a> {
    /// The results.
    y: &'a [f32],
    gradient: &'a mut [f32],
    sharpness: f64,
}

impl SimdLoop for SoftplusGradientLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // with y = ln(1 + e^{px})/p the slope 1/(1 + e^{−px}) is 1 − e^{−py}
        let p = self.sharpness as f32;
        for (gradient, y) in self.gradient.iter_mut().zip(self.y) {
            *gradient *= one_minus_exp_neg::<FMA>(p * y);
        }
    }
}

struct AbsGradientLoop<'a> {
    x: &'a [f32],
    gradient: &'a mut [f32],
}

impl SimdLoop for AbsGradientLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (gradient, x) in self.gradient.iter_mut().zip(self.x) {
            let slope = if *x > 0.0 {
                1.0
            } else if *x < 0.0 {
                -1.0
            } else {
                0.0
            };
            *gradient *= slope;
        }
    }
}
