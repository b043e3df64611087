//! Correlations of long signals at short lags, and short filters on long signals, in blocks.
//!
//! Only the `L` lags that the filters reach are needed, so the signals are cut into blocks of `B`
//! samples and every transform has `F = B + L − 1` points, small enough for the cache. Block `b` has
//! two spectra:
//!
//! - its *body*, the samples `bB … bB + B − 1` followed by zeros;
//! - its *history*, the samples `bB − (L − 1) … bB + B − 1`.
//!
//! The histories of a signal are kept as far as they fit [`KEPT_BYTES`], and those of further blocks
//! are made again whenever they are needed: the same numbers, in memory that does not grow.
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

/// What the kept histories of one set of signals take at most. A minute of two sources at 16 kHz fits.
const KEPT_BYTES: usize = 32 << 20;

/// How signals of one length are cut for lags `0 … taps − 1`.
#[derive(Clone)]
pub(crate) struct Blocks {
    /// The transform of one block.
    pub(crate) fft: RealFft,
    taps: usize,
    body: usize,
    count: usize,
}

/// The spectra of the histories of one signal's blocks.
pub(crate) struct Histories<'a, S> {
    signal: &'a [S],
    scale: f64,
    bins: usize,
    /// Of the first blocks, one after the other.
    kept: Vec<Bin>,
}

/// Room for one history that is not kept.
#[derive(Clone)]
pub(crate) struct HistoryBuffer {
    samples: Vec<f64>,
    spectrum: Vec<Bin>,
}

impl<S: Sample> Histories<'_, S> {
    /// The spectrum of one history, made in `buffer` if it is not kept.
    pub(crate) fn block<'b>(
        &'b self,
        blocks: &mut Blocks,
        index: usize,
        buffer: &'b mut HistoryBuffer,
    ) -> &'b [Bin] {
        let start = index * self.bins;
        if let Some(kept) = self.kept.get(start..start + self.bins) {
            return kept;
        }
        let HistoryBuffer { samples, spectrum } = buffer;
        blocks.history(self.signal, self.scale, index, samples, spectrum);
        spectrum
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

    /// The histories of `signal` times `scale`.
    ///
    /// - `signals`: how many signals share the memory for kept histories
    pub(crate) fn histories<'a, S: Sample>(
        &mut self,
        signal: &'a [S],
        scale: f64,
        signals: usize,
    ) -> Histories<'a, S> {
        let bins = self.fft.bins();
        let room = KEPT_BYTES / signals / (bins * size_of::<Bin>());
        let mut samples = vec![0.0; self.fft.len()];
        let mut kept = vec![Bin::default(); bins * self.count.min(room)];
        for (index, spectrum) in kept.chunks_exact_mut(bins).enumerate() {
            self.history(signal, scale, index, &mut samples, spectrum);
        }
        Histories {
            signal,
            scale,
            bins,
            kept,
        }
    }

    /// Room for one history.
    pub(crate) fn history_buffer(&self) -> HistoryBuffer {
        HistoryBuffer {
            samples: vec![0.0; self.fft.len()],
            spectrum: vec![Bin::default(); self.fft.bins()],
        }
    }

    /// The spectrum of the history of one block of `signal` times `scale`.
    fn history<S: Sample>(
        &mut self,
        signal: &[S],
        scale: f64,
        index: usize,
        samples: &mut [f64],
        spectrum: &mut [Bin],
    ) {
        self.copy(signal, index, self.taps - 1, samples);
        for value in &mut *samples {
            *value *= scale;
        }
        self.fft.forward(samples, spectrum);
    }

    /// `Σₙ a[n] s[n − τ]` for `τ = 0 … taps − 1`, for each `a` and each `s` in turn.
    pub(crate) fn correlate<S: Sample>(
        &mut self,
        signals: &[&[S]],
        histories: &[Histories<'_, S>],
    ) -> Vec<Vec<Vec<f64>>> {
        let bins = self.fft.bins();
        let zeros = vec![vec![Bin::default(); bins]; histories.len()];
        let mut sums = vec![zeros; signals.len()];
        let mut buffer = vec![0.0; self.fft.len()];
        let mut bodies = vec![vec![Bin::default(); bins]; signals.len()];
        let mut history_buffer = self.history_buffer();
        for index in 0..self.count {
            for (signal, body) in signals.iter().zip(&mut bodies) {
                self.copy(signal, index, 0, &mut buffer);
                self.fft.forward(&mut buffer, body);
            }
            for (i, histories) in histories.iter().enumerate() {
                let history = histories.block(self, index, &mut history_buffer);
                for (sums, body) in sums.iter_mut().zip(&bodies) {
                    conjugate_multiply_add(&mut sums[i], body, history);
                }
            }
        }
        let mut lags = |sum: &mut Vec<Bin>| {
            self.fft.inverse(sum, &mut buffer);
            buffer[..self.taps].iter().rev().copied().collect()
        };
        let all = sums.iter_mut();
        all.map(|sums| sums.iter_mut().map(&mut lags).collect())
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
            let histories = blocks.histories(&s, SCALE, 1);
            let lags = blocks.correlate(&[&a], &[histories]);
            let lags = &lags[0][0];
            assert_eq!(lags.len(), taps);
            for (lag, value) in lags.iter().enumerate() {
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
            let histories = blocks.histories(&signal, SCALE, 1);
            let mut history_buffer = blocks.history_buffer();
            let response = blocks.filter(filter.iter().map(|&tap| f64::from(tap)));
            let mut buffer = vec![0.0; blocks.fft.len()];
            let mut output = Vec::new();
            for index in 0..blocks.count() {
                let mut product = vec![Bin::default(); blocks.fft.bins()];
                let history = histories.block(&mut blocks, index, &mut history_buffer);
                multiply_add(&mut product, &response, history);
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

    #[test]
    fn histories_that_are_not_kept_are_made_again_the_same() {
        let signal = chirp(9000, 1e-3);
        let mut blocks = Blocks::new(signal.len(), 512);
        let all = blocks.histories(&signal, SCALE, 1);
        // memory for so many signals that none is kept
        let none = blocks.histories(&signal, SCALE, usize::MAX);
        assert!(none.kept.is_empty());
        let (mut first, mut second) = (blocks.history_buffer(), blocks.history_buffer());
        for index in 0..blocks.count() {
            let kept = all.block(&mut blocks, index, &mut first);
            assert_eq!(kept, none.block(&mut blocks, index, &mut second));
        }
        assert_eq!(
            blocks.correlate(&[&signal], &[all]),
            blocks.correlate(&[&signal], &[none])
        );
    }
}
