//! Random filters, with which a few sounds stand for many.

use std::f32::consts::PI;

use nae_audio::Complex32;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Largest coefficient of the filters.
const COEFFICIENT: f32 = 3.0 / 8.0;

/// Magnitudes of a random filter of second order, one for every bin:
/// `|1 + r₁z⁻¹ + r₂z⁻²| / |1 + r₃z⁻¹ + r₄z⁻²|` with `rᵢ` uniform in ±3/8 (J.-M. Valin, *A hybrid
/// DSP/deep learning approach to real-time full-band speech enhancement*, MMSP 2018).
pub fn random_filter(bins: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut coefficient = || rng.random_range(-COEFFICIENT..=COEFFICIENT);
    let r = [coefficient(), coefficient(), coefficient(), coefficient()];
    let last = bins.max(2) - 1;
    let gain = |bin: usize| {
        let delay = Complex32::from_polar(1.0, -PI * bin as f32 / last as f32);
        let polynomial = |a: f32, b: f32| (delay * (delay * b + a) + 1.0).norm();
        polynomial(r[0], r[1]) / polynomial(r[2], r[3])
    };
    (0..bins).map(gain).collect()
}

#[cfg(test)]
mod tests {
    use nae_model::random::generator;

    use super::*;

    #[test]
    fn gains_differ_from_filter_to_filter_and_stay_within_their_bounds() {
        let mut rng = generator(3, "filters");
        // both polynomials are within 1 ± 3/4
        let most = 7.0 + 1e-3;
        let mut tilts = Vec::new();
        for _ in 0..200 {
            let gains = random_filter(33, &mut rng);
            assert_eq!(gains.len(), 33);
            assert!(
                gains.iter().all(|g| (1.0 / most..=most).contains(g)),
                "{gains:?}"
            );
            tilts.push(gains[32] / gains[0]);
        }
        // up and down
        assert!(tilts.iter().any(|x| *x > 2.0) && tilts.iter().any(|x| *x < 0.5));
    }
}
