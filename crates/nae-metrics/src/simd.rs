//! Plain loops, compiled once for any processor and once for its wide registers.
//!
//! Nothing is fused and every sum has a fixed number of lanes, so that both versions give the same
//! bits.

/// Runs `work`, which is compiled for the widest registers that this processor has.
///
/// `work` and what it calls must be inlined to gain from it: mark the latter `inline(always)`.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Running sums of an inner product: they fill the vector registers and hide the time of an addition.
const LANES: usize = 16;

/// The inner product of slices of one length. Call it in [`vectorised`] code.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let ((a_chunks, a_rest), (b_chunks, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inner_product_takes_every_element_once() {
        for length in 0..70_u32 {
            let a: Vec<f64> = (0..length).map(f64::from).collect();
            let naive: f64 = a.iter().map(|value| value * value).sum();
            // Whole numbers: exact.
            assert_eq!(dot(&a, &a), naive);
            assert_eq!(vectorised(|| dot(&a, &a)), naive);
        }
    }
}
