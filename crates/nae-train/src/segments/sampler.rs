//! Random segments of one model's training sound.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::shape::SegmentShape;

/// Endless segments: every frame that counts once, in random order and at places that change from pass
/// to pass, before any comes again.
#[derive(Debug)]
pub(super) struct SegmentSampler {
    counted: Vec<bool>,
    shape: SegmentShape,
    left: Vec<usize>,
    rng: ChaCha8Rng,
}

impl SegmentSampler {
    /// - `counted`: whether each frame counts; at least one does, and there are at least as many frames
    ///   as a segment has
    pub fn new(counted: &[bool], shape: SegmentShape, rng: ChaCha8Rng) -> Self {
        Self {
            counted: counted.to_vec(),
            shape,
            left: Vec::new(),
            rng,
        }
    }

    /// Where the next `count` segments begin, context included.
    pub fn draw(&mut self, count: usize) -> Vec<usize> {
        let mut drawn = Vec::with_capacity(count);
        while drawn.len() < count {
            if self.left.is_empty() {
                let offset = self.rng.random_range(0..self.shape.core);
                self.left = tiles(&self.counted, self.shape, offset);
                self.left.shuffle(&mut self.rng);
                if self.left.is_empty() {
                    // no frame counts: the same silence again and again
                    self.left.push(0);
                }
            }
            drawn.extend(self.left.pop());
        }
        drawn
    }
}

/// Where segments begin that lie core by core one after the other, context included; those without a
/// frame that counts are left out.
///
/// - `offset`: of the first core, which begins so many frames before the sound
pub(super) fn tiles(counted: &[bool], shape: SegmentShape, offset: usize) -> Vec<usize> {
    let last = counted.len().saturating_sub(shape.frames());
    let cores = (0..counted.len() + offset).step_by(shape.core);
    let starts = cores.map(|core| core.saturating_sub(offset + shape.before).min(last));
    let counts = |start: &usize| {
        let core = shape.places();
        let places = counted.iter().skip(start + core.start).take(core.len());
        places.copied().any(|counts| counts)
    };
    let mut starts: Vec<usize> = starts.filter(counts).collect();
    starts.dedup();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_model::random::generator;

    const SEED: u64 = 4;
    const SHAPE: SegmentShape = SegmentShape {
        before: 3,
        core: 8,
        after: 2,
    };

    #[test]
    fn every_frame_that_counts_is_in_a_core() {
        let counted: Vec<bool> = (0..60)
            .map(|t| (3..58).contains(&t) && t % 20 > 4)
            .collect();
        for offset in 0..SHAPE.core {
            let starts = tiles(&counted, SHAPE, offset);
            for (t, &counts) in counted.iter().enumerate() {
                let covers = |start: &usize| SHAPE.places().contains(&t.wrapping_sub(*start));
                assert!(!counts || starts.iter().any(covers), "{offset} {t}");
            }
            assert!(starts.iter().all(|start| start + SHAPE.frames() <= 60));
        }
    }

    #[test]
    fn segments_go_on_for_ever() {
        let counted = vec![true; SHAPE.frames()];
        let mut sampler = SegmentSampler::new(&counted, SHAPE, generator(SEED, "segments"));
        assert_eq!(sampler.draw(50).len(), 50);
    }
}
