//! A source's sound at one speed, with its frames at one position within a hop.

use std::ops::Range;
use std::sync::Arc;

use nae_audio::{AudioError, Stft};
use nae_model::spectra::level_of;

use crate::settings::JointConfig;

/// Frames that are not silent, which a source needs at least.
pub const MIN_FRAMES: usize = 64;

/// Frames transformed at once when all are.
const STEP: usize = 256;

/// The frames of all clips, one after the other. They are transformed as they are needed: kept, the
/// spectra of every speed and shift would take twenty times the memory of the sound.
pub(super) struct ShiftedSound {
    clips: Arc<Vec<Vec<f32>>>,
    /// Samples of every clip that the first frame comes after.
    skipped: usize,
    /// Of every clip the number of its first frame, and of all frames.
    firsts: Vec<usize>,
}

impl ShiftedSound {
    /// Frames of `clips`, of which the first `skipped` samples are left out.
    pub fn new(clips: Arc<Vec<Vec<f32>>>, skipped: usize, stft: &Stft) -> Self {
        let frames = clips
            .iter()
            .map(|clip| stft.config().frames(clip.len().saturating_sub(skipped)));
        let mut firsts = vec![0];
        let mut sum = 0;
        firsts.extend(frames.map(|frames| {
            sum += frames;
            sum
        }));
        Self {
            clips,
            skipped,
            firsts,
        }
    }

    /// Frames of all clips.
    pub fn frames(&self) -> usize {
        self.firsts.last().copied().unwrap_or(0)
    }

    /// Calls `each` for some frames in turn, with the real and imaginary parts of their bins.
    ///
    /// # Errors
    /// [`AudioError`] for samples that are not finite.
    pub fn for_frames(
        &self,
        stft: &Stft,
        frames: Range<usize>,
        mut each: impl FnMut(&mut dyn Iterator<Item = (f32, f32)>),
    ) -> Result<(), AudioError> {
        for (clip, first) in self.clips.iter().zip(self.firsts.windows(2)) {
            let (start, end) = (frames.start.max(first[0]), frames.end.min(first[1]));
            if start >= end {
                continue;
            }
            let samples = clip.get(self.skipped..).unwrap_or_default();
            let spectra = stft.analyze_frames(samples, start - first[0]..end - first[0])?;
            for t in 0..spectra.frames() {
                each(&mut spectra.frame(t).iter().map(|z| (z.re, z.im)));
            }
        }
        Ok(())
    }

    /// Linear gain that brings the sound to unit level, 0 for silence, and the number of frames that
    /// are not silent.
    ///
    /// # Errors
    /// [`AudioError`] for samples that are not finite.
    pub fn level(&self, stft: &Stft, config: &JointConfig) -> Result<(f32, usize), AudioError> {
        let mut energies = Vec::with_capacity(self.frames());
        for start in (0..self.frames()).step_by(STEP) {
            self.for_frames(stft, start..start + STEP, |frame| {
                let energy = frame.map(|(re, im)| f64::from(re * re + im * im));
                energies.push(energy.fold(0.0f64, |sum, bin| sum + bin));
            })?;
        }
        let loudest = energies.iter().copied().fold(0.0, f64::max);
        let floor = loudest * 10f64.powf(config.silence_db / 10.0);
        let active = energies.iter().filter(|&&e| e > 0.0 && e >= floor).count();
        if active == 0 {
            return Ok((0.0, 0));
        }
        let bins = stft.config().bins();
        let level = level_of(&energies, bins, config.silence_db as f32);
        Ok(((1.0 / level) as f32, active))
    }
}

#[cfg(test)]
mod tests {
    use nae_audio::StftConfig;

    use super::*;

    #[test]
    fn frames_are_those_of_the_clips_one_after_the_other() {
        let stft = Stft::new(StftConfig { n_fft: 64, hop: 16 }).unwrap();
        let clip = |samples: usize, step: f32| -> Vec<f32> {
            (0..samples).map(|n| (n as f32 * step).sin()).collect()
        };
        // the second is gone once its first samples are skipped
        let clips = Arc::new(vec![clip(300, 0.1), clip(4, 0.2), clip(500, 0.3)]);
        for skipped in [0, 4, 12] {
            let sound = ShiftedSound::new(Arc::clone(&clips), skipped, &stft);
            let mut whole = Vec::new();
            for clip in clips.iter() {
                let spectra = stft
                    .analyze(clip.get(skipped..).unwrap_or_default())
                    .unwrap();
                whole.extend((0..spectra.frames()).map(|t| spectra.frame(t).to_vec()));
            }
            assert_eq!(sound.frames(), whole.len());
            for range in [0..1, 0..whole.len(), 17..31, whole.len() - 3..whole.len()] {
                let mut found = Vec::new();
                sound
                    .for_frames(&stft, range.clone(), |frame| {
                        found.push(frame.collect::<Vec<_>>())
                    })
                    .unwrap();
                let expected = whole[range].iter();
                let parts = |frame: &Vec<_>| {
                    frame
                        .iter()
                        .map(|z: &nae_audio::Complex32| (z.re, z.im))
                        .collect::<Vec<_>>()
                };
                assert_eq!(found, expected.map(parts).collect::<Vec<_>>());
            }
        }
    }
}
