//! Mini-batches of frames, drawn on the host.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// Endless batches of frame indices: every frame once, in random order, before any comes again.
#[derive(Debug)]
pub struct Batches {
    order: Vec<i32>,
    next: usize,
    size: usize,
    rng: ChaCha8Rng,
}

impl Batches {
    /// Batches of `size` out of `frames` frames, at most all of them.
    pub fn new(frames: usize, size: usize, rng: ChaCha8Rng) -> Self {
        let order: Vec<i32> = (0..frames as i32).collect();
        Self {
            next: order.len(),
            size: size.min(frames),
            order,
            rng,
        }
    }

    /// The next batch's frame indices, all different; a rest too short for a batch is skipped. A
    /// batch of all frames has them in their own order.
    pub fn draw(&mut self) -> &[i32] {
        if self.size == self.order.len() {
            return &self.order;
        }
        if self.next + self.size > self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.next = 0;
        }
        let start = self.next;
        self.next += self.size;
        &self.order[start..self.next]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_model::random::generator;

    const SEED: u64 = 4;

    #[test]
    fn every_frame_comes_once_before_any_comes_again() {
        let mut batches = Batches::new(12, 4, generator(SEED, "batches"));
        for _ in 0..5 {
            let mut seen: Vec<i32> = (0..3).flat_map(|_| batches.draw().to_vec()).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_batch_is_never_larger_than_what_there_is() {
        assert_eq!(
            Batches::new(3, 128, generator(SEED, "batches"))
                .draw()
                .len(),
            3
        );
    }
}
