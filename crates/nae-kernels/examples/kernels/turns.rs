//! Two ways of doing the same, timed in turns.
//!
//! What is timed is the processor time of all threads, so that other work on the machine does not
//! count. With one thread that is what a clock shows on a machine with nothing else to do.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;

/// Turns that both sides take before any counts.
const WARM_UP: usize = 3;

/// Turns that count, at least and at most.
const TURNS: [usize; 2] = [9, 401];

/// How long a comparison goes on between the two.
const BUDGET: Duration = Duration::from_millis(600);

/// Medians over the turns, and what they say.
pub struct Comparison {
    pub composite_ms: f64,
    pub kernel_ms: f64,
    /// Composite over kernel: above 1 where the kernel is faster.
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
    let (mut composites, mut kernels) = (Vec::new(), Vec::new());
    let started = Instant::now();
    while kernels.len() < least || (started.elapsed() < BUDGET && kernels.len() < most) {
        let (theirs, ours) = if kernels.len().is_multiple_of(2) {
            let theirs = composite();
            (theirs, kernel())
        } else {
            let ours = kernel();
            (composite(), ours)
        };
        composites.push(1e3 * theirs.as_secs_f64());
        kernels.push(1e3 * ours.as_secs_f64());
    }
    for times in [&mut composites, &mut kernels] {
        times.sort_by(f64::total_cmp);
    }
    let [composite_ms, kernel_ms] = [&composites, &kernels].map(|times| times[times.len() / 2]);
    Comparison {
        composite_ms,
        kernel_ms,
        gain: composite_ms / kernel_ms,
    }
}

/// Processor time of all threads since the process began.
#[allow(unsafe_code, reason = "the clock is a C function")]
fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes to a time of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long `work` takes, and what it gives, to be dropped when the clock has stopped.
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = processor_time();
    let result = work();
    (processor_time() - started, result)
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
