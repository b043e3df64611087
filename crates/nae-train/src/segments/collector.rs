//! Collects frames with their neighbours, within a bound of memory.

use nae_audio::{AudioError, Magnitude};

use super::shape::SegmentShape;
use crate::collector::{Collected, Collector};
use crate::usage::Levels;

/// Frames that are kept or dropped together: a multiple of what a frame needs around it, so that few
/// frames lose their neighbours.
const BLOCK: usize = 512;

/// Collects the frames that are not silent with those around them, in order, and zeros beyond the ends
/// of clips. Where there are too many, every second block of those kept is dropped and from then on only
/// every second further one is taken, so that the choice is spread evenly over all clips; a frame with a
/// neighbour in a block that was dropped does not count.
pub(crate) struct SegmentCollector {
    levels: Levels,
    bins: usize,
    /// Frames that are held at most.
    limit: usize,
    shape: SegmentShape,
    /// Frames taken, frame-major.
    values: Vec<f32>,
    places: Vec<Place>,
    runs: Vec<Run>,
    /// One of this many blocks is taken.
    stride: usize,
    /// Frames so far.
    passed: usize,
}

/// Where a frame lies.
#[derive(Clone, Copy)]
struct Place {
    energy: f64,
    run: usize,
    /// In its run.
    index: usize,
    /// Among all frames.
    number: usize,
}

/// Frames that follow one another.
struct Run {
    frames: usize,
    begins: bool,
    ends: bool,
}

impl SegmentCollector {
    /// - `limit`: frames that are held at most
    /// - `silence_db`: frames this far below the loudest are silent, in dB (negative)
    pub fn new(bins: usize, limit: usize, silence_db: f64, shape: SegmentShape) -> Self {
        Self {
            levels: Levels::new(silence_db),
            bins,
            // two blocks at least, of which one can be dropped
            limit: limit.max(2 * BLOCK),
            shape,
            values: Vec::new(),
            places: Vec::new(),
            runs: Vec::new(),
            stride: 1,
            passed: 0,
        }
    }

    /// Whether a number's block is taken.
    fn is_taken(&self, number: usize) -> bool {
        (number / BLOCK).is_multiple_of(self.stride)
    }

    /// Leaves out silence that is no frame's neighbour.
    fn drop_silent(&mut self) {
        let mut is_near = vec![false; self.places.len()];
        // frames that are held lie in the list no further apart than in the sound
        for (i, own) in self.places.iter().enumerate() {
            if !self.levels.is_loud(own.energy) {
                continue;
            }
            let first = i.saturating_sub(self.shape.before);
            let last = (i + self.shape.after).min(self.places.len() - 1);
            for (near, other) in is_near[first..=last].iter_mut().zip(&self.places[first..]) {
                let is_before = own.index <= other.index + self.shape.before;
                let is_after = other.index <= own.index + self.shape.after;
                *near |= own.run == other.run && is_before && is_after;
            }
        }
        self.keep(&is_near);
    }

    fn drop_blocks(&mut self) {
        self.stride *= 2;
        let places = self.places.iter();
        let kept: Vec<bool> = places.map(|own| self.is_taken(own.number)).collect();
        self.keep(&kept);
    }

    /// Keeps the frames that are wanted, in their order and where they lie.
    fn keep(&mut self, wanted: &[bool]) {
        let mut kept = 0;
        for (i, _) in wanted.iter().enumerate().filter(|(_, wanted)| **wanted) {
            self.places[kept] = self.places[i];
            let from = i * self.bins;
            let frame = from..from + self.bins;
            self.values.copy_within(frame, kept * self.bins);
            kept += 1;
        }
        self.places.truncate(kept);
        self.values.truncate(kept * self.bins);
    }

    /// Whether each frame is loud and has all its neighbours: frames of its clip, or zeros beyond its
    /// ends.
    fn counted(&self) -> Vec<bool> {
        let count = self.places.len();
        let follows = |i: usize| {
            let (a, b) = (&self.places[i], &self.places[i + 1]);
            a.run == b.run && a.index + 1 == b.index
        };
        let begins = |own: &Place| own.index == 0 && self.runs[own.run].begins;
        let mut counted: Vec<bool> = Vec::with_capacity(count);
        let mut before = 0;
        for (i, own) in self.places.iter().enumerate() {
            before = match begins(own) {
                true => self.shape.before,
                false if i > 0 && follows(i - 1) => before + 1,
                false => 0,
            };
            counted.push(before >= self.shape.before && self.levels.is_loud(own.energy));
        }
        let mut after = 0;
        for (i, own) in self.places.iter().enumerate().rev() {
            after = match self.is_end(own) {
                true => self.shape.after,
                false if i + 1 < count && follows(i) => after + 1,
                false => 0,
            };
            counted[i] &= after >= self.shape.after;
        }
        counted
    }

    /// Whether a frame is the last of its clip.
    fn is_end(&self, own: &Place) -> bool {
        let run = &self.runs[own.run];
        own.index + 1 == run.frames && run.ends
    }
}

impl Collector for SegmentCollector {
    fn levels(&mut self) -> &mut Levels {
        &mut self.levels
    }

    fn begin_run(&mut self, begins: bool) {
        self.runs.push(Run {
            frames: 0,
            begins,
            ends: false,
        });
    }

    fn push(&mut self, frame: &[f32]) {
        let energy = self.levels.push(frame);
        let number = self.passed;
        self.passed += 1;
        let run = self.runs.len().saturating_sub(1);
        let Some(own) = self.runs.last_mut() else {
            return;
        };
        let index = own.frames;
        own.frames += 1;
        if !self.is_taken(number) {
            return;
        }
        if self.places.len() >= self.limit {
            self.drop_silent();
            // also if little was silent: each time all that is held is moved
            if self.places.len() > self.limit / 2 {
                self.drop_blocks();
            }
        }
        self.values.extend_from_slice(frame);
        self.places.push(Place {
            energy,
            run,
            index,
            number,
        });
    }

    fn end_run(&mut self, ends: bool) {
        if let Some(run) = self.runs.last_mut() {
            run.ends = ends;
        }
    }

    fn finish(mut self: Box<Self>) -> Result<Collected, AudioError> {
        self.drop_silent();
        let is_counted = self.counted();
        let (mut values, mut counted) = (Vec::with_capacity(self.values.len()), Vec::new());
        let fill = |values: &mut Vec<f32>, counted: &mut Vec<bool>, zeros: usize| {
            values.resize(values.len() + zeros * self.bins, 0.0);
            counted.resize(counted.len() + zeros, false);
        };
        for (i, own) in self.places.iter().enumerate() {
            if own.index == 0 && self.runs[own.run].begins {
                fill(&mut values, &mut counted, self.shape.before);
            }
            values.extend_from_slice(&self.values[i * self.bins..(i + 1) * self.bins]);
            counted.push(is_counted[i]);
            if self.is_end(own) {
                fill(&mut values, &mut counted, self.shape.after);
            }
        }
        let missing = self.shape.frames().saturating_sub(counted.len());
        fill(&mut values, &mut counted, missing);
        Ok(Collected {
            magnitude: Magnitude::new(self.bins, counted.len(), values)?,
            counted,
            levels: self.levels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: SegmentShape = SegmentShape {
        before: 3,
        core: 8,
        after: 2,
    };

    /// What is collected of clips of one bin, each in runs; frames within 20 dB of the loudest are loud.
    fn collected(clips: &[&[&[f32]]], limit: usize) -> Collected {
        let mut collector = Box::new(SegmentCollector::new(1, limit, -20.0, SHAPE));
        for runs in clips {
            collector.levels().begin_clip();
            for (i, run) in runs.iter().enumerate() {
                collector.begin_run(i == 0);
                for &value in *run {
                    collector.push(&[value]);
                }
                collector.end_run(i + 1 == runs.len());
            }
        }
        collector.finish().unwrap()
    }

    /// The neighbourhoods of the frames that count.
    fn neighbourhoods(collected: &Collected) -> Vec<Vec<f32>> {
        let counted = collected.counted.iter().enumerate().filter(|(_, c)| **c);
        let around = |(t, _): (usize, &bool)| {
            let window = t - SHAPE.before..=t + SHAPE.after;
            window.map(|t| collected.magnitude.frame(t)[0]).collect()
        };
        counted.map(around).collect()
    }

    /// The same by definition, of one clip.
    fn expected(clip: &[f32]) -> Vec<Vec<f32>> {
        let loudest = clip.iter().fold(0.0, |a: f32, &b| a.max(b));
        let loud = (0..clip.len() as i64).filter(|&t| clip[t as usize] >= 0.1 * loudest);
        let value = |t: i64| usize::try_from(t).ok().and_then(|t| clip.get(t)).copied();
        let around = |t: i64| (t - 3..=t + 2).map(|t| value(t).unwrap_or(0.0)).collect();
        loud.map(around).collect()
    }

    /// Numbers from 1 to 2, with a pause.
    fn sound(count: usize) -> Vec<f32> {
        let value = |i: usize| 1.0 + i as f32 / count as f32;
        let values = (0..count).map(|i| match (count / 3..count / 2).contains(&i) {
            true => 0.01 * value(i),
            false => value(i),
        });
        values.collect()
    }

    #[test]
    fn frames_that_count_have_their_true_neighbours() {
        let (first, second) = (sound(200), sound(90));
        let both = collected(&[&[&first], &[&second]], 10_000);
        let mut wanted = expected(&first);
        wanted.extend(expected(&second));
        assert_eq!(neighbourhoods(&both), wanted);
        // the rest of the pauses is left out
        let frames = both.magnitude.frames();
        assert!(frames <= wanted.len() + 4 * (3 + 2), "{frames}");
    }

    #[test]
    fn frames_at_a_cut_do_not_count() {
        let values = sound(300);
        let cut = collected(&[&[&values[..40], &values[60..]]], 10_000);
        let expected: Vec<_> = expected(&values).into_iter().collect();
        let found = neighbourhoods(&cut);
        assert!(found.iter().all(|own| expected.contains(own)));
        // 20 frames, two before and three after them
        assert_eq!(found.len(), expected.len() - 25);
    }

    #[test]
    fn more_than_the_limit_is_an_even_choice_with_true_neighbours() {
        let values = sound(20_000);
        let all = expected(&values);
        let part = collected(&[&[&values]], 2048);
        let found = neighbourhoods(&part);
        assert!(part.magnitude.frames() <= 2048 + 5);
        assert!(found.len() > 700, "{}", found.len());
        let mut rest = all.iter();
        assert!(found.iter().all(|own| rest.any(|one| one == own)));
        let last = found[found.len() - 1][3];
        assert!(found[0][3] == 1.0 && last > 1.8, "{last}");
    }

    #[test]
    fn short_sound_is_filled_up_to_a_segment() {
        let few = collected(&[&[&[1.0; 4]]], 10_000);
        assert_eq!(few.magnitude.frames(), SHAPE.frames());
        assert_eq!(few.counted.len(), SHAPE.frames());
        assert_eq!(neighbourhoods(&few).len(), 4);
    }
}
