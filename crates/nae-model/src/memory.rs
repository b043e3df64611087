//! What a model remembers of the sound it was trained on.
//!
//! A decoder says which spectra a source can have, not which it has and in what order. Whatever is
//! to be learnt for several models together, later and without any audio, needs examples of each:
//! the activations under which the frozen decoder explains its own training clips, frame by frame,
//! silence included, at 16 bits. At rank 100 a second takes 12.5 kB.

use burn::tensor::f16;

/// Frames that a memory holds at most (40 s at the default hop); later clips are left out.
pub const MAX_FRAMES: usize = 2500;

/// Activations of the training clips, clip after clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    rank: usize,
    /// Frames of every clip.
    clips: Vec<usize>,
    /// `[rank, frames]`, row-major, frames of all clips one after the other.
    values: Vec<f16>,
}

impl Memory {
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

    /// The same from values that are 16 bits wide already.
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

    /// The same as little-endian bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.values.iter().flat_map(|x| x.to_le_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_come_back_to_a_thousandth() {
        let values = [0.0, 1e-4, 0.37, 1.0, 12.3, 900.0];
        let memory = Memory::new(2, vec![1, 2], &values).unwrap();
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
    fn numbers_that_do_not_fit_are_refused() {
        assert!(Memory::new(2, vec![2], &[1.0; 3]).is_none());
        assert!(Memory::new(0, vec![], &[]).is_none());
        assert!(Memory::new(1, vec![1], &[-1.0]).is_none());
        // beyond what 16 bits hold
        assert!(Memory::new(1, vec![1], &[1e9]).is_none());
    }
}
