//! The resampler of STOI: a Kaiser-windowed sinc with the lengths and cut-off of Octave's
//! `resample`, as pystoi has it.
//!
//! By the ratio `p / q` in lowest terms, the filter has `2 L + 1` taps of
//!
//! ```text
//! h[t] = sinc(2 f t) · kaiser(t / L, β),    f = 1 / (2 max(p, q)),    L = ⌈(60 − 8) / (28.714 f / 10)⌉
//! ```
//!
//! for a rejection of 60 dB, `β = 0.1102 (60 − 8.7)`, scaled so that they sum to `p`. Output sample
//! `i` is the filter centred on input position `i q / p`; there are `⌈samples · p / q⌉` of them.
//! Beyond its ends the input is zero.

use crate::signal::Sample;
use crate::simd::{dot, vectorised};

/// Rejection of the stop band.
const REJECTION_DB: f64 = 60.0;

/// Output samples worked out from one piece of the input.
const BLOCK: usize = 1 << 15;

/// A filter for one ratio of sample rates, cut into its phases.
pub(crate) struct OctaveResampler {
    up: usize,
    down: usize,
    /// `L`: taps on either side of the middle.
    half: usize,
    /// `phases[r]` holds the taps `h[r], h[r + up], …` in reverse.
    phases: Vec<Vec<f64>>,
}

impl OctaveResampler {
    /// From `from` Hz to `to` Hz, both positive.
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        let taps = filter(up, down);
        let half = taps.len() / 2;
        let phases = (0..up)
            .map(|phase| {
                let mut taps: Vec<f64> = taps[phase.min(taps.len())..]
                    .iter()
                    .copied()
                    .step_by(up)
                    .collect();
                taps.reverse();
                taps
            })
            .collect();
        Self {
            up,
            down,
            half,
            phases,
        }
    }

    /// `signal` times `gain` at the new rate. Of the input only some blocks at a time are held in
    /// `f64`.
    pub(crate) fn resample<S: Sample>(&self, signal: &[S], gain: f64) -> Vec<f64> {
        let in_f64 = |part: &[S]| -> Vec<f64> {
            let values = part.iter().map(|&value| -> f64 { value.into() });
            values.map(|value| gain * value).collect()
        };
        if self.up == self.down {
            return in_f64(signal);
        }
        let samples = (signal.len() * self.up).div_ceil(self.down);
        let mut output = Vec::with_capacity(samples);
        // the longest filter phase, and one for the division's remainder
        let reach = self.phases.iter().map(Vec::len).max().unwrap_or(0) + 1;
        for start in (0..samples).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(samples);
            let input = |index: usize| (index * self.down + self.half) / self.up;
            let first = input(start).saturating_sub(reach).min(signal.len());
            let behind = (input(block.end - 1) + 1).min(signal.len());
            let part = in_f64(&signal[first..behind]);
            vectorised(
                #[inline(always)]
                || output.extend(block.map(|index| self.sample(&part, first, behind, index))),
            );
        }
        output
    }

    /// One output sample.
    ///
    /// - `part`: the input's samples `first..behind`, all that the filter reaches
    #[inline(always)]
    fn sample(&self, part: &[f64], first: usize, behind: usize, index: usize) -> f64 {
        let position = index * self.down + self.half;
        let taps = &self.phases[position % self.up];
        // The last input under the filter, and where its first lies, in reversed taps.
        let last = position / self.up;
        let end = (last + 1).min(behind);
        let start = (last + 1).saturating_sub(taps.len());
        if start >= end {
            return 0.0;
        }
        let offset = taps.len() + start - (last + 1);
        dot(
            &part[start - first..end - first],
            &taps[offset..offset + end - start],
        )
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// The taps of the low-pass filter, which sum to `up`.
fn filter(up: usize, down: usize) -> Vec<f64> {
    let cutoff = 1.0 / (2.0 * up.max(down) as f64);
    let half = ((REJECTION_DB - 8.0) / (28.714 * (cutoff / 10.0))).ceil();
    let beta = 0.1102 * (REJECTION_DB - 8.7);
    let mut taps: Vec<f64> = (0..=2 * half as usize)
        .map(|index| {
            let t = index as f64 - half;
            let across = t / half;
            sinc(2.0 * cutoff * t) * bessel_i0(beta * (1.0 - across * across).max(0.0).sqrt())
        })
        .collect();
    let scale = up as f64 / taps.iter().sum::<f64>();
    for tap in &mut taps {
        *tap *= scale;
    }
    taps
}

/// `sin(π x) / (π x)`.
fn sinc(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    if angle == 0.0 {
        1.0
    } else {
        angle.sin() / angle
    }
}

/// The modified Bessel function `I₀(x) = Σₖ ((x/2)ᵏ / k!)²`, by its series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * f64::EPSILON {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bessel_function_has_its_tabulated_values() {
        // Abramowitz & Stegun, table 9.8: I₀(1), I₀(5).
        assert!((bessel_i0(1.0) - 1.266_065_877_752_008_4).abs() < 1e-15);
        assert!((bessel_i0(5.0) - 27.239_871_823_604_442).abs() < 1e-13);
    }

    #[test]
    fn a_tone_keeps_its_level_and_its_place() {
        for from in [8000_u32, 11_025, 16_000, 22_050, 44_100, 48_000] {
            let seconds_of = |index: usize, rate: u32| index as f64 / f64::from(rate);
            let tone = |t: f64| (2.0 * std::f64::consts::PI * 440.0 * t).sin();
            let samples = from as usize / 2;
            let signal: Vec<f64> = (0..samples).map(|n| tone(seconds_of(n, from))).collect();
            let output = OctaveResampler::new(from, 10_000).resample(&signal, 1.0);
            assert_eq!(output.len(), (samples * 10_000).div_ceil(from as usize));
            for (n, value) in output.iter().enumerate().skip(500).take(4000) {
                // Ripple of a window made for 60 dB.
                let expected = tone(seconds_of(n, 10_000));
                assert!((value - expected).abs() < 3e-3, "{from} {n}");
            }
        }
    }

    #[test]
    fn the_input_is_zero_beyond_its_ends() {
        let resampler = OctaveResampler::new(16_000, 10_000);
        let output = resampler.resample(&[1.0], 1.0);
        assert_eq!(output.len(), 1);
        let long: Vec<f64> = (0..2000).map(|n| f64::from(u8::from(n == 1000))).collect();
        let impulse = resampler.resample(&long, 1.0);
        assert_eq!(impulse.len(), 1250);
        // 1000 · 5 / 8 = 625: the middle of the filter.
        assert!((impulse[625] - output[0]).abs() < 1e-15);
    }

    #[test]
    fn blocks_join_without_a_seam() {
        // as many samples as three blocks and a bit come from, up and down
        for (from, to) in [(16_000, 10_000), (8000, 10_000), (44_100, 10_000)] {
            let resampler = OctaveResampler::new(from, to);
            let samples = (3 * BLOCK + 100) * from as usize / to as usize;
            let signal: Vec<f64> = (0..samples)
                .map(|n| ((n * n) as f64 * 1e-6).sin())
                .collect();
            let output = resampler.resample(&signal, 1.0);
            for index in [
                0,
                1,
                BLOCK - 1,
                BLOCK,
                BLOCK + 1,
                2 * BLOCK,
                output.len() - 1,
            ] {
                let whole = resampler.sample(&signal, 0, signal.len(), index);
                assert_eq!(output[index], whole, "{from} {index}");
            }
        }
    }
}
