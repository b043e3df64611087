//! Squared error of ratio masks.
//!
//! Value and gradient in one pass, of which nothing but the gradient is kept. Measured gain with the
//! gradient (one thread, AVX2, `cargo run --release --example kernels -- mask_loss`): 4.3 to 7.4 times.
//!
//! Nothing for upstream: the loss is this field's.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Tensor};

use crate::flex::{FlexTensor, contiguous, has_kernels, values, values_mut};
use crate::forward_gradient;
use crate::schedule::{chunk, sum};
use crate::simd::{LANES, SimdLoop, dispatch};

/// Added to every source's power, so that masks exist where all sources are silent.
const FLOOR: f64 = 1e-8;

/// Squared error of what ratio masks with exponent 2, `Mᵢ = X̂ᵢ²/Σⱼ X̂ⱼ²`, leave of a mixture's
/// magnitudes `X` against the targets `Tᵢ`: `weight` times the mean over sources and bins of
/// `(Mᵢ·X − Tᵢ)²`.
///
/// With `n` entries and `cᵢ = 2·(Mᵢ·X − Tᵢ)·X`, the gradient with respect to `X̂ᵢ` is
/// `(2·X̂ᵢ/ΣX̂²)·(cᵢ − Σⱼ cⱼ·Mⱼ)·weight/n`; the kernel computes it in the forward pass and keeps nothing
/// else. Mixture and targets get no gradient.
///
/// # Shapes
/// - `estimates` (`X̂`): `[sources, bins, frames]`, non-negative
/// - `mixture` (`X`): `[bins, frames]`; `targets` (`T`): `[sources, bins, frames]`
/// - output: `[1]`
///
/// # Panics
/// If the shapes do not fit.
pub fn mask_loss(
    estimates: Tensor<3>,
    mixture: Tensor<2>,
    targets: Tensor<3>,
    weight: f64,
) -> Tensor<1> {
    let [sources, bins, frames] = estimates.dims();
    assert!(
        mixture.dims() == [bins, frames] && targets.dims() == [sources, bins, frames],
        "mixture {:?} and targets {:?} do not fit estimates [{sources}, {bins}, {frames}]",
        mixture.dims(),
        targets.dims()
    );
    if has_kernels(&estimates) && has_kernels(&mixture) && has_kernels(&targets) {
        Tensor::from_dispatch(<Dispatch as MaskLossOps>::mask_loss(
            estimates.into_dispatch(),
            mixture.into_dispatch(),
            targets.into_dispatch(),
            weight,
        ))
    } else {
        composite(estimates, mixture, targets, weight)
    }
}

/// [`mask_loss`] composed of Burn's own operations.
pub fn composite(
    estimates: Tensor<3>,
    mixture: Tensor<2>,
    targets: Tensor<3>,
    weight: f64,
) -> Tensor<1> {
    let powers = estimates.square().add_scalar(FLOOR);
    let masks = powers.clone() / powers.sum_dim(0);
    let error = masks * mixture.unsqueeze_dim(0) - targets;
    error.square().mean().mul_scalar(weight)
}

/// What a backend needs for [`mask_loss`].
#[backend_extension(Flex, Autodiff)]
pub(crate) trait MaskLossOps: Backend {
    /// See [`mask_loss`].
    fn mask_loss(
        estimates: FloatTensor<Self>,
        mixture: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        weight: f64,
    ) -> FloatTensor<Self>;
}

impl MaskLossOps for Flex {
    fn mask_loss(
        estimates: FlexTensor,
        mixture: FlexTensor,
        targets: FlexTensor,
        weight: f64,
    ) -> FlexTensor {
        value_and_gradient(estimates, mixture, targets, weight).0
    }
}

impl<C: CheckpointStrategy> MaskLossOps for Autodiff<Flex, C> {
    fn mask_loss(
        estimates: FloatTensor<Self>,
        mixture: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        weight: f64,
    ) -> FloatTensor<Self> {
        let (mixture, targets) = (mixture.into_primitive(), targets.into_primitive());
        forward_gradient::record::<C>(estimates, |estimates| {
            value_and_gradient(estimates, mixture, targets, weight)
        })
    }
}

/// The error, and its gradient with respect to the estimates, which takes their place.
fn value_and_gradient(
    estimates: FlexTensor,
    mixture: FlexTensor,
    targets: FlexTensor,
    weight: f64,
) -> (FlexTensor, FlexTensor) {
    let (mut estimates, mixture, targets) = (
        contiguous(estimates),
        contiguous(mixture),
        contiguous(targets),
    );
    let plane = mixture.layout().num_elements();
    let count = targets.layout().num_elements().max(1);
    let length = chunk(plane);
    let mut estimate_planes: Vec<_> = values_mut(&mut estimates)
        .chunks_mut(plane.max(1))
        .map(|values| values.chunks_mut(length))
        .collect();
    let mut target_planes: Vec<_> = values(&targets)
        .chunks(plane.max(1))
        .map(|values| values.chunks(length))
        .collect();
    let pieces: Vec<Piece<'_>> = values(&mixture)
        .chunks(length)
        .map(|mixture| Piece {
            mixture,
            estimates: estimate_planes
                .iter_mut()
                .filter_map(Iterator::next)
                .collect(),
            targets: target_planes
                .iter_mut()
                .filter_map(Iterator::next)
                .collect(),
            weight: (weight / count as f64) as f32,
        })
        .collect();
    let total = sum(pieces, dispatch) * weight / count as f64;
    let mut loss = FlexTensor::empty([1].into(), DType::F32);
    values_mut(&mut loss).fill(total as f32);
    (loss, estimates)
}

/// Some bins of all sources.
struct Piece<'a> {
    mixture: &'a [f32],
    /// Every source's estimates; afterwards the gradients.
    estimates: Vec<&'a mut [f32]>,
    targets: Vec<&'a [f32]>,
    /// The loss's weight over the number of entries.
    weight: f32,
}

impl SimdLoop for Piece<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        const BLOCK: usize = 16 * LANES;
        let floor = FLOOR as f32;
        let Self {
            mixture,
            mut estimates,
            targets,
            weight,
        } = self;
        let mut total = 0.0;
        for (number, mixture) in mixture.chunks(BLOCK).enumerate() {
            let range = number * BLOCK..number * BLOCK + mixture.len();
            let mut inverse = [0.0f32; BLOCK];
            let inverse = &mut inverse[..mixture.len()];
            for estimate in &estimates {
                for (sum, y) in inverse.iter_mut().zip(&estimate[range.clone()]) {
                    *sum += y * y + floor;
                }
            }
            for sum in &mut *inverse {
                *sum = 1.0 / *sum;
            }
            // Σⱼ cⱼ·Mⱼ and the squared error
            let (mut dots, mut errors) = ([0.0f32; BLOCK], [0.0f32; BLOCK]);
            for (estimate, target) in estimates.iter().zip(&targets) {
                let (estimate, target) = (&estimate[range.clone()], &target[range.clone()]);
                for n in 0..mixture.len() {
                    let mask = (estimate[n] * estimate[n] + floor) * inverse[n];
                    let error = mask * mixture[n] - target[n];
                    errors[n] += error * error;
                    dots[n] += 2.0 * error * mixture[n] * mask;
                }
            }
            total += errors.iter().map(|&x| f64::from(x)).sum::<f64>();
            for (estimate, target) in estimates.iter_mut().zip(&targets) {
                let (estimate, target) = (&mut estimate[range.clone()], &target[range.clone()]);
                for n in 0..mixture.len() {
                    let y = estimate[n];
                    let mask = (y * y + floor) * inverse[n];
                    let c = 2.0 * (mask * mixture[n] - target[n]) * mixture[n];
                    estimate[n] = 2.0 * y * inverse[n] * (c - dots[n]) * weight;
                }
            }
        }
        total
    }
}
