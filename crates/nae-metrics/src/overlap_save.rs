//! Correlations of long signals at short lags, and short filters on long signals, in blocks.
//!
//! Only the `L` lags that the filters reach are needed, so the signals are cut into blocks of `B`
//! samples and every transform has `F = B + L − 1` points, small enough for the cache. Block `b` has
//! two spectra, of which only the second is kept:
//!
//! - its *body*, the samples `bB … bB + B − 1` followed by zeros;
//! - its *history*, the samples `bB − (L − 1) … bB + B − 1`.
//!
//! With `A` the bodies of `a` and `H` the histories of `s`,
//!
//! ```text
//! Σₙ a[n] s[n − τ]     = IDFT(Σ_b conj(A_b) · H_b)[L − 1 − τ]      0 ≤ τ < L
//! Σₖ x[k] s[bB + t − k] = IDFT(X · H_b)[L − 1 + t]                  0 ≤ t < B
//! ```
//!
//! Neither wraps around: both indices stay inside the `F` points. The sums over blocks are taken
//! before the only inverse transform.

use crate::fft::{Bin, RealFft, conjugate_multiply_add};
use crate::signal::Sample;

/// The fewest points of a transform: below it the calls cost more than the arithmetic.
const MIN_POINTS: usize = 1024;

/// How signals of one length are cut for lags `0 … taps − 1`.
#[derive(Clone)]
pub(crate) struct Blocks {
    /// The transform of one block.
    pub(crate) fft: RealFft,
    taps: usize,
    body: usize,
    count: usize,
}

/// The spectra of the histories of all blocks of one signal, one after the other.
pub(crate) struct Histories {
    bins: usize,
    spectra: Vec<Bin>,
}

impl Histories {
    /// The spectrum of one history.
    pub(crate) fn block(&self, index: usize) -> &[Bin] {
        &self.spectra[index * self.bins..(index + 1) * self.bins]
    }
}

impl Blocks {
    /// Cuts signals of `samples` samples; one to whole filter outputs of `samples + taps − 1`.
    pub(crate) fn new(samples: usize, taps: usize) -> Self {
        let whole = (samples + 2 * (taps - 1)).next_power_of_two();
        let points = whole.min((8 * taps).next_power_of_two()).max(MIN_POINTS);
        let body = points - (taps - 1);
        Self {
            fft: RealFft::new(points),
            taps,
            body,
            count: (samples + taps - 1).div_ceil(body),
        }
    }

    /// How many blocks there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Samples of each block.
    pub(crate) fn body(&self) -> usize {
        self.body
    }

    /// Copies `signal` from the start of block `index`, and `before` samples earlier, into `buffer`:
    /// zeros before its start, after its end and past the block.
    pub(crate) fn copy<S: Sample>(
        &self,
        signal: &[S],
        index: usize,
        before: usize,
        buffer: &mut [f64],
    ) {
        let start = index * self.body;
        let lead = before.saturating_sub(start);
        let from = (start + lead - before).min(signal.len());
        let to = (start + self.body).min(signal.len());
        let (leading, rest) = buffer.split_at_mut(lead);
        let (sounding, trailing) = rest.split_at_mut(to - from);
        leading.fill(0.0);
        for (slot, value) in sounding.iter_mut().zip(&signal[from..to]) {
            *slot = (*value).into();
        }
        trailing.fill(0.0);
    }

    /// The spectra of the histories of `signal` times `scale`.
    pub(crate) fn histories<S: Sample>(&mut self, signal: &[S], scale: f64) -> Histories {
        let bins = self.fft.bins();
        let mut buffer = vec![0.0; self.fft.len()];
        let mut spectra = vec![Bin::default(); bins * self.count];
        for (index, spectrum) in spectra.chunks_exact_mut(bins).enumerate() {
            self.copy(signal, index, self.taps - 1, &mut buffer);
            for value in &mut buffer {
                *value *= scale;
            }
            self.fft.forward(&mut buffer, spectrum);
        }
        Histories { bins, spectra }
    }

    /// `Σₙ a[n] s[n − τ]` for `τ = 0 … taps − 1`, for each `s` in turn.
    pub(crate) fn correlate<S: Sample>(&mut self, a: &[S], signals: &[Histories]) -> Vec<Vec<f64>> {
        let bins = self.fft.bins();
        let mut sums = vec![vec![Bin::default(); bins]; signals.len()];
        let mut buffer = vec![0.0; self.fft.len()];
        let mut body = vec![Bin::default(); bins];
        for index in 0..self.count {
            self.copy(a, index, 0, &mut buffer);
            self.fft.forward(&mut buffer, &mut body);
            for (sum, histories) in sums.iter_mut().zip(signals) {
                conjugate_multiply_add(sum, &body, histories.block(index));
            }
        }
        sums.iter_mut()
            .map(|sum| {
                self.fft.inverse(sum, &mut buffer);
                buffer[..self.taps].iter().rev().copied().collect()
            })
            .collect()
    }

    /// The spectrum of a filter of at most `taps` taps, to be multiplied with histories.
    pub(crate) fn filter(&mut self, taps: impl Iterator<Item = f64>) -> Vec<Bin> {
        let mut buffer = vec![0.0; self.fft.len()];
        for (slot, tap) in buffer.iter_mut().zip(taps) {
            *slot = tap;
        }
        let mut spectrum = vec![Bin::default(); self.fft.bins()];
        self.fft.forward(&mut buffer, &mut spectrum);
        spectrum
    }

    /// Turns the spectrum of one filtered block into its samples, which are returned.
    pub(crate) fn output<'a>(&mut self, spectrum: &mut [Bin], buffer: &'a mut [f64]) -> &'a [f64] {
        self.fft.inverse(spectrum, buffer);
        &buffer[self.taps - 1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fft::multiply_add;
    use nae_testing::tones;

    /// A signal that repeats nothing: a quadratic phase.
    fn chirp(samples: usize, rate: f64) -> Vec<f32> {
        tones::chirp(samples, rate)
            .enumerate()
            .map(|(n, sample)| (sample + 0.1 * (n % 7) as f64) as f32)
            .collect()
    }

    /// What the blocks are given a scale for, and the sums are not.
    const SCALE: f64 = 0.5;

    fn product(a: f32, b: f32) -> f64 {
        SCALE * f64::from(a) * f64::from(b)
    }

    #[test]
    fn correlations_equal_the_sums_they_stand_for() {
        for (samples, taps) in [(5000, 1), (700, 512), (9000, 512), (64, 30), (3000, 7)] {
            let (a, s) = (chirp(samples, 1e-3), chirp(samples, 3e-3));
            let mut blocks = Blocks::new(samples, taps);
            let histories = blocks.histories(&s, SCALE);
            let lags = blocks.correlate(&a, &[histories]);
            assert_eq!(lags[0].len(), taps);
            for (lag, value) in lags[0].iter().enumerate() {
                let naive: f64 = (lag..samples).map(|n| product(a[n], s[n - lag])).sum();
                // Rounding of a sum of `samples` products near 1.
                let tolerance = 1e-14 * samples as f64;
                assert!((value - naive).abs() < tolerance, "{samples} {taps} {lag}");
            }
        }
    }

    #[test]
    fn filtering_equals_convolution_including_its_tail() {
        for (samples, taps) in [(5000, 1), (700, 512), (9000, 512), (64, 30), (3000, 7)] {
            let (signal, filter) = (chirp(samples, 1e-3), chirp(taps, 7e-3));
            let mut blocks = Blocks::new(samples, taps);
            let histories = blocks.histories(&signal, SCALE);
            let response = blocks.filter(filter.iter().map(|&tap| f64::from(tap)));
            let mut buffer = vec![0.0; blocks.fft.len()];
            let mut output = Vec::new();
            for index in 0..blocks.count() {
                let mut product = vec![Bin::default(); blocks.fft.bins()];
                multiply_add(&mut product, &response, histories.block(index));
                output.extend_from_slice(blocks.output(&mut product, &mut buffer));
            }
            assert!(output.len() >= samples + taps - 1);
            for (n, value) in output.iter().enumerate() {
                let naive: f64 = (0..taps)
                    .filter(|&k| k <= n && n - k < samples)
                    .map(|k| product(filter[k], signal[n - k]))
                    .sum();
                // Rounding of a sum of `taps` products near 1.
                let tolerance = 1e-13 * (taps as f64 + 10.0);
                assert!((value - naive).abs() < tolerance, "{samples} {taps} {n}");
            }
        }
    }
}
