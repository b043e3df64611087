//! symphonia's own readers of containers, with their packets decoded.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::Path;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, SeekMode, SeekTo, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::units::Timestamp;

use super::codec::{Codec, Decoded, is_end};
use super::guard::guarded;
use super::source::{self, Container};
use super::spec::Spec;
use crate::AudioError;

/// How many packets in a row may be damaged before the first sound.
const MAX_DAMAGED_AT_START: usize = 64;

/// Takes packets out of a container and decodes them.
pub(crate) struct Demuxer {
    format: Box<dyn FormatReader>,
    codec: Codec,
    parameters: AudioCodecParameters,
    track: u32,
    spec: Spec,
    /// What was decoded before anybody asked.
    ahead: VecDeque<Unit>,
    /// Why a packet could not be decoded, the last one.
    reason: String,
}

/// A packet.
pub(crate) struct Unit {
    /// Where it lies, in units of the track's clock.
    pub position: u64,
    /// How long it is, in the same.
    pub duration: u64,
    /// Its samples; none if it is damaged.
    pub sound: Option<Vec<Vec<f32>>>,
}

/// What comes next.
pub(crate) enum Next {
    Unit(Unit),
    /// The end of the sound.
    End,
    /// The end of the file, before the end of the sound.
    EndOfFile,
}

impl Demuxer {
    /// Finds the container by its content (`head` is its start) and decodes up to the first sound.
    pub fn open(
        path: &Path,
        head: &[u8],
        source: Box<dyn MediaSource>,
    ) -> Result<Self, AudioError> {
        let stream = MediaSourceStream::new(source, Default::default());
        let (probe, hint) = (symphonia::default::get_probe(), Hint::new());
        let probe = || probe.probe(&hint, stream, Default::default(), Default::default());
        let format = guarded(path, probe)?.map_err(|e| probe_error(path, head, e))?;
        let unknown = || AudioError::UnsupportedCodec {
            path: path.into(),
            codec: "something unknown".into(),
        };
        let track = format.default_track(TrackType::Audio).ok_or_else(unknown)?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(unknown());
        };
        let mut this = Self {
            track: track.id,
            codec: Codec::new(path, parameters)?,
            parameters: parameters.clone(),
            spec: Spec {
                sample_rate: 0,
                channels: 0,
            },
            ahead: VecDeque::new(),
            reason: String::new(),
            format,
        };
        this.find_sound(path)?;
        Ok(this)
    }

    fn find_sound(&mut self, path: &Path) -> Result<(), AudioError> {
        let mut ahead = VecDeque::new();
        while ahead.len() < MAX_DAMAGED_AT_START {
            let Next::Unit(unit) = self.next(path)? else {
                return Err(AudioError::NoSamples { path: path.into() });
            };
            let is_sound = unit
                .sound
                .as_ref()
                .is_some_and(|sound| !sound[0].is_empty());
            ahead.push_back(unit);
            if is_sound {
                self.ahead = ahead;
                return Ok(());
            }
        }
        Err(AudioError::damaged(
            path,
            format!(
                "none of its first {MAX_DAMAGED_AT_START} packets can be decoded ({})",
                self.reason
            ),
        ))
    }

    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// The number of the track.
    pub fn track(&self) -> u32 {
        self.track
    }

    /// What the packets are coded as.
    pub fn parameters(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    /// Samples per channel that the header counts or estimates.
    pub fn samples_hint(&self) -> Option<u64> {
        let tracks = self.format.tracks().iter();
        let mut ours = tracks.filter(|track| track.id == self.track);
        ours.next()?.num_frames.filter(|&samples| samples > 0)
    }

    /// The length in units of the track's clock, and what of that clock is a second.
    pub fn duration(&self) -> Option<(u64, u32)> {
        let tracks = self.format.tracks().iter();
        let track = tracks.clone().find(|track| track.id == self.track)?;
        let base = track.time_base.filter(|base| base.numer.get() == 1)?;
        Some((track.duration?.get(), base.denom.get()))
    }

    /// Whether the packet at `position` is in the file.
    ///
    /// # Errors
    /// [`AudioError::Damaged`] where symphonia panics.
    pub fn can_read(&mut self, path: &Path, position: u64) -> Result<bool, AudioError> {
        let to = SeekTo::Timestamp {
            ts: Timestamp::new(position as i64),
            track_id: self.track,
        };
        if guarded(path, || self.format.seek(SeekMode::Accurate, to))?.is_err() {
            // no reason to call it cut
            return Ok(true);
        }
        loop {
            match guarded(path, || self.format.next_packet())? {
                Ok(Some(packet)) if packet.track_id != self.track => {}
                Ok(_) => return Ok(true),
                Err(error) => return Ok(!is_end(&error)),
            }
        }
    }

    /// The next packet.
    pub fn next(&mut self, path: &Path) -> Result<Next, AudioError> {
        if let Some(unit) = self.ahead.pop_front() {
            return Ok(Next::Unit(unit));
        }
        let packet = loop {
            match guarded(path, || self.format.next_packet())? {
                Ok(Some(packet)) if packet.track_id != self.track => {}
                Ok(Some(packet)) => break packet,
                Ok(None) => return Ok(Next::End),
                Err(error) if is_end(&error) => return Ok(Next::EndOfFile),
                Err(Error::IoError(e)) => return Err(AudioError::io(path, "read its samples", e)),
                Err(error) => return Err(AudioError::damaged(path, error.to_string())),
            }
        };
        let (position, duration) = (packet.pts.get().max(0) as u64, packet.dur.get());
        let sound = match self.codec.decode(path, packet.data, duration)? {
            Decoded::Sound(spec, sound) => {
                if self.spec.channels == 0 {
                    self.spec = spec;
                }
                if spec != self.spec || spec.sample_rate == 0 || spec.channels == 0 {
                    return Err(AudioError::Changes {
                        path: path.into(),
                        rates: (self.spec.sample_rate, spec.sample_rate),
                        channels: (self.spec.channels, spec.channels),
                    });
                }
                Some(sound)
            }
            Decoded::Damaged { reason, .. } => {
                self.reason = reason;
                None
            }
        };
        Ok(Next::Unit(Unit {
            position,
            duration,
            sound,
        }))
    }
}

fn probe_error(path: &Path, head: &[u8], error: Error) -> AudioError {
    match error {
        Error::IoError(e) if e.kind() != ErrorKind::UnexpectedEof => {
            AudioError::io(path, "read it", e)
        }
        Error::Unsupported(_) | Error::IoError(_)
            if source::container(head) != Container::Other =>
        {
            AudioError::damaged(path, "its header cannot be read to its end")
        }
        Error::Unsupported(_) | Error::IoError(_) => AudioError::NotAudio {
            path: path.into(),
            found: source::describe(head),
        },
        other => AudioError::damaged(path, other.to_string()),
    }
}
