//! What is scored: samples, in the two roles that a signal can play. The roles cannot be mixed up: they
//! are different types.

use crate::error::{MetricsError, Signal};

/// One sample of a mono signal: `f64` or `f32`. All arithmetic is in `f64`, so both give the same scores
/// where they hold the same values; `f32` takes half the memory.
pub trait Sample: Copy + Into<f64> + Send + Sync + sealed::Sealed {}

impl Sample for f32 {}
impl Sample for f64 {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

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
pub struct Reference<'a, S = f32>(pub &'a [S]);

/// A separated source, or whatever else is scored in its place (the mixture, an oracle).
#[derive(Debug, Clone, Copy)]
pub struct Estimate<'a, S = f32>(pub &'a [S]);

impl<'a, S: Sample> Reference<'a, S> {
    /// Takes `samples` as a true source.
    ///
    /// # Errors
    ///
    /// [`MetricsError::NonFinite`] when a sample is NaN or infinite, [`MetricsError::Silent`] when
    /// all are zero (or there are none).
    pub fn new(samples: &'a [S]) -> Result<Self, MetricsError> {
        check(samples, Signal::Reference(0))?;
        Ok(Self(samples))
    }
}

impl<'a, S: Sample> Estimate<'a, S> {
    /// Takes `samples` as a separated source.
    ///
    /// # Errors
    ///
    /// [`MetricsError::NonFinite`] when a sample is NaN or infinite, [`MetricsError::Silent`] when
    /// all are zero (or there are none).
    pub fn new(samples: &'a [S]) -> Result<Self, MetricsError> {
        check(samples, Signal::Estimate(0))?;
        Ok(Self(samples))
    }
}

/// Finite, and not all zero.
pub(crate) fn check<S: Sample>(samples: &[S], signal: Signal) -> Result<(), MetricsError> {
    let values = || samples.iter().map(|&value| -> f64 { value.into() });
    if let Some((sample, value)) = values().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(MetricsError::NonFinite {
            signal,
            sample,
            value,
        });
    }
    if values().all(|value| value == 0.0) {
        return Err(MetricsError::Silent {
            signal,
            samples: samples.len(),
        });
    }
    Ok(())
}

/// [`check`], and `expected` samples long.
pub(crate) fn check_of_length<S: Sample>(
    samples: &[S],
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
            Estimate::new(&[0.0_f32; 0]),
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
