//! The two roles a signal can play. Their order cannot be mixed up: they are different types.

use crate::error::{MetricsError, Signal};

/// A true source: mono samples, any level.
///
/// Every score checks its signals, so a `Reference` made from its field is as safe as one made by
/// [`Reference::new`]; the constructor only finds the fault earlier.
///
/// ```
/// use nae_metrics::{Estimate, Reference, si_sdr};
/// let source = [0.5, -0.25, 0.125, 0.0];
/// let separated = [0.25, -0.125, 0.0625, 0.01];
/// let db = si_sdr(&Reference::new(&source)?, &Estimate::new(&separated)?)?;
/// assert!(db > 20.0);
/// # Ok::<(), nae_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a>(pub &'a [f32]);

/// A separated source, or whatever else is scored in its place (the mixture, an oracle).
#[derive(Debug, Clone, Copy)]
pub struct Estimate<'a>(pub &'a [f32]);

impl<'a> Reference<'a> {
    /// Takes `samples` as a true source.
    ///
    /// # Errors
    ///
    /// [`MetricsError::NonFinite`] when a sample is NaN or infinite, [`MetricsError::Silent`] when
    /// all are zero (or there are none).
    pub fn new(samples: &'a [f32]) -> Result<Self, MetricsError> {
        check(samples, Signal::Reference(0))?;
        Ok(Self(samples))
    }
}

impl<'a> Estimate<'a> {
    /// Takes `samples` as a separated source.
    ///
    /// # Errors
    ///
    /// [`MetricsError::NonFinite`] when a sample is NaN or infinite, [`MetricsError::Silent`] when
    /// all are zero (or there are none).
    pub fn new(samples: &'a [f32]) -> Result<Self, MetricsError> {
        check(samples, Signal::Estimate(0))?;
        Ok(Self(samples))
    }
}

/// Finite, and not all zero.
pub(crate) fn check(samples: &[f32], signal: Signal) -> Result<(), MetricsError> {
    if let Some(sample) = samples.iter().position(|value| !value.is_finite()) {
        return Err(MetricsError::NonFinite {
            signal,
            sample,
            value: samples[sample],
        });
    }
    if samples.iter().all(|&value| value == 0.0) {
        return Err(MetricsError::Silent {
            signal,
            samples: samples.len(),
        });
    }
    Ok(())
}

/// [`check`], and `expected` samples long.
pub(crate) fn check_of_length(
    samples: &[f32],
    signal: Signal,
    expected: usize,
) -> Result<(), MetricsError> {
    if samples.len() != expected {
        return Err(MetricsError::LengthMismatch {
            signal,
            expected,
            found: samples.len(),
        });
    }
    check(samples, signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_an_error_for_either_role() {
        assert!(matches!(
            Reference::new(&[0.0; 8]),
            Err(MetricsError::Silent { samples: 8, .. })
        ));
        assert!(matches!(
            Estimate::new(&[]),
            Err(MetricsError::Silent { samples: 0, .. })
        ));
    }

    #[test]
    fn the_first_bad_sample_is_named() {
        let samples = [0.1, f32::NAN, f32::INFINITY];
        let error = Estimate::new(&samples).unwrap_err();
        assert!(matches!(
            error,
            MetricsError::NonFinite {
                signal: Signal::Estimate(0),
                sample: 1,
                ..
            }
        ));
        assert!(error.to_string().contains("estimate 1"));
    }
}
