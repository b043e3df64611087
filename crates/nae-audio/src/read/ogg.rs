//! Ogg Vorbis and Ogg FLAC, with damaged pages and several streams one after another (chained).
//!
//! symphonia's reader passes over damaged pages without saying so and stops at a second stream; hence
//! this one. The position that every page states tells what is missing: it is replaced by silence, so
//! that what follows keeps its time.

use std::fs::File;
use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as codec;

use super::codec::{Codec, Decoded};
use super::ogg_page::{Page, Pages};
use super::packets::Packets;
use super::spec::Spec;
use super::timeline::Timeline;
use super::window::Window;
use crate::AudioError;
use crate::warning::Warning;

/// A jump in the positions of more than this is no damage.
const MAX_GAP_S: u64 = 600;
/// No packet in the wild comes near this.
const MAX_PACKET_BYTES: usize = 1 << 24;

/// Decodes an Ogg file.
pub(crate) struct Ogg {
    streams: Streams,
    spec: Spec,
    samples: Option<u64>,
}

/// The audio stream of each link of the chain, one after another.
struct Streams {
    pages: Pages,
    link: Option<Link>,
    /// A stream that cannot be decoded.
    unsupported: Option<&'static str>,
    /// Whether all links had their end marked.
    is_whole: bool,
    left_over: u64,
}

/// One stream.
struct Link {
    serial: u32,
    kind: Kind,
    spec: Spec,
    /// What the decoder needs to begin.
    headers: Vec<u8>,
    headers_left: usize,
    codec: Option<Codec>,
    /// A packet that goes on on the next page.
    open: Option<Vec<u8>>,
    /// The number that the next page should have.
    sequence: u32,
    /// Position at the end of the page before.
    position: Option<i64>,
    has_begun: bool,
    is_ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vorbis,
    Flac,
}

/// The packets of sound that end on a page.
struct AudioPage {
    packets: Vec<Box<[u8]>>,
    /// Whether packets are missing before them.
    is_gap: bool,
    granule: Option<i64>,
    is_last: bool,
}

impl Ogg {
    /// Walks through the whole file.
    pub fn open(path: &Path, file: File) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read it", e);
        let mut streams = Streams::new(Pages::new(Window::new(file).map_err(io)?));
        let (mut spec, mut samples, mut last) = (None, 0u64, None);
        while let Some(page) = streams.next(path)? {
            let Some(link) = &streams.link else { continue };
            let first = *spec.get_or_insert(link.spec);
            if link.spec != first {
                return Err(AudioError::Changes {
                    path: path.into(),
                    rates: (first.sample_rate, link.spec.sample_rate),
                    channels: (first.channels, link.spec.channels),
                });
            }
            last = page.granule.or(last);
            if page.is_last {
                samples = samples.saturating_add_signed(last.take().unwrap_or(0).max(0));
            }
        }
        samples = samples.saturating_add_signed(last.unwrap_or(0).max(0));
        let Some(spec) = spec else {
            return Err(match streams.unsupported {
                Some(codec) => AudioError::UnsupportedCodec {
                    path: path.into(),
                    codec: codec.into(),
                },
                None => {
                    AudioError::damaged(path, "its headers, or all of its sound, cannot be read")
                }
            });
        };
        let mut pages = streams.pages;
        pages.rewind().map_err(io)?;
        Ok(Self {
            streams: Streams::new(pages),
            spec,
            samples: Some(samples).filter(|&samples| samples > 0),
        })
    }
}

impl Packets for Ogg {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn samples(&self) -> Option<u64> {
        self.samples
    }

    fn step(&mut self, path: &Path, timeline: &mut Timeline) -> Result<bool, AudioError> {
        let Some(page) = self.streams.next(path)? else {
            return Ok(false);
        };
        if let Some(link) = &mut self.streams.link {
            link.decode(path, page, timeline)?;
        }
        Ok(true)
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if !self.streams.is_whole {
            warnings.push(Warning::Unfinished);
        } else if self.streams.left_over > 0 {
            warnings.push(Warning::LeftOver {
                bytes: self.streams.left_over,
            });
        }
        warnings
    }
}

impl Streams {
    fn new(pages: Pages) -> Self {
        Self {
            pages,
            link: None,
            unsupported: None,
            is_whole: true,
            left_over: 0,
        }
    }

    /// The next page with packets of sound.
    fn next(&mut self, path: &Path) -> Result<Option<AudioPage>, AudioError> {
        loop {
            let page = self.pages.next();
            let Some(page) = page.map_err(|e| AudioError::io(path, "read it", e))? else {
                self.finish();
                self.left_over += self.pages.left_over;
                return Ok(None);
            };
            if page.is_first {
                self.begin(path, page)?;
            } else if let Some(link) = &mut self.link
                && link.serial == page.serial
                && let Some(audio) = link.take(path, page)?
            {
                return Ok(Some(audio));
            }
        }
    }

    /// Takes the first page of a stream. Streams that lie side by side all begin before any goes on:
    /// the first one of sound counts.
    fn begin(&mut self, path: &Path, page: Page) -> Result<(), AudioError> {
        if self.link.as_ref().is_some_and(|link| link.has_begun) {
            self.finish();
            self.left_over += page.lost_before;
        }
        if self.link.is_some() {
            return Ok(());
        }
        match page.packets.into_iter().next() {
            Some(packet) => match Link::new(page.serial, page.sequence, &packet) {
                Ok(link) => self.link = link,
                Err(codec) => self.unsupported = Some(codec),
            },
            None => {
                return Err(AudioError::damaged(
                    path,
                    "a stream begins with an empty page",
                ));
            }
        }
        Ok(())
    }

    fn finish(&mut self) {
        if let Some(link) = self.link.take() {
            self.is_whole &= link.is_ended;
        }
    }
}

impl Link {
    /// Looks at the first packet of a stream: none for no sound, an error for a codec that cannot be
    /// decoded.
    fn new(serial: u32, sequence: u32, packet: &[u8]) -> Result<Option<Self>, &'static str> {
        let at = |i: usize| packet.get(i).copied().unwrap_or(0);
        let (kind, sample_rate, channels, headers, headers_left) =
            if packet.starts_with(b"\x01vorbis") && packet.len() >= 30 {
                let rate = u32::from_le_bytes([at(12), at(13), at(14), at(15)]);
                (Kind::Vorbis, rate, at(11), packet, 2)
            } else if packet.starts_with(b"\x7fFLAC") && packet.len() >= 51 {
                let rate = u32::from_be_bytes([0, at(27), at(28), at(29)]) >> 4;
                let channels = (at(29) >> 1 & 7) + 1;
                let count = usize::from(u16::from_be_bytes([at(7), at(8)]));
                (Kind::Flac, rate, channels, &packet[17..51], count)
            } else if packet.starts_with(b"OpusHead") {
                return Err("Opus");
            } else if packet.starts_with(b"Speex   ") {
                return Err("Speex");
            } else {
                return Ok(None);
            };
        if sample_rate == 0 || channels == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            serial,
            kind,
            spec: Spec {
                sample_rate,
                channels: channels.into(),
            },
            headers: headers.to_vec(),
            headers_left,
            codec: None,
            open: None,
            sequence: sequence.wrapping_add(1),
            position: None,
            has_begun: false,
            is_ended: false,
        }))
    }

    /// Puts packets together and keeps the headers; gives the packets of sound.
    fn take(&mut self, path: &Path, page: Page) -> Result<Option<AudioPage>, AudioError> {
        self.has_begun = true;
        self.is_ended = page.is_last;
        let mut is_gap = page.sequence != self.sequence;
        self.sequence = page.sequence.wrapping_add(1);
        if is_gap {
            self.open = None;
        }
        let mut packets = page.packets;
        if page.is_continued {
            match (self.open.take(), packets.first_mut()) {
                (Some(mut begun), Some(first)) => {
                    begun.extend_from_slice(first);
                    *first = begun.into();
                }
                // its beginning is lost
                (None, Some(_)) => {
                    let is_all = packets.len() == 1 && page.is_open;
                    packets.remove(0);
                    is_gap = true;
                    if is_all {
                        return Ok(None);
                    }
                }
                _ => {}
            }
        } else if self.open.take().is_some() {
            is_gap = true;
        }
        if page.is_open
            && let Some(last) = packets.pop()
            && last.len() <= MAX_PACKET_BYTES
        {
            self.open = Some(last.into());
        }
        if is_gap && self.codec.is_none() && self.headers_left > 0 {
            return Err(AudioError::damaged(
                path,
                "a page of its headers is missing or broken",
            ));
        }
        let mut sound = Vec::new();
        for packet in packets {
            if !self.is_header(&packet) {
                sound.push(packet);
            } else if self.kind == Kind::Vorbis && packet.first() == Some(&5) {
                self.headers.extend_from_slice(&packet);
            }
        }
        if sound.is_empty() {
            return Ok(None);
        }
        if self.codec.is_none() {
            let mut parameters = AudioCodecParameters::new();
            parameters
                .for_codec(match self.kind {
                    Kind::Vorbis => codec::CODEC_ID_VORBIS,
                    Kind::Flac => codec::CODEC_ID_FLAC,
                })
                .with_sample_rate(self.spec.sample_rate)
                .with_extra_data(self.headers.clone().into());
            self.codec = Some(Codec::new(path, &parameters)?);
        }
        Ok(Some(AudioPage {
            packets: sound,
            is_gap,
            granule: page.granule,
            is_last: page.is_last,
        }))
    }

    fn is_header(&mut self, packet: &[u8]) -> bool {
        let is_header = match self.kind {
            Kind::Vorbis => packet.first().is_some_and(|b| b & 1 == 1),
            Kind::Flac => packet.first() != Some(&0xff),
        };
        if is_header {
            self.headers_left = self.headers_left.saturating_sub(1);
        } else {
            self.headers_left = 0;
        }
        is_header
    }

    /// Decodes a page and compares its length with the position that it states.
    fn decode(
        &mut self,
        path: &Path,
        page: AudioPage,
        timeline: &mut Timeline,
    ) -> Result<(), AudioError> {
        let Some(codec) = &mut self.codec else {
            return Ok(());
        };
        if page.is_gap {
            codec.reset();
        }
        let mut sounds = Vec::with_capacity(page.packets.len());
        // before which of them something is missing
        let mut hole = page.is_gap.then_some(0);
        let mut decoded = 0i64;
        for packet in page.packets {
            match codec.decode(path, packet, 0)? {
                Decoded::Sound(spec, channels) if spec == self.spec => {
                    decoded += channels.first().map_or(0, Vec::len) as i64;
                    sounds.push(channels);
                }
                Decoded::Sound(..) | Decoded::Damaged { .. } => {
                    codec.reset();
                    hole.get_or_insert(sounds.len());
                }
            }
        }
        // how many samples are missing (or, below 0, too many)
        let missing = match (page.granule, self.position) {
            (None, _) => 0,
            (Some(end), Some(begin)) => end.saturating_sub(begin).saturating_sub(decoded),
            (Some(end), None) => end.saturating_sub(decoded),
        };
        let is_start = self.position.is_none();
        if let Some(end) = page.granule {
            self.position = Some(end);
        }
        let longest = (MAX_GAP_S * u64::from(self.spec.sample_rate)) as i64;
        let silence = match hole {
            Some(at) if (1..=longest).contains(&missing) => Some((at, missing as u64)),
            _ => None,
        };
        if missing < 0 && page.is_last {
            // the encoder's padding
            timeline.begin(0, Some((decoded + missing).max(0) as u64));
        } else if missing < 0 && is_start {
            // the encoder's delay
            timeline.begin(missing.unsigned_abs(), None);
        }
        let mut silence = silence;
        for (i, channels) in sounds.into_iter().enumerate() {
            if let Some((_, samples)) = silence.take_if(|(at, _)| *at == i) {
                timeline.lose(samples);
            }
            timeline.push(channels);
        }
        if let Some((_, samples)) = silence {
            timeline.lose(samples);
        }
        timeline.begin(0, None);
        Ok(())
    }
}
