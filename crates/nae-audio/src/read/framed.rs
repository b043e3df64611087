//! MP3 and ADTS files.
//!
//! The frames are walked twice: when the file is opened, to know its length, that everything has one
//! sample rate and what is wrong, and when it is decoded. A tag's count of frames is used for the
//! encoder's delay and padding, with a warning where it is wrong; nothing is trimmed without a
//! count. Files joined one after another are read to the end, each part trimmed by its own tag.
//!
//! Frames lost to damage are as many as their bytes make at the mean length of the frames so far, or
//! as many as the tag's count leaves, where the two agree within a quarter.

use std::fs::File;
use std::path::Path;

use symphonia::core::audio::layouts;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as codec;

use super::codec::{Codec, Decoded};
use super::frame_header::{Coding, FrameHeader};
use super::frames::{End, Frames, Step};
use super::mp3_tag::Mp3Tag;
use super::packets::Packets;
use super::spec::Spec;
use super::timeline::Timeline;
use super::window::Window;
use crate::AudioError;
use crate::warning::Warning;

/// More joined files than anybody joins.
const MAX_PARTS: usize = 1 << 16;

/// Decodes an MP3 or ADTS file.
pub(crate) struct Framed {
    frames: Frames,
    codec: Codec,
    spec: Spec,
    survey: Survey,
    part: usize,
    has_begun: bool,
    lengths: MeanLength,
}

/// What the first walk found.
#[derive(Default)]
struct Survey {
    parts: Vec<Part>,
    junk: u64,
    end: End,
}

/// One of the files that were joined, most often the only one.
#[derive(Default, Clone, Copy)]
struct Part {
    tag: Mp3Tag,
    /// Whole frames.
    frames: u64,
    /// Frames that are lost.
    lost: u64,
    /// What the tag's count adds to the lengths of lost stretches, frames.
    correction: i64,
    samples_a_frame: u64,
}

/// The mean length of a frame.
#[derive(Default)]
struct MeanLength {
    frames: u64,
    bytes: u64,
}

impl Framed {
    /// Walks through the whole file; none if there are no such frames in it.
    pub fn open(path: &Path, file: File) -> Result<Option<Self>, AudioError> {
        let io = |e| AudioError::io(path, "read it", e);
        let mut frames = Frames::new(Window::new(file).map_err(io)?);
        let Step::Frame(first, _) = frames.next().map_err(io)? else {
            return Ok(None);
        };
        frames.rewind().map_err(io)?;
        let codec = Codec::new(path, &parameters(&first))?;
        let survey = Survey::of(path, &mut frames, &first)?;
        frames.rewind().map_err(io)?;
        Ok(Some(Self {
            frames,
            codec,
            spec: first.spec,
            survey,
            part: 0,
            has_begun: false,
            lengths: MeanLength::default(),
        }))
    }
}

impl Packets for Framed {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn samples(&self) -> Option<u64> {
        Some(self.survey.parts.iter().map(Part::kept).sum())
    }

    fn step(&mut self, path: &Path, timeline: &mut Timeline) -> Result<bool, AudioError> {
        let step = self.frames.next();
        let step = step.map_err(|e| AudioError::io(path, "read its samples", e))?;
        match step {
            Step::Frame(header, frame) => {
                let is_first = !std::mem::replace(&mut self.has_begun, true);
                if let Some(tag) = Mp3Tag::parse(&header, &frame) {
                    if !is_first {
                        self.codec.reset();
                        self.part += 1;
                    }
                    let part = self.survey.parts.get(self.part).copied();
                    let wanted = part.filter(Part::is_counted).map(|part| part.kept());
                    timeline.begin(tag.delay, wanted);
                    self.lengths = MeanLength::default();
                } else {
                    self.lengths.add(&header);
                    self.decode(path, &header, frame, timeline)?;
                }
            }
            Step::Lost { bytes } => {
                // the frames before it do not lead up to the ones after it
                self.codec.reset();
                if let Some(part) = self.survey.parts.get_mut(self.part) {
                    let correction = std::mem::take(&mut part.correction);
                    let frames = self.lengths.frames_in(bytes);
                    timeline.lose(frames.saturating_add_signed(correction) * part.samples_a_frame);
                }
            }
            Step::Other(other) => return Err(changes(path, self.spec, other.spec)),
            Step::End(_) => return Ok(false),
        }
        Ok(true)
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> =
            self.survey.parts.iter().filter_map(Part::warning).collect();
        let left_over = self.survey.junk + self.survey.end.left_over;
        if self.survey.end.is_cut {
            warnings.push(Warning::Unfinished);
        } else if left_over > 0 {
            warnings.push(Warning::LeftOver { bytes: left_over });
        }
        warnings
    }
}

impl Framed {
    fn decode(
        &mut self,
        path: &Path,
        header: &FrameHeader,
        frame: Box<[u8]>,
        timeline: &mut Timeline,
    ) -> Result<(), AudioError> {
        let data = match header.stripped {
            0 => frame,
            stripped => frame[stripped..].into(),
        };
        match self.codec.decode(path, data, header.samples)? {
            Decoded::Sound(spec, channels) if spec == self.spec => timeline.push(channels),
            Decoded::Sound(..) | Decoded::Damaged { .. } => timeline.lose(header.samples),
        }
        Ok(())
    }
}

impl Survey {
    fn of(path: &Path, frames: &mut Frames, first: &FrameHeader) -> Result<Self, AudioError> {
        let mut survey = Self::default();
        let mut part = Part {
            samples_a_frame: first.samples,
            ..Part::default()
        };
        let mut lengths = MeanLength::default();
        let mut is_first = true;
        loop {
            let step = frames.next();
            match step.map_err(|e| AudioError::io(path, "read it", e))? {
                Step::Frame(header, frame) => {
                    if let Some(tag) = Mp3Tag::parse(&header, &frame) {
                        if !is_first {
                            survey.parts.push(part.corrected());
                        }
                        part = Part {
                            tag,
                            samples_a_frame: header.samples,
                            ..Part::default()
                        };
                        lengths = MeanLength::default();
                    } else {
                        part.frames += 1;
                        lengths.add(&header);
                    }
                    is_first = false;
                }
                Step::Lost { bytes } => part.lost += lengths.frames_in(bytes),
                Step::Other(other) => return Err(changes(path, first.spec, other.spec)),
                Step::End(end) => {
                    survey.end = end;
                    break;
                }
            }
            if survey.parts.len() > MAX_PARTS {
                return Err(AudioError::damaged(
                    path,
                    format!("it is joined from more than {MAX_PARTS} files"),
                ));
            }
        }
        survey.parts.push(part.corrected());
        survey.junk = frames.junk;
        Ok(survey)
    }
}

impl Part {
    /// Lets the tag say how many frames are lost, where that is near to what their bytes say.
    fn corrected(mut self) -> Self {
        if let Some(counted) = self.tag.frames
            && self.lost > 0
        {
            let difference = counted as i64 - (self.frames + self.lost) as i64;
            if difference.unsigned_abs() <= 1 + self.lost / 4 {
                self.lost = self.lost.saturating_add_signed(difference);
                self.correction = difference;
            }
        }
        self
    }

    /// Whether the tag counts the frames that are there.
    fn is_counted(&self) -> bool {
        self.tag.frames == Some(self.frames + self.lost)
    }

    /// Samples that come out.
    fn kept(&self) -> u64 {
        let all = (self.frames + self.lost) * self.samples_a_frame;
        let padding = if self.is_counted() {
            self.tag.padding
        } else {
            0
        };
        all.saturating_sub(self.tag.delay + padding)
    }

    fn warning(&self) -> Option<Warning> {
        let (found, promised) = (self.kept(), self.tag.samples(self.samples_a_frame)?);
        let frames = self.frames + self.lost;
        match self.tag.frames? {
            // left unset
            0 => None,
            // some count their own frame
            counted if counted == frames + 1 => None,
            counted if counted > frames => Some(Warning::Shorter { promised, found }),
            counted if counted < frames => Some(Warning::Longer { promised, found }),
            _ => None,
        }
    }
}

impl MeanLength {
    fn add(&mut self, header: &FrameHeader) {
        self.frames += 1;
        self.bytes += header.len as u64;
    }

    /// How many frames `bytes` are; none where no frame is known.
    fn frames_in(&self, bytes: u64) -> u64 {
        (bytes * self.frames + self.bytes / 2)
            .checked_div(self.bytes)
            .unwrap_or(0)
    }
}

fn changes(path: &Path, from: Spec, to: Spec) -> AudioError {
    AudioError::Changes {
        path: path.into(),
        rates: (from.sample_rate, to.sample_rate),
        channels: (from.channels, to.channels),
    }
}

fn parameters(header: &FrameHeader) -> AudioCodecParameters {
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(match header.coding {
            Coding::Mpeg { layer: 1 } => codec::CODEC_ID_MP1,
            Coding::Mpeg { layer: 2 } => codec::CODEC_ID_MP2,
            Coding::Mpeg { .. } => codec::CODEC_ID_MP3,
            Coding::Aac => codec::CODEC_ID_AAC,
        })
        .with_sample_rate(header.spec.sample_rate);
    match header.spec.channels {
        1 => parameters.with_channels(layouts::CHANNEL_LAYOUT_MONO),
        2 => parameters.with_channels(layouts::CHANNEL_LAYOUT_STEREO),
        _ => &mut parameters,
    };
    parameters
}
