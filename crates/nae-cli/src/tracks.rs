//! Tracks of the players on pages: what is played, with its spectrogram.

use anyhow::Result;
use nae_audio::{Clip, Stft, StftConfig};
use nae_model::spectra::bin_major;
use nae_report::{ColourScale, HeatMap, Matrix, Track};

/// Range of the spectrograms in dB.
const RANGE_DB: f64 = 70.0;

/// Makes the tracks of a mixture, whose spectrograms share one scale.
pub struct Tracks {
    stft: Stft,
    /// Magnitude of the mixture's loudest bin, which is 0 dB.
    loudest: Option<f64>,
}

impl Tracks {
    /// For a mixture and all clips that belong to it.
    pub fn new(stft: StftConfig, mixture: &Clip) -> Result<Self> {
        let stft = Stft::new(stft)?;
        let loudest = magnitudes(&stft, mixture)?.largest().map(f64::from);
        Ok(Self { stft, loudest })
    }

    /// A track with its spectrogram.
    pub fn track(&self, name: &str, clip: &Clip) -> Result<Track> {
        let nyquist = f64::from(clip.sample_rate()) / 2.0;
        let matrix = magnitudes(&self.stft, clip)?;
        let heat_map = HeatMap::spectrogram(name, matrix, clip.duration_s(), nyquist);
        let scale = ColourScale::Decibels {
            reference: self.loudest,
            range_db: RANGE_DB,
        };
        let track = Track::new(name, clip.channels().to_vec(), clip.sample_rate());
        Ok(track.with_heat_map(heat_map.with_scale(scale)))
    }
}

/// Magnitudes, `[bins, frames]`.
fn magnitudes(stft: &Stft, clip: &Clip) -> Result<Matrix> {
    let magnitude = stft.analyze(&clip.mixdown())?.magnitude();
    let values = bin_major(&magnitude);
    Ok(Matrix::new(magnitude.bins(), magnitude.frames(), values)?)
}
