//! Random numbers of the standard normal distribution, many at a time.
//!
//! Measured gain over Burn's `Tensor::random`, random words of ChaCha8 included (one thread, AVX2,
//! `cargo run --release --example kernels -- standard_normal`): 7 to 10 times. Burn's also draws from
//! one generator for all threads, so that its numbers depend on the order of the threads.

use crate::math::normal_pair;
use crate::simd::{SimdLoop, dispatch};

/// As many independent numbers of the standard normal distribution as there are pairs of random
/// words, times two: between −5.8 and 5.8, in steps that single precision can represent. They
/// depend on nothing but the words (up to rounding, which differs between processors).
pub fn standard_normal(words: &[u32]) -> Vec<f32> {
    let (distances, directions) = words.split_at(words.len() / 2);
    let mut numbers = vec![0.0; 2 * distances.len()];
    dispatch(PairLoop {
        distances,
        directions,
        numbers: &mut numbers,
    });
    numbers
}

struct PairLoop<'a> {
    distances: &'a [u32],
    directions: &'a [u32],
    numbers: &'a mut [f32],
}

impl SimdLoop for PairLoop<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (first, second) = self.numbers.split_at_mut(self.distances.len());
        let words = self.distances.iter().zip(self.directions);
        for ((distance, direction), (x, y)) in words.zip(first.iter_mut().zip(second)) {
            (*x, *y) = normal_pair::<FMA>(*distance, *direction);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few hundred thousand words of a generator that is good enough here (Marsaglia's xorshift).
    fn words() -> Vec<u32> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u32
        };
        std::iter::repeat_with(next).take(1 << 19).collect()
    }

    #[test]
    fn the_distribution_is_the_normal_one() {
        let mut numbers = standard_normal(&words());
        let count = numbers.len() as f64;
        let moment = |k: i32| numbers.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / count;
        // standard errors: 0.0014, 0.002, 0.005, 0.014
        let moments = [1, 2, 3, 4].map(moment);
        let expected = [(0.0, 0.006), (1.0, 0.008), (0.0, 0.02), (3.0, 0.06)];
        for (moment, (expected, most)) in moments.iter().zip(expected) {
            assert!((moment - expected).abs() < most, "{moments:?}");
        }
        // quantiles of the distribution: shares below −1.96, −1, 0, 0.6745, 1.6449 and 3
        numbers.sort_by(f32::total_cmp);
        let points = [
            (-1.959_964, 0.025),
            (-1.0, 0.158_655),
            (0.0, 0.5),
            (0.674_49, 0.75),
            (1.644_854, 0.95),
            (3.0, 0.998_65),
        ];
        for (point, share) in points {
            let below = numbers.partition_point(|&x| x < point) as f64 / count;
            // standard error at most 0.0007
            assert!((below - share).abs() < 0.003, "{point}: {below}");
        }
    }

    #[test]
    fn the_two_of_a_pair_and_their_squares_are_uncorrelated() {
        let numbers = standard_normal(&words());
        let (first, second) = numbers.split_at(numbers.len() / 2);
        for power in [1, 2] {
            let centred = |x: &f32| f64::from(*x).powi(power) - f64::from(power - 1);
            let products = first
                .iter()
                .zip(second)
                .map(|(x, y)| centred(x) * centred(y));
            let correlation = products.sum::<f64>() / (first.len() as f64 * f64::from(power));
            // standard error 0.002
            assert!(correlation.abs() < 0.01, "{power}: {correlation}");
        }
    }

    #[test]
    fn a_number_depends_on_its_pair_of_words_only() {
        let words = words();
        let all = standard_normal(&words[..64]);
        for i in [0, 7, 31] {
            let alone = standard_normal(&[words[i], words[32 + i]]);
            assert!((alone[0] - all[i]).abs() < 1e-6 && (alone[1] - all[32 + i]).abs() < 1e-6);
        }
        assert!(standard_normal(&[]).is_empty());
    }
}
