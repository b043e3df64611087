//! Correlations of long signals at short lags, and short filters on long signals, in blocks.
//!
//! Only the `L` lags that the filters reach are needed, so the signals are cut into blocks of `B`
//! samples and every transform has `F = B + L − 1` points, small enough for the cache. Block `b` has
//! two spectra:
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

/// The spectra of all blocks of one signal, one after the other.
pub(crate) struct BlockSpectra {
    bins: usize,
    spectra: Vec<Bin>,
}

impl BlockSpectra {
    /// The spectrum of each block in turn.
    fn iter(&self) -> std::slice::ChunksExact<'_, Bin> {
        self.spectra.chunks_exact(self.bins)
    }

    /// The spectrum of one block.
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

    /// The samples of a signal that block `index` covers, empty past its end.
    pub(crate) fn range(&self, index: usize, samples: usize) -> std::ops::Range<usize> {
        let start = (index * self.body).min(samples);
        start..(start + self.body).min(samples)
    }

    /// The spectra of the bodies of `signal`.
    pub(crate) fn bodies(&mut self, signal: &[f64]) -> BlockSpectra {
        self.spectra(signal, 0, self.body)
    }

    /// The spectra of the histories of `signal`.
    pub(crate) fn histories(&mut self, signal: &[f64]) -> BlockSpectra {
        self.spectra(signal, self.taps - 1, self.fft.len())
    }

    /// The spectra of `length` samples a block, from `before` samples before its start.
    fn spectra(&mut self, signal: &[f64], before: usize, length: usize) -> BlockSpectra {
        let bins = self.fft.bins();
        let mut buffer = vec![0.0; self.fft.len()];
        let mut spectra = vec![Bin::default(); bins * self.count];
        for (index, spectrum) in spectra.chunks_exact_mut(bins).enumerate() {
            // Positions in the signal with `before` zeros put in front of it.
            let start = index * self.body;
            let lead = before.saturating_sub(start).min(length);
            let from = (start + lead - before).min(signal.len());
            let to = (start + length - before).min(signal.len()).max(from);
            buffer.fill(0.0);
            buffer[lead..lead + to - from].copy_from_slice(&signal[from..to]);
            self.fft.forward(&mut buffer, spectrum);
        }
        BlockSpectra { bins, spectra }
    }

    /// `Σₙ a[n] s[n − τ]` for `τ = 0 … taps − 1`, from the bodies of `a` and the histories of `s`.
    pub(crate) fn correlate(&mut self, a: &BlockSpectra, s: &BlockSpectra) -> Vec<f64> {
        let mut sum = vec![Bin::default(); self.fft.bins()];
        for (a, s) in a.iter().zip(s.iter()) {
            conjugate_multiply_add(&mut sum, a, s);
        }
        let mut lags = vec![0.0; self.fft.len()];
        self.fft.inverse(&mut sum, &mut lags);
        lags.truncate(self.taps);
        lags.reverse();
        lags
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

    /// A signal that repeats nothing: a quadratic phase.
    fn chirp(samples: usize, rate: f64) -> Vec<f64> {
        (0..samples)
            .map(|n| (rate * (n * n) as f64).sin() + 0.1 * (n % 7) as f64)
            .collect()
    }

    #[test]
    fn correlations_equal_the_sums_they_stand_for() {
        for (samples, taps) in [(5000, 1), (700, 512), (9000, 512), (64, 30), (3000, 7)] {
            let (a, s) = (chirp(samples, 1e-3), chirp(samples, 3e-3));
            let mut blocks = Blocks::new(samples, taps);
            let (bodies, histories) = (blocks.bodies(&a), blocks.histories(&s));
            let lags = blocks.correlate(&bodies, &histories);
            assert_eq!(lags.len(), taps);
            for (lag, value) in lags.iter().enumerate() {
                let naive: f64 = (lag..samples).map(|n| a[n] * s[n - lag]).sum();
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
            let histories = blocks.histories(&signal);
            let response = blocks.filter(filter.iter().copied());
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
                    .map(|k| filter[k] * signal[n - k])
                    .sum();
                // Rounding of a sum of `taps` products near 1.
                let tolerance = 1e-13 * (taps as f64 + 10.0);
                assert!((value - naive).abs() < tolerance, "{samples} {taps} {n}");
            }
        }
    }
}
