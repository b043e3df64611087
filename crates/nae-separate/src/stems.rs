//! One stretch of sound, from mixture to stems.

use burn::tensor::Tensor;
use nae_audio::{Clip, Magnitude, Spectrogram, Stft, resample, resample_to_len};
use nae_model::optim::{Flow, Progress};
use nae_model::spectra::{download, level};

use crate::error::SeparateError;
use crate::residual::{give_back, shares};
use crate::separator::Separator;

/// The stems of one stretch of sound and how they were found.
#[derive(Debug)]
pub struct Separated {
    /// One for every source, with the mixture's rate, channels and sample count.
    pub stems: Vec<Clip>,
    /// Every source's activations, `[rank, frames]` each; none for silence.
    pub activations: Vec<Tensor<2>>,
    /// Loss, the mean over runs; 0 for silence.
    pub loss: f64,
    /// Steps taken in all runs.
    pub steps: usize,
    /// Whether the observer stopped it; the stems are those of the best activations so far.
    pub is_interrupted: bool,
}

/// Masks and how they were found.
#[derive(Debug)]
pub struct Masks {
    /// One for every source, in `[0, 1]`, summing to one.
    pub masks: Vec<Magnitude>,
    /// Every source's activations, `[rank, frames]` each; none for silence.
    pub activations: Vec<Tensor<2>>,
    /// Loss, the mean over runs; 0 for silence.
    pub loss: f64,
    /// Steps taken in all runs.
    pub steps: usize,
    /// Whether the observer stopped it.
    pub is_interrupted: bool,
}

impl Separator {
    /// Separates a clip of any rate and channel count in one piece.
    ///
    /// All channels share one set of activations, found on their mean magnitude; the masks are
    /// applied to every channel's complex spectrum, so the mixture's phase is kept.
    ///
    /// # Errors
    /// [`SeparateError::Audio`] from resampling and transforms, [`SeparateError::Descent`] if the
    /// loss stops being finite.
    pub fn separate(
        &self,
        mixture: &Clip,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Separated, SeparateError> {
        let (rate, model_rate) = (mixture.sample_rate(), self.audio.sample_rate);
        let stft = Stft::new(self.audio.stft())?;
        let resampled = mixture
            .channels()
            .iter()
            .map(|channel| resample(channel, rate, model_rate))
            .collect::<Result<Vec<_>, _>>()?;
        let spectra = resampled
            .iter()
            .map(|channel| stft.analyze(channel))
            .collect::<Result<Vec<Spectrogram>, _>>()?;
        let magnitudes: Vec<Magnitude> = spectra.iter().map(Spectrogram::magnitude).collect();
        let found = self.masks(&Magnitude::mean(&magnitudes)?, observe)?;

        let mut stems = vec![Vec::with_capacity(mixture.channel_count()); self.names.len()];
        for ((channel, low), spectrum) in mixture.channels().iter().zip(&resampled).zip(&spectra) {
            let mut parts = found
                .masks
                .iter()
                .map(|mask| {
                    let part = stft.synthesize(&spectrum.masked(mask)?, low.len())?;
                    resample_to_len(&part, model_rate, rate, channel.len())
                })
                .collect::<Result<Vec<_>, _>>()?;
            if rate != model_rate {
                let hop_s = self.audio.hop as f64 / f64::from(model_rate);
                give_back(
                    channel,
                    &mut parts,
                    &shares(spectrum, &found.masks),
                    rate,
                    hop_s,
                );
            }
            for (stem, part) in stems.iter_mut().zip(parts) {
                stem.push(part);
            }
        }
        let stems = stems
            .into_iter()
            .map(|channels| Clip::new(channels, rate))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Separated {
            stems,
            activations: found.activations,
            loss: found.loss,
            steps: found.steps,
            is_interrupted: found.is_interrupted,
        })
    }

    /// Gain that brings a mixture to the level its models were trained at: N sources of unit
    /// standard deviation make a mixture of √N. `None` for silence.
    pub fn gain_for(&self, mixture: &Magnitude) -> Option<f64> {
        let level = level(mixture, self.config.silence_db as f32);
        (level > 0.0).then(|| (self.names.len() as f64).sqrt() / level)
    }

    /// Masks for a mixture's magnitudes at the models' rate.
    ///
    /// The mixture is brought to the models' level first ([`gain_for`](Self::gain_for)), so the
    /// masks do not depend on its own. Silence is shared equally.
    ///
    /// # Errors
    /// [`SeparateError`] if the device fails or an optimisation diverges.
    pub fn masks(
        &self,
        mixture: &Magnitude,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Masks, SeparateError> {
        let sources = self.names.len();
        let Some(gain) = self.gain_for(mixture) else {
            let equal = vec![1.0 / sources as f32; mixture.bins() * mixture.frames()];
            let mask = Magnitude::new(mixture.bins(), mixture.frames(), equal)?;
            return Ok(Masks {
                masks: vec![mask; sources],
                activations: Vec::new(),
                loss: 0.0,
                steps: 0,
                is_interrupted: false,
            });
        };
        let explained = self.explainer.explain(mixture, gain, observe)?;
        let masks = explained.masks.into_iter().map(download);
        Ok(Masks {
            masks: masks.collect::<Result<Vec<_>, _>>()?,
            activations: explained.activations,
            loss: explained.loss,
            steps: explained.steps,
            is_interrupted: explained.is_interrupted,
        })
    }
}
