//! Masks applied to a sound that is still coming.

use realfft::num_complex::Complex32;

use super::analysis::StreamAnalysis;
use super::common_length;
use super::frames::Frames;
use super::latency::latency;
use super::mask_stream_config::MaskStreamConfig;
use super::masks::StreamMasks;
use super::offset::OffsetTracker;
use super::resampler::StreamResampler;
use super::samples::Samples;
use crate::AudioError;

/// Largest sample that is used: beyond, squares of spectra leave what 32 bits hold.
const LARGEST: f32 = 1e12;
/// Samples that are worked on at once, so that all buffers have a size known beforehand.
const AT_ONCE: usize = 1024;

/// Most bytes that a stream's spectra may take, in GiB: frame lengths come from files.
const LIMIT_GIB: u64 = 2;

fn check_size(config: &MaskStreamConfig, look_ahead: usize) -> Result<(), AudioError> {
    let planes = (look_ahead + 1 + config.stems.len()) as f64 * config.channels as f64;
    let bytes = planes * config.stft.bins() as f64 * size_of::<Complex32>() as f64;
    let gib = bytes / (1u64 << 30) as f64;
    if gib <= LIMIT_GIB as f64 {
        return Ok(());
    }
    Err(AudioError::StreamSize {
        gib,
        limit: LIMIT_GIB,
        n_fft: config.stft.n_fft,
        look_ahead,
        channels: config.channels,
    })
}

/// Takes a mixture and gives stems, as many samples as came in, exactly [`latency`](Self::latency)
/// samples later.
///
/// The stems of all sources sum to the delayed mixture. A constant offset belongs to no source: all
/// stems get the same share of it. Samples that are not finite, or beyond ±10¹², are taken as silence
/// and counted.
pub struct MaskStream<M> {
    masks: M,
    config: MaskStreamConfig,
    latency: usize,
    down: StreamResampler,
    analysis: StreamAnalysis,
    frames: Frames,
    samples: Samples,
    offsets: Vec<OffsetTracker>,
    /// A part of the mixture, without offset, and a channel's offsets.
    block: Vec<Vec<f32>>,
    offset: Vec<f32>,
    /// The same at the frames' rate.
    resampled: Vec<Vec<f32>>,
    received: u64,
    pulled: u64,
    silenced: u64,
    has_ended: bool,
}

impl<M: StreamMasks> MaskStream<M> {
    /// Plans a stream.
    ///
    /// # Errors
    /// [`AudioError`] for rates or frames that are not possible, [`AudioError::BadClip`] for no channels.
    pub fn new(masks: M, config: MaskStreamConfig) -> Result<Self, AudioError> {
        let MaskStreamConfig {
            rate,
            channels,
            model_rate,
            stft,
            ref stems,
            filter,
        } = config;
        if channels == 0 {
            let detail = "no channels".into();
            return Err(AudioError::BadClip { detail });
        }
        let (sources, look_ahead) = (masks.sources(), masks.look_ahead());
        check_size(&config, look_ahead)?;
        let analysis = StreamAnalysis::new(stft, channels)?;
        let down = StreamResampler::new(rate, model_rate, channels, filter)?;
        let block = down.block();
        let latency = latency(stft, look_ahead, block);
        let has_mixture = rate != model_rate;
        let signals = stems.len() + usize::from(has_mixture);
        // of what is between two ends of the stream, whatever the sizes of blocks
        let waiting = 2 * (latency + block.0) + 4 * AT_ONCE;
        let up = StreamResampler::new(model_rate, rate, signals * channels, filter)?;
        let mut samples = Samples::new(stems, sources, channels, waiting, up);
        samples.push_zeros(latency);
        let room = (AT_ONCE as u64 * u64::from(model_rate) / u64::from(rate)) as usize;
        Ok(Self {
            latency,
            analysis,
            frames: Frames::new(&config, (sources, look_ahead), block.1, has_mixture)?,
            samples,
            offsets: (0..channels).map(|_| OffsetTracker::new(rate)).collect(),
            block: vec![Vec::with_capacity(AT_ONCE); channels],
            offset: Vec::with_capacity(AT_ONCE),
            resampled: vec![Vec::with_capacity(room + 2 * block.1); channels],
            down,
            received: 0,
            pulled: 0,
            silenced: 0,
            has_ended: false,
            masks,
            config,
        })
    }

    /// Samples of the mixture's rate by which stems are behind it. They begin with as many zeros.
    pub fn latency(&self) -> usize {
        self.latency
    }

    /// What it was made for.
    pub fn config(&self) -> &MaskStreamConfig {
        &self.config
    }

    /// What decides the masks.
    pub fn masks(&self) -> &M {
        &self.masks
    }

    /// Values that were not finite or too large, in all channels.
    pub fn silenced(&self) -> u64 {
        self.silenced
    }

    /// Samples of every channel that have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Samples of every stem that can be [pulled](Self::pull): after every push as many as came in.
    /// After [`flush`](Self::flush), as many more as the stream is late.
    pub fn available(&self) -> usize {
        let late = if self.has_ended {
            self.latency as u64
        } else {
            0
        };
        (self.received + late - self.pulled) as usize
    }

    /// Samples that are made already, those that are to be pulled later included.
    pub fn ready(&self) -> usize {
        self.samples.ready()
    }

    /// Takes the next samples, any number of them.
    ///
    /// # Shapes
    /// - `channels`: samples of every channel, all of one length
    ///
    /// # Errors
    /// [`AudioError::BlockShape`] for another number of channels or unequal lengths,
    /// [`AudioError::StreamEnded`] after a flush; those of the masks.
    pub fn push(&mut self, channels: &[impl AsRef<[f32]>]) -> Result<(), M::Error> {
        if self.has_ended {
            return Err(AudioError::StreamEnded.into());
        }
        let samples = common_length(channels, self.config.channels)?;
        for first in (0..samples).step_by(AT_ONCE) {
            let last = (first + AT_ONCE).min(samples);
            self.take(channels, first..last);
            self.received += (last - first) as u64;
            let (frames, samples, masks) = (&mut self.frames, &mut self.samples, &mut self.masks);
            let visit = &mut |spectra: &[Complex32]| frames.push(spectra, masks, samples);
            if self.config.rate == self.config.model_rate {
                self.analysis.push(&self.block, visit)?;
            } else {
                self.resampled.iter_mut().for_each(Vec::clear);
                self.down.push(&self.block, &mut self.resampled)?;
                self.analysis.push(&self.resampled, visit)?;
            }
        }
        Ok(())
    }

    /// Ends the mixture: all of its stems can be pulled. What the last samples' masks depend on beyond
    /// the end is taken as it is for whole files.
    ///
    /// # Errors
    /// [`AudioError::StreamEnded`] if it has ended before; those of the masks.
    pub fn flush(&mut self) -> Result<(), M::Error> {
        if self.has_ended {
            return Err(AudioError::StreamEnded.into());
        }
        self.has_ended = true;
        let (frames, samples, masks) = (&mut self.frames, &mut self.samples, &mut self.masks);
        let (own, inner) = (
            u64::from(self.config.rate),
            u64::from(self.config.model_rate),
        );
        let exact = u128::from(self.received) * u128::from(inner);
        let at_model_rate = ((2 * exact + u128::from(own)) / (2 * u128::from(own))) as u64;
        samples.end_at(at_model_rate);
        let visit = &mut |spectra: &[Complex32]| frames.push(spectra, masks, samples);
        if own != inner {
            self.resampled.iter_mut().for_each(Vec::clear);
            self.down.flush(Some(at_model_rate), &mut self.resampled)?;
            self.analysis.push(&self.resampled, visit)?;
        }
        self.analysis.flush(visit)?;
        frames.finish(masks, samples)?;
        Ok(samples.finish(self.received, frames.shares())?)
    }

    /// Appends stems to `stems`: all samples that are [available](Self::available).
    ///
    /// # Shapes
    /// - `stems`: one vector for every channel of every stem, `[stem][channel]`
    pub fn pull(&mut self, stems: &mut [Vec<Vec<f32>>]) {
        let samples = self.available();
        for (stem, channels) in stems.iter_mut().enumerate() {
            for (c, channel) in channels.iter_mut().enumerate() {
                let queue = stem * self.config.channels + c;
                channel.extend(self.samples.take(queue, samples));
            }
        }
        self.pulled += samples as u64;
    }

    /// Puts a part of the mixture into the block, and its offset and the rest into their queues.
    fn take(&mut self, channels: &[impl AsRef<[f32]>], part: std::ops::Range<usize>) {
        let is_resampled = self.config.rate != self.config.model_rate;
        let tracked = self.offsets.iter_mut().zip(&mut self.block);
        for (c, ((tracker, block), channel)) in tracked.zip(channels).enumerate() {
            block.clear();
            self.offset.clear();
            for &x in &channel.as_ref()[part.clone()] {
                let is_usable = x.abs() <= LARGEST;
                self.silenced += u64::from(!is_usable);
                let x = if is_usable { x } else { 0.0 };
                let offset = tracker.next(x);
                block.push(x - offset);
                self.offset.push(offset);
            }
            let mixture = is_resampled.then_some(block.as_slice());
            self.samples.keep(c, &self.offset, mixture);
        }
    }
}
