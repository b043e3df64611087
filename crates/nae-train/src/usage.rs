//! How much of each clip is loud enough to train on.

use nae_audio::{Stft, without_offset};
use nae_model::AudioConfig;

use crate::error::TrainError;

/// Seconds of sound below which a warning is due: a model needs about 20.
const LITTLE_S: f64 = 5.0;

/// How much of one clip is loud enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipUsage {
    /// Length in seconds.
    pub duration_s: f64,
    /// Seconds within the allowed distance of the loudest frame of all clips.
    pub used_s: f64,
    /// Whether the clip should be looked at: less than half of it is used, or less than three quarters of
    /// what is sound by its own level, the frames within 30 dB of its upper quartile. Knocks, which are
    /// few, do not move that level.
    pub is_poor: bool,
    /// Whether there is nothing but zeros.
    pub is_silent: bool,
}

/// How much of every clip is loud enough.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// One for every clip.
    pub clips: Vec<ClipUsage>,
    /// Clip of the loudest frame.
    pub loudest_clip: usize,
    /// Where in it that frame lies, in seconds.
    pub loudest_s: f64,
}

impl Usage {
    /// Of clips in memory, at the rate of `audio`.
    ///
    /// - `silence_db`: frames this far below the loudest are not loud enough, in dB (negative)
    ///
    /// # Errors
    /// [`TrainError::Audio`] for settings out of range and samples that are not finite.
    pub fn of_clips(
        clips: &[&[f32]],
        audio: &AudioConfig,
        silence_db: f64,
    ) -> Result<Self, TrainError> {
        let stft = Stft::new(audio.stft())?;
        let mut levels = Levels::new(silence_db);
        for samples in clips {
            levels.begin_clip();
            let centred = without_offset(samples, audio.sample_rate);
            stft.each_magnitude(&centred, &mut |frame| {
                levels.push(frame);
            })?;
            levels.samples(samples.len());
        }
        Ok(levels.usage(audio))
    }

    /// Length of all clips in seconds.
    pub fn duration_s(&self) -> f64 {
        self.clips.iter().map(|clip| clip.duration_s).sum()
    }

    /// Seconds of all clips that are used.
    pub fn used_s(&self) -> f64 {
        self.clips.iter().map(|clip| clip.used_s).sum()
    }

    /// A sentence for every clip that gives little, and one if all of them give little.
    ///
    /// - `names`: of the clips
    /// - `setting`: name and value of the setting that decides what is loud enough
    pub fn warnings(&self, names: &[String], (key, silence_db): (&str, f64)) -> Vec<String> {
        let name = |i: usize| names.get(i).map_or("a clip", String::as_str);
        let poor = self.clips.iter().enumerate().filter(|(_, c)| c.is_poor);
        let sentence = |(i, clip): (usize, &ClipUsage)| {
            if clip.is_silent {
                return format!(
                    "{}: silent, nothing of it is used. Check its level and channel.",
                    name(i)
                );
            }
            format!(
                "{}: only {:.1} s of {:.1} s lie within {} dB of the loudest sound ({} at {:.2} s); little or nothing is learnt from the rest. Bring the clips to one level, cut out knocks and long pauses, or lower {key}.",
                name(i),
                clip.used_s,
                clip.duration_s,
                -silence_db,
                name(self.loudest_clip),
                self.loudest_s,
            )
        };
        let mut warnings: Vec<String> = poor.map(sentence).collect();
        if self.used_s() < LITTLE_S {
            warnings.push(format!(
                "only {:.1} s of sound are left to learn from; about 20 s of clean sound is a good amount",
                self.used_s()
            ));
        }
        warnings
    }
}

/// Energies of all frames.
#[derive(Debug)]
pub(crate) struct Levels {
    /// Part of the loudest frame's energy that a frame needs.
    least: f64,
    loudest: f64,
    /// Clip and frame of the loudest.
    place: (usize, usize),
    /// Energies `Σ|X|²` of every clip's frames.
    clips: Vec<Vec<f64>>,
    /// Samples of every clip.
    samples: Vec<usize>,
}

impl Levels {
    pub fn new(silence_db: f64) -> Self {
        Self {
            // in single precision, as the level of a sound is measured
            least: 10f64.powf(f64::from(silence_db as f32) / 10.0),
            loudest: 0.0,
            place: (0, 0),
            clips: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// What follows belongs to a new clip.
    pub fn begin_clip(&mut self) {
        self.clips.push(Vec::new());
        self.samples.push(0);
    }

    /// Adds to the length of the clip.
    pub fn samples(&mut self, count: usize) {
        if let Some(samples) = self.samples.last_mut() {
            *samples += count;
        }
    }

    /// The clip's next frame; returns its energy.
    pub fn push(&mut self, frame: &[f32]) -> f64 {
        let energy = frame.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let clip = self.clips.len().saturating_sub(1);
        if let Some(energies) = self.clips.last_mut() {
            if energy > self.loudest {
                (self.loudest, self.place) = (energy, (clip, energies.len()));
            }
            energies.push(energy);
        }
        energy
    }

    /// Whether a frame is loud enough beside the loudest so far.
    pub fn is_loud(&self, energy: f64) -> bool {
        energy > 0.0 && energy >= self.loudest * self.least
    }

    /// Length of all clips in samples.
    pub fn total_samples(&self) -> usize {
        self.samples.iter().sum()
    }

    /// Frames that are loud enough.
    pub fn loud_frames(&self) -> usize {
        let all = self.clips.iter().flatten();
        all.filter(|&&energy| self.is_loud(energy)).count()
    }

    pub fn usage(&self, audio: &AudioConfig) -> Usage {
        let rate = f64::from(audio.sample_rate);
        let seconds = |frames: usize| frames as f64 * audio.hop as f64 / rate;
        let of_clip = |(energies, &samples): (&Vec<f64>, &usize)| {
            let used = energies.iter().filter(|&&e| self.is_loud(e)).count();
            let duration_s = samples as f64 / rate;
            ClipUsage {
                duration_s,
                // the frames at a clip's ends reach beyond it
                used_s: seconds(used).min(duration_s),
                is_poor: 2 * used < energies.len() || 4 * used < 3 * sound(energies),
                is_silent: energies.iter().all(|&energy| energy == 0.0),
            }
        };
        Usage {
            clips: self.clips.iter().zip(&self.samples).map(of_clip).collect(),
            loudest_clip: self.place.0,
            // frame t is centred near t hops
            loudest_s: seconds(self.place.1),
        }
    }
}

/// Frames within 30 dB of the upper quartile.
fn sound(energies: &[f64]) -> usize {
    let mut sorted = energies.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let quartile = sorted.get(sorted.len() * 3 / 4).copied().unwrap_or(0.0);
    let is_sound = |&&energy: &&f64| energy > 0.0 && energy >= 1e-3 * quartile;
    match quartile > 0.0 {
        true => energies.iter().filter(is_sound).count(),
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_model::random::generator;
    use nae_testing::tones::scale;

    const RATE: u32 = 8000;

    fn audio() -> AudioConfig {
        AudioConfig {
            sample_rate: RATE,
            n_fft: 256,
            hop: 64,
        }
    }

    /// Usage and warnings of clips, made of one clip of notes at the given levels, with a knock or not.
    fn warnings(clips: &[Vec<f32>]) -> (Usage, Vec<String>) {
        let slices: Vec<&[f32]> = clips.iter().map(Vec::as_slice).collect();
        let usage = Usage::of_clips(&slices, &audio(), -50.0).unwrap();
        let names: Vec<String> = (0..clips.len()).map(|i| format!("clip-{i}.wav")).collect();
        let warnings = usage.warnings(&names, ("train.silence_db", -50.0));
        (usage, warnings)
    }

    fn notes(db: f32) -> Vec<f32> {
        let gain = 10f32.powf(db / 20.0);
        let mut notes = Vec::new();
        for seed in 0..4 {
            notes.extend(
                scale(&mut generator(seed, "notes"))
                    .iter()
                    .map(|x| gain * x),
            );
        }
        notes
    }

    #[test]
    fn clips_that_give_all_they_have_are_not_named() {
        let (usage, warnings) = warnings(&[notes(0.0), notes(-10.0), notes(-20.0)]);
        assert!(warnings.is_empty(), "{warnings:?}");
        assert!(usage.used_s() > 0.7 * usage.duration_s());
        assert!(usage.used_s() <= usage.duration_s());
    }

    #[test]
    fn quiet_silent_empty_and_knocked_clips_are_named() {
        let mut knocked = notes(-46.0);
        knocked[400..600].fill(0.9);
        knocked[450..550].fill(-0.9);
        let mut paused = notes(0.0);
        let length = paused.len();
        paused.extend(vec![0.0; 2 * length]);
        let clips = [notes(0.0), notes(-52.0), vec![0.0; 8000], knocked, paused];
        let (usage, warnings) = warnings(&clips);
        assert_eq!(warnings.len(), 4, "{warnings:?}");
        for (i, warning) in warnings.iter().enumerate() {
            assert!(
                warning.starts_with(&format!("clip-{}.wav: ", i + 1)),
                "{warning}"
            );
        }
        assert!(warnings[1].contains("silent"), "{}", warnings[1]);
        assert_eq!(usage.clips[2].used_s, 0.0);
    }

    #[test]
    fn little_sound_is_said() {
        let (_, warnings) = warnings(&[notes(0.0)[..8000].to_vec()]);
        assert!(
            warnings.iter().any(|w| w.contains("about 20 s")),
            "{warnings:?}"
        );
    }
}
