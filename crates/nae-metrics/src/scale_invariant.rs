//! The scale-invariant SDR of one estimate against one reference \[1\].
//!
//! ```text
//! α = ⟨ŝ, s⟩ / ⟨s, s⟩,   SI-SDR = 10 log₁₀ ‖α s‖² / ‖α s − ŝ‖²
//! ```
//!
//! No mean is removed, as BSS_eval removes none: an offset counts as distortion.
//!
//! It is the same number as the SDR of [`BssEval`](crate::BssEval) with one tap, *whatever the other
//! references are*: that SDR compares the projection on the own reference with everything else, and
//! neither depends on the other references. They only decide how "everything else" is shared out
//! between interference (SI-SIR) and artefacts (SI-SAR).
//!
//! 1. J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR – half-baked or well done?", ICASSP 2019.

use crate::decibel::ratio_db;
use crate::error::{MetricsError, Signal};
use crate::signal::{Estimate, Reference, Sample, check, check_of_length};

/// The scale-invariant signal-to-distortion ratio in dB: −∞ when nothing of the reference is in the
/// estimate, +∞ when nothing else is.
///
/// # Errors
///
/// Silence, NaN or infinite samples, and signals of different length.
pub fn si_sdr<S: Sample>(
    reference: &Reference<'_, S>,
    estimate: &Estimate<'_, S>,
) -> Result<f64, MetricsError> {
    let (reference, estimate) = (reference.0, estimate.0);
    check(reference, Signal::Reference(0))?;
    check_of_length(estimate, Signal::Estimate(0), reference.len())?;
    let pairs = || {
        let pairs = reference.iter().zip(estimate);
        pairs.map(|(&s, &e)| -> (f64, f64) { (s.into(), e.into()) })
    };
    let scale = pairs().map(|(s, e)| s * e).sum::<f64>() / pairs().map(|(s, _)| s * s).sum::<f64>();
    let (mut target, mut rest) = (0.0, 0.0);
    for (s, e) in pairs() {
        let projected = scale * s;
        target += projected * projected;
        rest += (e - projected) * (e - projected);
    }
    Ok(ratio_db(target, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: [f32; 4] = [1.0, -1.0, 1.0, -1.0];

    #[test]
    fn orthogonal_noise_of_a_tenth_gives_twenty_decibels() {
        let estimate = [1.1, -0.9, 0.9, -1.1];
        let db = si_sdr(&Reference(&SOURCE), &Estimate(&estimate)).unwrap();
        // f32 holds 1.1 and 0.9 to 2⁻²⁴: six digits of the ratio.
        assert!((db - 20.0).abs() < 1e-5, "{db}");
    }

    #[test]
    fn a_scaled_copy_is_perfect_and_an_orthogonal_one_worthless() {
        let half = SOURCE.map(|value| 0.5 * value);
        let db = si_sdr(&Reference(&SOURCE), &Estimate(&half)).unwrap();
        assert_eq!(db, f64::INFINITY);
        let other = [1.0, 1.0, 1.0, 1.0];
        let db = si_sdr(&Reference(&SOURCE), &Estimate(&other)).unwrap();
        assert_eq!(db, f64::NEG_INFINITY);
    }

    #[test]
    fn the_mean_is_not_removed() {
        let offset = SOURCE.map(|value| value + 1.0);
        let db = si_sdr(&Reference(&SOURCE), &Estimate(&offset)).unwrap();
        assert_eq!(db, 0.0);
    }

    #[test]
    fn lengths_must_agree() {
        let error = si_sdr(&Reference(&SOURCE), &Estimate(&SOURCE[..3])).unwrap_err();
        assert_eq!(
            error,
            MetricsError::LengthMismatch {
                signal: Signal::Estimate(0),
                expected: 4,
                found: 3
            }
        );
    }
}
