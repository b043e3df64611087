//! Collects the frames to train on, within a bound of memory.

use nae_audio::{AudioError, Magnitude};

use crate::collector::{Collected, Collector};
use crate::usage::Levels;

/// Collects the frames that are not silent, in one pass. Silent is what lies far below the loudest frame,
/// which is known at the end only: what is silent beside the loudest so far is left out at once, the rest
/// at the end. Where there are too many, every second of those kept is dropped and from then on only every
/// second further one is taken, so that the choice is spread evenly over all clips.
pub(crate) struct FrameCollector {
    levels: Levels,
    bins: usize,
    /// Frames that are held at most.
    limit: usize,
    /// Frames taken, frame-major, and the energy of each.
    values: Vec<f32>,
    energies: Vec<f64>,
    /// One of this many frames is taken.
    stride: usize,
    /// Frames so far of which one in `stride` was taken.
    passed: usize,
}

impl FrameCollector {
    /// - `limit`: frames that are held at most
    /// - `silence_db`: frames this far below the loudest are silent, in dB (negative)
    pub fn new(bins: usize, limit: usize, silence_db: f64) -> Self {
        Self {
            levels: Levels::new(silence_db),
            bins,
            limit: limit.max(2),
            values: Vec::new(),
            energies: Vec::new(),
            stride: 1,
            passed: 0,
        }
    }

    fn drop_silent(&mut self) {
        self.keep(|levels, _, energy| levels.is_loud(energy));
    }

    /// Keeps the frames that are wanted, by levels, index and energy, in their order and where they lie.
    fn keep(&mut self, wanted: impl Fn(&Levels, usize, f64) -> bool) {
        let mut kept = 0;
        for i in 0..self.energies.len() {
            if wanted(&self.levels, i, self.energies[i]) {
                self.energies[kept] = self.energies[i];
                let from = i * self.bins;
                self.values
                    .copy_within(from..from + self.bins, kept * self.bins);
                kept += 1;
            }
        }
        self.energies.truncate(kept);
        self.values.truncate(kept * self.bins);
    }
}

impl Collector for FrameCollector {
    fn levels(&mut self) -> &mut Levels {
        &mut self.levels
    }

    fn begin_run(&mut self, _begins: bool) {}

    fn push(&mut self, frame: &[f32]) {
        let energy = self.levels.push(frame);
        if !self.levels.is_loud(energy) {
            return;
        }
        let is_taken = self.passed.is_multiple_of(self.stride);
        self.passed += 1;
        if !is_taken {
            return;
        }
        if self.energies.len() >= self.limit {
            self.drop_silent();
            // also if little was silent: each time all that is held is moved
            if self.energies.len() > self.limit / 2 {
                self.keep(|_, i, _| i.is_multiple_of(2));
                self.stride *= 2;
            }
        }
        self.values.extend_from_slice(frame);
        self.energies.push(energy);
    }

    fn end_run(&mut self, _ends: bool) {}

    fn finish(mut self: Box<Self>) -> Result<Collected, AudioError> {
        self.drop_silent();
        self.values.shrink_to_fit();
        let frames = self.energies.len();
        Ok(Collected {
            magnitude: Magnitude::new(self.bins, frames, self.values)?,
            counted: vec![true; frames],
            levels: self.levels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of one bin each, numbered from 1, within 20 dB of the loudest.
    fn collected(values: &[f32], limit: usize) -> Vec<f32> {
        let mut collector = FrameCollector::new(1, limit, -20.0);
        collector.levels.begin_clip();
        for &value in values {
            collector.push(&[value]);
        }
        Box::new(collector).finish().unwrap().magnitude.into_data()
    }

    #[test]
    fn all_that_is_not_silent_is_kept_within_the_limit() {
        // what is loud at first is silent beside what comes later
        let values = [0.0, 0.5, 0.02, 1.0, 4.0, 0.41, 0.39, 9.0, 0.95, 0.85];
        let all = Magnitude::new(1, values.len(), values.to_vec()).unwrap();
        let expected = all.select(&all.active_frames(-20.0));
        assert_eq!(collected(&values, 100), expected.data());
        assert_eq!(expected.data(), [1.0, 4.0, 9.0, 0.95]);
    }

    #[test]
    fn more_than_the_limit_is_an_even_choice() {
        for (count, limit) in [(100, 10), (1000, 64), (65, 64), (10_000, 100)] {
            let values: Vec<f32> = (0..count).map(|i| 1.0 + i as f32 / count as f32).collect();
            let kept = collected(&values, limit);
            assert!((limit / 2..=limit).contains(&kept.len()), "{}", kept.len());
            let steps = kept.windows(2).map(|pair| pair[1] - pair[0]);
            let (least, most) = steps.fold((f32::MAX, 0.0f32), |(a, b), x| (a.min(x), b.max(x)));
            assert!(most < 2.1 * least, "{count} {limit}: {least} to {most}");
            assert!(
                kept[0] == 1.0 && kept[kept.len() - 1] > 1.9,
                "{count} {limit}"
            );
        }
    }

    #[test]
    fn silence_does_not_use_up_the_limit() {
        // a hundred soft frames, then what is loud
        let mut values = vec![0.01; 100];
        values.extend([1.0; 40]);
        assert_eq!(collected(&values, 120), [1.0; 40]);
    }
}
