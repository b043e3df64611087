//! The Xing, Info and VBRI tags of MP3 files, which count the frames, and LAME's extension, which
//! states the encoder's delay and padding.

use super::frame_header::{Coding, FrameHeader};

/// Samples by which a decoder is late.
const DECODER_DELAY: u64 = 529;

/// What a tag says; the frame that holds it is not sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mp3Tag {
    /// Frames after the tag's.
    pub frames: Option<u64>,
    /// Samples in front of the sound.
    pub delay: u64,
    /// Samples after it.
    pub padding: u64,
}

impl Mp3Tag {
    /// Reads the tag that `frame` holds instead of sound, if it does.
    pub fn parse(header: &FrameHeader, frame: &[u8]) -> Option<Self> {
        if header.coding != (Coding::Mpeg { layer: 3 }) {
            return None;
        }
        Self::parse_xing(header, frame).or_else(|| Self::parse_vbri(frame))
    }

    fn parse_xing(header: &FrameHeader, frame: &[u8]) -> Option<Self> {
        let tag = frame.get(header.tag_at..)?;
        if !(tag.starts_with(b"Xing") || tag.starts_with(b"Info"))
            || !is_silent(frame, header.tag_at)
        {
            return None;
        }
        let mut fields = Fields(&tag[4..]);
        let flags = fields.u32()?;
        let mut this = Self::default();
        if flags & 1 != 0 {
            this.frames = fields.u32().map(u64::from);
        }
        for (flag, len) in [(2, 4), (4, 100), (8, 4)] {
            if flags & flag != 0 {
                fields.skip(len);
            }
        }
        let encoder = fields.0.get(..4).unwrap_or_default();
        if [&b"LAME"[..], b"Lavf", b"Lavc"].contains(&encoder) {
            fields.skip(21);
            if let Some(&[a, b, c, ..]) = fields.0.first_chunk::<3>() {
                let trims = u32::from_be_bytes([0, a, b, c]);
                this.delay = u64::from(trims >> 12) + DECODER_DELAY;
                this.padding = u64::from(trims & 0xfff).saturating_sub(DECODER_DELAY);
            }
        }
        Some(this)
    }

    fn parse_vbri(frame: &[u8]) -> Option<Self> {
        const TAG_AT: usize = 36;
        let tag = frame.get(TAG_AT..)?;
        if !tag.starts_with(b"VBRI") || !is_silent(frame, TAG_AT) {
            return None;
        }
        let frames = tag.get(14..18)?.try_into().map(u32::from_be_bytes).ok()?;
        Some(Self {
            frames: Some(frames.into()),
            ..Self::default()
        })
    }

    /// Samples of the sound itself, if the tag counts them.
    pub fn samples(&self, samples_a_frame: u64) -> Option<u64> {
        let all = self.frames?.saturating_mul(samples_a_frame);
        Some(all.saturating_sub(self.delay + self.padding))
    }
}

/// Whether nothing but zeros stands between a frame's header (or its checksum) and a tag.
fn is_silent(frame: &[u8], tag_at: usize) -> bool {
    let has_crc = frame[1] & 1 == 0;
    let from = if has_crc { 6 } else { 4 };
    frame[from..tag_at].iter().all(|&b| b == 0)
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*value))
    }

    fn skip(&mut self, len: usize) {
        self.0 = self.0.get(len..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lames_tag_counts_frames_and_knows_the_delay() {
        let mut frame = vec![0xff, 0xf3, 0x88, 0xc4];
        let header = FrameHeader::parse(&frame).unwrap();
        frame.resize(header.len, 0);
        let mut tag = b"Xing\0\0\0\x01\0\0\0\x0aLAME3.100".to_vec();
        tag.resize(4 + 4 + 4 + 21, 0);
        tag.extend([0x24, 0x05, 0x00]); // 576 and 1280
        frame[13..13 + tag.len()].copy_from_slice(&tag);
        let found = Mp3Tag::parse(&header, &frame).unwrap();
        let expected = Mp3Tag {
            frames: Some(10),
            delay: 576 + 529,
            padding: 1280 - 529,
        };
        assert_eq!(found, expected);
        assert_eq!(found.samples(576), Some(5760 - 576 - 1280));
        frame[6] = 1; // sound
        assert_eq!(Mp3Tag::parse(&header, &frame), None);
    }
}
