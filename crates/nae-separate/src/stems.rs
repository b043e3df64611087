//! Separation of a clip into its stems.

use burn::tensor::Tensor;
use nae_audio::{Clip, Magnitude, Spectrogram, Stft, resample, resample_to_len};
use nae_model::optim::{Flow, Progress};

use crate::error::SeparateError;
use crate::residual::{redistribute_residual, residual_shares};
use crate::separator::{Masks, Separator};

/// The stems of one clip and how their masks were estimated.
#[derive(Debug)]
pub struct Separated {
    /// One for every source, with the mixture's rate, channels and sample count.
    pub stems: Vec<Clip>,
    /// Every source's activations in the last run, `[rank, frames]` each; empty for silence.
    pub activations: Vec<Tensor<2>>,
    /// Final loss, the mean over runs; 0 for silence.
    pub loss: f64,
    /// Steps taken in all runs.
    pub steps: usize,
    /// Whether the observer stopped it; the stems are those of the best activations so far.
    pub is_interrupted: bool,
}

/// Spectra of a mixture at the models' rate.
pub(crate) struct MixtureSpectra {
    /// Every channel's samples.
    resampled: Vec<Vec<f32>>,
    /// Every channel's complex spectra.
    channels: Vec<Spectrogram>,
    /// The channels' mean magnitude.
    pub magnitude: Magnitude,
}

impl Separator {
    /// Separates a clip of any rate and channel count in one piece.
    ///
    /// All channels share one set of masks, estimated from their mean magnitude and applied to every
    /// channel's complex spectrum, so the stems have the mixture's phase.
    ///
    /// # Errors
    /// [`SeparateError::Audio`] from resampling and transforms, [`SeparateError::Optimization`] if the
    /// loss is no longer finite.
    pub fn separate(
        &self,
        mixture: &Clip,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Separated, SeparateError> {
        let spectra = self.analyze(mixture)?;
        let masks = self.masks(&spectra.magnitude, observe)?;
        self.synthesize(mixture, &spectra, masks)
    }

    /// The mixture's spectra at the models' rate.
    pub(crate) fn analyze(&self, mixture: &Clip) -> Result<MixtureSpectra, SeparateError> {
        let (rate, model_rate) = (mixture.sample_rate(), self.audio.sample_rate);
        let stft = Stft::new(self.audio.stft())?;
        let resampled = mixture
            .channels()
            .iter()
            .map(|channel| resample(channel, rate, model_rate))
            .collect::<Result<Vec<_>, _>>()?;
        let channels = resampled
            .iter()
            .map(|channel| stft.analyze(channel))
            .collect::<Result<Vec<Spectrogram>, _>>()?;
        let magnitudes: Vec<Magnitude> = channels.iter().map(Spectrogram::magnitude).collect();
        Ok(MixtureSpectra {
            resampled,
            channels,
            magnitude: Magnitude::mean(&magnitudes)?,
        })
    }

    /// Stems at the mixture's rate, which sum to it.
    pub(crate) fn synthesize(
        &self,
        mixture: &Clip,
        spectra: &MixtureSpectra,
        masks: Masks,
    ) -> Result<Separated, SeparateError> {
        let (rate, model_rate) = (mixture.sample_rate(), self.audio.sample_rate);
        let stft = Stft::new(self.audio.stft())?;
        let mut stems = vec![Vec::with_capacity(mixture.channel_count()); self.names.len()];
        let at_model_rate = spectra.resampled.iter().zip(&spectra.channels);
        for (channel, (resampled, spectrum)) in mixture.channels().iter().zip(at_model_rate) {
            let mut estimates = masks
                .masks
                .iter()
                .map(|mask| {
                    let estimate = stft.synthesize(&spectrum.masked(mask)?, resampled.len())?;
                    resample_to_len(&estimate, model_rate, rate, channel.len())
                })
                .collect::<Result<Vec<_>, _>>()?;
            if rate != model_rate {
                let hop_s = self.audio.hop as f64 / f64::from(model_rate);
                let shares = residual_shares(spectrum, &masks.masks);
                redistribute_residual(channel, &mut estimates, &shares, rate, hop_s);
            }
            for (stem, estimate) in stems.iter_mut().zip(estimates) {
                stem.push(estimate);
            }
        }
        let stems = stems
            .into_iter()
            .map(|channels| Clip::new(channels, rate))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Separated {
            stems,
            activations: masks.activations,
            loss: masks.loss,
            steps: masks.steps,
            is_interrupted: masks.is_interrupted,
        })
    }
}
