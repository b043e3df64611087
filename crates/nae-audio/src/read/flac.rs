//! FLAC files.
//!
//! Every frame states its position, so frames that symphonia skips because their checksum is wrong
//! are found as a gap. The last frame is read before anything else: its position shows whether the
//! file was cut short.

use std::fs::File;
use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;

use super::codec::{Codec, Decoded};
use super::demuxer::{Demuxer, Next};
use super::flac_end::{LastFrame, StreamInfo};
use super::packets::Packets;
use super::spec::Spec;
use super::timeline::Timeline;
use crate::AudioError;
use crate::warning::Warning;

/// A jump in the positions of more than this is no damage, unless the header counts that far.
const MAX_GAP_S: u64 = 600;
/// A stream that begins later than this was recorded from the middle of another.
const MAX_START_S: u64 = 10;

/// Decodes a FLAC file.
pub(crate) struct Flac {
    demuxer: Demuxer,
    /// Samples per channel that the header counts.
    counted: Option<u64>,
    /// The last frame, which symphonia does not find where something follows it.
    last: Option<LastFrame>,
    /// Position of the next frame.
    next: u64,
    is_begun: bool,
    is_ended: bool,
    is_cut: bool,
    found: u64,
}

impl Flac {
    /// `head` is what the file holds from `start` on.
    pub fn open(path: &Path, start: u64, head: &[u8], mut file: File) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read it", e);
        let info = StreamInfo::read(&mut file, start).map_err(io)?;
        let last = match &info {
            Some(info) => info.last_frame(&mut file).map_err(io)?,
            None => None,
        };
        let counted = info.and_then(|info| info.samples);
        if let (Some(info), Some(promised), Some(last)) = (&info, counted, &last) {
            let end = last.position + last.samples;
            let found = match last.whole {
                Some(_) if end < promised => Some(end),
                None if end < promised || is_cut(path, info, last)? => Some(last.position),
                _ => None,
            };
            if let Some(found) = found {
                return Err(AudioError::Truncated {
                    path: path.into(),
                    promised,
                    found,
                    unit: "samples per channel",
                });
            }
        }
        let demuxer = Demuxer::open(path, head, Box::new(file)).map_err(|error| match error {
            AudioError::NoSamples { path } if counted.is_some() => {
                AudioError::damaged(&path, "none of its frames can be decoded")
            }
            other => other,
        })?;
        Ok(Self {
            demuxer,
            counted,
            last,
            next: 0,
            is_begun: false,
            is_ended: false,
            is_cut: false,
            found: 0,
        })
    }

    /// Puts in silence for what is missing before `position`.
    fn bridge(&mut self, position: u64, timeline: &mut Timeline) {
        let gap = position.saturating_sub(self.next);
        let limit_s = if self.is_begun {
            MAX_GAP_S
        } else {
            MAX_START_S
        };
        let is_counted = self.counted.is_some_and(|counted| position <= counted);
        if is_counted || gap <= limit_s * u64::from(self.demuxer.spec().sample_rate) {
            timeline.lose(gap);
        }
        self.is_begun = true;
        self.next = position;
    }

    /// Puts in what symphonia has not found at the end.
    fn finish(&mut self, path: &Path, timeline: &mut Timeline) -> Result<(), AudioError> {
        self.is_ended = true;
        if let Some(last) = self.last.take()
            && (last.position == self.next || (last.position > self.next && self.counted.is_some()))
        {
            self.bridge(last.position, timeline);
            let bytes = last.whole.map(|len| last.bytes[..len].into());
            let sound = match bytes {
                Some(bytes) => decode(path, self.demuxer.parameters(), bytes)?,
                None => Decoded::Damaged {
                    reason: "its checksum is wrong".into(),
                    is_short: false,
                },
            };
            match sound {
                Decoded::Sound(spec, sound) if spec == self.demuxer.spec() => timeline.push(sound),
                _ if self.counted.is_some() => timeline.lose(last.samples),
                _ => self.is_cut = true,
            }
            self.next += last.samples;
        }
        self.found = timeline.position();
        match self.counted {
            Some(promised) if self.found < promised => Err(AudioError::Truncated {
                path: path.into(),
                promised,
                found: self.found,
                unit: "samples per channel",
            }),
            _ => Ok(()),
        }
    }
}

impl Packets for Flac {
    fn spec(&self) -> Spec {
        self.demuxer.spec()
    }

    fn samples(&self) -> Option<u64> {
        self.counted
    }

    fn step(&mut self, path: &Path, timeline: &mut Timeline) -> Result<bool, AudioError> {
        if self.is_ended {
            return Ok(false);
        }
        let Next::Unit(unit) = self.demuxer.next(path)? else {
            self.finish(path, timeline)?;
            return Ok(true);
        };
        if unit.position >= self.next {
            self.bridge(unit.position, timeline);
        }
        match unit.sound {
            Some(sound) => timeline.push(sound),
            None => timeline.lose(unit.duration),
        }
        // a smaller position begins another file, joined to this one
        self.next = unit.position + unit.duration;
        Ok(true)
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.is_cut {
            warnings.push(Warning::Unfinished);
        }
        if let Some(promised) = self.counted
            && self.found > promised
        {
            warnings.push(Warning::Longer {
                promised,
                found: self.found,
            });
        }
        warnings
    }
}

/// Whether the last frame ends with the file before it is complete, and is not just damaged.
fn is_cut(path: &Path, info: &StreamInfo, last: &LastFrame) -> Result<bool, AudioError> {
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(CODEC_ID_FLAC)
        .with_extra_data(info.bytes.into());
    let decoded = decode(path, &parameters, last.bytes.clone().into())?;
    Ok(matches!(decoded, Decoded::Damaged { is_short: true, .. }))
}

fn decode(
    path: &Path,
    parameters: &AudioCodecParameters,
    frame: Box<[u8]>,
) -> Result<Decoded, AudioError> {
    Codec::new(path, parameters)?.decode(path, frame, 0)
}
