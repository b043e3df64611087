//! Samples as their frames come.

use realfft::num_complex::{Complex32, Complex64};

use crate::{AudioError, Stft, StftConfig};

/// Puts frames of one or several channels together, a hop of samples with every frame: those of
/// [`Stft::synthesize`], bit by bit.
pub struct StreamSynthesis {
    stft: Stft,
    /// Overlap-added frames of every channel, `n_fft` each, from the next sample on.
    sums: Vec<Vec<f64>>,
    /// Frames that are still to come before the first sample.
    frames_before: usize,
    input: Vec<Complex64>,
    output: Vec<f64>,
    scratch: Vec<Complex64>,
    /// The latest samples of every channel.
    finished: Vec<Vec<f32>>,
}

impl StreamSynthesis {
    /// Plans the inverse transform for some channels.
    ///
    /// # Errors
    /// As [`StftConfig::validate`].
    pub fn new(config: StftConfig, channels: usize) -> Result<Self, AudioError> {
        let stft = Stft::new(config)?;
        Ok(Self {
            sums: vec![vec![0.0; config.n_fft]; channels],
            frames_before: config.frames_before(),
            input: stft.inverse.make_input_vec(),
            output: stft.inverse.make_output_vec(),
            scratch: stft.inverse.make_scratch_vec(),
            finished: vec![Vec::with_capacity(config.hop); channels],
            stft,
        })
    }

    /// Adds a frame and gives the samples that no later frame changes: `hop` of every channel, and none
    /// for the frames before the first sample.
    ///
    /// # Shapes
    /// - `frame`: `channels·bins` values, a channel's bins together
    ///
    /// # Errors
    /// [`AudioError::Shape`] for another number of values.
    pub fn push(&mut self, frame: &[Complex32]) -> Result<&[Vec<f32>], AudioError> {
        let StftConfig { n_fft, hop } = self.stft.config();
        let bins = self.stft.config().bins();
        if frame.len() != bins * self.sums.len() {
            return Err(AudioError::Shape {
                what: "frame to put together",
                expected: format!("{} channels of {bins} bins", self.sums.len()),
                found: format!("{} values", frame.len()),
            });
        }
        let scale = 1.0 / n_fft as f64;
        let is_before = self.frames_before > 0;
        self.frames_before -= usize::from(is_before);
        let channels = self.sums.iter_mut().zip(&mut self.finished);
        for ((sum, finished), frame) in channels.zip(frame.chunks_exact(bins)) {
            for (z, x) in self.input.iter_mut().zip(frame) {
                *z = Complex64::new(f64::from(x.re), f64::from(x.im));
            }
            self.stft.drop_impossible_parts(&mut self.input);
            let (input, output) = (&mut self.input, &mut self.output);
            self.stft
                .inverse
                .process_with_scratch(input, output, &mut self.scratch)
                .map_err(|error| self.stft.failed(error))?;
            let windowed = self.stft.window.iter().zip(output.iter());
            for (sum, (w, y)) in sum.iter_mut().zip(windowed) {
                *sum += w * y;
            }
            finished.clear();
            if !is_before {
                let covered = sum.iter().zip(&self.stft.cover);
                finished.extend(covered.map(|(y, c)| (y * scale / c) as f32));
            }
            sum.copy_within(hop.., 0);
            sum[n_fft - hop..].fill(0.0);
        }
        Ok(&self.finished)
    }

    /// Forgets all frames: the next one is the first of another sound.
    pub fn reset(&mut self) {
        self.sums.iter_mut().for_each(|sum| sum.fill(0.0));
        self.frames_before = self.stft.config().frames_before();
    }
}
