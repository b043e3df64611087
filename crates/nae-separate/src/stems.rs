//! Stretches of sound, from mixtures to stems.

use std::sync::Mutex;

use burn::tensor::Tensor;
use nae_audio::{Clip, Magnitude, Spectrogram, Stft, resample, resample_to_len};
use nae_kernels::{MemoryCost, Parallelism, batch_size};
use nae_model::optim::{Flow, Progress};
use nae_model::spectra::{download, level};
use rayon::prelude::*;

use crate::error::SeparateError;
use crate::explainer::Explained;
use crate::fit::Scene;
use crate::residual::{give_back, shares};
use crate::runs::explain_stack;
use crate::separator::Separator;

/// The stems of one stretch of sound and how they were found.
#[derive(Debug)]
pub struct Separated {
    /// One for every source, with the mixture's rate, channels and sample count.
    pub stems: Vec<Clip>,
    /// Every source's activations in the last run, `[rank, frames]` each; none for silence.
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
    /// Every source's activations in the last run, `[rank, frames]` each; none for silence.
    pub activations: Vec<Tensor<2>>,
    /// Loss, the mean over runs; 0 for silence.
    pub loss: f64,
    /// Steps taken in all runs.
    pub steps: usize,
    /// Whether the observer stopped it.
    pub is_interrupted: bool,
}

impl Masks {
    /// Reads masks back from the device.
    fn of(explained: Explained) -> Result<Self, SeparateError> {
        let mut masks = Vec::with_capacity(explained.masks.len());
        for mask in explained.masks {
            let frames = mask.dims()[1];
            masks.extend(download(mask.unsqueeze(), &[frames])?);
        }
        Ok(Self {
            masks,
            activations: explained.activations,
            loss: explained.loss,
            steps: explained.steps,
            is_interrupted: explained.is_interrupted,
        })
    }
}

/// A mixture at the models' rate.
struct Analysed {
    /// Every channel's samples.
    resampled: Vec<Vec<f32>>,
    /// Every channel's spectra.
    spectra: Vec<Spectrogram>,
    /// The channels' mean magnitude.
    magnitude: Magnitude,
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
        let analysed = self.analyse(mixture)?;
        let found = self.masks(&analysed.magnitude, observe)?;
        self.synthesise(mixture, &analysed, found)
    }

    fn analyse(&self, mixture: &Clip) -> Result<Analysed, SeparateError> {
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
        Ok(Analysed {
            resampled,
            spectra,
            magnitude: Magnitude::mean(&magnitudes)?,
        })
    }

    fn synthesise(
        &self,
        mixture: &Clip,
        analysed: &Analysed,
        found: Masks,
    ) -> Result<Separated, SeparateError> {
        let (rate, model_rate) = (mixture.sample_rate(), self.audio.sample_rate);
        let stft = Stft::new(self.audio.stft())?;
        let mut stems = vec![Vec::with_capacity(mixture.channel_count()); self.names.len()];
        let low = analysed.resampled.iter().zip(&analysed.spectra);
        for (channel, (low, spectrum)) in mixture.channels().iter().zip(low) {
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
        let Some(gain) = self.gain_for(mixture) else {
            return self.equal_masks(mixture);
        };
        Masks::of(self.explainer.explain(mixture, gain, observe)?)
    }

    fn equal_masks(&self, mixture: &Magnitude) -> Result<Masks, SeparateError> {
        let sources = self.names.len();
        let equal = vec![1.0 / sources as f32; mixture.bins() * mixture.frames()];
        let mask = Magnitude::new(mixture.bins(), mixture.frames(), equal)?;
        Ok(Masks {
            masks: vec![mask; sources],
            activations: Vec::new(),
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
        })
    }
}

/// Separates many clips, in their order: what [`Separator::separate`] does for one. Searches over
/// models of the same shape, with the same settings, go through together as stacks of tensors, as
/// many as fit memory; on the CPU each thread has its own. Other explainers take their clips one by
/// one.
///
/// - `observe`: called once a window of steps of every stack, from several threads in turn;
///   [`Flow::Stop`] ends everything with the best so far
///
/// # Errors
/// Every clip's own, as for [`Separator::separate`].
pub fn separate_many(
    clips: &[(&Separator, &Clip)],
    observe: &mut (dyn FnMut(&Progress) -> Flow + Send),
) -> Vec<Result<Separated, SeparateError>> {
    let analysed: Vec<_> = clips
        .par_iter()
        .map(|(separator, clip)| separator.analyse(clip))
        .collect();
    let scenes: Vec<Option<Scene<'_>>> = clips
        .iter()
        .zip(&analysed)
        .map(|((separator, _), analysed)| {
            let mixture = &analysed.as_ref().ok()?.magnitude;
            Some(Scene {
                search: separator.explainer.search()?,
                mixture,
                gain: separator.gain_for(mixture)?,
            })
        })
        .collect();
    let stacks = stacks(&scenes);
    let sharing = match stacks.as_slice() {
        [only] if only.len() == 1 => Parallelism::Frames,
        _ => Parallelism::Batch,
    };
    let observe = Mutex::new(observe);
    let tell = |progress: &Progress| {
        // a thread that panicked has nothing to say any more
        let mut observe = observe
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        observe(progress)
    };
    let of_stack = |stack: &Vec<usize>| {
        let own: Vec<Scene<'_>> = stack.iter().filter_map(|&i| scenes[i]).collect();
        explain_stack(&own, sharing, &mut |progress| tell(progress))
    };
    let found: Vec<_> = stacks.par_iter().map(of_stack).collect();
    let mut masks: Vec<Option<Result<Masks, SeparateError>>> = clips.iter().map(|_| None).collect();
    for (stack, found) in stacks.iter().zip(found) {
        for (&i, found) in stack.iter().zip(found) {
            masks[i] = Some(found.and_then(Masks::of));
        }
    }
    // other explainers, and silence
    for (masks, ((separator, _), analysed)) in masks.iter_mut().zip(clips.iter().zip(&analysed)) {
        if masks.is_none()
            && let Ok(analysed) = analysed
        {
            *masks = Some(separator.masks(&analysed.magnitude, &mut |progress| tell(progress)));
        }
    }
    let jobs: Vec<_> = clips.iter().zip(analysed).zip(masks).collect();
    jobs.into_par_iter()
        .map(|(((separator, clip), analysed), masks)| {
            let analysed = analysed?;
            let masks = masks.unwrap_or(Err(SeparateError::NoSources))?;
            separator.synthesise(clip, &analysed, masks)
        })
        .collect()
}

/// Which scenes go through together: those of like searches and similar length, no more than fit.
fn stacks(scenes: &[Option<Scene<'_>>]) -> Vec<Vec<usize>> {
    let mut alike: Vec<(&Scene<'_>, Vec<usize>)> = Vec::new();
    for (i, scene) in scenes.iter().enumerate() {
        let Some(scene) = scene else { continue };
        let is_like = |(other, _): &&mut (&Scene<'_>, _)| scene.search.is_like(other.search);
        match alike.iter_mut().find(is_like) {
            Some((_, members)) => members.push(i),
            None => alike.push((scene, vec![i])),
        }
    }
    let frames = |i: &usize| scenes[*i].map_or(0, |scene| scene.mixture.frames());
    let mut stacks = Vec::new();
    for (scene, mut members) in alike {
        members.sort_by_key(frames);
        let longest = members.last().map_or(0, frames);
        // about: the spectrum, and every source's product, gradient and mask
        let numbers = (1 + 3 * scene.search.count()) * longest * scene.mixture.bins();
        let bytes = size_of::<f32>() * numbers;
        // every step is on all frames
        let footprint = MemoryCost {
            step: bytes,
            total: bytes,
        };
        let size = batch_size(members.len(), footprint, &scene.search.tape);
        stacks.extend(members.chunks(size).map(<[usize]>::to_vec));
    }
    stacks
}
