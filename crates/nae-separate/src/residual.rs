//! The residual of a separation: the mixture minus the sum of the stems.
//!
//! A mixture at another rate than the models' is separated at the models' rate. What that rate cannot
//! represent (frequencies above its Nyquist frequency, and the resampler's own small error) would be
//! lost, and the stems would no longer sum to the mixture. [`redistribute_residual`] adds it back to
//! the stems, frame by frame in proportion to their energies in the models' upper half band, the
//! modelled frequencies nearest to it.

use nae_audio::{Magnitude, Spectrogram};

/// Energies of a mixture and of the residual its stems leave.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ResidualLevel {
    /// Energy of the mixture, `Σx²`.
    pub mixture_energy: f64,
    /// Energy of the residual, the mixture minus the sum of all stems.
    pub residual_energy: f64,
}

impl ResidualLevel {
    /// Adds one channel's samples.
    pub fn add(&mut self, mixture: &[f32], stems: &[&[f32]]) {
        for (n, &x) in mixture.iter().enumerate() {
            let x = f64::from(x);
            let sum: f64 = stems.iter().map(|stem| f64::from(stem[n])).sum();
            self.mixture_energy += x * x;
            self.residual_energy += (x - sum) * (x - sum);
        }
    }

    /// Level of the residual relative to the mixture, in dB; −∞ for no residual.
    pub fn db(&self) -> f64 {
        if self.residual_energy == 0.0 {
            f64::NEG_INFINITY
        } else {
            10.0 * (self.residual_energy / self.mixture_energy).log10()
        }
    }
}

/// Every source's share of a frame's residual, `[sources][frames]`; a frame's shares sum to one.
///
/// - `mixture`: complex spectra at the models' rate
/// - `masks`: one for every source
pub fn residual_shares(mixture: &Spectrogram, masks: &[Magnitude]) -> Vec<Vec<f64>> {
    let (bins, frames) = (mixture.bins(), mixture.frames());
    let mut shares = vec![vec![0.0; frames]; masks.len()];
    for t in 0..frames {
        let x = mixture.frame(t);
        let energies: Vec<f64> = masks
            .iter()
            .map(|mask| {
                let bands = bins / 2..bins;
                bands
                    .map(|f| f64::from(mask.frame(t)[f] * mask.frame(t)[f] * x[f].norm_sqr()))
                    .sum()
            })
            .collect();
        let total: f64 = energies.iter().sum();
        for (share, energy) in shares.iter_mut().zip(&energies) {
            share[t] = if total > 0.0 {
                energy / total
            } else {
                1.0 / masks.len() as f64
            };
        }
    }
    shares
}

/// Adds to each stem its share of the residual, after which the stems sum to the mixture.
///
/// - `mixture`, `stems`: samples of one channel at `sample_rate` Hz
/// - `shares`: as from [`residual_shares`]; between frames they are interpolated linearly, and without
///   frames all stems get the same
/// - `hop_s`: distance of two frames in seconds; frame t is centred at `t·hop_s`
pub fn redistribute_residual(
    mixture: &[f32],
    stems: &mut [Vec<f32>],
    shares: &[Vec<f64>],
    sample_rate: u32,
    hop_s: f64,
) {
    let frames = shares.first().map_or(0, Vec::len);
    if frames == 0 {
        // too short to be anything at the models' rate
        let count = stems.len() as f64;
        for (n, &x) in mixture.iter().enumerate() {
            let sum: f64 = stems.iter().map(|stem| f64::from(stem[n])).sum();
            let residual = f64::from(x) - sum;
            for stem in &mut *stems {
                stem[n] += (residual / count) as f32;
            }
        }
        return;
    }
    for (n, &x) in mixture.iter().enumerate() {
        let sum: f64 = stems.iter().map(|stem| f64::from(stem[n])).sum();
        let residual = f64::from(x) - sum;
        let position = (n as f64 / f64::from(sample_rate) / hop_s).min((frames - 1) as f64);
        let (left, weight) = (position as usize, position.fract());
        let right = (left + 1).min(frames - 1);
        for (stem, share) in stems.iter_mut().zip(shares) {
            stem[n] += (residual * (share[left] * (1.0 - weight) + share[right] * weight)) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_sum_to_the_mixture_once_the_residual_is_redistributed() {
        let mixture: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.37).sin()).collect();
        let mut stems = vec![vec![0.1; 1000], vec![-0.3; 1000]];
        let shares = vec![vec![0.25, 1.0, 0.0], vec![0.75, 0.0, 1.0]];
        redistribute_residual(&mixture, &mut stems, &shares, 1000, 0.4);
        for n in 0..1000 {
            // one f32 rounding for each stem
            assert!((stems[0][n] + stems[1][n] - mixture[n]).abs() < 3e-7);
        }
    }
}
