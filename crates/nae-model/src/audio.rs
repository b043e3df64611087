//! The `[audio]` settings.

use nae_audio::StftConfig;
use nae_config::{CrossCheck, Settings};

use crate::error::ModelError;

nae_config::settings! {
    /// The `[audio]` settings: sample rate and short-time Fourier transform.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AudioConfig {
        /// Sample rate of the models; audio at any other rate is resampled.
        pub sample_rate: u32 = 16_000, in 1_000..=768_000, unit "Hz", try "16000 or 44100";
        /// Length of a frame.
        pub n_fft: usize = 1024, in 2..=1_048_576, unit "samples", try "1024";
        /// Hop: distance between the starts of two successive frames, at most about 0.85 of
        /// `n_fft`.
        pub hop: usize = 256, in 1..=1_048_576, unit "samples", try "a quarter of `audio.n_fft`";
    }
}
impl CrossCheck for AudioConfig {}

impl AudioConfig {
    /// The short-time Fourier transform's settings.
    pub fn stft(&self) -> StftConfig {
        StftConfig {
            n_fft: self.n_fft,
            hop: self.hop,
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`ModelError::Setting`] for a number outside its range, [`ModelError::Audio`] with the
    /// transform's own words for a pair of `n_fft` and `hop` that cannot reconstruct.
    pub fn validate(&self) -> Result<(), ModelError> {
        Settings::check(self, "audio")?;
        Ok(self.stft().validate()?)
    }
}

impl std::fmt::Display for AudioConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} Hz with frames of {} samples every {}",
            self.sample_rate, self.n_fft, self.hop
        )
    }
}

#[cfg(test)]
mod tests {
    use nae_config::{Canonical, canonical};

    use super::*;

    /// Model and joint files keep this text, and identities hash it.
    #[test]
    fn the_canonical_text_of_the_defaults_stays_as_it_is() {
        let text = r#"{"sample_rate":16000,"n_fft":1024,"hop":256}"#;
        let config = AudioConfig::default();
        assert_eq!(serde_json::to_string(&Canonical(&config)).unwrap(), text);
        assert_eq!(canonical::from_json::<AudioConfig>(text).unwrap(), config);
    }

    #[test]
    fn rates_and_frames_out_of_range_are_refused() {
        let refused = |key: &str, config: AudioConfig| {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        };
        let fine = AudioConfig::default();
        refused(
            "`audio.sample_rate`",
            AudioConfig {
                sample_rate: 1,
                ..fine
            },
        );
        refused(
            "`audio.n_fft`",
            AudioConfig {
                n_fft: 1 << 21,
                ..fine
            },
        );
        refused("`audio.hop`", AudioConfig { hop: 0, ..fine });
        refused("1024", AudioConfig { hop: 1024, ..fine });
    }
}
