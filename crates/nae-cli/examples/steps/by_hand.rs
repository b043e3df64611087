//! The same steps without tensors or automatic differentiation: buffers allocated once, the matrix
//! products of the library that burn-flex uses, the element-wise loops of `nae-kernels`, every
//! thread its own frames.
//! Longer than 400 lines because it stands for a whole program: it shares nothing with the code it is compared with.

use nae_model::ModelConfig;
use rayon::prelude::*;

use crate::{Matrix, Stopwatch, Timed, WINDOW, is_softplus};

#[allow(dead_code, reason = "shared with nae-kernels, which uses all of it")]
#[path = "../../../nae-kernels/src/math.rs"]
mod math;

const SHARPNESS: f32 = 3.0;
const EPS: f32 = 1.19e-7;

/// Runs a loop as compiled for the widest registers; the closure must be inlined.
#[inline(always)]
fn run(body: impl FnOnce()) {
    struct Body<F>(F);
    impl<F: FnOnce()> pulp::WithSimd for Body<F> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Body(body));
}

macro_rules! vectorised {
    ($body:expr) => {
        run(
            #[inline(always)]
            || $body,
        )
    };
}

/// `c = a·b`, all with (row, column) strides.
fn product([m, n, k]: [usize; 3], c: &mut [f32], a: (&[f32], [usize; 2]), b: (&[f32], [usize; 2])) {
    assert!(c.len() >= m * n && a.0.len() >= m * k && b.0.len() >= k * n);
    let [ars, acs] = a.1.map(|stride| stride as isize);
    let [brs, bcs] = b.1.map(|stride| stride as isize);
    #[allow(unsafe_code, reason = "the matrix product library takes pointers")]
    // SAFETY: the slices hold the whole matrices, checked above; strides are those of dense ones.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.0.as_ptr(),
            acs,
            ars,
            b.0.as_ptr(),
            bcs,
            brs,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// One thread's frames.
struct Part {
    frames: usize,
    x: Vec<f32>,
    /// Every layer's output, `[outputs, frames]`.
    outputs: Vec<Vec<f32>>,
    /// Gradients with respect to them.
    gradients: Vec<Vec<f32>>,
    /// Gradients of the weights.
    weights: Vec<Vec<f32>>,
    loss: f64,
}

fn parts(x: &Matrix, sizes: &[(usize, usize)]) -> Vec<Part> {
    let threads = rayon::current_num_threads().min(x.columns / 64).max(1);
    (0..threads)
        .map(|i| {
            let range = x.columns * i / threads..x.columns * (i + 1) / threads;
            let rows = x.values.chunks_exact(x.columns);
            let frames = range.len();
            let buffers = || {
                sizes
                    .iter()
                    .map(|(rows, _)| vec![0.0; rows * frames])
                    .collect()
            };
            Part {
                frames,
                x: rows.flat_map(|row| &row[range.clone()]).copied().collect(),
                outputs: buffers(),
                gradients: buffers(),
                weights: sizes
                    .iter()
                    .map(|(rows, columns)| vec![0.0; rows * columns])
                    .collect(),
                loss: 0.0,
            }
        })
        .collect()
}

/// Hidden non-linearity in place.
fn activate(values: &mut [f32], softplus: bool) {
    if softplus {
        vectorised!(for x in values {
            *x = math::softplus::<true>(*x, SHARPNESS, 1.0 / SHARPNESS).0;
        });
    } else {
        vectorised!(for x in values {
            *x = x.max(0.0);
        });
    }
}

/// Gradient through it, from its output.
fn through(gradient: &mut [f32], output: &[f32], softplus: bool) {
    let pairs = gradient.iter_mut().zip(output);
    if softplus {
        vectorised!(for (gradient, y) in pairs {
            *gradient *= math::one_minus_exp_neg::<true>(SHARPNESS * y);
        });
    } else {
        vectorised!(for (gradient, y) in pairs {
            *gradient = if *y > 0.0 { *gradient } else { 0.0 };
        });
    }
}

/// Divergence, and its gradient with respect to the last products, which takes their place in `b`. As
/// in ours, the value is worked out where it is read only.
fn divergence(b: &mut [f32], x: &[f32], weight: f32, softplus: bool, is_read: bool) -> f64 {
    if !is_read {
        let pairs = b.iter_mut().zip(x);
        vectorised!(if softplus {
            for (b, x) in pairs {
                *b = gradient::<true>(*b, *x, weight).0;
            }
        } else {
            for (b, x) in pairs {
                *b = gradient::<false>(*b, *x, weight).0;
            }
        });
        return f64::NAN;
    }
    let mut total = 0.0;
    for (b, x) in b.chunks_mut(1024).zip(x.chunks(1024)) {
        let mut sums = [0.0f32; 16];
        let (b_lanes, b_rest) = b.as_chunks_mut::<16>();
        let (x_lanes, x_rest) = x.as_chunks::<16>();
        vectorised!(if softplus {
            for (b, x) in b_lanes.iter_mut().zip(x_lanes) {
                for lane in 0..16 {
                    sums[lane] += term::<true>(&mut b[lane], x[lane], weight);
                }
            }
        } else {
            for (b, x) in b_lanes.iter_mut().zip(x_lanes) {
                for lane in 0..16 {
                    sums[lane] += term::<false>(&mut b[lane], x[lane], weight);
                }
            }
        });
        for (b, x) in b_rest.iter_mut().zip(x_rest) {
            sums[0] += if softplus {
                term::<true>(b, *x, weight)
            } else {
                term::<false>(b, *x, weight)
            };
        }
        total += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
    }
    total * f64::from(weight)
}

/// The gradient, the estimate, and the inverse of its sum with ε.
#[inline(always)]
fn gradient<const SOFTPLUS: bool>(b: f32, x: f32, weight: f32) -> (f32, f32, f32) {
    let (y, slope) = if SOFTPLUS {
        math::softplus::<true>(b, SHARPNESS, 1.0 / SHARPNESS)
    } else {
        (b, 1.0)
    };
    let inverse = 1.0 / (y + EPS);
    ((1.0 - x * inverse) * slope * weight, y, inverse)
}

#[inline(always)]
fn term<const SOFTPLUS: bool>(b: &mut f32, x: f32, weight: f32) -> f32 {
    let (gradient, y, inverse) = gradient::<SOFTPLUS>(*b, x, weight);
    *b = gradient;
    x * math::ln::<true>((x + EPS) * inverse) - x + y
}

/// Adam's state of one parameter.
struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Adam {
    fn new(length: usize) -> Self {
        Self {
            first: vec![0.0; length],
            second: vec![0.0; length],
        }
    }

    fn step(&mut self, parameter: &mut [f32], gradient: &[f32], rate: f64, time: i32) {
        let correction = (1.0 - 0.999f64.powi(time)).sqrt();
        let rate = (rate * correction / (1.0 - 0.9f64.powi(time))) as f32;
        let epsilon = (1e-8 * correction) as f32;
        let moments = self.first.iter_mut().zip(&mut self.second);
        vectorised!(for ((parameter, g), (first, second)) in
            parameter.iter_mut().zip(gradient).zip(moments)
        {
            *first = 0.9 * *first + 0.1 * g;
            *second = 0.999 * *second + 0.001 * g * g;
            *parameter -= rate * *first / (second.sqrt() + epsilon);
        });
    }
}

/// Full-batch training as `nae_train::fit` does it.
pub(crate) fn train(x: &Matrix, weights: &[Matrix], form: &ModelConfig, steps: usize) -> Timed {
    let softplus = is_softplus(form);
    let sizes: Vec<_> = weights.iter().map(|w| (w.rows, w.columns)).collect();
    let mut weights: Vec<Vec<f32>> = weights.iter().map(|w| w.values.clone()).collect();
    let mut states: Vec<Adam> = weights.iter().map(|w| Adam::new(w.len())).collect();
    let mut parts = parts(x, &sizes);
    let last = sizes.len() - 1;
    let weight = 1.0 / x.values.len() as f32;
    let mut watch = Stopwatch::start();
    let mut loss = f64::NAN;
    for step in 1..=steps {
        let is_read = step.is_multiple_of(WINDOW);
        let mut positive = weights[last].clone();
        if !softplus {
            vectorised!(for w in &mut positive {
                *w = w.abs();
            });
        }
        parts.par_iter_mut().for_each(|part| {
            let n = part.frames;
            let layer = |l: usize| if l == last { &positive } else { &weights[l] };
            for (l, &(m, k)) in sizes.iter().enumerate() {
                let (before, after) = part.outputs.split_at_mut(l);
                let input = before.last().unwrap_or(&part.x);
                product(
                    [m, n, k],
                    &mut after[0],
                    (layer(l), [k, 1]),
                    (input, [n, 1]),
                );
                if l < last {
                    activate(&mut after[0], softplus);
                }
            }
            part.gradients[last].copy_from_slice(&part.outputs[last]);
            part.loss = divergence(
                &mut part.gradients[last],
                &part.x,
                weight,
                softplus,
                is_read,
            );
            for l in (0..=last).rev() {
                let (m, k) = sizes[l];
                let (lower, upper) = part.gradients.split_at_mut(l);
                let input = if l == 0 {
                    &part.x
                } else {
                    &part.outputs[l - 1]
                };
                product(
                    [m, k, n],
                    &mut part.weights[l],
                    (&upper[0], [n, 1]),
                    (input, [1, n]),
                );
                if let Some(lower) = lower.last_mut() {
                    product([k, n, m], lower, (layer(l), [1, k]), (&upper[0], [n, 1]));
                    through(lower, input, softplus);
                }
            }
        });
        let (first, others) = parts.split_at_mut(1);
        for l in 0..=last {
            let gradient = &mut first[0].weights[l];
            for other in &*others {
                vectorised!(for (sum, g) in gradient.iter_mut().zip(&other.weights[l]) {
                    *sum += g;
                });
            }
            if l == last && !softplus {
                vectorised!(for (g, w) in gradient.iter_mut().zip(&weights[l]) {
                    *g = if *w > 0.0 {
                        *g
                    } else if *w < 0.0 {
                        -*g
                    } else {
                        0.0
                    };
                });
            }
            states[l].step(&mut weights[l], gradient, 1e-3, step as i32);
        }
        if is_read {
            watch.window();
            loss = parts.iter().map(|part| part.loss).sum();
        }
    }
    Timed {
        warm_up_s: watch.warm_up_s(),
        milliseconds: watch.milliseconds(),
        loss,
    }
}

/// One thread's frames of one source.
struct Reading {
    z: Vec<f32>,
    adam: Adam,
    /// Activations and the decoder's outputs.
    outputs: Vec<Vec<f32>>,
    gradients: Vec<Vec<f32>>,
}

/// Separation as `nae_separate` does it by default.
pub(crate) fn separate(
    x: &Matrix,
    sources: [(Vec<Matrix>, Matrix); 2],
    form: &ModelConfig,
    steps: usize,
) -> Timed {
    let softplus = is_softplus(form);
    let decoders: Vec<Vec<Matrix>> = sources
        .iter()
        .map(|(weights, _)| {
            let mut decoder = weights[weights.len().div_ceil(2)..].to_vec();
            if let (Some(last), false) = (decoder.last_mut(), softplus) {
                last.values.iter_mut().for_each(|w| *w = w.abs());
            }
            decoder
        })
        .collect();
    let weight = 1.0 / x.values.len() as f32;
    let mut work: Vec<(Part, Vec<Reading>)> = Vec::new();
    let mut start = 0;
    for part in parts(x, &[(x.rows, 0)]) {
        let range = start..start + part.frames;
        start = range.end;
        let reading = |((_, z), decoder): (&(Vec<Matrix>, Matrix), &Vec<Matrix>)| {
            let rows = z.values.chunks_exact(z.columns);
            let sizes = std::iter::once(z.rows).chain(decoder.iter().map(|w| w.rows));
            let buffers: Vec<Vec<f32>> = sizes.map(|rows| vec![0.0; rows * part.frames]).collect();
            Reading {
                z: rows.flat_map(|row| &row[range.clone()]).copied().collect(),
                adam: Adam::new(z.rows * part.frames),
                outputs: buffers.clone(),
                gradients: buffers,
            }
        };
        let readings = sources.iter().zip(&decoders).map(reading).collect();
        work.push((part, readings));
    }
    let mut watch = Stopwatch::start();
    let mut loss = f64::NAN;
    for step in 1..=steps {
        let is_read = step.is_multiple_of(WINDOW);
        work.par_iter_mut().for_each(|(part, readings)| {
            let n = part.frames;
            for (reading, decoder) in readings.iter_mut().zip(&decoders) {
                let pairs = reading.outputs[0].iter_mut().zip(&reading.z);
                vectorised!(for (h, z) in pairs {
                    *h = math::softplus::<true>(*z, 1.0, 1.0).0;
                });
                for (l, w) in decoder.iter().enumerate() {
                    let (before, after) = reading.outputs.split_at_mut(l + 1);
                    let sizes = [w.rows, n, w.columns];
                    product(
                        sizes,
                        &mut after[0],
                        (&w.values, [w.columns, 1]),
                        (&before[l], [n, 1]),
                    );
                    if l + 1 < decoder.len() || softplus {
                        activate(&mut after[0], softplus);
                    }
                }
            }
            let sum = &mut part.gradients[0];
            let estimates = readings.iter().filter_map(|reading| reading.outputs.last());
            for (i, estimate) in estimates.enumerate() {
                vectorised!(for (sum, y) in sum.iter_mut().zip(estimate) {
                    *sum = if i == 0 { *y } else { *sum + y };
                });
            }
            part.loss = divergence(sum, &part.x, weight, false, is_read);
            for (reading, decoder) in readings.iter_mut().zip(&decoders) {
                let last = decoder.len();
                reading.gradients[last].copy_from_slice(sum);
                if softplus {
                    through(&mut reading.gradients[last], &reading.outputs[last], true);
                }
                for (l, w) in decoder.iter().enumerate().rev() {
                    let (lower, upper) = reading.gradients.split_at_mut(l + 1);
                    let sizes = [w.columns, n, w.rows];
                    product(
                        sizes,
                        &mut lower[l],
                        (&w.values, [1, w.columns]),
                        (&upper[0], [n, 1]),
                    );
                    if l > 0 {
                        through(&mut lower[l], &reading.outputs[l], softplus);
                    }
                }
                let pairs = reading.gradients[0].iter_mut().zip(&reading.outputs[0]);
                vectorised!(for (gradient, h) in pairs {
                    *gradient *= math::one_minus_exp_neg::<true>(*h);
                });
                reading
                    .adam
                    .step(&mut reading.z, &reading.gradients[0], 0.5, step as i32);
            }
        });
        if is_read {
            watch.window();
            loss = work.iter().map(|(part, _)| part.loss).sum();
        }
    }
    Timed {
        warm_up_s: watch.warm_up_s(),
        milliseconds: watch.milliseconds(),
        loss,
    }
}
