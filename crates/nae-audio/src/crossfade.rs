//! Joining processed blocks into one sound again.

use nae_files::count;

use crate::AudioError;

/// Joins blocks that overlap, as [`Blocks`](crate::Blocks) cut them; one for each stem.
///
/// Within the overlap the old block fades out and the new one in, with linear weights that add up
/// to one: equal blocks pass unchanged, and stems that add up to the mixture in both blocks add up
/// to it in between. For `guard` samples at both ends of the overlap the weights stay 0 and 1, so
/// that the ends of a block, where a resampler rings
/// ([`edge_samples`](crate::edge_samples)), never sound.
///
/// ```text
/// old  ───────────────╲____
/// new            ____╱───────────────
///               guard  guard
/// ```
#[derive(Debug, Clone)]
pub struct Crossfade {
    overlap: usize,
    guard: usize,
    /// The end of the block before, still to be blended; empty before the first block.
    held: Vec<Vec<f32>>,
    finished: bool,
}

impl Crossfade {
    /// For blocks that share `overlap` samples, of which `guard` at either end do not fade.
    ///
    /// # Errors
    ///
    /// [`AudioError::FadeSize`] unless twice the guard is less than the overlap, or both are 0.
    pub fn new(overlap: usize, guard: usize) -> Result<Self, AudioError> {
        if guard > 0 && guard.saturating_mul(2) >= overlap {
            return Err(AudioError::FadeSize { overlap, guard });
        }
        Ok(Self {
            overlap,
            guard,
            held: Vec::new(),
            finished: false,
        })
    }

    /// Takes the next block and gives the samples that are finished: all of them with the last
    /// block, all but the final `overlap` before. Put together, they are as long as the sound that
    /// was cut.
    ///
    /// # Errors
    ///
    /// [`AudioError::BlockShape`] for a block after the last one, with other channels than the first,
    /// or too short for its overlaps.
    pub fn push(
        &mut self,
        block: Vec<Vec<f32>>,
        is_last: bool,
    ) -> Result<Vec<Vec<f32>>, AudioError> {
        self.check(&block, is_last)?;
        let mut block = block;
        let fade = self.overlap;
        for (new, old) in block.iter_mut().zip(std::mem::take(&mut self.held)) {
            for (i, (new, old)) in new.iter_mut().zip(old).enumerate().take(fade) {
                *new = old + (*new - old) * self.weight(i);
            }
        }
        if is_last {
            self.finished = true;
        } else {
            let split = |c: &mut Vec<f32>| c.split_off(c.len() - fade);
            self.held = block.iter_mut().map(split).collect();
        }
        Ok(block)
    }

    /// The new block's share at sample `i` of the overlap, 0 to 1.
    fn weight(&self, i: usize) -> f32 {
        let ramp = (self.overlap - 2 * self.guard) as f32;
        ((i as f32 + 0.5 - self.guard as f32) / ramp).clamp(0.0, 1.0)
    }

    fn check(&self, block: &[Vec<f32>], is_last: bool) -> Result<(), AudioError> {
        let samples = block.first().map_or(0, Vec::len);
        let refuse = |samples: usize, expected: String| {
            Err(AudioError::BlockShape {
                channels: block.len(),
                samples,
                expected,
            })
        };
        if self.finished {
            return refuse(samples, "nothing after the last block".into());
        }
        let first = self.held.is_empty();
        if block.is_empty() || (!first && block.len() != self.held.len()) {
            return refuse(samples, count(self.held.len().max(1), "channel"));
        }
        let overlaps = usize::from(!first) + usize::from(!is_last);
        let least = self.overlap * overlaps;
        if let Some(bad) = block.iter().find(|c| c.len() != samples || c.len() < least) {
            return refuse(
                bad.len(),
                format!(
                    "{} samples in every channel, at least {least}",
                    samples.max(least)
                ),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_stay_at_their_ends_within_the_guard() {
        let fade = Crossfade::new(10, 3).unwrap();
        let weights: Vec<f32> = (0..10).map(|i| fade.weight(i)).collect();
        assert_eq!(weights[..3], [0.0; 3]);
        assert_eq!(weights[7..], [1.0; 3]);
        assert_eq!(weights[3..7], [0.125, 0.375, 0.625, 0.875]);
    }

    #[test]
    fn the_fade_goes_from_the_old_block_to_the_new_one() {
        let mut fade = Crossfade::new(2, 0).unwrap();
        let a = fade.push(vec![vec![0.0; 4]], false).unwrap();
        let b = fade.push(vec![vec![1.0; 4]], true).unwrap();
        assert_eq!(a, [vec![0.0, 0.0]]);
        assert_eq!(b, [vec![0.25, 0.75, 1.0, 1.0]]);
    }

    #[test]
    fn blocks_that_do_not_fit_are_refused() {
        let mut fade = Crossfade::new(4, 0).unwrap();
        assert!(fade.push(vec![], false).is_err());
        assert!(fade.push(vec![vec![0.0; 3]], false).is_err());
        fade.push(vec![vec![0.0; 8]], false).unwrap();
        assert!(fade.push(vec![vec![0.0; 8]; 2], false).is_err());
        assert!(fade.push(vec![vec![0.0; 7]], false).is_err());
        fade.push(vec![vec![0.0; 4]], true).unwrap();
        assert!(fade.push(vec![vec![0.0; 8]], true).is_err());
    }

    #[test]
    fn a_guard_must_leave_room_to_fade() {
        assert!(Crossfade::new(4, 2).is_err());
        assert!(Crossfade::new(0, 1).is_err());
        assert!(Crossfade::new(5, 2).is_ok());
        assert!(Crossfade::new(0, 0).is_ok());
    }
}
