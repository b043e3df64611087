//! `g`, element by element.

use burn::backend::Dispatch;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::is_fused;
use crate::lanes::{Work, chunk, vectorised};
use crate::ops::{Kernels, Passes};
use crate::slices::{FlexTensor, contiguous, values, values_mut};
use crate::vector::{one_minus_exp_neg, softplus};

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
        _ if is_fused(&x) => {
            Tensor::from_dispatch(<Dispatch as Kernels>::activate(x.into_dispatch(), g))
        }
        _ => composite(x, g),
    }
}

/// [`activate`] made of Burn's own operations.
pub fn composite<const D: usize>(x: Tensor<D>, g: Activation) -> Tensor<D> {
    match g {
        Activation::Identity => x,
        Activation::Softplus { sharpness } => burn::tensor::activation::softplus(x, sharpness),
        Activation::Relu => burn::tensor::activation::relu(x),
        Activation::Abs => x.abs(),
    }
}

/// `g(x)`, and what the gradient needs: the result itself, or for `|x|` the argument.
pub(crate) fn forward(x: FlexTensor, g: Activation) -> (FlexTensor, Option<FlexTensor>) {
    let mut x = contiguous(x);
    let argument = (g == Activation::Abs).then(|| x.clone());
    let values = values_mut(&mut x);
    values
        .par_chunks_mut(chunk(values.len()))
        .for_each(|values| vectorised(Forward { values, g }));
    let kept = match g {
        Activation::Identity => None,
        Activation::Abs => argument,
        Activation::Softplus { .. } | Activation::Relu => Some(x.clone()),
    };
    (x, kept)
}

/// `gradient·g′`, from what [`forward`] kept.
pub(crate) fn backward(kept: &FlexTensor, gradient: FlexTensor, g: Activation) -> FlexTensor {
    let mut gradient = contiguous(gradient);
    let kept = values(kept);
    let chunk = chunk(kept.len());
    values_mut(&mut gradient)
        .par_chunks_mut(chunk)
        .zip(kept.par_chunks(chunk))
        .for_each(|(gradient, kept)| vectorised(Backwards { kept, gradient, g }));
    gradient
}

struct Forward<'a> {
    values: &'a mut [f32],
    g: Activation,
}

impl Work for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        match self.g {
            Activation::Identity => {}
            Activation::Softplus { sharpness } => {
                let (p, inverse) = (sharpness as f32, (1.0 / sharpness) as f32);
                for x in self.values {
                    *x = softplus::<FUSED>(*x, p, inverse).0;
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

struct Backwards<'a> {
    kept: &'a [f32],
    gradient: &'a mut [f32],
    g: Activation,
}

impl Work for Backwards<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let pairs = self.gradient.iter_mut().zip(self.kept);
        match self.g {
            Activation::Identity => {}
            Activation::Softplus { sharpness } => {
                // with y = ln(1 + e^{px})/p the slope 1/(1 + e^{−px}) is 1 − e^{−py}
                let p = sharpness as f32;
                for (gradient, y) in pairs {
                    *gradient *= one_minus_exp_neg::<FUSED>(p * y);
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

/// [`Kernels::activate`] on the tape.
pub(crate) fn tracked<B: Kernels + Passes, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    g: Activation,
) -> FloatTensor<Autodiff<B, C>> {
    #[derive(Debug)]
    struct Activate;

    impl<B: Kernels + Passes> Backward<B, 1> for Activate {
        type State = (Option<FloatTensor<B>>, Activation);

        fn backward(
            self,
            ops: Ops<Self::State, 1>,
            gradients: &mut Gradients,
            _: &mut Checkpointer,
        ) {
            let (kept, g) = ops.state;
            unary::<B, _>(ops.parents, ops.node, gradients, |gradient| match kept {
                Some(kept) => B::activation_gradient(kept, gradient, g),
                None => gradient,
            });
        }
    }

    let guard = x.node();
    let (y, kept) = B::activation(x.into_primitive(), g);
    match Activate.prepare::<C>([guard]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((kept, g), y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}
