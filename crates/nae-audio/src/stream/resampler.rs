//! A change of rate as samples come.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, Resampler};

use crate::AudioError;
use crate::resample::{SHORT_BLOCK, block, check_rates, in_blocks};

/// Changes the rate of one or several channels block by block: as [`resample`](crate::resample()), with
/// its filter delay taken out, and with a filter of any length.
pub struct StreamResampler {
    rates: (u32, u32),
    channels: usize,
    /// `None` between equal rates.
    inner: Option<Blocks>,
    /// Samples of every channel since the start.
    received: u64,
    produced: u64,
}

/// Where a block is collected.
struct Blocks {
    resampler: Fft<f64>,
    /// Samples of a block at either rate.
    sizes: (usize, usize),
    /// Channels one after the other.
    input: Vec<f64>,
    output: Vec<f64>,
    /// Samples in every channel of `input`.
    filled: usize,
    /// Samples of the filter's delay that are still to be left out.
    delay: usize,
}

impl StreamResampler {
    /// Length of the filter that [`resample`](crate::resample()) has.
    pub const OFFLINE_FILTER: usize = SHORT_BLOCK;

    /// From `from` Hz to `to` Hz.
    ///
    /// - `filter`: least length of the filter, in samples of the lower rate. A filter of 128 is flat up
    ///   to about 85 % of the lower Nyquist frequency, one of 1024 up to 98 %; blocks are as long
    ///
    /// # Errors
    /// [`AudioError::SampleRate`] for a rate outside 100 Hz to 1 MHz.
    pub fn new(from: u32, to: u32, channels: usize, filter: usize) -> Result<Self, AudioError> {
        check_rates(from, to)?;
        let inner = match from == to {
            true => None,
            false => Some(Blocks::new(from, to, channels, filter.max(1))?),
        };
        Ok(Self {
            rates: (from, to),
            channels,
            inner,
            received: 0,
            produced: 0,
        })
    }

    /// Channels that it takes.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Most samples at rate `from` that lie between a sample and the moment when it has come out at the
    /// other rate: a block less one sample, and half a filter. 0 between equal rates.
    pub fn latency(&self) -> usize {
        let (block, _) = self.block();
        block + block / 2 - 1.min(block)
    }

    /// Samples of a block at both rates; 0 between equal rates.
    pub fn block(&self) -> (usize, usize) {
        self.inner.as_ref().map_or((0, 0), |inner| inner.sizes)
    }

    /// Takes samples, any number of them, and appends those at the other rate that can be given.
    ///
    /// # Shapes
    /// - `channels`: samples of every channel, all of one length and finite
    /// - `output`: one vector a channel
    ///
    /// # Errors
    /// [`AudioError::BlockShape`] for another number of channels or unequal lengths.
    pub fn push(
        &mut self,
        channels: &[impl AsRef<[f32]>],
        output: &mut [Vec<f32>],
    ) -> Result<(), AudioError> {
        let samples = super::common_length(channels, self.channels)?;
        self.received += samples as u64;
        let Some(inner) = &mut self.inner else {
            for (output, channel) in output.iter_mut().zip(channels) {
                output.extend_from_slice(channel.as_ref());
            }
            self.produced += samples as u64;
            return Ok(());
        };
        let mut taken = 0;
        while taken < samples {
            let more = (inner.sizes.0 - inner.filled).min(samples - taken);
            for (buffer, channel) in inner.input.chunks_mut(inner.sizes.0).zip(channels) {
                let to = &mut buffer[inner.filled..inner.filled + more];
                for (to, x) in to.iter_mut().zip(&channel.as_ref()[taken..]) {
                    *to = f64::from(*x);
                }
            }
            taken += more;
            inner.filled += more;
            if inner.filled == inner.sizes.0 {
                let new = inner.process(self.rates)?;
                for (output, channel) in output.iter_mut().zip(inner.latest(new)) {
                    output.extend(channel.iter().map(|x| *x as f32));
                }
                self.produced += new as u64;
            }
        }
        Ok(())
    }

    /// Ends the sound: appends what is left, silence taken to follow, so that there are `total` samples
    /// in all, `round(received · to / from)` if it is `None`. Then the stream is as it was when it was
    /// made.
    ///
    /// # Errors
    /// [`AudioError::Resampler`] if the resampler fails.
    pub fn flush(&mut self, total: Option<u64>, output: &mut [Vec<f32>]) -> Result<(), AudioError> {
        let (from, to) = (u128::from(self.rates.0), u128::from(self.rates.1));
        let rounded = (u128::from(self.received) * to * 2 + from) / (2 * from);
        let total = total.unwrap_or(rounded as u64);
        if let Some(inner) = &mut self.inner {
            while self.produced < total {
                for buffer in inner.input.chunks_mut(inner.sizes.0) {
                    buffer[inner.filled..].fill(0.0);
                }
                let new = inner.process(self.rates)?;
                let needed = new.min((total - self.produced) as usize);
                for (output, channel) in output.iter_mut().zip(inner.latest(new)) {
                    output.extend(channel[..needed].iter().map(|x| *x as f32));
                }
                self.produced += needed as u64;
            }
            inner.resampler.reset();
            inner.filled = 0;
            inner.delay = inner.resampler.output_delay();
        } else if self.produced < total {
            let missing = (total - self.produced) as usize;
            for output in output {
                output.resize(output.len() + missing, 0.0);
            }
        }
        (self.received, self.produced) = (0, 0);
        Ok(())
    }
}

impl Blocks {
    fn new(from: u32, to: u32, channels: usize, filter: usize) -> Result<Self, AudioError> {
        let failed = |error: rubato::ResamplerConstructionError| AudioError::Resampler {
            from,
            to,
            detail: error.to_string(),
        };
        let resampler = in_blocks(from, to, block(from, to, filter), channels).map_err(failed)?;
        let sizes = (
            resampler.input_frames_next(),
            resampler.output_frames_next(),
        );
        Ok(Self {
            sizes,
            input: vec![0.0; channels * sizes.0],
            output: vec![0.0; channels * sizes.1],
            filled: 0,
            delay: resampler.output_delay(),
            resampler,
        })
    }

    /// Resamples the block. Gives how many samples of the new block count: all but those of the delay.
    fn process(&mut self, (from, to): (u32, u32)) -> Result<usize, AudioError> {
        let failed = |detail: String| AudioError::Resampler { from, to, detail };
        let channels = self.input.len() / self.sizes.0;
        let input = SequentialSlice::new(&self.input, channels, self.sizes.0)
            .map_err(|error| failed(error.to_string()))?;
        let mut output = SequentialSlice::new_mut(&mut self.output, channels, self.sizes.1)
            .map_err(|error| failed(error.to_string()))?;
        self.resampler
            .process_into_buffer(&input, &mut output, None)
            .map_err(|error| failed(error.to_string()))?;
        self.filled = 0;
        let left_out = self.delay.min(self.sizes.1);
        self.delay -= left_out;
        Ok(self.sizes.1 - left_out)
    }

    /// The last `count` samples of every channel of the new block.
    fn latest(&self, count: usize) -> impl Iterator<Item = &[f64]> {
        let size = self.sizes.1;
        self.output
            .chunks(size)
            .map(move |channel| &channel[size - count..])
    }
}
