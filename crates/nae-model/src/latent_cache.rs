//! The latent cache: activations and residual codes of the training clips, kept in the model file.
//!
//! A decoder models which spectra a source can have, not which it has and in what order. Training a
//! joint encoder later, without any audio, needs examples of every source: the activations for
//! which the frozen decoder approximates its training clips, frame by frame, silence included, at
//! 16 bits; and, because a decoder of limited rank cannot represent every detail of a spectrum, a
//! residual code of two bits for every magnitude, which gives its ratio to the decoded one. At rank
//! 100 and 513 bins a second takes 12.5 kB and 8 kB.
//!
//! Decoded magnitudes alone are 6.5 to 9 dB above their errors, with these bits 14 to 15 dB. Joint
//! encoders trained on decoded magnitudes alone lost 0.5 dB against the clips, with the bits 0.06 dB
//! (`scripts/bench/joint.py`, all pairs). Measured on the pair that lost most, a third bit adds
//! almost nothing (0.06 dB), and random residuals instead of the true ones make the results worse.

use burn::tensor::f16;

/// Frames that a latent cache holds at most (40 s at the default hop); later clips are left out.
pub const MAX_FRAMES: usize = 2500;

/// What decoded magnitudes are multiplied by, one for each range of observed/decoded between
/// [`BOUNDS`]: the square root of that ratio spreads by a third around 1 in every voice and band,
/// and these are the squares of Max's levels for it (*Quantizing for minimum distortion*, IRE
/// Trans. Inf. Theory 1960).
const FACTORS: [f32; 4] = [0.25, 0.72, 1.32, 2.25];
const BOUNDS: [f32; 3] = [0.46, 1.0, 1.74];

/// Activations of the training clips, clip after clip, and residual codes for what the decoder
/// leaves out.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentCache {
    rank: usize,
    /// Frames of every clip.
    clips: Vec<usize>,
    /// `[rank, frames]`, row-major, frames of all clips one after the other.
    values: Vec<f16>,
    /// Places in [`FACTORS`], `[bins, frames]`, row-major, four to a byte, the first in its lowest
    /// bits; empty in files of earlier versions.
    residual_codes: Vec<u8>,
}

impl LatentCache {
    /// Rounds activations to 16 bits.
    ///
    /// - `clips`: frames of every clip, which add up to all frames
    /// - `values`: `[rank, frames]`, row-major, non-negative
    ///
    /// `None` if the numbers do not fit together.
    pub fn new(rank: usize, clips: Vec<usize>, values: &[f32]) -> Option<Self> {
        let values = values.iter().map(|&x| f16::from_f32(x)).collect();
        Self::from_parts(rank, clips, values)
    }

    /// The same with residual codes: how far the clips' magnitudes lie from the decoded ones.
    ///
    /// - `decoded`, `observed`: `[bins, frames]`, row-major, non-negative, on one scale
    pub fn with_residual_codes(self, decoded: &[f32], observed: &[f32]) -> Self {
        let place = |(decoded, observed): (&f32, &f32)| {
            let is_above = |bound: &&f32| *observed > *bound * decoded;
            BOUNDS.iter().filter(is_above).count() as u8
        };
        let places: Vec<u8> = decoded.iter().zip(observed).map(place).collect();
        let packed = |four: &[u8]| four.iter().rev().fold(0, |byte, place| byte << 2 | place);
        self.with_packed(places.chunks(4).map(packed).collect())
    }

    /// The same from residual codes that are packed already.
    pub(crate) fn with_packed(self, residual_codes: Vec<u8>) -> Self {
        Self {
            residual_codes,
            ..self
        }
    }

    /// The same as [`LatentCache::new`] from values that are 16 bits wide already.
    pub(crate) fn from_parts(rank: usize, clips: Vec<usize>, values: Vec<f16>) -> Option<Self> {
        let frames = clips
            .iter()
            .try_fold(0usize, |sum, &n| sum.checked_add(n))?;
        let fits = rank > 0 && frames.checked_mul(rank) == Some(values.len());
        let is_sound = values.iter().all(|x| x.is_finite() && x.to_f32() >= 0.0);
        (fits && is_sound).then_some(Self {
            rank,
            clips,
            values,
            residual_codes: Vec::new(),
        })
    }

    /// Activations a frame has.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Frames of every clip.
    pub fn clips(&self) -> &[usize] {
        &self.clips
    }

    /// Frames of all clips.
    pub fn frames(&self) -> usize {
        self.values.len() / self.rank
    }

    /// Activations of all clips, `[rank, frames]`, row-major.
    pub fn values(&self) -> Vec<f32> {
        self.values.iter().map(|x| x.to_f32()).collect()
    }

    /// What brings decoded magnitudes nearer to the clips', `[bins, frames]`, row-major; 1 everywhere
    /// without residual codes.
    ///
    /// - `bins`: as many as the decoder gives
    pub fn residual_factors(&self, bins: usize) -> Vec<f32> {
        let places = self.residual_codes.iter();
        let places =
            places.flat_map(|byte| [0, 2, 4, 6].map(|shift| usize::from(byte >> shift & 3)));
        let known = places.map(|place| FACTORS[place]);
        known
            .chain(std::iter::repeat(1.0))
            .take(bins * self.frames())
            .collect()
    }

    /// Activations as little-endian bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    /// Packed residual codes, if there are any.
    pub(crate) fn residual_codes(&self) -> Option<&[u8]> {
        (!self.residual_codes.is_empty()).then_some(&self.residual_codes[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_come_back_to_a_thousandth() {
        let values = [0.0, 1e-4, 0.37, 1.0, 12.3, 900.0];
        let memory = LatentCache::new(2, vec![1, 2], &values).unwrap();
        assert_eq!((memory.rank(), memory.frames()), (2, 3));
        for (came, expected) in memory.values().iter().zip(values) {
            // 11 bits of mantissa
            assert!(
                (came - expected).abs() <= 5e-4 * expected,
                "{came} {expected}"
            );
        }
    }

    #[test]
    fn residual_codes_bring_decoded_magnitudes_nearer_to_the_clip_s() {
        let memory = LatentCache::new(1, vec![3], &[1.0; 3]).unwrap();
        assert_eq!(memory.residual_factors(2), [1.0; 6]);
        let decoded = [1.0, 2.0, 3.0, 4.0, 0.5, 0.0];
        let observed = [0.1, 1.5, 3.3, 40.0, 0.4, 0.0];
        let factors = memory
            .with_residual_codes(&decoded, &observed)
            .residual_factors(2);
        assert_eq!(factors, [0.25, 0.72, 1.32, 2.25, 0.72, 0.25]);
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        assert!(LatentCache::new(2, vec![2], &[1.0; 3]).is_none());
        assert!(LatentCache::new(0, vec![], &[]).is_none());
        assert!(LatentCache::new(1, vec![1], &[-1.0]).is_none());
        // beyond what 16 bits hold
        assert!(LatentCache::new(1, vec![1], &[1e9]).is_none());
    }
}
