//! The generalised Kullback–Leibler divergence of a sum of activated sources.

use burn::backend::Dispatch;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Tensor};

use crate::activation::Activation;
use crate::is_fused;
use crate::lanes::{LANES, Work, chunk, sum, vectorised};
use crate::ops::{Kernels, Passes};
use crate::ready;
use crate::slices::{FlexTensor, contiguous, values, values_mut};
use crate::vector::{ln, softplus};

/// Constants of a divergence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Floor ε in both logarithms.
    pub eps: f64,
    /// Factor of value and gradient: the share of all bins that these are, where several threads or
    /// batches make one mean.
    pub share: f64,
    /// What the divergence is for.
    pub wanted: Wanted,
}

/// What a divergence is for: a step needs the gradient only, and the value's logarithm takes longer
/// than all the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Somebody reads the value.
    ValueAndGradient,
    /// Nobody does; it may be NaN.
    Gradient,
}

/// Divergence of every scene's target `X` from the sum of its activated sources,
/// `X̂ = Σᵢ g(Bᵢ)`: `share` times the mean over all bins of `X·(ln(X+ε) − ln(X̂+ε)) − X + X̂`
/// (Smaragdis & Venkataramani, ICASSP 2017, and their script). Zero exactly when `X̂ = X`.
///
/// With `n` bins, the gradient with respect to `Bᵢ` is `(1 − X/(X̂+ε))·g′(Bᵢ)·share/n`; the fused
/// form works it out on the way and keeps nothing else. The target gets no gradient.
///
/// # Shapes
/// - `products` (`B`): `[scenes·sources, bins, frames]`, the sources of one scene one after the
///   other; or `[bins, frames]` for one source of one scene
/// - `target` (`X`): `[scenes, bins, frames]` or `[bins, frames]`, non-negative
/// - output: `[scenes]`; NaN from the fused form if only the gradient is wanted
///
/// # Panics
/// If `products` is no whole number of sources for every scene, bins or frames differ, or there are
/// fewer than two or more than three dimensions.
pub fn divergence<const D: usize>(
    products: Tensor<D>,
    target: Tensor<D>,
    g: Activation,
    scale: Scale,
) -> Tensor<1> {
    let (of_products, of_target) = (products.dims(), target.dims());
    let [[stacked, rest @ ..], [scenes, other @ ..]] = [of_products, of_target].map(three);
    assert!(
        scenes > 0 && stacked.is_multiple_of(scenes) && rest == other,
        "products {of_products:?} do not fit the target {of_target:?}"
    );
    if is_fused(&products) && is_fused(&target) {
        let (products, target) = (products.into_dispatch(), target.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Kernels>::divergence(
            products, target, g, scale,
        ))
    } else {
        composite(products, target, g, scale)
    }
}

/// A shape with a dimension for scenes.
///
/// # Panics
/// For other shapes than of two or three dimensions.
fn three<const D: usize>(shape: [usize; D]) -> [usize; 3] {
    match shape[..] {
        [bins, frames] => [1, bins, frames],
        [scenes, bins, frames] => [scenes, bins, frames],
        _ => unreachable!("a spectrum has two or three dimensions, not {D}"),
    }
}

/// [`divergence`] made of Burn's own operations.
pub fn composite<const D: usize>(
    products: Tensor<D>,
    target: Tensor<D>,
    g: Activation,
    scale: Scale,
) -> Tensor<1> {
    let [stacked, ..] = three(products.dims());
    let [scenes, bins, frames] = three(target.dims());
    let target = target.reshape([scenes, bins, frames]);
    let products = products.reshape([stacked, bins, frames]);
    let activated = crate::activation::composite(products, g);
    let estimate = if activated.dims()[0] == scenes {
        activated
    } else {
        let sources = activated.dims()[0] / scenes;
        activated
            .reshape([scenes, sources, bins, frames])
            .sum_dim(1)
            .reshape([scenes, bins, frames])
    };
    let ratio = target.clone().add_scalar(scale.eps) / estimate.clone().add_scalar(scale.eps);
    let terms = target.clone() * ratio.log() - target + estimate;
    terms
        .reshape([scenes, bins * frames])
        .mean_dim(1)
        .mul_scalar(scale.share)
        .reshape([scenes])
}

/// Divergences and the gradient with respect to the products, which take the products' place.
pub(crate) fn forward(
    products: FlexTensor,
    target: FlexTensor,
    g: Activation,
    scale: Scale,
) -> (FlexTensor, FlexTensor) {
    let (mut products, target) = (contiguous(products), contiguous(target));
    let scenes = match *target.layout().shape().as_slice() {
        [scenes, _, _] => scenes,
        _ => 1,
    };
    let plane = target.layout().num_elements() / scenes.max(1);
    let sources = products.layout().num_elements() / (scenes * plane).max(1);
    let mut losses = FlexTensor::empty([scenes].into(), DType::F32);
    let targets = values(&target).chunks(plane.max(1));
    let scenes_of_products = values_mut(&mut products).chunks_mut((sources * plane).max(1));
    for ((loss, target), products) in values_mut(&mut losses)
        .iter_mut()
        .zip(targets)
        .zip(scenes_of_products)
    {
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
                eps: scale.eps as f32,
                weight: (scale.share / plane as f64) as f32,
                wanted: scale.wanted,
            })
            .collect();
        *loss = (sum(pieces, vectorised) * scale.share / plane as f64) as f32;
    }
    (losses, products)
}

/// Some bins of one scene.
struct Piece<'a> {
    target: &'a [f32],
    /// Every source's products; afterwards the gradients.
    sources: Vec<&'a mut [f32]>,
    g: Activation,
    eps: f32,
    /// The share over the scene's number of bins.
    weight: f32,
    wanted: Wanted,
}

impl Work for Piece<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let Self {
            target,
            mut sources,
            g,
            eps,
            weight,
            wanted,
        } = self;
        let mut total = 0.0;
        // a few cache lines at a time: sums stay in single precision only that long
        const BLOCK: usize = 64 * LANES;
        let mut start = 0;
        for target in target.chunks(BLOCK) {
            let range = start..start + target.len();
            start = range.end;
            if let ([only], Activation::Identity) = (sources.as_mut_slice(), g) {
                total += linear::<FUSED>(&mut only[range], target, eps, weight, wanted);
                continue;
            }
            let mut estimate = [0.0f32; BLOCK];
            let estimate = &mut estimate[..target.len()];
            for source in &mut sources {
                add_activated::<FUSED>(estimate, &mut source[range.clone()], g);
            }
            total += linear::<FUSED>(estimate, target, eps, weight, wanted);
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
fn add_activated<const FUSED: bool>(estimate: &mut [f32], b: &mut [f32], g: Activation) {
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
                let (y, slope) = softplus::<FUSED>(*b, p, inverse);
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

/// The divergence's terms, summed, of an estimate that its gradient replaces; NaN where nobody reads
/// them.
#[inline(always)]
fn linear<const FUSED: bool>(
    estimate: &mut [f32],
    target: &[f32],
    eps: f32,
    weight: f32,
    wanted: Wanted,
) -> f64 {
    if wanted == Wanted::Gradient {
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
            sums[lane] += term::<FUSED>(&mut estimate[lane], target[lane], eps, weight);
        }
    }
    for (estimate, target) in rest.iter_mut().zip(target_rest) {
        sums[0] += term::<FUSED>(estimate, *target, eps, weight);
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// The gradient with respect to an estimate, of whose sum with ε it gets the inverse.
#[inline(always)]
fn slope(inverse: f32, x: f32, weight: f32) -> f32 {
    (1.0 - x * inverse) * weight
}

#[inline(always)]
fn term<const FUSED: bool>(y: &mut f32, x: f32, eps: f32, weight: f32) -> f32 {
    let inverse = 1.0 / (*y + eps);
    let value = x * ln::<FUSED>((x + eps) * inverse) - x + *y;
    *y = slope(inverse, x, weight);
    value
}

/// Every scene's gradient times that scene's factor; untouched where all factors are one.
pub(crate) fn scale_scenes(tensor: FlexTensor, factors: &FlexTensor) -> FlexTensor {
    let factors = contiguous(factors.clone());
    let factors = values(&factors);
    if factors.iter().all(|&factor| factor == 1.0) {
        return tensor;
    }
    let mut tensor = tensor;
    let count = tensor.layout().num_elements() / factors.len().max(1);
    for (scene, factor) in values_mut(&mut tensor)
        .chunks_mut(count.max(1))
        .zip(factors)
    {
        for value in scene {
            *value *= factor;
        }
    }
    tensor
}

/// [`Kernels::divergence`] on the tape.
pub(crate) fn tracked<B: Kernels + Passes, C: CheckpointStrategy>(
    products: FloatTensor<Autodiff<B, C>>,
    target: FloatTensor<Autodiff<B, C>>,
    g: Activation,
    scale: Scale,
) -> FloatTensor<Autodiff<B, C>> {
    let target = target.into_primitive();
    ready::tracked::<B, C>(products, |products| {
        B::divergence_and_gradient(products, target, g, scale)
    })
}
