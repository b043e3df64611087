//! Element-wise activation function `g(x)`.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
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

/// `g(x)`, element by element.
///
/// # Shapes
/// - input and output: any
pub fn activate<const D: usize>(x: Tensor<D>, g: Activation) -> Tensor<D> {
    match g {
        Activation::Identity => x,
        _ if has_kernels(&x) => {
            Tensor::from_dispatch(<Dispatch as ActivateOps>::activate(x.into_dispatch(), g))
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
    /// See [`activate`].
    fn activate(x: FloatTensor<Self>, g: Activation) -> FloatTensor<Self>;
}

impl ActivateOps for Flex {
    fn activate(x: FlexTensor, g: Activation) -> FlexTensor {
        forward(x, g).0
    }
}

impl<C: CheckpointStrategy> ActivateOps for Autodiff<Flex, C> {
    fn activate(x: FloatTensor<Self>, g: Activation) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Activate;

        impl Backward<Flex, 1> for Activate {
            type State = (Option<FlexTensor>, Activation);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let (kept, g) = ops.state;
                unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| match kept {
                    Some(kept) => backward(&kept, gradient, g),
                    None => gradient,
                });
            }
        }

        let node = x.node();
        let (y, kept) = forward(x.into_primitive(), g);
        match Activate.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((kept, g), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

/// `g(x)`, and what the gradient needs: the result itself, or for `|x|` the argument.
fn forward(x: FlexTensor, g: Activation) -> (FlexTensor, Option<FlexTensor>) {
    let mut x = contiguous(x);
    let argument = (g == Activation::Abs).then(|| x.clone());
    let values = values_mut(&mut x);
    values
        .par_chunks_mut(chunk(values.len()))
        .for_each(|values| dispatch(ForwardLoop { values, g }));
    let kept = match g {
        Activation::Identity => None,
        Activation::Abs => argument,
        Activation::Softplus { .. } | Activation::Relu => Some(x.clone()),
    };
    (x, kept)
}

/// `gradient·g′`, from what [`forward`] kept.
fn backward(kept: &FlexTensor, gradient: FlexTensor, g: Activation) -> FlexTensor {
    let mut gradient = contiguous(gradient);
    let kept = values(kept);
    let chunk = chunk(kept.len());
    values_mut(&mut gradient)
        .par_chunks_mut(chunk)
        .zip(kept.par_chunks(chunk))
        .for_each(|(gradient, kept)| dispatch(BackwardLoop { kept, gradient, g }));
    gradient
}

struct ForwardLoop<'a> {
    values: &'a mut [f32],
    g: Activation,
}

impl SimdLoop for ForwardLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        match self.g {
            Activation::Identity => {}
            Activation::Softplus { sharpness } => {
                let (p, inverse) = (sharpness as f32, (1.0 / sharpness) as f32);
                for x in self.values {
                    *x = softplus::<FMA>(*x, p, inverse).0;
                }
            }
            Activation::Relu => {
                for x in self.values {
                    *x = x.max(0.0);
                }
            }
            Activation::Abs => {
                for x in self.values {
                    *x = x.abs();
                }
            }
        }
    }
}

struct BackwardLoop<'a> {
    kept: &'a [f32],
    gradient: &'a mut [f32],
    g: Activation,
}

impl SimdLoop for BackwardLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let pairs = self.gradient.iter_mut().zip(self.kept);
        match self.g {
            Activation::Identity => {}
            Activation::Softplus { sharpness } => {
                // with y = ln(1 + e^{px})/p the slope 1/(1 + e^{−px}) is 1 − e^{−py}
                let p = sharpness as f32;
                for (gradient, y) in pairs {
                    *gradient *= one_minus_exp_neg::<FMA>(p * y);
                }
            }
            Activation::Relu => {
                for (gradient, y) in pairs {
                    *gradient = if *y > 0.0 { *gradient } else { 0.0 };
                }
            }
            Activation::Abs => {
                for (gradient, x) in pairs {
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
    }
}
