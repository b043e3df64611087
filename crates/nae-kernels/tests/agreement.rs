//! Kernels against the same operations composed of Burn's own, values and gradients, on the CPU.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use burn::tensor::{Device, Tensor, TensorData};
use nae_kernels::{
    Activation, AdamStep, DepthwiseConv1dSpec, DivergenceOptions, LossOutput, RecurrenceSpec,
    RecurrentCell, RpropFactors, activate, adam, composite, depthwise_conv1d, divergence,
    gather_columns, l1, mask_loss, matmul, recurrence, rprop, safe_divide,
};
use nae_testing::compare::largest_difference;
use nae_testing::noise::uniform_lcg;

const ACTIVATIONS: [Activation; 5] = [
    Activation::Identity,
    Activation::Softplus { sharpness: 1.0 },
    Activation::Softplus { sharpness: 3.0 },
    Activation::Relu,
    Activation::Abs,
];

const OPTIONS: DivergenceOptions = DivergenceOptions {
    eps: 1e-6,
    weight: 1.0,
    output: LossOutput::ValueAndGradient,
};

fn tensor<const D: usize>(shape: [usize; D], low: f32, high: f32, seed: u64) -> Tensor<D> {
    let values = uniform_lcg(shape.iter().product(), low..high, seed);
    Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff())
}

fn read<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

/// Greatest difference in units of the greatest entry.
fn difference<const D: usize>(ours: Tensor<D>, theirs: Tensor<D>) -> f32 {
    difference_above(ours, theirs, 1e-30)
}

/// The same in units of the greatest entry or of `floor`, whichever is more.
fn difference_above<const D: usize>(ours: Tensor<D>, theirs: Tensor<D>, floor: f32) -> f32 {
    let (ours, theirs) = (read(ours), read(theirs));
    let scale = theirs.iter().fold(floor, |m, x| m.max(x.abs()));
    largest_difference(&ours, &theirs) / scale
}

/// Single precision, sums of different order.
const TOLERANCE: f32 = 3e-6;

/// A value and its gradient with respect to `x`, weighted so that no two entries count alike.
fn with_gradient<const D: usize, const E: usize>(
    x: &Tensor<D>,
    f: impl Fn(Tensor<D>) -> Tensor<E>,
) -> (Tensor<E>, Tensor<D>) {
    let x = x.clone().require_grad();
    let y = f(x.clone());
    let weights = tensor(y.dims(), 0.5, 2.0, 99).detach();
    let gradients = (y.clone() * weights).sum().backward();
    (y.inner(), x.grad(&gradients).unwrap())
}

/// Shapes below, at and above what one vector, one block and one thread take.
const SHAPES: [[usize; 3]; 5] = [
    [1, 1, 1],
    [1, 7, 5],
    [1, 16, 64],
    [3, 33, 31],
    [2, 129, 257],
];

#[test]
fn activations_agree() {
    for g in ACTIVATIONS {
        for shape in SHAPES {
            let x = tensor(shape, -4.0, 4.0, 1);
            let (ours, our_gradient) = with_gradient(&x, |x| activate(x, g));
            let (theirs, their_gradient) = with_gradient(&x, |x| composite::activate(x, g));
            let (value, gradient) = (
                difference(ours, theirs),
                difference(our_gradient, their_gradient),
            );
            assert!(
                value < TOLERANCE && gradient < TOLERANCE,
                "{g:?} {shape:?}: {value} {gradient}"
            );
        }
    }
}

#[test]
fn divergences_of_one_and_of_several_sources_agree() {
    for g in ACTIVATIONS {
        for [batch, bins, frames] in SHAPES {
            for sources in [1, 2, 5] {
                let low = if g == Activation::Identity { 0.0 } else { -2.0 };
                let products = tensor([batch * sources, bins, frames], low, 2.0, 2);
                let target = tensor([batch, bins, frames], 0.0, 3.0, 3);
                let options = DivergenceOptions {
                    eps: 1.19e-7,
                    weight: 0.7,
                    output: LossOutput::ValueAndGradient,
                };
                let (ours, our_gradient) =
                    with_gradient(&products, |b| divergence(b, target.clone(), g, options));
                let (theirs, their_gradient) = with_gradient(&products, |b| {
                    composite::divergence(b, target.clone(), g, options)
                });
                let unread = DivergenceOptions {
                    output: LossOutput::GradientOnly,
                    ..options
                };
                let (_, unread) =
                    with_gradient(&products, |b| divergence(b, target.clone(), g, unread));
                assert_eq!(read(unread), read(our_gradient.clone()), "{g:?} {sources}");
                // near zero a divergence is the small difference of terms of size one
                let (value, gradient) = (
                    difference_above(ours, theirs, 1.0),
                    difference(our_gradient, their_gradient),
                );
                assert!(
                    value < TOLERANCE && gradient < 2.0 * TOLERANCE,
                    "{g:?} {batch} {sources} {bins} {frames}: {value} {gradient}"
                );
            }
        }
    }
}

#[test]
fn views_that_are_not_contiguous_agree() {
    let g = Activation::Softplus { sharpness: 3.0 };
    let x = tensor([40, 30, 20], -3.0, 3.0, 4);
    let view = |x: Tensor<3>| x.swap_dims(1, 2).narrow(2, 5, 20);
    let (ours, our_gradient) = with_gradient(&x, |x| activate(view(x), g));
    let (theirs, their_gradient) = with_gradient(&x, |x| composite::activate(view(x), g));
    assert!(difference(ours, theirs) < TOLERANCE);
    assert!(difference(our_gradient, their_gradient) < TOLERANCE);

    let target = tensor([40, 40, 20], 0.0, 2.0, 5).narrow(1, 7, 20);
    let (ours, our_gradient) =
        with_gradient(&x, |x| divergence(view(x), target.clone(), g, OPTIONS));
    let (theirs, their_gradient) = with_gradient(&x, |x| {
        composite::divergence(view(x), target.clone(), g, OPTIONS)
    });
    assert!(difference(ours, theirs) < TOLERANCE);
    assert!(difference(our_gradient, their_gradient) < TOLERANCE);
}

#[test]
fn what_others_hold_is_not_changed() {
    let x = tensor([1, 9, 9], -1.0, 1.0, 6);
    let target = tensor([1, 9, 9], 0.0, 1.0, 7);
    let (before, target_before) = (read(x.clone()), read(target.clone()));
    let _ = activate(x.clone(), Activation::Relu);
    let _ = divergence(x.clone(), target.clone(), Activation::Abs, OPTIONS);
    let _ = l1(x.clone());
    assert_eq!(read(x), before);
    assert_eq!(read(target), target_before);
}

#[test]
fn a_single_item_needs_no_dimension_of_its_own() {
    let (b, x) = (
        tensor([33, 65], -1.0, 2.0, 20),
        tensor([33, 65], 0.0, 2.0, 21),
    );
    for g in ACTIVATIONS {
        let plain = divergence(b.clone(), x.clone(), g, OPTIONS);
        let item = divergence(
            b.clone().unsqueeze::<3>(),
            x.clone().unsqueeze::<3>(),
            g,
            OPTIONS,
        );
        let composite = composite::divergence(b.clone(), x.clone(), g, OPTIONS);
        assert_eq!(read(plain.clone()), read(item));
        assert!(difference(plain, composite) < TOLERANCE);
    }
}

/// Batch sizes of the left and of the right factor, rows, inner dimension, columns: one and many threads'
/// worth; the last have gradients that are dot products.
const PRODUCTS: [[usize; 5]; 9] = [
    [1, 1, 1, 1, 1],
    [1, 1, 33, 20, 65],
    [3, 3, 20, 129, 7],
    [8, 8, 100, 100, 100],
    [1, 1, 200, 300, 200],
    [2, 2, 150, 400, 70],
    [4, 4, 257, 64, 20],
    [2, 2, 66, 24, 150],
    [1, 1, 20, 513, 131],
];

#[test]
fn products_agree() {
    for [left, right, rows, inner, columns] in PRODUCTS {
        let a = tensor([left, rows, inner], -1.0, 1.0, 40);
        let b = tensor([right, inner, columns], -1.0, 1.0, 41);
        let weights = tensor([left, rows, columns], -1.0, 1.0, 42);
        let weighted = |c: Tensor<3>| c * weights.clone();
        // sums of up to 513 terms, in another order
        let tolerance = 20.0 * TOLERANCE;
        for is_left in [true, false] {
            let of = |own: &Tensor<3>, f: fn(Tensor<3>, Tensor<3>) -> Tensor<3>| {
                with_gradient(own, |own| match is_left {
                    true => weighted(f(own, b.clone())),
                    false => weighted(f(a.clone(), own)),
                })
            };
            let own = if is_left { &a } else { &b };
            let (ours, theirs) = (of(own, matmul), of(own, composite::matmul));
            assert!(
                difference(ours.0, theirs.0) < tolerance,
                "{rows} {inner} {columns}"
            );
            assert!(
                difference(ours.1, theirs.1) < tolerance,
                "{rows} {inner} {columns}"
            );
        }
    }
}

#[test]
fn products_of_views_and_of_one_matrix_with_many_agree() {
    let a = tensor([1, 40, 30], -1.0, 1.0, 43).inner();
    let b = tensor([3, 50, 30], -1.0, 1.0, 44).inner();
    let tolerance = 20.0 * TOLERANCE;
    let agree = |a: &Tensor<3>, b: &Tensor<3>| {
        let ours = matmul(a.clone(), b.clone());
        difference(ours, composite::matmul(a.clone(), b.clone())) < tolerance
    };
    let across = b.clone().transpose();
    assert!(agree(&a, &across));
    assert!(agree(&b, &a.clone().transpose()));
    assert!(agree(
        &a.clone().narrow(2, 3, 20),
        &across.clone().narrow(1, 5, 20)
    ));
    assert!(agree(&a.flip([2]), &across));
    // narrow ones, which are dot products
    let a = tensor([1, 20, 150], -1.0, 1.0, 46)
        .inner()
        .narrow(2, 3, 131);
    let b = tensor([3, 77, 150], -1.0, 1.0, 47)
        .inner()
        .narrow(2, 5, 131);
    assert!(agree(&a, &b.clone().transpose()));
    assert!(agree(&b, &a.transpose()));
}

#[test]
fn columns_agree() {
    for (batch, count, length) in [(1, 1, 1), (2, 16, 33), (3, 37, 16), (1, 5, 513)] {
        let rows = tensor([40, length], -1.0, 1.0, 45).inner();
        let chosen: Vec<i32> = (0..batch * count)
            .map(|i| (i as i32 * 7 + 3) % 40)
            .collect();
        let ours = gather_columns(rows.clone(), chosen.clone(), batch);
        assert_eq!(ours.dims(), [batch, length, count]);
        assert_eq!(
            read(ours),
            read(composite::gather_columns(rows, chosen, batch))
        );
    }
}

#[test]
fn quotients_agree() {
    for shape in SHAPES {
        let x = tensor(shape, 0.0, 2.0, 30).inner();
        let y = tensor(shape, -0.1, 2.0, 31).inner();
        let ours = safe_divide(x.clone(), y.clone(), 0.05);
        assert!(difference(ours, composite::safe_divide(x, y, 0.05)) < TOLERANCE);
        // where gradients are recorded, there is no kernel
        let x = tensor(shape, 0.0, 2.0, 30);
        let (_, gradient) = with_gradient(&x, |x| safe_divide(x.clone(), x, 0.05));
        assert!(read(gradient).iter().all(|g| g.is_finite()));
    }
}

#[test]
fn penalties_agree() {
    for shape in SHAPES {
        let x = tensor(shape, -1.0, 2.0, 8);
        let (ours, our_gradient) = with_gradient(&x, l1);
        let (theirs, their_gradient) = with_gradient(&x, composite::l1);
        assert!(difference(ours, theirs) < TOLERANCE);
        assert!(difference(our_gradient, their_gradient) < TOLERANCE);
    }
}

#[test]
fn optimiser_steps_agree_over_many_steps() {
    let factors = RpropFactors {
        increase: 1.2,
        decrease: 0.5,
        min_step: 1e-6,
        max_step: 1.0,
    };
    let shape = [65, 300];
    let start = tensor(shape, -1.0, 1.0, 9).inner();
    let zeros = || [start.zeros_like(), start.zeros_like()];
    let steps = || [start.ones_like().mul_scalar(1e-3), start.zeros_like()];
    let (mut ours, mut our_moments) = (start.clone(), zeros());
    let (mut theirs, mut their_moments) = (start.clone(), zeros());
    let (mut our_path, mut our_steps) = (start.clone(), steps());
    let (mut their_path, mut their_steps) = (start.clone(), steps());
    for time in 1..=20 {
        let gradient = tensor(shape, -1.0, 1.0, 10 + time as u64).inner();
        let step = AdamStep::new(0.01, time).with_decay(0.01, 0.5);
        (ours, our_moments) = adam(ours, gradient.clone(), our_moments, step);
        (theirs, their_moments) = composite::adam(theirs, gradient.clone(), their_moments, step);
        (our_path, our_steps) = rprop(our_path, gradient.clone(), our_steps, factors);
        (their_path, their_steps) = composite::rprop(their_path, gradient, their_steps, factors);
    }
    assert!(difference(ours, theirs) < TOLERANCE);
    assert!(difference(our_path, their_path) < TOLERANCE);
}

#[test]
fn a_divergence_of_equal_spectra_is_zero_and_flat() {
    let target = tensor([2, 5, 6], 0.1, 3.0, 11);
    let (value, gradient) = with_gradient(&target, |b| {
        divergence(b, target.clone().detach(), Activation::Identity, OPTIONS)
    });
    // ln of a quotient that may miss one by a rounding
    assert!(read(value).iter().all(|v| v.abs() < 1e-6));
    assert!(read(gradient).iter().all(|g| g.abs() < 1e-6));
}

#[test]
fn mask_errors_agree() {
    for [sources, bins, frames] in [
        [1, 1, 1],
        [2, 7, 5],
        [2, 129, 257],
        [3, 33, 500],
        [6, 16, 64],
    ] {
        let x = tensor([sources, bins, frames], 0.0, 2.0, 1);
        let mixture = tensor([bins, frames], 0.0, 4.0, 2).detach();
        let targets = tensor([sources, bins, frames], 0.0, 4.0, 3).detach();
        let ours = with_gradient(&x, |x| mask_loss(x, mixture.clone(), targets.clone(), 0.5));
        let theirs = with_gradient(&x, |x| {
            composite::mask_loss(x, mixture.clone(), targets.clone(), 0.5)
        });
        assert!(difference(ours.0, theirs.0) < TOLERANCE, "{sources}");
        // with one source the mask is 1 and the gradient nothing but rounding
        assert!(
            difference_above(ours.1, theirs.1, 1e-6) < 10.0 * TOLERANCE,
            "{sources}"
        );
    }
}

#[test]
fn convolutions_along_time_agree() {
    for (channels, sequences, frames, kernel, dilation) in [
        (1, 1, 1, 1, 1),
        (3, 2, 20, 3, 1),
        (5, 3, 64, 5, 4),
        (4, 2, 6, 5, 8),
    ] {
        let reach = (kernel - 1) * dilation;
        for left_padding in [reach / 2, reach] {
            let spec = DepthwiseConv1dSpec {
                frames,
                dilation,
                left_padding,
            };
            let x = tensor([channels, sequences * frames], -1.0, 1.0, 4);
            let taps = tensor([channels, kernel], -1.0, 1.0, 5);
            let ours = with_gradient(&x, |x| depthwise_conv1d(x, taps.clone(), spec));
            let theirs = with_gradient(&x, |x| composite::depthwise_conv1d(x, taps.clone(), spec));
            assert!(difference(ours.0, theirs.0) < TOLERANCE, "{spec:?}");
            assert!(difference(ours.1, theirs.1) < TOLERANCE, "{spec:?}");
            let ours = with_gradient(&taps, |taps| depthwise_conv1d(x.clone(), taps, spec));
            let theirs = with_gradient(&taps, |taps| {
                composite::depthwise_conv1d(x.clone(), taps, spec)
            });
            assert!(difference(ours.1, theirs.1) < 3.0 * TOLERANCE, "{spec:?}");
        }
    }
}

#[test]
fn recurrences_agree() {
    let cells = [RecurrentCell::Rnn, RecurrentCell::Gru, RecurrentCell::Lstm];
    for cell in cells {
        for (models, units, count, frames) in [(1, 7, 3, 9), (2, 20, 1, 5), (3, 4, 2, 1)] {
            let rows = cell.gates() * units;
            let spec = RecurrenceSpec { cell, frames };
            let products = tensor([models, rows, count * frames], -1.0, 1.0, 5);
            let weight = tensor([models, rows, units], -0.5, 0.5, 6);
            let ours = with_gradient(&products, |p| recurrence(p, weight.clone(), spec));
            let theirs = with_gradient(&products, |p| {
                composite::recurrence(p, weight.clone(), spec)
            });
            // every frame's rounding goes on to the next
            assert!(difference(ours.0, theirs.0) < 10.0 * TOLERANCE, "{spec:?}");
            assert!(difference(ours.1, theirs.1) < 10.0 * TOLERANCE, "{spec:?}");
            let ours = with_gradient(&weight, |v| recurrence(products.clone(), v, spec));
            let theirs = with_gradient(&weight, |v| {
                composite::recurrence(products.clone(), v, spec)
            });
            assert!(
                difference_above(ours.1, theirs.1, 1e-3) < 10.0 * TOLERANCE,
                "{spec:?}"
            );
        }
    }
}

#[test]
fn recurrences_without_a_gradient_agree_and_take_views() {
    let spec = RecurrenceSpec {
        cell: RecurrentCell::Gru,
        frames: 4,
    };
    let wide = tensor([1, 9, 12], -1.0, 1.0, 7).inner();
    let products = wide.narrow(2, 2, 8);
    let weight = tensor([1, 3, 9], -0.5, 0.5, 8).inner().transpose();
    let ours = recurrence(products.clone(), weight.clone(), spec);
    let theirs = composite::recurrence(products, weight, spec);
    assert!(difference(ours, theirs) < 10.0 * TOLERANCE);
}

#[test]
fn one_weight_serves_the_sequences_of_many() {
    let spec = RecurrenceSpec {
        cell: RecurrentCell::Lstm,
        frames: 4,
    };
    let products = tensor([3, 8, 12], -1.0, 1.0, 9);
    let weight = tensor([1, 8, 2], -0.5, 0.5, 10);
    let ours = with_gradient(&products, |p| recurrence(p, weight.clone(), spec));
    let many = weight.repeat_dim(0, 3);
    let theirs = with_gradient(&products, |p| composite::recurrence(p, many.clone(), spec));
    assert!(difference(ours.0, theirs.0) < 10.0 * TOLERANCE);
    assert!(difference(ours.1, theirs.1) < 10.0 * TOLERANCE);
}
