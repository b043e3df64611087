//! What collects the frames of training sound, one after another.

use nae_audio::{AudioError, Magnitude, Stft};

use crate::usage::Levels;

/// Collects the frames that are not silent. Silent is what lies far below the loudest frame, which is
/// known at the end only.
pub(crate) trait Collector {
    /// Of all frames so far.
    fn levels(&mut self) -> &mut Levels;

    /// The next frames follow one another, but not those before.
    ///
    /// - `begins`: whether the first of them is the first of its clip
    fn begin_run(&mut self, begins: bool);

    /// The next frame.
    fn push(&mut self, frame: &[f32]);

    /// No frame follows the last one.
    ///
    /// - `ends`: whether it is the last of its clip
    fn end_run(&mut self, ends: bool);

    /// The frames that are not silent, all of them or an even choice, and perhaps their neighbours.
    fn finish(self: Box<Self>) -> Result<Collected, AudioError>;
}

/// Frames that were collected.
pub(crate) struct Collected {
    pub magnitude: Magnitude,
    /// Whether each frame counts; those that do not are context of others.
    pub counted: Vec<bool>,
    pub levels: Levels,
}

/// Adds the frames of samples of the clip that was begun.
///
/// - `skip`: frames to leave out at either end; where there are some, the clip goes on there
pub(crate) fn add(
    collector: &mut dyn Collector,
    samples: &[f32],
    stft: &Stft,
    skip: (usize, usize),
) -> Result<(), AudioError> {
    collector.levels().samples(samples.len());
    let end = stft.config().frames(samples.len()).saturating_sub(skip.1);
    let mut index = 0;
    collector.begin_run(skip.0 == 0);
    stft.each_magnitude(samples, &mut |frame| {
        if (skip.0..end).contains(&index) {
            collector.push(frame);
        }
        index += 1;
    })?;
    collector.end_run(skip.1 == 0);
    Ok(())
}
