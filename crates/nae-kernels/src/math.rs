//! `exp`, `ln` and what is made of them, without branches or calls, so that a loop over them becomes
//! vector code.
//!
//! `FMA` says whether the processor has fused multiply-add; where it does not,
//! `f32::mul_add` would be a slow library call. Coefficients of `exp` and `ln` are those of the Cephes
//! library (S. L. Moshier, *Methods and Programs for Mathematical Functions*, 1989).

/// `a·b + c`.
#[inline(always)]
fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `Σ coefficients[k]·x^(n−k)`, by Horner's rule.
#[inline(always)]
fn polynomial<const FMA: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[0];
    for coefficient in &coefficients[1..] {
        sum = mul_add::<FMA>(sum, x, *coefficient);
    }
    sum
}

/// `eˣ` within 2 units in the last place; arguments below −87 count as −87, above 88 as 88.
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    // adding this leaves the nearest whole number in the low bits
    const MAGIC: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = mul_add::<FMA>(x, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = mul_add::<FMA>(n, -LN_2_LOW, mul_add::<FMA>(n, -LN_2_HIGH, x));
    let p = polynomial::<FMA, 6>(
        r,
        [
            1.987_569_1e-4,
            1.398_2e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            0.166_666_65,
            0.5,
        ],
    );
    let mantissa = mul_add::<FMA>(p, r * r, r) + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    mantissa * power
}

/// `ln x` for positive normal `x`, within 2 units in the last place or 1e-7, whichever is more.
#[inline(always)]
pub(crate) fn ln<const FMA: bool>(x: f32) -> f32 {
    /// Bits of `√½`: mantissas are taken from there to `√2`.
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let exponent = (x.to_bits().wrapping_sub(ROOT_HALF) as i32) >> 23;
    let m = f32::from_bits(x.to_bits().wrapping_sub((exponent << 23) as u32)) - 1.0;
    let e = exponent as f32;
    let p = polynomial::<FMA, 9>(
        m,
        [
            7.037_683_6e-2,
            -0.115_146_1,
            0.116_769_99,
            -0.124_201_41,
            0.142_493_23,
            -0.166_680_57,
            0.200_007_15,
            -0.249_999_94,
            0.333_333_3,
        ],
    );
    let square = m * m;
    let tail = mul_add::<FMA>(-2.121_944_4e-4, e, p * square * m);
    mul_add::<FMA>(0.693_359_4, e, mul_add::<FMA>(-0.5, square, tail) + m)
}

/// `ln(1 + t)` for `t` in `[0, 1]`, relative error below 3e-7: `2·artanh(t/(2 + t))`.
#[inline(always)]
pub(crate) fn ln_1p<const FMA: bool>(t: f32) -> f32 {
    let s = t / (2.0 + t);
    let p = polynomial::<FMA, 7>(
        s * s,
        [
            1.0 / 13.0,
            1.0 / 11.0,
            1.0 / 9.0,
            1.0 / 7.0,
            1.0 / 5.0,
            1.0 / 3.0,
            1.0,
        ],
    );
    2.0 * s * p
}

/// `1 − e^{−y}` for `y ≥ 0`, relative error below 5e-7.
#[inline(always)]
pub(crate) fn one_minus_exp_neg<const FMA: bool>(y: f32) -> f32 {
    let small = y.min(0.5);
    let p = polynomial::<FMA, 8>(
        small,
        [
            -1.0 / 40320.0,
            1.0 / 5040.0,
            -1.0 / 720.0,
            1.0 / 120.0,
            -1.0 / 24.0,
            1.0 / 6.0,
            -0.5,
            1.0,
        ],
    );
    if y < 0.5 {
        small * p
    } else {
        1.0 - exp::<FMA>(-y)
    }
}

/// `ln(1 + e^{p·x})/p` and its derivative `1/(1 + e^{−p·x})`; what is below 10⁻²⁰ is zero.
///
/// A trained network has many units far below zero. Left as they are, they and their gradients are
/// subnormal numbers, which made a matrix product thirty times as slow.
#[inline(always)]
pub(crate) fn softplus<const FMA: bool>(x: f32, p: f32, p_inverse: f32) -> (f32, f32) {
    /// About `−ln 10⁻²⁰`.
    const FAR: f32 = 46.0;
    let px = p * x;
    let t = exp::<FMA>(-px.abs());
    let t = if px.abs() < FAR { t } else { 0.0 };
    let y = (px.max(0.0) + ln_1p::<FMA>(t)) * p_inverse;
    let share = 1.0 / (1.0 + t);
    (y, if px >= 0.0 { share } else { t * share })
}

/// `sin x` and `cos x` for `x` in `[−π/4, π/4]`, absolute error below 1.2e-7.
#[inline(always)]
fn sin_cos<const FMA: bool>(x: f32) -> (f32, f32) {
    let z = x * x;
    let odd = polynomial::<FMA, 3>(z, [-1.951_529_6e-4, 8.332_161e-3, -0.166_666_55]);
    let even = polynomial::<FMA, 3>(z, [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2]);
    let cos = mul_add::<FMA>(even, z * z, mul_add::<FMA>(-0.5, z, 1.0));
    (mul_add::<FMA>(odd, z * x, x), cos)
}

/// Two independent numbers of the standard normal distribution from two random words (G. E. P. Box &
/// M. E. Muller, *A Note on the Generation of Random Normal Deviates*, 1958): the first gives their
/// distance from zero, at most 5.8, the second their direction, a place in a quadrant and two signs.
#[inline(always)]
pub(crate) fn normal_pair<const FMA: bool>(distance: u32, direction: u32) -> (f32, f32) {
    /// In the middle of one of 2²³ equal parts of `[0, 1]`: more would be rounded, up to 1 itself.
    #[inline(always)]
    fn uniform(word: u32) -> f32 {
        ((word >> 9) as f32 + 0.5) * (1.0 / 8_388_608.0)
    }
    const TOP: u32 = 1 << 31;
    let radius = (-2.0 * ln::<FMA>(uniform(distance))).sqrt() * std::f32::consts::FRAC_1_SQRT_2;
    // from the quadrant's middle, where sine and cosine are both √½
    let (sin, cos) = sin_cos::<FMA>((uniform(direction) - 0.5) * std::f32::consts::FRAC_PI_2);
    let signed = |x: f32, bit: u32| f32::from_bits(x.to_bits() ^ ((direction << bit) & TOP));
    (
        signed(radius * (cos - sin), 31),
        signed(radius * (cos + sin), 30),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::FRAC_PI_4;

    /// Greatest error relative to `max(|expected|, floor)` over `points`, fused and not.
    fn error(
        points: impl Iterator<Item = f32>,
        ours: [fn(f32) -> f32; 2],
        expected: impl Fn(f64) -> f64,
        floor: f64,
    ) -> f64 {
        let mut worst = 0.0f64;
        for x in points {
            let truth = expected(f64::from(x));
            for ours in ours {
                let error = (f64::from(ours(x)) - truth).abs() / truth.abs().max(floor);
                assert!(error.is_finite(), "{x}: {} instead of {truth}", ours(x));
                worst = worst.max(error);
            }
        }
        worst
    }

    /// About a million values from `low` to `high`.
    fn line(low: f32, high: f32) -> impl Iterator<Item = f32> {
        const STEPS: u32 = 1_000_003;
        (0..=STEPS).map(move |i| low + (high - low) * (i as f32 / STEPS as f32))
    }

    #[test]
    fn exp_is_within_two_units() {
        let ours = [exp::<false>, exp::<true>];
        let worst = error(line(-87.0, 88.0), ours, f64::exp, 0.0);
        assert!(worst < 2.4e-7, "{worst}");
        assert_eq!(exp::<true>(0.0), 1.0);
        assert!(exp::<true>(-1e30) < 1.7e-38 && exp::<true>(1e30).is_finite());
    }

    #[test]
    fn ln_is_within_two_units() {
        let ours = [ln::<false>, ln::<true>];
        let near = error(line(0.5, 2.0), ours, f64::ln, 0.5);
        let wide = error(line(-80.0, 80.0).map(f32::exp), ours, f64::ln, 0.5);
        assert!(near < 2.4e-7 && wide < 2.4e-7, "{near} {wide}");
        assert_eq!(ln::<true>(1.0), 0.0);
    }

    #[test]
    fn ln_1p_keeps_small_arguments() {
        let ours = [ln_1p::<false>, ln_1p::<true>];
        let plain = error(line(0.0, 1.0).skip(1), ours, f64::ln_1p, 0.0);
        let small = error(line(-80.0, 0.0).map(f32::exp), ours, f64::ln_1p, 0.0);
        assert!(plain < 3e-7 && small < 3e-7, "{plain} {small}");
    }

    #[test]
    fn one_minus_exp_neg_keeps_small_arguments() {
        let ours = [one_minus_exp_neg::<false>, one_minus_exp_neg::<true>];
        let truth = |y: f64| -(-y).exp_m1();
        let plain = error(line(0.0, 90.0).skip(1), ours, truth, 0.0);
        let small = error(line(-60.0, 1.0).map(f32::exp), ours, truth, 0.0);
        assert!(plain < 5e-7 && small < 5e-7, "{plain} {small}");
        assert_eq!(one_minus_exp_neg::<true>(0.0), 0.0);
    }

    #[test]
    fn sine_and_cosine_are_exact_to_single_precision() {
        for x in line(-FRAC_PI_4, FRAC_PI_4) {
            for (sin, cos) in [sin_cos::<false>(x), sin_cos::<true>(x)] {
                let truth = f64::from(x).sin_cos();
                assert!((f64::from(sin) - truth.0).abs() < 1.2e-7, "{x}");
                assert!((f64::from(cos) - truth.1).abs() < 1.2e-7, "{x}");
            }
        }
    }

    #[test]
    fn normal_pairs_have_the_distance_and_direction_of_their_words() {
        for (distance, direction) in [(0, 0), (u32::MAX, u32::MAX), (1 << 31, 3 << 30), (77, 2)] {
            let (x, y) = normal_pair::<true>(distance, direction);
            let part = |word: u32| (f64::from(word >> 9) + 0.5) / 2f64.powi(23);
            let radius = (-2.0 * part(distance).ln()).sqrt();
            let angle = part(direction) * std::f64::consts::FRAC_PI_2;
            let sign = |bit: u32| if direction >> bit & 1 == 0 { 1.0 } else { -1.0 };
            let truth = (
                sign(0) * radius * angle.cos(),
                sign(1) * radius * angle.sin(),
            );
            assert!((f64::from(x) - truth.0).abs() < 2e-6, "{x} {truth:?}");
            assert!((f64::from(y) - truth.1).abs() < 2e-6, "{y} {truth:?}");
        }
    }

    #[test]
    fn softplus_and_its_derivative_equal_their_definitions() {
        for p in [0.5f32, 1.0, 3.0] {
            for x in line(-25.0, 25.0) {
                let (y, slope) = softplus::<true>(x, p, 1.0 / p);
                let px = f64::from(p * x);
                let expected = (px.max(0.0) + (-px.abs()).exp().ln_1p()) / f64::from(p);
                let expected_slope = 1.0 / (1.0 + (-px).exp());
                // what is left of them below 10⁻²⁰ is zero
                const ZERO: f64 = 1.06e-20;
                let (most, most_slope) = (6e-7 * expected, 6e-7 * expected_slope);
                assert!(
                    (f64::from(y) - expected).abs() < most.max(ZERO / f64::from(p)),
                    "{x}"
                );
                assert!((f64::from(slope) - expected_slope).abs() < most_slope.max(ZERO));
                assert!(!y.is_subnormal() && !slope.is_subnormal());
            }
        }
    }
}
