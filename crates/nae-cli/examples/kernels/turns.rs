//! Two ways of doing the same, timed in turns.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;

/// Turns that both sides take before any counts.
const WARM_UP: usize = 3;

/// Turns that count, at least and at most.
const TURNS: [usize; 2] = [9, 401];

/// How long a comparison goes on between the two.
const BUDGET: Duration = Duration::from_millis(700);

/// Medians over the turns.
pub struct Comparison {
    pub composite_ms: f64,
    pub kernel_ms: f64,
    /// Composite over kernel, turn by turn: above 1 where the kernel is faster.
    pub gain: f64,
}

/// Takes turns; who goes first alternates, so that neither side always finds what the other left in
/// the cache.
pub fn compare(kernel: impl Fn() -> Duration, composite: impl Fn() -> Duration) -> Comparison {
    for _ in 0..WARM_UP {
        composite();
        kernel();
    }
    let [least, most] = TURNS;
    let (mut composites, mut kernels, mut gains) = (Vec::new(), Vec::new(), Vec::new());
    let started = Instant::now();
    while gains.len() < least || (started.elapsed() < BUDGET && gains.len() < most) {
        let (theirs, ours) = if gains.len().is_multiple_of(2) {
            let theirs = composite();
            (theirs, kernel())
        } else {
            let ours = kernel();
            (composite(), ours)
        };
        let [theirs, ours] = [theirs, ours].map(|time| 1e3 * time.as_secs_f64());
        composites.push(theirs);
        kernels.push(ours);
        gains.push(theirs / ours);
    }
    Comparison {
        composite_ms: median(composites),
        kernel_ms: median(kernels),
        gain: median(gains),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How long `work` takes, and what it gives, to be dropped when the clock has stopped.
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = work();
    (started.elapsed(), result)
}

/// A function of fresh inputs that nobody else holds, as between other operations: what can be done
/// in place is.
pub fn forward<I, T>(fresh: &impl Fn() -> I, f: impl Fn(I) -> T) -> impl Fn() -> Duration {
    move || {
        let inputs = fresh();
        timed(|| f(inputs)).0
    }
}

/// The same and its gradient. What comes in on the way back is one multiplication's, whose gradient
/// is in the time of both sides.
pub fn with_gradient<I, const D: usize>(
    fresh: &impl Fn() -> I,
    factors: Option<&Tensor<D>>,
    f: impl Fn(I) -> Tensor<D>,
) -> impl Fn() -> Duration {
    move || {
        let inputs = fresh();
        let (there, y) = timed(|| f(inputs));
        let y = match factors {
            Some(factors) => y * factors.clone(),
            None => y,
        };
        let loss = y.sum();
        let (back, _gradients) = timed(|| loss.backward());
        there + back
    }
}
