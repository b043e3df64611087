//! The separator of sound that is still coming.

use nae_audio::stream::{MaskStream, MaskStreamConfig, StreamMasks};
use nae_model::AudioConfig;

use super::estimator::FrameEstimator;
use super::level::LevelTracker;
use crate::error::SeparateError;
use crate::settings::SeparateConfig;
use crate::sources::check_names;

/// Where the mixture's level comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LiveLevel {
    /// From the sound itself, silent frames left out.
    Followed {
        /// Time in which what has been is forgotten, seconds.
        memory_s: f64,
    },
    /// It is known: the standard deviation of the mixture at the models' sample rate.
    Fixed(f64),
}

/// What a [`Live`] is made for.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveConfig {
    /// Sample rate of the mixture, Hz.
    pub rate: u32,
    /// Channels of the mixture, at least 1; all get the same masks.
    pub channels: usize,
    /// Names of the stems that are wanted; all of them if empty.
    pub stems: Vec<String>,
    /// Length of the resamplers' filters, in samples of the lower rate, where the models' rate is
    /// another: each adds one and a half times as much delay.
    pub filter: usize,
    /// Where the mixture's level comes from.
    pub level: LiveLevel,
    /// Frames this far below the loudest are silent, in dB (negative).
    pub silence_db: f64,
}

impl LiveConfig {
    /// All stems of a mixture, with the default filter and level.
    pub fn new(rate: u32, channels: usize) -> Self {
        Self {
            rate,
            channels,
            stems: Vec::new(),
            filter: 128,
            level: LiveLevel::Followed { memory_s: 10.0 },
            silence_db: SeparateConfig::default().silence_db,
        }
    }
}

/// Separates a mixture while it is still coming.
///
/// Stems are [`latency`](Self::latency) samples late, to the sample, whatever the sizes of the blocks;
/// those of all sources sum to the delayed mixture. All channels share one set of masks. A sample that
/// is not finite is taken as silence and [counted](Self::silenced).
pub struct Live {
    names: Vec<String>,
    stream: MaskStream<LevelledMasks>,
}

/// Masks of a mixture that is brought to the models' level.
struct LevelledMasks {
    estimator: Box<dyn FrameEstimator>,
    level: Level,
    gain: f64,
}

enum Level {
    Followed(LevelTracker),
    Fixed,
}

impl Live {
    /// Plans a separation with any estimator of masks.
    ///
    /// - `names`: of its sources, in order
    /// - `audio`: of the frames that it takes
    ///
    /// # Errors
    /// [`SeparateError`] for equal names, an unknown stem, or rates and channels that are not possible.
    pub fn new(
        names: Vec<String>,
        audio: AudioConfig,
        estimator: Box<dyn FrameEstimator>,
        config: &LiveConfig,
    ) -> Result<Self, SeparateError> {
        if names.is_empty() || names.len() != estimator.sources() {
            return Err(SeparateError::NoSources);
        }
        check_names(names.iter().map(String::as_str))?;
        let number = |stem: &String| {
            let found = names.iter().position(|name| name == stem);
            found.ok_or_else(|| SeparateError::NoSuchStem {
                stem: stem.clone(),
                names: names.join("`, `"),
            })
        };
        let stems = match config.stems.is_empty() {
            true => (0..names.len()).collect(),
            false => config
                .stems
                .iter()
                .map(number)
                .collect::<Result<Vec<_>, _>>()?,
        };
        let target = (names.len() as f64).sqrt();
        let (level, gain) = match config.level {
            LiveLevel::Followed { memory_s } => {
                let frames = memory_s * f64::from(audio.sample_rate) / audio.hop as f64;
                (
                    Level::Followed(LevelTracker::new(frames, config.silence_db)),
                    1.0,
                )
            }
            LiveLevel::Fixed(level) => (Level::Fixed, target / level.max(f64::MIN_POSITIVE)),
        };
        let masks = LevelledMasks {
            estimator,
            level,
            gain,
        };
        let stream = MaskStreamConfig {
            rate: config.rate,
            channels: config.channels,
            model_rate: audio.sample_rate,
            stft: audio.stft(),
            stems: stems.clone(),
            filter: config.filter,
        };
        Ok(Self {
            stream: MaskStream::new(masks, stream)?,
            names: stems.into_iter().map(|i| names[i].clone()).collect(),
        })
    }

    /// Names of the stems, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Samples by which stems are behind the mixture. They begin with as many zeros.
    pub fn latency(&self) -> usize {
        self.stream.latency()
    }

    /// Values that were not finite or beyond ±10¹², in all channels so far; they are taken as silence.
    pub fn silenced(&self) -> u64 {
        self.stream.silenced()
    }

    /// Samples of every channel so far.
    pub fn received(&self) -> u64 {
        self.stream.received()
    }

    /// Samples that the next [`pull`](Self::pull) gives.
    pub fn available(&self) -> usize {
        self.stream.available()
    }

    /// Takes the next samples, any number of them. As many can be pulled afterwards.
    ///
    /// # Shapes
    /// - `channels`: samples of every channel, all of one length
    ///
    /// # Errors
    /// [`SeparateError::Audio`] for another number of channels, unequal lengths, or after a flush;
    /// [`SeparateError::NotFinite`] for a model of no use.
    pub fn push(&mut self, channels: &[impl AsRef<[f32]>]) -> Result<(), SeparateError> {
        self.stream.push(channels)
    }

    /// Appends all samples that are [available](Self::available).
    ///
    /// # Shapes
    /// - `stems`: one vector for every channel of every stem, `[stem][channel]`
    pub fn pull(&mut self, stems: &mut [Vec<Vec<f32>>]) {
        self.stream.pull(stems);
    }

    /// Ends the mixture: as many samples more can be pulled as the stems are late.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn flush(&mut self) -> Result<(), SeparateError> {
        self.stream.flush()
    }
}

impl StreamMasks for LevelledMasks {
    type Error = SeparateError;

    fn sources(&self) -> usize {
        self.estimator.sources()
    }

    fn look_ahead(&self) -> usize {
        self.estimator.look_ahead()
    }

    fn estimate(
        &mut self,
        magnitude: Option<&[f32]>,
        masks: &mut [f32],
    ) -> Result<(), SeparateError> {
        if let (Level::Followed(tracker), Some(magnitude)) = (&mut self.level, magnitude)
            && let Some(level) = tracker.push(magnitude)
        {
            self.gain = (self.estimator.sources() as f64).sqrt() / level;
        }
        self.estimator.estimate(magnitude, self.gain, masks)?;
        // one number that is not finite makes the sum so
        match masks.iter().sum::<f32>().is_finite() {
            true => Ok(()),
            false => Err(SeparateError::NotFinite {
                model: "one of the models".into(),
            }),
        }
    }
}
