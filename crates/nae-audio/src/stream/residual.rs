//! What a change of rate loses, frame by frame: who gets it.
//!
//! Above the Nyquist frequency of the lower rate nothing is known of the sources. That part of the
//! mixture goes to the stems frame by frame, in proportion to their energies in the upper half of the
//! band that is known.

use realfft::num_complex::Complex32;

/// Every stem's shares of the latest frames, between which they are interpolated.
#[derive(Debug)]
pub struct ResidualShares {
    sources: usize,
    /// `capacity` frames of `sources` shares each; frame `t` lies at `t mod capacity`.
    shares: Vec<f64>,
    capacity: u64,
    /// Frames since the start.
    frames: u64,
    /// From one sample of the mixture to the next, in frames.
    step: f64,
    /// Where sample 0 lies, in frames: frames are counted from the first, at their middles.
    first: f64,
}

impl ResidualShares {
    /// - `capacity`: frames that are remembered
    /// - `step`, `first`: distance of two samples of the mixture, and place of the first one, in frames
    pub fn new(sources: usize, capacity: usize, step: f64, first: f64) -> Self {
        let capacity = capacity.max(2);
        Self {
            sources,
            shares: vec![0.0; capacity * sources],
            capacity: capacity as u64,
            frames: 0,
            step,
            first,
        }
    }

    /// Adds a frame.
    ///
    /// # Shapes
    /// - `spectra`: `channels·bins`; `masks`: `sources·bins`
    pub fn push(&mut self, spectra: &[Complex32], masks: &[f32], bins: usize) {
        let at = (self.frames % self.capacity) as usize * self.sources;
        let shares = &mut self.shares[at..at + self.sources];
        for (share, mask) in shares.iter_mut().zip(masks.chunks_exact(bins)) {
            let of_channel = |x: &[Complex32]| -> f64 {
                let pairs = x.iter().zip(mask).skip(bins / 2);
                pairs.map(|(z, m)| f64::from(m * m * z.norm_sqr())).sum()
            };
            *share = spectra.chunks_exact(bins).map(of_channel).sum();
        }
        let total: f64 = shares.iter().sum();
        let equal = 1.0 / self.sources as f64;
        for share in shares {
            *share = if total > 0.0 { *share / total } else { equal };
        }
        self.frames += 1;
    }

    /// The share of a source at a sample of the mixture.
    pub fn at(&self, sample: u64, source: usize) -> f64 {
        let Some(last) = self.frames.checked_sub(1) else {
            return 1.0 / self.sources as f64;
        };
        let oldest = self.frames.saturating_sub(self.capacity);
        let position = self.first + sample as f64 * self.step;
        let position = position.clamp(oldest as f64, last as f64);
        let (left, weight) = (position as u64, position.fract());
        let share = |frame: u64| {
            let frame = frame.min(last);
            self.shares[(frame % self.capacity) as usize * self.sources + source]
        };
        share(left) * (1.0 - weight) + share(left + 1) * weight
    }
}
