//! A whole sound in memory.

use crate::AudioError;

/// Planar PCM: at least one channel, all of one length, full scale ±1.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    channels: Vec<Vec<f32>>,
    sample_rate: u32,
}

impl Clip {
    /// Joins channels into a clip at `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::BadClip`] without a channel, with channels of unequal length or at 0 Hz;
    /// [`AudioError::NonFiniteSample`] for NaN and infinities.
    pub fn new(channels: Vec<Vec<f32>>, sample_rate: u32) -> Result<Self, AudioError> {
        let bad = |detail: String| Err(AudioError::BadClip { detail });
        let Some(first) = channels.first() else {
            return bad("no channel".into());
        };
        if sample_rate == 0 {
            return bad("a sample rate of 0 Hz".into());
        }
        if let Some(other) = channels.iter().find(|c| c.len() != first.len()) {
            return bad(format!(
                "channels of {} and {} samples",
                first.len(),
                other.len()
            ));
        }
        for channel in &channels {
            ensure_finite("clip", channel)?;
        }
        Ok(Self {
            channels,
            sample_rate,
        })
    }

    /// One channel at `sample_rate` Hz; nothing is checked.
    pub fn mono(samples: Vec<f32>, sample_rate: u32) -> Self {
        Self {
            channels: vec![samples],
            sample_rate,
        }
    }

    /// Channels of one length that were checked before.
    pub(crate) fn of(channels: Vec<Vec<f32>>, sample_rate: u32) -> Self {
        Self {
            channels,
            sample_rate,
        }
    }

    /// The channels, each `samples` long.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// Gives the channels away.
    pub fn into_channels(self) -> Vec<Vec<f32>> {
        self.channels
    }

    /// How many channels there are; never 0.
    pub fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// Samples per channel.
    pub fn samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Samples a second, Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.samples() as f64 / f64::from(self.sample_rate)
    }

    /// The mean over all channels, `samples` long.
    pub fn mixdown(&self) -> Vec<f32> {
        if let [only] = self.channels.as_slice() {
            return only.clone();
        }
        let share = 1.0 / self.channels.len() as f64;
        (0..self.samples())
            .map(|i| (self.channels.iter().map(|c| f64::from(c[i])).sum::<f64>() * share) as f32)
            .collect()
    }
}

/// Refuses NaN and infinities in `samples`, which the message calls `what`.
pub(crate) fn ensure_finite(what: &'static str, samples: &[f32]) -> Result<(), AudioError> {
    match samples.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(sample) => Err(AudioError::NonFiniteSample {
            what,
            sample,
            value: samples[sample],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixdown_is_the_mean_over_channels() {
        let clip = Clip::new(vec![vec![1.0, 0.0], vec![0.0, -0.5]], 8000).unwrap();
        assert_eq!(clip.mixdown(), [0.5, -0.25]);
    }

    #[test]
    fn mixdown_of_one_channel_is_that_channel() {
        assert_eq!(Clip::mono(vec![0.1, 0.2], 8000).mixdown(), [0.1, 0.2]);
    }

    #[test]
    fn duration_counts_samples_per_channel() {
        let clip = Clip::new(vec![vec![0.0; 4000]; 2], 8000).unwrap();
        assert_eq!((clip.samples(), clip.channel_count()), (4000, 2));
        assert_eq!(clip.duration_s(), 0.5);
    }

    #[test]
    fn a_clip_without_channels_unequal_ones_or_no_rate_is_refused() {
        assert!(Clip::new(vec![], 8000).is_err());
        assert!(Clip::new(vec![vec![0.0]], 0).is_err());
        let error = Clip::new(vec![vec![0.0], vec![0.0; 2]], 8000).unwrap_err();
        assert!(error.to_string().contains("1 and 2 samples"), "{error}");
    }

    #[test]
    fn a_clip_with_a_nan_names_its_place() {
        let error = Clip::new(vec![vec![0.0, f32::NAN]], 8000).unwrap_err();
        assert!(error.to_string().contains("sample 1"), "{error}");
    }
}
