//! Sample rate and channels.

use std::path::Path;

use crate::AudioError;
use crate::resample::RATES;

/// Microphone arrays go up to here; a header that claims more is wrong.
const MAX_CHANNELS: usize = 64;

/// What every packet of a sound shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Samples a second, Hz.
    pub sample_rate: u32,
    /// Channels, at least 1.
    pub channels: usize,
}

impl Spec {
    /// Refuses what no sound has.
    pub fn check(self, path: &Path) -> Result<(), AudioError> {
        if self.channels > MAX_CHANNELS {
            return Err(AudioError::TooManyChannels {
                path: path.into(),
                channels: self.channels,
                max: MAX_CHANNELS,
            });
        }
        if !RATES.contains(&self.sample_rate) {
            return Err(AudioError::FileRate {
                path: path.into(),
                rate: self.sample_rate,
                min: *RATES.start(),
                max: *RATES.end(),
            });
        }
        Ok(())
    }
}
