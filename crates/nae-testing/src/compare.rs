//! How far two signals are apart.

/// The largest absolute difference between two signals of one length.
///
/// # Panics
///
/// When the lengths differ.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// Signal-to-noise ratio in dB: how well `estimate` matches `reference` in place and level.
///
/// # Panics
///
/// When the lengths differ.
pub fn snr_db(reference: &[f32], estimate: &[f32]) -> f64 {
    assert_eq!(reference.len(), estimate.len());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let signal: f64 = reference.iter().map(|&x| square(x)).sum();
    let noise: f64 = reference
        .iter()
        .zip(estimate)
        .map(|(a, b)| square(a - b))
        .sum();
    10.0 * (signal / noise).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_off_is_twenty_decibels() {
        let (reference, estimate) = ([1.0, -2.0, 0.5], [1.1, -1.8, 0.55]);
        // 0.1 is rounded
        assert!((snr_db(&reference, &estimate) - 20.0).abs() < 1e-4);
        assert!((largest_difference(&reference, &estimate) - 0.2).abs() < 1e-6);
    }
}
