//! The recordings as training clips and mixtures.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nae_audio::Clip;
use nae_files::retry::retrying_if;
use nae_train::TrainingClip;

use crate::cell::Place;
use crate::dataset::{Recording, Speaker, duration_s};
use crate::error::SweepError;
use crate::repeat::Repeat;
use crate::system_config::MixSpec;

/// Root mean square of every source of a mixture at 0 dB, full scale 1: loud, and far from clipping.
const LEVEL: f64 = 0.08;

/// True sources and their sum.
#[derive(Clone, Debug)]
pub struct Mixture {
    /// Samples of every source, in the pair's order.
    pub references: Vec<Vec<f32>>,
    /// Their sum.
    pub mixture: Clip,
}

/// Recordings of all speakers, read once and kept.
#[derive(Debug)]
pub struct Sounds<'a> {
    speakers: &'a [Speaker],
    kept: Mutex<HashMap<Key, Arc<Vec<TrainingClip>>>>,
}

/// Speaker, part and sample rate.
type Key = (usize, Part, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Train,
    Test,
}

impl<'a> Sounds<'a> {
    /// Nothing is read yet.
    pub fn new(speakers: &'a [Speaker]) -> Self {
        Self {
            speakers,
            kept: Mutex::default(),
        }
    }

    /// The first `train_s` seconds of a speaker's training sound at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`SweepError::Changed`] for other sound than was planned with, and what reading gives.
    pub fn training(
        &self,
        speaker: usize,
        train_s: f64,
        sample_rate: u32,
    ) -> Result<Vec<TrainingClip>, SweepError> {
        let mut left = (train_s * f64::from(sample_rate)).round() as usize;
        let mut clips = Vec::new();
        for clip in self.read(speaker, Part::Train, sample_rate)?.iter() {
            if left == 0 {
                break;
            }
            let mut clip = clip.clone();
            clip.samples.truncate(left);
            left -= clip.samples.len();
            clips.push(clip);
        }
        Ok(clips)
    }

    /// One mixture: a stretch of every member's test sound, repeated where it is too short and that is asked
    /// for, each at its level, summed. Number `i` of
    /// `n` begins `i/(n − 1)` of the way to the last place where it still fits.
    ///
    /// # Errors
    /// As [`training`](Self::training).
    pub fn mixture(
        &self,
        members: &[usize],
        place: Place,
        mix: &MixSpec,
        sample_rate: u32,
    ) -> Result<Mixture, SweepError> {
        let durations = members
            .iter()
            .map(|&member| duration_s(&self.speakers[member].test));
        let durations: Vec<f64> = durations.collect();
        let length_s = mix.length_s(&durations).unwrap_or(mix.mixture_s);
        let length = (length_s * f64::from(sample_rate)).round() as usize;
        let mut references = Vec::new();
        for (i, &member) in members.iter().enumerate() {
            let clips = self.read(member, Part::Test, sample_rate)?;
            let mut all: Vec<f32> = clips
                .iter()
                .flat_map(|clip| clip.samples.iter().copied())
                .collect();
            if mix.repeat == Repeat::Yes && !all.is_empty() && all.len() < length {
                all = all.repeat(length.div_ceil(all.len()));
            }
            let start = all.len().saturating_sub(length) * place.index / (place.of - 1).max(1);
            let mut part: Vec<f32> = all.into_iter().skip(start).take(length).collect();
            // resampling may have lost the last sample
            part.resize(length, 0.0);
            let power = part.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / length as f64;
            let level = LEVEL * 10f64.powf(mix.level_of(i) / 20.0);
            let gain = if power > 0.0 {
                level / power.sqrt()
            } else {
                0.0
            };
            part.iter_mut()
                .for_each(|x| *x = (f64::from(*x) * gain) as f32);
            references.push(part);
        }
        let sum = (0..length)
            .map(|n| references.iter().map(|part| part[n]).sum())
            .collect();
        Ok(Mixture {
            references,
            mixture: Clip::mono(sum, sample_rate),
        })
    }

    fn read(
        &self,
        speaker: usize,
        part: Part,
        sample_rate: u32,
    ) -> Result<Arc<Vec<TrainingClip>>, SweepError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clips) = kept.get(&(speaker, part, sample_rate)) {
            return Ok(Arc::clone(clips));
        }
        let recordings = match part {
            Part::Train => &self.speakers[speaker].train,
            Part::Test => &self.speakers[speaker].test,
        };
        let read = |recording: &Recording| {
            let clip = retrying_if(&recording.path, SweepError::is_transient, || {
                Ok(TrainingClip::read(&recording.path, sample_rate)?)
            })?;
            if clip.record.sha256 != recording.sha256 {
                return Err(SweepError::Changed {
                    path: recording.path.clone(),
                });
            }
            Ok(clip)
        };
        let clips = Arc::new(
            recordings
                .iter()
                .map(read)
                .collect::<Result<Vec<_>, SweepError>>()?,
        );
        kept.insert((speaker, part, sample_rate), Arc::clone(&clips));
        Ok(clips)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_audio::BitDepth;
    use nae_files::sha256_hex;

    const RATE: u32 = 8000;

    fn speaker(folder: &std::path::Path, name: &str, seconds: &[usize]) -> Speaker {
        let recordings = seconds.iter().enumerate().map(|(i, seconds)| {
            let path = folder.join(format!("{name}-{i}.wav"));
            let samples = (0..seconds * RATE as usize)
                .map(|n| ((i + 1) * n) as f32 * 1e-6 % 0.5)
                .collect();
            nae_audio::write(&path, &Clip::mono(samples, RATE), BitDepth::Float32).unwrap();
            let sha256 = sha256_hex(&std::fs::read(&path).unwrap());
            Recording {
                path,
                sha256,
                duration_s: *seconds as f64,
            }
        });
        let recordings: Vec<Recording> = recordings.collect();
        Speaker {
            name: name.into(),
            train: recordings.clone(),
            test: recordings,
            ..Speaker::default()
        }
    }

    #[test]
    fn training_takes_the_first_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let speakers = [speaker(folder.path(), "a", &[3, 4, 5])];
        let sounds = Sounds::new(&speakers);
        let seconds = |train_s: f64| -> Vec<usize> {
            let clips = sounds.training(0, train_s, RATE).unwrap();
            clips
                .iter()
                .map(|clip| clip.samples.len() / RATE as usize)
                .collect()
        };
        assert_eq!(seconds(5.0), [3, 2]);
        assert_eq!(seconds(3.0), [3]);
        assert_eq!(seconds(100.0), [3, 4, 5]);
    }

    #[test]
    fn sources_sum_to_the_mixture_at_their_levels() {
        let folder = tempfile::tempdir().unwrap();
        let speakers = [
            speaker(folder.path(), "a", &[3]),
            speaker(folder.path(), "b", &[2, 2]),
        ];
        let sounds = Sounds::new(&speakers);
        let mix = MixSpec {
            mixture_s: 2.0,
            level_db: 6.0,
            ..MixSpec::default()
        };
        let cut = |index| {
            sounds
                .mixture(&[0, 1], Place { index, of: 3 }, &mix, RATE)
                .unwrap()
        };
        let first = cut(0);
        assert_eq!(first.mixture.samples(), 2 * RATE as usize);
        let power = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let level = 10.0 * (power(&first.references[0]) / power(&first.references[1])).log10();
        // single precision of the samples
        assert!((level - 6.0).abs() < 1e-3, "{level}");
        for (n, x) in first.mixture.channels()[0].iter().enumerate() {
            assert_eq!(*x, first.references[0][n] + first.references[1][n]);
        }
        assert_ne!(cut(0).references, cut(1).references);
        assert_ne!(cut(1).references, cut(2).references);
    }

    #[test]
    fn short_sound_is_repeated_or_shortens_the_mixture() {
        let folder = tempfile::tempdir().unwrap();
        let speakers = [
            speaker(folder.path(), "a", &[9]),
            speaker(folder.path(), "b", &[2]),
        ];
        let sounds = Sounds::new(&speakers);
        let cut = |mix: &MixSpec| {
            let place = Place { index: 0, of: 1 };
            sounds
                .mixture(&[0, 1], place, mix, RATE)
                .unwrap()
                .references
        };
        let mix = MixSpec {
            levels_db: vec![0.0, -5.0],
            ..MixSpec::default()
        };
        let repeated = cut(&MixSpec {
            repeat: Repeat::Yes,
            ..mix.clone()
        });
        assert!(repeated.iter().all(|own| own.len() == 5 * RATE as usize));
        let period = 2 * RATE as usize;
        assert!((period..repeated[1].len()).all(|n| repeated[1][n] == repeated[1][n - period]));
        let shorter = cut(&MixSpec {
            min_mixture_s: 1.0,
            ..mix
        });
        assert!(shorter.iter().all(|own| own.len() == period));
        let power = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        for references in [repeated, shorter] {
            let level = 10.0 * (power(&references[1]) / power(&references[0])).log10();
            // single precision of the samples
            assert!((level + 5.0).abs() < 1e-3, "{level}");
        }
    }

    #[test]
    fn another_recording_than_was_planned_with_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut speakers = [speaker(folder.path(), "a", &[1])];
        speakers[0].train[0].sha256 = "0".repeat(64);
        let error = Sounds::new(&speakers).training(0, 1.0, RATE).unwrap_err();
        assert!(matches!(error, SweepError::Changed { .. }), "{error}");
    }
}
