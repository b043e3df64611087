//! The level of a sound that is still coming.

/// Steps of the histogram, from −300 dB to 300 dB of a frame's mean energy.
const STEPS: usize = 601;
const LOWEST_DB: f64 = -300.0;
/// A loudest frame counts until so much of it is left.
const FORGOTTEN: f64 = 0.02;
/// How much slower silence lets the level be forgotten.
const SILENCE_SLOWS: f64 = 10.0;

/// Follows the level of a sound, its standard deviation with silent frames left out, as
/// [`level`](nae_model::spectra::level) measures it of a whole one.
///
/// What has come is kept as a histogram over the frames' energies in steps of a decibel, which is
/// forgotten exponentially: so frames are silent or not by the loudest frame there is, whenever it came.
/// While all frames so far are remembered, the level is that of the sound so far.
#[derive(Clone, Debug)]
pub struct LevelTracker {
    /// How much is left from one frame to the next.
    kept: f64,
    silence_db: f64,
    /// Frames and their energies in every step.
    counts: Vec<f64>,
    energies: Vec<f64>,
}

impl LevelTracker {
    /// - `frames`: number of frames in which memory falls to 1/e
    /// - `silence_db`: frames this far below the loudest are silent, in dB (negative)
    pub fn new(frames: f64, silence_db: f64) -> Self {
        Self {
            kept: (-1.0 / frames.max(1.0)).exp(),
            silence_db,
            counts: vec![0.0; STEPS],
            energies: vec![0.0; STEPS],
        }
    }

    /// Takes the magnitudes of a frame and gives the level; `None` as long as all is silent.
    pub fn push(&mut self, magnitude: &[f32]) -> Option<f64> {
        let bins = magnitude.len().max(2) as f64;
        let energy: f64 = magnitude.iter().map(|&x| f64::from(x).powi(2)).sum();
        let energy = energy / bins / (bins - 1.0);
        let step = (10.0 * energy.max(1e-40).log10() - LOWEST_DB).round();
        if step < 0.0 {
            return self.level();
        }
        let step = (step as usize).min(STEPS - 1);
        let kept = match step >= self.quietest() {
            true => self.kept,
            false => self.kept.powf(1.0 / SILENCE_SLOWS),
        };
        for (count, energy) in self.counts.iter_mut().zip(&mut self.energies) {
            *count *= kept;
            *energy *= kept;
        }
        self.counts[step] += 1.0;
        self.energies[step] += energy;
        self.level()
    }

    /// The quietest step that is not silent.
    fn quietest(&self) -> usize {
        let loudest = self.counts.iter().rposition(|count| *count > FORGOTTEN);
        let loudest = loudest.unwrap_or(0) as f64;
        (loudest + self.silence_db).max(0.0).round() as usize
    }

    fn level(&self) -> Option<f64> {
        let quietest = self.quietest();
        let count: f64 = self.counts[quietest..].iter().sum();
        let energy: f64 = self.energies[quietest..].iter().sum();
        (count > 0.0 && energy > 0.0).then(|| (energy / count).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_audio::Magnitude;
    use nae_model::spectra::level;
    use nae_testing::noise::uniform_lcg;

    const SEED: u64 = 5;
    const BINS: usize = 33;

    /// Frames of noise at these levels.
    fn frames(levels: &[f32]) -> Vec<f32> {
        let noise = uniform_lcg(levels.len() * BINS, 0.2..1.0, SEED);
        let frames = noise.chunks(BINS).zip(levels);
        frames
            .flat_map(|(frame, level)| frame.iter().map(move |x| x * level))
            .collect()
    }

    fn last(tracker: &mut LevelTracker, frames: &[f32]) -> Option<f64> {
        frames
            .chunks(BINS)
            .map(|frame| tracker.push(frame))
            .last()?
    }

    #[test]
    fn as_long_as_all_is_remembered_it_is_the_level_so_far() {
        let levels: Vec<f32> = (0..200)
            .map(|t| {
                if t % 5 == 0 {
                    1e-4
                } else {
                    1.0 + (t % 7) as f32
                }
            })
            .collect();
        let values = frames(&levels);
        let mut tracker = LevelTracker::new(1e12, -50.0);
        for t in [1, 3, 10, 200] {
            let mut tracker = tracker.clone();
            let came = last(&mut tracker, &values[..t * BINS]).unwrap();
            let sound = Magnitude::new(BINS, t, values[..t * BINS].to_vec()).unwrap();
            let expected = level(&sound, -50.0);
            assert!(
                (came / expected - 1.0).abs() < 1e-6,
                "{t}: {came} {expected}"
            );
        }
        assert_eq!(tracker.push(&[0.0; BINS]), None);
    }

    #[test]
    fn silence_before_and_after_does_not_count_and_changes_are_followed() {
        let sound = frames(&[1.0; 400]);
        let mut tracker = LevelTracker::new(100.0, -50.0);
        let own = last(&mut tracker, &sound).unwrap();
        let mut tracker = LevelTracker::new(100.0, -50.0);
        last(&mut tracker, &frames(&[1e-4; 300]));
        let after_silence = last(&mut tracker, &sound).unwrap();
        assert!(
            (after_silence / own - 1.0).abs() < 0.02,
            "{after_silence} {own}"
        );
        let in_silence = last(&mut tracker, &frames(&[1e-4; 300])).unwrap();
        assert!((in_silence / own - 1.0).abs() < 0.02, "{in_silence} {own}");
        // 20 dB less, which is no silence
        let softer = last(&mut tracker, &frames(&[0.1; 1000])).unwrap();
        assert!((10.0 * softer / own - 1.0).abs() < 0.1, "{softer} {own}");
        // nothing but what was silence before
        let noise = last(&mut tracker, &frames(&[1e-4; 20_000])).unwrap();
        assert!(noise < 1e-3 * own, "{noise} {own}");
    }
}
