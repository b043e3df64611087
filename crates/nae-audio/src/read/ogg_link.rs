//! One stream of an Ogg file: its packets, and what is missing between its pages.

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as codec;

use super::codec::{Codec, Decoded};
use super::ogg_page::Page;
use super::spec::Spec;
use super::timeline::Timeline;
use crate::AudioError;

/// A jump in the positions of more than this is no damage.
const MAX_GAP_S: u64 = 600;
/// No packet in the wild comes near this.
const MAX_PACKET_BYTES: usize = 1 << 24;

/// One stream.
pub(crate) struct Link {
    pub serial: u32,
    kind: Kind,
    pub spec: Spec,
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
    pub has_begun: bool,
    pub is_ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vorbis,
    Flac,
}

/// The packets of sound that end on a page.
pub(crate) struct AudioPage {
    packets: Vec<Box<[u8]>>,
    /// Whether packets are missing before them.
    is_gap: bool,
    pub granule: Option<i64>,
    pub is_last: bool,
}

impl Link {
    /// Looks at the first packet of a stream: none for no sound, an error for a codec that cannot be
    /// decoded.
    pub fn new(serial: u32, sequence: u32, packet: &[u8]) -> Result<Option<Self>, &'static str> {
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
    pub fn take(&mut self, path: &Path, page: Page) -> Result<Option<AudioPage>, AudioError> {
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
        let needs_headers = self.kind == Kind::Vorbis && self.headers_left > 0;
        if is_gap && needs_headers && self.codec.is_none() {
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
    pub fn decode(
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
