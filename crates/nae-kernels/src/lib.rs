//! Fused operations on Burn tensors, as a backend extension.
//!
//! Burn runs an expression one operation after the other, each with a buffer of its own; on the CPU
//! a softplus is seven passes over memory and the divergence eight, and they cost several times what
//! the matrix products cost. Here each is one pass, with its gradient written by hand:
//!
//! | Operation | What it is | Where |
//! |---|---|---|
//! | [`activate`] | softplus, ReLU or absolute value | `activation` |
//! | [`divergence`] | generalised Kullback–Leibler divergence of a sum of activated sources | `divergence` |
//! | [`mean_abs`] | the L1 penalty | `penalty` |
//! | [`product`] | the matrix product | `product` |
//! | [`mask_loss`] | squared error of ratio masks | `mask_loss` |
//! | [`temporal`] | convolution along time, every channel by itself | `temporal` |
//! | [`columns`] | rows of a matrix as the columns of others, for mini-batches | `columns` |
//! | [`quotient`] | division with a floor under the divisor, for NMF's updates | `quotient` |
//! | [`standard_normal`] | random numbers for noise | `normal` |
//! | [`adam`], [`rprop`] | one step of an optimiser | `adam`, `rprop` |
//!
//! On Burn's CPU backend (burn-flex) in single precision they run as loops that the compiler turns
//! into vector code, compiled for several generations of processors and chosen at run time (`lanes`),
//! on all cores. `exp` and `ln` are polynomials (`vector`), because no crate offers them for loops
//! whose vector width is only known at run time; their error bounds are tested against f64.
//! Everywhere else, double precision and GPUs included, the same functions are compositions of Burn's
//! own operations (`*::composite`), which Burn's fusion joins into few kernels on GPUs by itself.
//!
//! The only other place that may name a backend is the binary.

mod activation;
mod adam;
mod columns;
mod divergence;
mod dots;
mod lanes;
mod mask_loss;
mod normal;
mod ops;
mod penalty;
mod product;
mod quotient;
mod ready;
mod rprop;
mod slices;
mod temporal;
mod vector;

pub use activation::{Activation, activate};
pub use adam::{AdamStep, adam};
pub use columns::columns;
pub use divergence::{Scale, Wanted, divergence};
pub use lanes::{Footprint, Sharing, stack_size};
pub use mask_loss::mask_loss;
pub use normal::standard_normal;
pub use penalty::mean_abs;
pub use product::product;
pub use quotient::quotient;
pub use rprop::{RpropFactors, rprop};
pub use temporal::{Taps, temporal};

/// The same functions composed of Burn's own operations: what runs on backends without fused
/// kernels, and what the tests compare with.
pub mod composite {
    pub use crate::activation::composite as activate;
    pub use crate::adam::composite as adam;
    pub use crate::columns::composite as columns;
    pub use crate::divergence::composite as divergence;
    pub use crate::mask_loss::composite as mask_loss;
    pub use crate::penalty::composite as mean_abs;
    pub use crate::product::composite as product;
    pub use crate::quotient::composite as quotient;
    pub use crate::rprop::composite as rprop;
    pub use crate::temporal::composite as temporal;
}

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Tensor};

/// Whether the fused kernels can work on `x`: single precision on burn-flex.
fn is_fused<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && is_flex(x.device().as_dispatch())
}

/// The same for operations that have no gradient: on the tape they must be made of ones that do.
fn is_fused_off_tape<const D: usize>(x: &Tensor<D>) -> bool {
    is_fused(x) && !x.device().is_autodiff()
}

fn is_flex(device: &DispatchDevice) -> bool {
    matches!(device, DispatchDevice::Flex(_))
        || matches!(device, DispatchDevice::Autodiff(device) if is_flex(&device.clone().inner()))
}
