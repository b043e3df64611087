//! An excerpt of a source, as it enters a mixture.

use std::ops::Range;

use super::plane::SpectrogramPlane;

/// The split of the sources' frames that excerpts are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Frames for training.
    Train,
    /// Frames held out for validation.
    Validation,
}

impl Split {
    /// The split's part of `frames` frames, of which the last `held_back` are for validation.
    pub(super) fn range(self, frames: usize, held_back: usize) -> Range<usize> {
        match self {
            Self::Train => 0..frames - held_back,
            Self::Validation => frames - held_back..frames,
        }
    }
}

/// Consecutive frames of a source, with a gain.
pub(super) struct Excerpt<'a> {
    pub plane: &'a SpectrogramPlane,
    /// First frame.
    pub start: usize,
    /// Frames that the excerpt may use; past their end it continues at their start.
    pub range: Range<usize>,
    /// Linear gain.
    pub gain: f32,
}

impl Excerpt<'_> {
    /// Writes the excerpt's frames of one bin, times the gain.
    pub fn row(&self, bin: usize, re: &mut [f32], im: &mut [f32]) {
        let frames = self.plane.frames;
        for (from, to) in [(&self.plane.re, re), (&self.plane.im, im)] {
            let row = &from[bin * frames..(bin + 1) * frames];
            let (mut at, mut done) = (self.start, 0);
            while done < to.len() {
                let count = (self.range.end - at).min(to.len() - done);
                for (to, from) in to[done..done + count].iter_mut().zip(&row[at..]) {
                    *to = self.gain * from;
                }
                done += count;
                at = self.range.start;
            }
        }
    }
}
