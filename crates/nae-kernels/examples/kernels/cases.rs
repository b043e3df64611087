//! What is compared, at which sizes.

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use nae_kernels::{
    Activation, AdamStep, DepthwiseConv1dSpec, DivergenceOptions, LossOutput, RecurrenceSpec,
    RecurrentCell, RpropFactors, composite,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::Table;
use crate::turns::{forward, with_gradient};

/// Prints a kernel's rows.
type Rows = fn(&Table);

/// Every kernel's comparisons.
pub const ALL: [(&str, Rows); 12] = [
    ("activate", activate),
    ("divergence", divergence),
    ("l1", l1),
    ("matmul", matmul),
    ("mask_loss", mask_loss),
    ("depthwise_conv1d", depthwise_conv1d),
    ("recurrence", recurrence),
    ("gather_columns", gather_columns),
    ("safe_divide", safe_divide),
    ("standard_normal", standard_normal),
    ("adam", adam),
    ("rprop", rprop),
];

const BINS: usize = 513;
const FRAMES: [usize; 2] = [128, 1563];
const RANKS: [usize; 2] = [20, 100];
const BATCHES: [usize; 2] = [1, 8];
const SEED: u64 = 1;
const SOFTPLUS: Activation = Activation::Softplus { sharpness: 3.0 };

/// Batch sizes with numbers of frames; eight models step together on mini-batches only, because all
/// that a step touches must fit into a thread's cache.
const SIZES: [(usize, usize); 3] = [(1, FRAMES[0]), (1, FRAMES[1]), (8, FRAMES[0])];

/// Uniform numbers on the CPU, gradients not recorded.
fn uniform<const D: usize>(shape: [usize; D], low: f32, high: f32) -> Tensor<D> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let count: usize = shape.iter().product();
    let values = nae_testing::noise::uniform(count, low..high, &mut rng);
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

/// The same numbers in a buffer of their own.
fn copy<const D: usize>(x: &Tensor<D>) -> Tensor<D> {
    x.clone().add_scalar(0.0)
}

/// A parameter whose gradient is recorded.
fn leaf<const D: usize>(x: &Tensor<D>) -> Tensor<D> {
    Tensor::from_inner(x.clone()).require_grad()
}

fn activate(table: &Table) {
    let rows = |g: Activation, name: &str, shape: [usize; 3]| {
        let x = uniform(shape, -2.0, 2.0);
        let fresh = || copy(&x);
        // |x| itself is Burn's own
        if g != Activation::Abs {
            table.row(
                &format!("{name} {shape:?}, forward"),
                forward(&fresh, |x| nae_kernels::activate(x, g)),
                forward(&fresh, |x| composite::activate(x, g)),
            );
        }
        let x = leaf(&x);
        let fresh = || copy(&x);
        let factors = Tensor::from_inner(uniform(shape, 0.5, 1.5));
        table.row(
            &format!("{name} {shape:?}, with gradient"),
            with_gradient(&fresh, Some(&factors), |x| nae_kernels::activate(x, g)),
            with_gradient(&fresh, Some(&factors), |x| composite::activate(x, g)),
        );
    };
    for (batch, frames) in SIZES {
        for rank in RANKS {
            rows(SOFTPLUS, "softplus", [batch, rank, frames]);
        }
        rows(SOFTPLUS, "softplus", [batch, BINS, frames]);
    }
    for batch in BATCHES {
        for rank in RANKS {
            rows(Activation::Abs, "absolute value", [batch, BINS, rank]);
        }
    }
}

fn divergence(table: &Table) {
    for (batch, frames) in SIZES {
        let target = uniform([batch, BINS, frames], 0.0, 3.0);
        let recorded = Tensor::from_inner(target.clone());
        for (name, g, sources) in [
            ("one source", Activation::Identity, 1),
            ("softplus", SOFTPLUS, 1),
            ("sum of two softplus", SOFTPLUS, 2),
        ] {
            let options = |output| DivergenceOptions {
                eps: 1.19e-7,
                weight: 1.0,
                output,
            };
            let both = options(LossOutput::ValueAndGradient);
            let x = leaf(&uniform([batch * sources, BINS, frames], 0.0, 2.0));
            let fresh = || copy(&x);
            let burn = || {
                with_gradient(&fresh, None, |x| {
                    composite::divergence(x, recorded.clone(), g, both)
                })
            };
            for (what, output) in [
                ("value and gradient", LossOutput::ValueAndGradient),
                ("gradient only", LossOutput::GradientOnly),
            ] {
                table.row(
                    &format!("{name} [{batch}, {BINS}, {frames}], {what}"),
                    with_gradient(&fresh, None, |x| {
                        nae_kernels::divergence(x, recorded.clone(), g, options(output))
                    }),
                    burn(),
                );
            }
        }
    }
}

fn l1(table: &Table) {
    for (batch, frames) in SIZES {
        for rank in RANKS {
            let shape = [batch, rank, frames];
            let x = uniform(shape, 0.0, 2.0);
            let fresh = || copy(&x);
            table.row(
                &format!("{shape:?}, forward"),
                forward(&fresh, nae_kernels::l1),
                forward(&fresh, composite::l1),
            );
            let x = leaf(&x);
            let fresh = || copy(&x);
            table.row(
                &format!("{shape:?}, with gradient"),
                with_gradient(&fresh, None, nae_kernels::l1),
                with_gradient(&fresh, None, composite::l1),
            );
        }
    }
}

fn matmul(table: &Table) {
    for (batch, frames) in SIZES {
        for rank in RANKS {
            for [rows, inner] in [[BINS, rank], [rank, BINS]] {
                let (a, b) = (
                    uniform([batch, rows, inner], -1.0, 1.0),
                    uniform([batch, inner, frames], -1.0, 1.0),
                );
                let what = format!("{batch} × [{rows}, {inner}]·[{inner}, {frames}]");
                let fresh = || (a.clone(), b.clone());
                table.row(
                    &format!("{what}, forward"),
                    forward(&fresh, |(a, b)| nae_kernels::matmul(a, b)),
                    forward(&fresh, |(a, b)| composite::matmul(a, b)),
                );
                let factors = Tensor::from_inner(uniform([batch, rows, frames], 0.5, 1.5));
                let (a, b) = (leaf(&a), leaf(&b));
                let fresh = || (a.clone(), b.clone());
                table.row(
                    &format!("{what}, with gradients"),
                    with_gradient(&fresh, Some(&factors), |(a, b)| nae_kernels::matmul(a, b)),
                    with_gradient(&fresh, Some(&factors), |(a, b)| composite::matmul(a, b)),
                );
            }
        }
    }
}

fn mask_loss(table: &Table) {
    for sources in [2, 4] {
        for frames in FRAMES {
            let shape = [sources, BINS, frames];
            let (x, targets) = (uniform(shape, 0.0, 2.0), uniform(shape, 0.0, 2.0));
            let mixture = uniform([BINS, frames], 0.0, 4.0);
            let x = leaf(&x);
            let (targets, mixture) = (Tensor::from_inner(targets), Tensor::from_inner(mixture));
            let fresh = || (copy(&x), mixture.clone(), targets.clone());
            table.row(
                &format!("{shape:?}, with gradient"),
                with_gradient(&fresh, None, |(x, mixture, targets)| {
                    nae_kernels::mask_loss(x, mixture, targets, 1.0)
                }),
                with_gradient(&fresh, None, |(x, mixture, targets)| {
                    composite::mask_loss(x, mixture, targets, 1.0)
                }),
            );
        }
    }
}

/// The joint encoder's: 160 channels, 5 taps, sequences of 100 frames.
fn depthwise_conv1d(table: &Table) {
    for (sequences, dilation) in [(6, 1), (6, 16), (12, 4)] {
        let spec = DepthwiseConv1dSpec {
            frames: 100,
            dilation,
            left_padding: 2 * dilation,
        };
        let shape = [160, sequences * spec.frames];
        let (x, weight) = (uniform(shape, -1.0, 1.0), uniform([160, 5], -1.0, 1.0));
        let what = format!("{shape:?}, dilation {dilation}");
        let fresh = || (x.clone(), weight.clone());
        table.row(
            &format!("{what}, forward"),
            forward(&fresh, |(x, w)| nae_kernels::depthwise_conv1d(x, w, spec)),
            forward(&fresh, |(x, w)| composite::depthwise_conv1d(x, w, spec)),
        );
        let factors = Tensor::from_inner(uniform(shape, 0.5, 1.5));
        let (x, weight) = (leaf(&x), leaf(&weight));
        let fresh = || (x.clone(), weight.clone());
        table.row(
            &format!("{what}, with gradients"),
            with_gradient(&fresh, Some(&factors), |(x, w)| {
                nae_kernels::depthwise_conv1d(x, w, spec)
            }),
            with_gradient(&fresh, Some(&factors), |(x, w)| {
                composite::depthwise_conv1d(x, w, spec)
            }),
        );
    }
}

/// A recurrent decoder's: four segments of 40 frames in training, five of 88 in separation.
fn recurrence(table: &Table) {
    for cell in [RecurrentCell::Rnn, RecurrentCell::Gru, RecurrentCell::Lstm] {
        for (count, frames) in [(4, 40), (5, 88)] {
            let spec = RecurrenceSpec { cell, frames };
            let rows = cell.gates() * RANKS[1];
            let shape = [1, rows, count * frames];
            let products = uniform(shape, -1.0, 1.0);
            let weight = uniform([1, rows, RANKS[1]], -0.1, 0.1);
            let what = format!("{cell:?}, {shape:?}");
            let fresh = || (products.clone(), weight.clone());
            table.row(
                &format!("{what}, forward"),
                forward(&fresh, |(p, v)| nae_kernels::recurrence(p, v, spec)),
                forward(&fresh, |(p, v)| composite::recurrence(p, v, spec)),
            );
            let factors = [1, RANKS[1], count * frames];
            let factors = Tensor::from_inner(uniform(factors, 0.5, 1.5));
            let (products, weight) = (leaf(&products), leaf(&weight));
            let fresh = || (products.clone(), weight.clone());
            table.row(
                &format!("{what}, with gradients"),
                with_gradient(&fresh, Some(&factors), |(p, v)| {
                    nae_kernels::recurrence(p, v, spec)
                }),
                with_gradient(&fresh, Some(&factors), |(p, v)| {
                    composite::recurrence(p, v, spec)
                }),
            );
        }
    }
}

/// Alone, and with what follows in training: Burn's result is a view, which whoever reads it puts in
/// order.
fn gather_columns(table: &Table) {
    for (batch, count) in SIZES {
        {
            let rows = uniform([batch * FRAMES[1], BINS], 0.0, 2.0);
            let mut rng = ChaCha8Rng::seed_from_u64(SEED);
            let indices: Vec<i32> = (0..batch * count)
                .map(|_| rng.random_range(0..(batch * FRAMES[1]) as i32))
                .collect();
            let what = format!("[{batch}, {BINS}, {count}]");
            let fresh = || (rows.clone(), indices.clone());
            table.row(
                &what,
                forward(&fresh, |(rows, indices)| {
                    nae_kernels::gather_columns(rows, indices, batch)
                }),
                forward(&fresh, |(rows, indices)| {
                    composite::gather_columns(rows, indices, batch)
                }),
            );
            let products = uniform([batch, BINS, count], 0.0, 2.0);
            let fresh = || (rows.clone(), indices.clone(), copy(&products));
            let loss = |target: Tensor<3>, products: Tensor<3>| {
                let options = DivergenceOptions {
                    eps: 1.19e-7,
                    weight: 1.0,
                    output: LossOutput::GradientOnly,
                };
                nae_kernels::divergence(products, target, Activation::Identity, options)
            };
            table.row(
                &format!("{what}, then our divergence"),
                forward(&fresh, |(rows, indices, products)| {
                    loss(nae_kernels::gather_columns(rows, indices, batch), products)
                }),
                forward(&fresh, |(rows, indices, products)| {
                    loss(composite::gather_columns(rows, indices, batch), products)
                }),
            );
        }
    }
}

fn safe_divide(table: &Table) {
    let spectra = SIZES
        .into_iter()
        .map(|(batch, frames)| [batch, BINS, frames]);
    let bases = RANKS.map(|rank| [1, BINS, rank]);
    for shape in spectra.chain(bases) {
        let (x, y) = (uniform(shape, 0.0, 2.0), uniform(shape, 0.0, 2.0));
        let fresh = || (x.clone(), copy(&y));
        table.row(
            &format!("{shape:?}"),
            forward(&fresh, |(x, y)| nae_kernels::safe_divide(x, y, 1e-10)),
            forward(&fresh, |(x, y)| composite::safe_divide(x, y, 1e-10)),
        );
    }
}

/// Random words included.
fn standard_normal(table: &Table) {
    for count in [20 * 32, 100 * 32, 100 * 1563] {
        let mut words = vec![0u32; count];
        let fresh = || {};
        let draw = std::cell::RefCell::new(&mut words);
        table.row(
            &format!("[{count}]"),
            forward(&fresh, |()| {
                let mut words = draw.borrow_mut();
                ChaCha8Rng::seed_from_u64(SEED).fill(&mut words[..]);
                nae_kernels::standard_normal(&words)
            }),
            forward(&fresh, |()| {
                Tensor::<1>::random([count], Distribution::Normal(0.0, 1.0), &Device::flex())
            }),
        );
    }
}

/// A weight's parameter, gradient and both states.
fn weights(batch: usize, rank: usize) -> [Tensor<3>; 4] {
    let shape = [batch, BINS, rank];
    [(-1.0, 1.0), (-1.0, 1.0), (-0.1, 0.1), (0.01, 0.1)]
        .map(|(low, high)| uniform(shape, low, high))
}

fn adam(table: &Table) {
    for batch in BATCHES {
        for rank in RANKS {
            let state = weights(batch, rank);
            let fresh = || state.each_ref().map(copy);
            let step = AdamStep::new(1e-3, 7);
            table.row(
                &format!("[{batch}, {BINS}, {rank}]"),
                forward(&fresh, |[x, g, m, v]| nae_kernels::adam(x, g, [m, v], step)),
                forward(&fresh, |[x, g, m, v]| composite::adam(x, g, [m, v], step)),
            );
        }
    }
}

/// Of a model's weights, and of activations in separation.
fn rprop(table: &Table) {
    let factors = RpropFactors {
        increase: 1.2,
        decrease: 0.5,
        min_step: 1e-6,
        max_step: 50.0,
    };
    let shapes = BATCHES
        .into_iter()
        .flat_map(|batch| RANKS.map(|rank| [batch, BINS, rank]))
        .chain(RANKS.map(|rank| [1, rank, 625]));
    for shape in shapes {
        let state = [(-1.0, 1.0), (-1.0, 1.0), (0.01, 0.1), (-1.0, 1.0)]
            .map(|(low, high)| uniform(shape, low, high));
        let fresh = || state.each_ref().map(copy);
        table.row(
            &format!("{shape:?}"),
            forward(&fresh, |[x, g, step, sign]| {
                nae_kernels::rprop(x, g, [step, sign], factors)
            }),
            forward(&fresh, |[x, g, step, sign]| {
                composite::rprop(x, g, [step, sign], factors)
            }),
        );
    }
}
