//! An excerpt of a source, as it enters a mixture.

use std::ops::Range;

use nae_audio::Stft;

use super::shifted_sound::ShiftedSound;

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
    pub sound: &'a ShiftedSound,
    /// First frame.
    pub start: usize,
    /// Frames that the excerpt may use; past their end it continues at their start.
    pub range: Range<usize>,
    /// Linear gain.
    pub gain: f32,
}

/// An excerpt's spectra times its gain, a row a bin: `[bins, frames]` each.
pub(super) struct ExcerptSpectra {
    pub re: Vec<f32>,
    pub im: Vec<f32>,
}

impl Excerpt<'_> {
    /// Transforms `frames` frames.
    pub fn spectra(&self, stft: &Stft, frames: usize) -> ExcerptSpectra {
        let bins = stft.config().bins();
        let (mut re, mut im) = (vec![0.0; bins * frames], vec![0.0; bins * frames]);
        let (mut from, mut column) = (self.start, 0);
        while column < frames {
            let count = (self.range.end - from).min(frames - column);
            let done = self.sound.for_frames(stft, from..from + count, |frame| {
                for (bin, (re_here, im_here)) in frame.enumerate() {
                    re[bin * frames + column] = self.gain * re_here;
                    im[bin * frames + column] = self.gain * im_here;
                }
                column += 1;
            });
            debug_assert!(done.is_ok(), "the sampler has checked all samples");
            if done.is_err() {
                break;
            }
            from = self.range.start;
        }
        ExcerptSpectra { re, im }
    }
}

impl ExcerptSpectra {
    /// Adds `gain` times others of the same size.
    pub fn add(&mut self, others: &Self, gain: f32) {
        for (own, other) in [(&mut self.re, &others.re), (&mut self.im, &others.im)] {
            for (own, other) in own.iter_mut().zip(other) {
                *own += gain * other;
            }
        }
    }

    /// Sum of all squared magnitudes.
    pub fn power(&self) -> f32 {
        let parts = self.re.iter().zip(&self.im);
        parts.map(|(re, im)| re * re + im * im).sum()
    }

    /// Multiplies everything by a gain.
    pub fn scale(&mut self, gain: f32) {
        for value in self.re.iter_mut().chain(&mut self.im) {
            *value *= gain;
        }
    }

    /// Multiplies every bin by its gain.
    pub fn filter(&mut self, gains: &[f32]) {
        let frames = self.re.len() / gains.len().max(1);
        for values in [&mut self.re, &mut self.im] {
            for (row, gain) in values.chunks_exact_mut(frames.max(1)).zip(gains) {
                for value in row {
                    *value *= gain;
                }
            }
        }
    }
}
