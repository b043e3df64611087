//! Ratios of energies in decibels.

/// `10 log₁₀(numerator / denominator)`: +∞ when nothing is below the line, whatever is above it, −∞
/// when nothing is above. Never NaN for finite energies.
pub(crate) fn ratio_db(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 {
        f64::INFINITY
    } else {
        10.0 * (numerator / denominator).log10()
    }
}
