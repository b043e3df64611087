//! Training frames from clips.

use std::path::PathBuf;

use nae_audio::{Magnitude, MonoReader, Stft, edge_samples, resample, without_offset};
use nae_model::latent_cache::MAX_FRAMES;
use nae_model::spectra::level;
use nae_model::{AudioConfig, ClipRecord};

use crate::clip::TrainingClip;
use crate::collector::{Collected, Collector, add};
use crate::error::TrainError;
use crate::frame_collector::FrameCollector;
use crate::segments::{SegmentCollector, SegmentShape};
use crate::usage::Usage;

/// Frames that training needs at least.
pub const MIN_FRAMES: usize = 8;

/// Spectral values that are trained on at most: 256 MiB, 35 min at the default settings. By default a run
/// draws about as many frames in all.
pub const MAX_VALUES: usize = 1 << 26;

/// Spectra of the frames that are not silent.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Uncompressed magnitudes: at most [`MAX_VALUES`], a choice spread evenly over all clips where there
    /// are more.
    pub magnitude: Magnitude,
    /// Whether each frame counts; those that do not are context of others.
    pub counted: Vec<bool>,
    /// Frames that are not silent, chosen or not.
    pub available: usize,
    /// Factor that brings the sound to unit standard deviation.
    pub gain: f64,
    /// Length of all clips in seconds.
    pub duration_s: f64,
    /// The clips.
    pub records: Vec<ClipRecord>,
    /// How much of each clip is used.
    pub usage: Usage,
}

/// Frames of files, and their first sound.
#[derive(Clone, Debug)]
pub struct Material {
    /// What models are trained on, in each of the forms that were asked for.
    pub frames: Vec<Frames>,
    /// As much of the first clips as [`store_latents`](crate::store_latents) uses.
    pub beginning: Vec<TrainingClip>,
}

impl Frames {
    /// Spectra of all clips, one after another, silent frames left out, constant offsets taken off.
    ///
    /// Every clip is transformed by itself, so that no frame spans two clips. For models that see several
    /// frames, the neighbours of every frame come with it, silent or not, and zeros beyond the ends of its
    /// clip.
    ///
    /// - `shape`: for models that see several frames: how many neighbours, and how many frames there have
    ///   to be at least
    ///
    /// # Errors
    /// [`TrainError::NoClips`], [`TrainError::Silent`] or [`TrainError::TooShort`].
    pub fn from_clips(
        clips: &[TrainingClip],
        audio: &AudioConfig,
        silence_db: f64,
        shape: Option<SegmentShape>,
    ) -> Result<Self, TrainError> {
        let stft = Stft::new(audio.stft())?;
        let mut collector = collector(audio, silence_db, shape);
        for clip in clips {
            collector.levels().begin_clip();
            let centred = without_offset(&clip.samples, audio.sample_rate);
            add(&mut *collector, &centred, &stft, (0, 0))?;
        }
        let records = clips.iter().map(|clip| clip.record.clone()).collect();
        Self::of(collector, records, audio, silence_db)
    }

    fn of(
        collector: Box<dyn Collector>,
        records: Vec<ClipRecord>,
        audio: &AudioConfig,
        silence_db: f64,
    ) -> Result<Self, TrainError> {
        if records.is_empty() {
            return Err(TrainError::NoClips);
        }
        let collected = collector.finish()?;
        let Collected {
            magnitude,
            counted,
            levels,
        } = collected;
        let duration_s = levels.total_samples() as f64 / f64::from(audio.sample_rate);
        let level = level(&magnitude, silence_db as f32);
        if level <= 0.0 {
            return Err(TrainError::Silent { duration_s });
        }
        let frames = Self {
            magnitude,
            counted,
            available: levels.loud_frames(),
            gain: 1.0 / level,
            duration_s,
            records,
            usage: levels.usage(audio),
        };
        if frames.count() < MIN_FRAMES {
            return Err(TrainError::TooShort {
                frames: frames.count(),
                needed: MIN_FRAMES,
                duration_s,
            });
        }
        Ok(frames)
    }

    /// So many of the frames, spread evenly over all, where none is context of others.
    pub(crate) fn spread(&self, most: usize) -> Self {
        let all = self.magnitude.frames();
        let chosen: Vec<usize> = (0..most).map(|i| i * all / most.max(1)).collect();
        Self {
            magnitude: self.magnitude.select(&chosen),
            counted: vec![true; chosen.len()],
            available: self.available,
            gain: self.gain,
            duration_s: self.duration_s,
            records: self.records.clone(),
            usage: self.usage.clone(),
        }
    }

    /// Number of frames that count.
    pub fn count(&self) -> usize {
        self.counted.iter().filter(|counts| **counts).count()
    }
}

impl Material {
    /// Spectra of sound files, as [`Frames::from_clips`] makes them of [`TrainingClip::read`]. Files are
    /// read once, and in pieces, so that memory does not grow with their length; of files in several pieces
    /// the few frames at the cuts are left out.
    ///
    /// - `shapes`: one for each form of the frames, as for [`Frames::from_clips`]
    ///
    /// # Errors
    /// As [`Frames::from_clips`]; [`TrainError::Audio`] or [`TrainError::File`], naming the file.
    pub fn read(
        files: &[PathBuf],
        audio: &AudioConfig,
        silence_db: f64,
        shapes: &[Option<SegmentShape>],
    ) -> Result<Self, TrainError> {
        let stft = Stft::new(audio.stft())?;
        let collectors = shapes.iter();
        let collectors = collectors.map(|shape| collector(audio, silence_db, *shape));
        let mut collectors: Vec<Box<dyn Collector>> = collectors.collect();
        let mut records = Vec::with_capacity(files.len());
        let mut beginning = Vec::new();
        let mut left = MAX_FRAMES;
        for file in files {
            for collector in &mut collectors {
                collector.levels().begin_clip();
            }
            // samples that the frames still wanted lie on
            let wanted = if left == 0 {
                0
            } else {
                left * audio.hop + audio.n_fft
            };
            let reader = MonoReader::open(file)?;
            let (duration_s, samples) = read_file(reader, audio, &stft, &mut collectors, wanted)?;
            let record = ClipRecord::of_file(file, duration_s)?;
            left = left.saturating_sub(stft.config().frames(samples.len()));
            if wanted > 0 {
                let record = record.clone();
                beginning.push(TrainingClip { record, samples });
            }
            records.push(record);
        }
        let collectors = collectors.into_iter();
        let frames = collectors.map(|one| Frames::of(one, records.clone(), audio, silence_db));
        Ok(Self {
            frames: frames.collect::<Result<_, _>>()?,
            beginning,
        })
    }
}

/// Collects at most [`MAX_VALUES`].
fn collector(
    audio: &AudioConfig,
    silence_db: f64,
    shape: Option<SegmentShape>,
) -> Box<dyn Collector> {
    let bins = audio.stft().bins();
    let limit = MAX_VALUES / bins;
    match shape {
        None => Box::new(FrameCollector::new(bins, limit, silence_db)),
        Some(shape) => Box::new(SegmentCollector::new(bins, limit, silence_db, shape)),
    }
}

/// Adds a file's frames to those of its clip, in every form; returns its length in seconds and its first
/// samples at the model's rate.
fn read_file(
    mut reader: MonoReader,
    audio: &AudioConfig,
    stft: &Stft,
    collectors: &mut [Box<dyn Collector>],
    wanted: usize,
) -> Result<(f64, Vec<f32>), TrainError> {
    let (from, rate) = (reader.sample_rate(), audio.sample_rate);
    // frames that reach beyond a cut, or what the resampler rings there
    let edge = edge_samples(from, rate)? as u64 * u64::from(rate) / u64::from(from);
    let at_cut = (audio.n_fft + edge as usize).div_ceil(audio.hop) + 1;
    let (mut count, mut first) = (0u64, Vec::new());
    let mut is_first = true;
    while let Some(piece) = reader.next_piece()? {
        count += piece.samples.len() as u64;
        let samples = resample(&piece.samples, from, rate)?;
        let centred = without_offset(&samples, rate);
        let skip = |is_end: bool| if is_end { 0 } else { at_cut };
        for collector in &mut *collectors {
            let ends = (skip(is_first), skip(piece.is_last));
            add(&mut **collector, &centred, stft, ends)?;
        }
        let room = wanted - first.len();
        first.extend_from_slice(&samples[..samples.len().min(room)]);
        is_first = false;
    }
    Ok((count as f64 / f64::from(from), first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_audio::{BitDepth, Clip, write};
    use nae_model::random::generator;
    use nae_testing::tones::scale;

    const AUDIO: AudioConfig = AudioConfig {
        sample_rate: 8000,
        n_fft: 256,
        hop: 64,
    };

    /// A file of notes, at a rate of its own or at the models'.
    fn file(folder: &tempfile::TempDir, name: &str, rate: u32, seed: u64) -> PathBuf {
        let path = folder.path().join(name);
        let notes = scale(&mut generator(seed, "notes"));
        write(&path, &Clip::mono(notes, rate), BitDepth::Float32).unwrap();
        path
    }

    #[test]
    fn a_choice_of_frames_is_spread_over_all() {
        let samples = scale(&mut generator(3, "notes"));
        let record = ClipRecord {
            name: "notes".into(),
            sha256: String::new(),
            duration_s: 1.0,
        };
        let clips = [TrainingClip { record, samples }];
        let frames = Frames::from_clips(&clips, &AUDIO, -50.0, None).unwrap();
        let all = frames.magnitude.frames();
        let few = frames.spread(all / 3);
        assert_eq!((few.count(), few.gain), (all / 3, frames.gain));
        let places = (0..all / 3).map(|i| i * all / (all / 3));
        for (i, place) in places.enumerate() {
            assert_eq!(few.magnitude.frame(i), frames.magnitude.frame(place));
        }
    }

    #[test]
    fn files_give_what_their_clips_give() {
        let folder = tempfile::tempdir().unwrap();
        let files = [("a.wav", 8000), ("b.wav", 11_025), ("c.wav", 4000)];
        let files: Vec<PathBuf> = files
            .iter()
            .enumerate()
            .map(|(i, (name, rate))| file(&folder, name, *rate, i as u64))
            .collect();
        let shape = SegmentShape {
            before: 3,
            core: 8,
            after: 3,
        };
        let material = Material::read(&files, &AUDIO, -50.0, &[None, Some(shape)]).unwrap();
        let read = |path: &PathBuf| TrainingClip::read(path, AUDIO.sample_rate).unwrap();
        let clips: Vec<TrainingClip> = files.iter().map(read).collect();
        assert_eq!(material.frames.len(), 2);
        for (own, shape) in material.frames.iter().zip([None, Some(shape)]) {
            let frames = Frames::from_clips(&clips, &AUDIO, -50.0, shape).unwrap();
            assert_eq!(own.magnitude, frames.magnitude);
            assert_eq!(own.counted, frames.counted);
            assert_eq!(own.usage, frames.usage);
            assert_eq!(own.records, frames.records);
            assert_eq!(own.available, frames.count());
        }
        for (own, whole) in material.beginning.iter().zip(&clips) {
            assert_eq!(own.samples, whole.samples[..own.samples.len()]);
        }
        let limited = TrainingClip::read_beginning(&files[1], 8000, 5000).unwrap();
        assert_eq!(limited.samples, clips[1].samples[..5000]);
        assert_eq!(limited.record, clips[1].record);
    }

    #[test]
    fn pieces_give_the_frames_of_the_whole_but_for_those_at_cuts() {
        let folder = tempfile::tempdir().unwrap();
        for rate in [8000, 11_025] {
            let path = file(&folder, "a.wav", rate, 1);
            let stft = Stft::new(AUDIO.stft()).unwrap();
            let frames = |reader: MonoReader| {
                let mut collectors = [collector(&AUDIO, -300.0, None)];
                collectors[0].levels().begin_clip();
                let (duration_s, first) =
                    read_file(reader, &AUDIO, &stft, &mut collectors, 10_000).unwrap();
                let [collector] = collectors;
                (collector.finish().unwrap().magnitude, duration_s, first)
            };
            let open = || MonoReader::open(&path).unwrap();
            let (whole, duration_s, first) = frames(open());
            // a whole number of hops, so that frames lie at the same places
            let piece = 6400 * rate as usize / 8000;
            let (parts, of_parts, first_of_parts) = frames(open().in_pieces_of(piece));
            assert_eq!(duration_s, of_parts);
            let pairs = first[..5000].iter().zip(&first_of_parts);
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5));
            let lost = whole.frames() - parts.frames();
            assert!(
                lost > 0 && lost < whole.frames() / 2,
                "{lost} of {}",
                whole.frames()
            );
            // each is a frame of the whole, in order; the resampler's blocks begin elsewhere
            let mut at = 0;
            for t in 0..parts.frames() {
                let is_near = |i: &usize| {
                    let pairs = parts.frame(t).iter().zip(whole.frame(*i));
                    pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-3)
                };
                let found = (at..whole.frames()).find(is_near);
                at = found.expect("a frame that the whole does not have") + 1;
            }
        }
    }
}
