//! Hand-written operations on Burn tensors, as backend extensions.
//!
//! Burn runs an expression one operation after the other, each with a buffer of its own; on the CPU
//! a softplus is seven passes over memory and the divergence eight, and they cost several times what
//! the matrix products cost. Here each is one pass, with its gradient written by hand:
//!
//! | Operation | What it is | Gain forward | Gain with gradient |
//! |---|---|---|---|
//! | [`activate`] | softplus | 11–15 | 4–11 |
//! | | absolute value (ReLU is Burn's own) | 1 | 2.4–3.9 |
//! | [`divergence`] | generalised Kullback–Leibler divergence of a sum of activated sources | | 5–16; gradient only 17–29 |
//! | [`l1`] | L1 penalty | 1.2–1.7 | 2.7–14 |
//! | [`matmul`] | matrix product | 0.97–1.6 | 1.05–1.24 |
//! | [`mask_loss`] | squared error of ratio masks | | 4.3–7.4 |
//! | [`depthwise_conv1d`] | depthwise convolution along time | 3.2–3.9 | 5.6–7.5 |
//! | [`recurrence`] | recurrent layer along time | 2.3–2.8 | 4.9–6.8 |
//! | [`gather_columns`] | rows of a matrix as the columns of others, for mini-batches | 1.3–1.7 with what follows | |
//! | [`safe_divide`] | division with a floor under the divisor, for NMF's updates | 1.8–2.1 | |
//! | [`standard_normal`] | random numbers for noise | 7–10 | |
//! | [`adam`] | one step of an optimiser | 4.4–4.8 | |
//! | [`rprop`] | one step of an optimiser | 11–16 | |
//!
//! Gains are Burn's time over the kernel's, at 513 bins, 128 and 1563 frames, rank 20 and 100, one
//! model and batches of eight, on one thread of a processor with AVX2 and without AVX-512:
//! `RAYON_NUM_THREADS=1 cargo run --release --example kernels` prints all of them. What Burn or gemm
//! could take over is said in that operation's file.
//!
//! Every operation is one file: the public function, its composite version, the backend-extension
//! trait, the CPU kernel and the gradient. They share modules that import no operation:
//! `flex` (the CPU backend's tensors as slices), `simd` (vector code chosen at run time), `math`
//! (`exp`, `ln` and the like as polynomials, because no crate offers them for loops whose vector
//! width is only known at run time; their error bounds are tested against f64), `schedule` (division
//! of work among threads and batches), `strided` (products of slices), `cells` (a frame of a recurrence)
//! and `forward_gradient`.
//!
//! The kernels run on Burn's CPU backend (burn-flex) in single precision. Everywhere else, double
//! precision and GPUs included, the same functions are compositions of Burn's own operations
//! ([`composite`]), which Burn's fusion joins into few kernels on GPUs by itself.
//!
//! [`frame`] has some of them for a single frame on slices, where a tensor would cost more than the work.
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use nae_kernels::{Activation, activate, composite};
//!
//! let x = Tensor::<3>::from_data([[[-2.0f32, 0.0, 1.5]]], &Device::flex());
//! let softplus = Activation::Softplus { sharpness: 3.0 };
//! let difference = activate(x.clone(), softplus) - composite::activate(x, softplus);
//! assert!(difference.abs().max().into_scalar::<f32>() < 1e-6); // one pass instead of seven, the same values
//! ```

mod activate;
mod adam;
mod cells;
mod depthwise_conv1d;
mod divergence;
mod dot_products;
mod flex;
mod forward_gradient;
pub mod frame;
mod gather_columns;
mod l1;
mod mask_loss;
mod math;
mod matmul;
mod recurrence;
mod rprop;
mod safe_divide;
mod schedule;
mod simd;
mod standard_normal;
mod strided;

pub use activate::{Activation, activate};
pub use adam::{AdamStep, adam};
pub use cells::RecurrentCell;
pub use depthwise_conv1d::{DepthwiseConv1dSpec, depthwise_conv1d};
pub use divergence::{DivergenceOptions, LossOutput, divergence};
pub use flex::has_threads;
pub use gather_columns::gather_columns;
pub use l1::l1;
pub use mask_loss::mask_loss;
pub use matmul::matmul;
pub use recurrence::{RecurrenceSpec, recurrence};
pub use rprop::{RpropFactors, rprop};
pub use safe_divide::safe_divide;
pub use schedule::{MemoryCost, Parallelism, batch_size};
pub use standard_normal::standard_normal;

/// The same functions composed of Burn's own operations: what runs on backends without kernels of
/// their own, and what the tests compare with.
pub mod composite {
    pub use crate::activate::composite as activate;
    pub use crate::adam::composite as adam;
    pub use crate::depthwise_conv1d::composite as depthwise_conv1d;
    pub use crate::divergence::composite as divergence;
    pub use crate::gather_columns::composite as gather_columns;
    pub use crate::l1::composite as l1;
    pub use crate::mask_loss::composite as mask_loss;
    pub use crate::matmul::composite as matmul;
    pub use crate::recurrence::composite as recurrence;
    pub use crate::rprop::composite as rprop;
    pub use crate::safe_divide::composite as safe_divide;
}
