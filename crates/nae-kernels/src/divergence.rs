//! Generalised Kullback–Leibler divergence of a spectrum from a sum of activated sources.
//!
//! Composed of Burn's operations it is eight passes over memory and as many for the gradient, those
//! of the activations apart. Here all sources' activations, the divergence and its gradient are one
//! pass. Measured gain with the gradient (one thread, AVX2,
//! `cargo run --release --example kernels -- divergence`): 12 to 16 times with softplus, 17 to 19 times
//! where only the gradient is wanted; without an activation 5 to 7 and 19 to 29 times.
//!
//! Nothing for upstream: the loss is this field's.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Tensor};

use crate::activate::{self, Activation};
use crate::flex::{FlexTensor, contiguous, has_kernels, values, values_mut};
use crate::forward_gradient;
use crate::math::{ln, softplus};
use crate::schedule::{chunk, sum};
use crate::simd::{LANES, SimdLoop, dispatch};

/// Constants of a divergence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DivergenceOptions {
    /// Floor ε in both logarithms, above 0.
    pub eps: f64,
    /// Factor of value and gradient: the fraction that these bins are of all bins, where several
    /// threads or batches make one mean.
    pub weight: f64,
    /// What is computed.
    pub output: LossOutput,
}

/// What is computed of a loss: a step needs the gradient only, and the value's logarithm takes longer
/// than all the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossOutput {
    /// Loss value and gradient.
    ValueAndGradient,
    /// The gradient only; the value may be NaN.
    GradientOnly,
}

/// Divergence of every batch item's target `X` from the sum of its activated sources,
/// `X̂ = Σᵢ g(Bᵢ)`: `weight` times the mean over all bins of `X·(ln(X+ε) − ln(X̂+ε)) − X + X̂`
/// (Smaragdis & Venkataramani, ICASSP 2017, and their script). Zero exactly when `X̂ = X`.
///
/// With `n` bins, the gradient with respect to `Bᵢ` is `(1 − X/(X̂+ε))·g′(Bᵢ)·weight/n`; the kernel
/// computes it in the forward pass and keeps nothing else. The target gets no gradient.
///
/// # Shapes
/// - `products` (`B`): `[batch·sources, bins, frames]`, the sources of one item one after the
///   other; or `[bins, frames]` for one source of one item
/// - `target` (`X`): `[batch, bins, frames]` or `[bins, frames]`, non-negative
/// - output: `[batch]`; NaN from the kernel with [`LossOutput::GradientOnly`]
///
/// # Panics
/// If `products` is no whole number of sources for every batch item, bins or frames differ, or there
/// are fewer than two or more than three dimensions.
pub fn divergence<const D: usize>(
    products: Tensor<D>,
    target: Tensor<D>,
    g: Activation,
    options: DivergenceOptions,
) -> Tensor<1> {
    let (of_products, of_target) = (products.dims(), target.dims());
    let [[stacked, rest @ ..], [batch, other @ ..]] = [of_products, of_target].map(batched);
    assert!(
        batch > 0 && stacked.is_multiple_of(batch) && rest == other,
        "products {of_products:?} do not fit the target {of_target:?}"
    );
    if has_kernels(&products) && has_kernels(&target) {
        let (products, target) = (products.into_dispatch(), target.into_dispatch());
        Tensor::from_dispatch(<Dispatch as DivergenceOps>::divergence(
            products, target, g, options,
        ))
    } else {
        composite(products, target, g, options)
    }
}

/// A shape with a batch dimension.
///
/// # Panics
/// For other shapes than of two or three dimensions.
fn batched<const D: usize>(shape: [usize; D]) -> [usize; 3] {
    match shape[..] {
        [bins, frames] => [1, bins, frames],
        [batch, bins, frames] => [batch, bins, frames],
        _ => unreachable!("a spectrum has two or three dimensions, not {D}"),
    }
}

/// [`divergence`] composed of Burn's own operations.
pub fn composite<const D: usize>(
    products: Tensor<D>,
    target: Tensor<D>,
    g: Activation,
    options: DivergenceOptions,
) -> Tensor<1> {
    let [stacked, ..] = batched(products.dims());
    let [batch, bins, frames] = batched(target.dims());
    let target = target.reshape([batch, bins, frames]);
    let products = products.reshape([stacked, bins, frames]);
    let activated = activate::composite(products, g);
    let estimate = if activated.dims()[0] == batch {
        activated
    } else {
        let sources = activated.dims()[0] / batch;
        activated
            .reshape([batch, sources, bins, frames])
            .sum_dim(1)
            .reshape([batch, bins, frames])
    };
    let ratio = target.clone().add_scalar(options.eps) / estimate.clone().add_scalar(options.eps);
    let terms = target.clone() * ratio.log() - target + estimate;
    terms
        .reshape([batch, bins * frames])
        .mean_dim(1)
        .mul_scalar(options.weight)
        .reshape([batch])
}

/// What a backend needs for [`divergence`].
#[backend_extension(Flex, Autodiff)]
pub(crate) trait DivergenceOps: Backend {
    /// See [`divergence`].
    fn divergence(
        products: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: Activation,
        options: DivergenceOptions,
    ) -> FloatTensor<Self>;
}

impl DivergenceOps for Flex {
    fn divergence(
        products: FlexTensor,
        target: FlexTensor,
        g: Activation,
        options: DivergenceOptions,
    ) -> FlexTensor {
        value_and_gradient(products, target, g, options).0
    }
}

impl<C: CheckpointStrategy> DivergenceOps for Autodiff<Flex, C> {
    fn divergence(
        products: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: Activation,
        options: DivergenceOptions,
    ) -> FloatTensor<Self> {
        let target = target.into_primitive();
        forward_gradient::record::<C>(products, |products| {
            value_and_gradient(products, target, g, options)
        })
    }
}

/// Divergences and the gradient with respect to the products, which takes the products' place.
fn value_and_gradient(
    products: FlexTensor,
    target: FlexTensor,
    g: Activation,
    options: DivergenceOptions,
) -> (FlexTensor, FlexTensor) {
    let (mut products, target) = (contiguous(products), contiguous(target));
    let batch = match *target.layout().shape().as_slice() {
        [batch, _, _] => batch,
        _ => 1,
    };
    let plane = target.layout().num_elements() / batch.max(1);
    let sources = products.layout().num_elements() / (batch * plane).max(1);
    let mut losses = FlexTensor::empty([batch].into(), DType::F32);
    let targets = values(&target).chunks(plane.max(1));
    let items = values_mut(&mut products).chunks_mut((sources * plane).max(1));
    for ((loss, target), products) in values_mut(&mut losses).iter_mut().zip(targets).zip(items) {
        let mut planes: Vec<_> = products
            .chunks_mut(plane)
            .map(|values| values.chunks_mut(chunk(plane)))
            .collect();
        let pieces: Vec<Piece<'_>> = target
            .chunks(chunk(plane))
            .map(|target| Piece {
                target,
                sources: planes.iter_mut().filter_map(Iterator::next).collect(),
                g,
                eps: options.eps as f32,
                weight: (options.weight / plane as f64) as f32,
                output: options.output,
            })
            .collect();
        *loss = (sum(pieces, dispatch) * options.weight / plane as f64) as f32;
    }
    (losses, products)
}

/// Some bins of one batch item.
struct Piece<'a> {
    target: &'a [f32],
    /// Every source's products; afterwards the gradients.
    sources: Vec<&'a mut [f32]>,
    g: Activation,
    eps: f32,
    /// The options' weight over the item's number of bins.
    weight: f32,
    output: LossOutput,
}

impl SimdLoop for Piece<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let Self {
            target,
            mut sources,
            g,
            eps,
            weight,
            output,
        } = self;
        let mut total = 0.0;
        // a few cache lines at a time: sums stay in single precision only that long
        const BLOCK: usize = 64 * LANES;
        let mut start = 0;
        for target in target.chunks(BLOCK) {
            let range = start..start + target.len();
            start = range.end;
            if let ([only], Activation::Identity) = (sources.as_mut_slice(), g) {
                total += linear::<FMA>(&mut only[range], target, eps, weight, output);
                continue;
            }
            let mut estimate = [0.0f32; BLOCK];
            let estimate = &mut estimate[..target.len()];
            for source in &mut sources {
                add_activated::<FMA>(estimate, &mut source[range.clone()], g);
            }
            total += linear::<FMA>(estimate, target, eps, weight, output);
            // the estimate has become the gradient with respect to it, the sources their slopes
            for source in &mut sources {
                for (slope, gradient) in source[range.clone()].iter_mut().zip(&*estimate) {
                    *slope *= gradient;
                }
            }
        }
        total
    }
}

/// Adds `g(b)` to `estimate` and leaves `g′(b)` in the place of `b`.
#[inline(always)]
fn add_activated<const FMA: bool>(estimate: &mut [f32], b: &mut [f32], g: Activation) {
    let pairs = estimate.iter_mut().zip(b);
    match g {
        Activation::Identity => {
            for (estimate, b) in pairs {
                *estimate += *b;
                *b = 1.0;
            }
        }
        Activation::Softplus { sharpness } => {
            let (p, inverse) = (sharpness as f32, (1.0 / sharpness) as f32);
            for (estimate, b) in pairs {
                let (y, slope) = softplus::<FMA>(*b, p, inverse);
                *estimate += y;
                *b = slope;
            }
        }
        Activation::Relu => {
            for (estimate, b) in pairs {
                *estimate += b.max(0.0);
                *b = if *b > 0.0 { 1.0 } else { 0.0 };
            }
        }
        Activation::Abs => {
            for (estimate, b) in pairs {
                *estimate += b.abs();
                *b = if *b > 0.0 {
                    1.0
                } else if *b < 0.0 {
                    -1.0
                } else {
                    0.0
                };
            }
        }
    }
}

/// The divergence's terms, summed, of an estimate that its gradient replaces; NaN with
/// [`LossOutput::GradientOnly`].
#[inline(always)]
fn linear<const FMA: bool>(
    estimate: &mut [f32],
    target: &[f32],
    eps: f32,
    weight: f32,
    output: LossOutput,
) -> f64 {
    if output == LossOutput::GradientOnly {
        for (y, x) in estimate.iter_mut().zip(target) {
            *y = slope(1.0 / (*y + eps), *x, weight);
        }
        return f64::NAN;
    }
    let mut sums = [0.0f32; LANES];
    let (blocks, rest) = estimate.as_chunks_mut::<LANES>();
    let (target_blocks, target_rest) = target.as_chunks::<LANES>();
    for (estimate, target) in blocks.iter_mut().zip(target_blocks) {
        for lane in 0..LANES {
            sums[lane] += term::<FMA>(&mut estimate[lane], target[lane], eps, weight);
        }
    }
    for (estimate, target) in rest.iter_mut().zip(target_rest) {
        sums[0] += term::<FMA>(estimate, *target, eps, weight);
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// The gradient with respect to an estimate, of whose sum with ε it gets the inverse.
#[inline(always)]
fn slope(inverse: f32, x: f32, weight: f32) -> f32 {
    (1.0 - x * inverse) * weight
}

#[inline(always)]
fn term<const FMA: bool>(y: &mut f32, x: f32, eps: f32, weight: f32) -> f32 {
    let inverse = 1.0 / (*y + eps);
    let value = x * ln::<FMA>((x + eps) * inverse) - x + *y;
    *y = slope(inverse, x, weight);
    value
}
