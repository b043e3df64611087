//! Separation of a clip into its stems.

use burn::tensor::Tensor;
use nae_audio::{
    Clip, Complex32, Magnitude, Spectrogram, Stft, resample, resample_to_len, subtract_offset,
};
use nae_model::AudioConfig;
use nae_model::optim::{Flow, Progress};

use crate::error::{PEAK_LIMIT, SeparateError};
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
    /// Every channel's constant offset, which the spectra are without: it belongs to no source.
    offsets: Vec<f32>,
    /// Every channel's samples.
    resampled: Vec<Vec<f32>>,
    /// Every channel's complex spectra.
    channels: Vec<Spectrogram>,
    /// The channels' mean magnitude.
    pub magnitude: Magnitude,
}

/// Most bytes that the complex spectra of what is separated at once may take: 2 GiB, which is an hour
/// in stereo at the default settings.
const SPECTRA_LIMIT: u64 = 2 << 30;

/// # Errors
/// [`SeparateError::TooLoud`] for a sample beyond [`PEAK_LIMIT`], infinite or NaN.
fn check_level(mixture: &Clip) -> Result<(), SeparateError> {
    let samples = mixture.channels().iter().flatten();
    // NaN is the greatest of all here
    let peak = samples.map(|x| x.abs()).max_by(f32::total_cmp);
    let peak = peak.unwrap_or(0.0);
    match peak <= PEAK_LIMIT {
        true => Ok(()),
        false => Err(SeparateError::TooLoud { peak }),
    }
}

/// Refuses spectra that would take more than [`SPECTRA_LIMIT`]: frame lengths and hops come from
/// files.
fn check_memory(mixture: &Clip, audio: AudioConfig) -> Result<(), SeparateError> {
    let AudioConfig {
        sample_rate,
        n_fft,
        hop,
    } = audio;
    let channels = mixture.channel_count();
    let seconds = mixture.duration_s();
    let frames = seconds * f64::from(sample_rate) / hop as f64;
    let numbers = frames * audio.stft().bins() as f64 * channels as f64;
    let bytes = numbers * size_of::<Complex32>() as f64;
    if bytes <= SPECTRA_LIMIT as f64 {
        return Ok(());
    }
    Err(SeparateError::TooMuchMemory {
        seconds,
        gib: bytes / (1u64 << 30) as f64,
        limit: SPECTRA_LIMIT >> 30,
        n_fft,
        hop,
        channels,
    })
}

impl MixtureSpectra {
    /// The mixture's spectra at the models' rate.
    ///
    /// # Errors
    /// [`SeparateError::TooLoud`] and [`SeparateError::TooMuchMemory`], before any memory is taken.
    pub(crate) fn new(mixture: &Clip, audio: AudioConfig) -> Result<Self, SeparateError> {
        check_level(mixture)?;
        check_memory(mixture, audio)?;
        let (rate, model_rate) = (mixture.sample_rate(), audio.sample_rate);
        let stft = Stft::new(audio.stft())?;
        let offset = |channel: &Vec<f32>| nae_audio::offset(channel, rate);
        let offsets: Vec<f32> = mixture.channels().iter().map(offset).collect();
        let resampled = mixture
            .channels()
            .iter()
            .zip(&offsets)
            .map(|(channel, &offset)| resample(&subtract_offset(channel, offset), rate, model_rate))
            .collect::<Result<Vec<_>, _>>()?;
        let channels = resampled
            .iter()
            .map(|channel| stft.analyze(channel))
            .collect::<Result<Vec<Spectrogram>, _>>()?;
        let magnitudes: Vec<Magnitude> = channels.iter().map(Spectrogram::magnitude).collect();
        Ok(Self {
            offsets,
            resampled,
            channels,
            magnitude: Magnitude::mean(&magnitudes)?,
        })
    }
}

impl Separator {
    /// Separates a clip of any rate and channel count in one piece.
    ///
    /// All channels share one set of masks, estimated from their mean magnitude and applied to every
    /// channel's complex spectrum, so the stems have the mixture's phase. A channel's constant offset
    /// ([`nae_audio::offset`]) belongs to no source: all stems get the same share of it.
    ///
    /// # Errors
    /// [`SeparateError::TooLoud`], [`SeparateError::TooMuchMemory`]; [`SeparateError::Audio`] from
    /// resampling and transforms; [`SeparateError::NotFinite`] for a model of no use,
    /// [`SeparateError::Optimization`] if the loss is no longer finite.
    pub fn separate(
        &self,
        mixture: &Clip,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Separated, SeparateError> {
        let spectra = MixtureSpectra::new(mixture, self.audio)?;
        let masks = self.masks(&spectra.magnitude, observe)?;
        self.synthesize(mixture, &spectra, masks)
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
        let channels = mixture.channels().iter().zip(&spectra.offsets);
        for ((channel, &offset), (resampled, spectrum)) in channels.zip(at_model_rate) {
            let channel = subtract_offset(channel, offset);
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
                redistribute_residual(&channel, &mut estimates, &shares, rate, hop_s);
            }
            let share = offset / self.names.len() as f32;
            for (stem, mut estimate) in stems.iter_mut().zip(estimates) {
                if offset != 0.0 {
                    estimate.iter_mut().for_each(|x| *x += share);
                }
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
