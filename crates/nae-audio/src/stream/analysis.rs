//! Frames as their samples come.

use realfft::num_complex::{Complex32, Complex64};

use crate::{AudioError, Stft, StftConfig};

/// The frames of one or several channels, made as soon as their last sample comes: those of
/// [`Stft::analyze`], bit by bit.
pub struct StreamAnalysis {
    stft: Stft,
    /// Samples of every channel from the next frame's first one on, `n_fft` at most.
    windows: Vec<Vec<f32>>,
    /// Samples in each of them.
    filled: usize,
    /// Samples of every channel since the start.
    received: u64,
    /// Frames since the start.
    frames: u64,
    input: Vec<f64>,
    output: Vec<Complex64>,
    scratch: Vec<Complex64>,
    /// The latest frame, all channels' bins one after the other.
    frame: Vec<Complex32>,
}

impl StreamAnalysis {
    /// Plans the transform for some channels.
    ///
    /// # Errors
    /// As [`StftConfig::validate`].
    pub fn new(config: StftConfig, channels: usize) -> Result<Self, AudioError> {
        let stft = Stft::new(config)?;
        Ok(Self {
            windows: vec![vec![0.0; config.n_fft]; channels],
            filled: config.frames_before() * config.hop,
            received: 0,
            frames: 0,
            input: stft.forward.make_input_vec(),
            output: stft.forward.make_output_vec(),
            scratch: stft.forward.make_scratch_vec(),
            frame: vec![Complex32::default(); channels * config.bins()],
            stft,
        })
    }

    /// Takes samples, any number of them, and calls `visit` with every frame that they complete.
    ///
    /// # Shapes
    /// - `channels`: samples of every channel, all of one length and finite
    /// - `visit` gets a frame of `channels·bins` values, a channel's bins together
    ///
    /// # Errors
    /// [`AudioError::BlockShape`] for another number of channels or unequal lengths; those of `visit`.
    pub fn push<E: From<AudioError>>(
        &mut self,
        channels: &[impl AsRef<[f32]>],
        visit: &mut impl FnMut(&[Complex32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let samples = super::common_length(channels, self.windows.len())?;
        let n_fft = self.stft.config().n_fft;
        let mut taken = 0;
        while taken < samples {
            let more = (n_fft - self.filled).min(samples - taken);
            for (window, channel) in self.windows.iter_mut().zip(channels) {
                let from = &channel.as_ref()[taken..taken + more];
                window[self.filled..self.filled + more].copy_from_slice(from);
            }
            taken += more;
            self.received += more as u64;
            self.filled += more;
            if self.filled == n_fft {
                self.transform()?;
                visit(&self.frame)?;
            }
        }
        Ok(())
    }

    /// Ends the sound: calls `visit` with the frames that reach beyond its end. Then the stream is as
    /// it was when it was made.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn flush<E: From<AudioError>>(
        &mut self,
        visit: &mut impl FnMut(&[Complex32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let StftConfig { n_fft, hop } = self.stft.config();
        let frames = match self.received {
            0 => 0,
            samples => self.stft.config().frames_before() as u64 + samples.div_ceil(hop as u64),
        };
        while self.frames < frames {
            for window in &mut self.windows {
                window[self.filled..n_fft].fill(0.0);
            }
            self.transform()?;
            visit(&self.frame)?;
        }
        self.windows.iter_mut().for_each(|window| window.fill(0.0));
        self.filled = self.stft.config().frames_before() * hop;
        (self.received, self.frames) = (0, 0);
        Ok(())
    }

    /// Transforms the windows, which are full, and moves them on by a hop.
    fn transform(&mut self) -> Result<(), AudioError> {
        let StftConfig { n_fft, hop } = self.stft.config();
        let bins = self.stft.config().bins();
        for (window, frame) in self.windows.iter_mut().zip(self.frame.chunks_mut(bins)) {
            let weighted = self.stft.window.iter().zip(window.iter());
            for (input, (w, x)) in self.input.iter_mut().zip(weighted) {
                *input = w * f64::from(*x);
            }
            let (input, output) = (&mut self.input, &mut self.output);
            self.stft
                .forward
                .process_with_scratch(input, output, &mut self.scratch)
                .map_err(|error| self.stft.failed(error))?;
            for (z, wide) in frame.iter_mut().zip(output.iter()) {
                *z = Complex32::new(wide.re as f32, wide.im as f32);
            }
            window.copy_within(hop.., 0);
        }
        self.filled = n_fft - hop;
        self.frames += 1;
        Ok(())
    }
}
