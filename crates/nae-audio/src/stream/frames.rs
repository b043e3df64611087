//! From frames to samples at their rate.

use realfft::num_complex::Complex32;

use super::mask_stream_config::MaskStreamConfig;
use super::masks::StreamMasks;
use super::residual::ResidualShares;
use super::samples::Samples;
use super::synthesis::StreamSynthesis;
use crate::AudioError;

/// From frames to samples at the frames' rate.
pub struct Frames {
    bins: usize,
    stems: Vec<usize>,
    /// Mean magnitude of the latest frame.
    magnitude: Vec<f32>,
    masks: Vec<f32>,
    /// The latest frames' spectra; frame `t` lies at `t mod (look_ahead + 1)`.
    spectra: Vec<Vec<Complex32>>,
    /// Frames that have come.
    count: u64,
    /// Masked spectra, stem by stem, and the mixture's own where rates differ.
    masked: Vec<Complex32>,
    has_mixture: bool,
    synthesis: StreamSynthesis,
    shares: ResidualShares,
}

impl Frames {
    /// - `sizes`: sources, and later frames that masks depend on
    /// - `block`: samples of a resampler's block at the frames' rate
    /// - `has_mixture`: whether the mixture itself is put together too
    pub fn new(
        config: &MaskStreamConfig,
        (sources, look_ahead): (usize, usize),
        block: usize,
        has_mixture: bool,
    ) -> Result<Self, AudioError> {
        let MaskStreamConfig { channels, stft, .. } = *config;
        let bins = stft.bins();
        let signals = (config.stems.len() + usize::from(has_mixture)) * channels;
        let (hop, middle) = (stft.hop as f64, stft.n_fft as f64 / 2.0);
        let before = (stft.frames_before() * stft.hop) as f64;
        Ok(Self {
            bins,
            stems: config.stems.clone(),
            magnitude: vec![0.0; bins],
            masks: vec![0.0; sources * bins],
            spectra: vec![vec![Complex32::default(); channels * bins]; look_ahead + 1],
            count: 0,
            masked: vec![Complex32::default(); signals * bins],
            has_mixture,
            synthesis: StreamSynthesis::new(stft, signals)?,
            shares: ResidualShares::new(
                sources,
                (stft.n_fft + 4 * block) / stft.hop + 4,
                f64::from(config.model_rate) / f64::from(config.rate) / hop,
                (before - middle) / hop,
            ),
        })
    }

    /// Takes the spectra of a frame and makes the samples that its masks complete.
    pub fn push<M: StreamMasks>(
        &mut self,
        spectra: &[Complex32],
        masks: &mut M,
        samples: &mut Samples,
    ) -> Result<(), M::Error> {
        let channels = spectra.chunks_exact(self.bins);
        let weight = 1.0 / channels.len() as f32;
        self.magnitude.fill(0.0);
        for channel in channels {
            for (sum, z) in self.magnitude.iter_mut().zip(channel) {
                *sum += z.norm();
            }
        }
        self.magnitude.iter_mut().for_each(|sum| *sum *= weight);
        let place = (self.count % self.spectra.len() as u64) as usize;
        self.spectra[place].copy_from_slice(spectra);
        self.count += 1;
        masks.estimate(Some(&self.magnitude), &mut self.masks)?;
        Ok(self.synthesize(samples)?)
    }

    /// Ends the sound: the masks that were still to come.
    pub fn finish<M: StreamMasks>(
        &mut self,
        masks: &mut M,
        samples: &mut Samples,
    ) -> Result<(), M::Error> {
        if self.count > 0 {
            for _ in 1..self.spectra.len() {
                masks.estimate(None, &mut self.masks)?;
                self.count += 1;
                self.synthesize(samples)?;
            }
        }
        Ok(())
    }

    /// Who gets what a change of rate loses.
    pub fn shares(&self) -> &ResidualShares {
        &self.shares
    }

    /// Masks the frame that the masks are for, and puts it together.
    fn synthesize(&mut self, samples: &mut Samples) -> Result<(), AudioError> {
        let kept = self.spectra.len() as u64;
        let Some(frame) = self.count.checked_sub(kept) else {
            return Ok(());
        };
        let spectra = &self.spectra[(frame % kept) as usize];
        let stems = self.masked.chunks_exact_mut(spectra.len());
        let sources = self.stems.iter().map(Some).chain([None]);
        for (masked, source) in stems.zip(sources) {
            let Some(source) = source else {
                masked.copy_from_slice(spectra);
                continue;
            };
            let mask = &self.masks[source * self.bins..(source + 1) * self.bins];
            let channels = masked.chunks_exact_mut(self.bins);
            for (masked, spectrum) in channels.zip(spectra.chunks_exact(self.bins)) {
                for ((masked, z), m) in masked.iter_mut().zip(spectrum).zip(mask) {
                    *masked = z * m;
                }
            }
        }
        if self.has_mixture {
            self.shares.push(spectra, &self.masks, self.bins);
        }
        let finished = self.synthesis.push(&self.masked)?;
        samples.push(finished, &self.shares)
    }
}
