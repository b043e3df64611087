//! Frames of MP3 and ADTS one after another, through tags, junk and holes.
//!
//! symphonia's readers of these formats skip whatever they do not understand without a warning, and
//! end an MP3 at an estimated length; hence this reader. A frame counts if its header is like the
//! others' and something known stands where it ends.

use std::io;

use super::frame_header::{FrameHeader, HEADER_BYTES};
use super::source;
use super::window::Window;

/// Consecutive frames that are taken for sound and not for chance.
const ROW: usize = 3;
/// The longest frame (ADTS).
const MAX_FRAME_BYTES: usize = 1 << 13;
/// What must be in the window to look at [`ROW`] frames.
const LOOK_AHEAD: usize = ROW * MAX_FRAME_BYTES + HEADER_BYTES;
/// Where the search for a first frame gives up.
const MAX_JUNK_BYTES: u64 = 1 << 20;

/// The next thing in the file.
pub(crate) enum Step {
    /// A whole frame.
    Frame(FrameHeader, Box<[u8]>),
    /// Bytes that are no frames, with frames before and after them.
    Lost { bytes: u64 },
    /// Here begin frames of another kind or rate.
    Other(FrameHeader),
    /// Nothing more.
    End(End),
}

/// How the frames end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// Bytes that are neither frames nor tags.
    pub left_over: u64,
    /// Whether they begin as a frame does.
    pub is_cut: bool,
}

/// Steps from frame to frame.
pub(crate) struct Frames {
    window: Window,
    first: Option<FrameHeader>,
    /// Bytes in front of the first frame that are neither tag nor padding.
    pub junk: u64,
    /// Zeros there.
    padding: u64,
    end: Option<End>,
}

impl Frames {
    pub fn new(window: Window) -> Self {
        Self {
            window,
            first: None,
            junk: 0,
            padding: 0,
            end: None,
        }
    }

    /// Begins anew.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.window.rewind()?;
        (self.first, self.junk, self.padding, self.end) = (None, 0, 0, None);
        Ok(())
    }

    /// The next frame, or what is in its place.
    pub fn next(&mut self) -> io::Result<Step> {
        if let Some(end) = self.end {
            return Ok(Step::End(end));
        }
        self.skip_tags()?;
        let Some(first) = self.first else {
            return self.find_first();
        };
        let bytes = self.window.peek(LOOK_AHEAD)?;
        if bytes.is_empty() {
            return Ok(self.finish(0, false));
        }
        match FrameHeader::parse(bytes) {
            Some(header) if header.follows(&first) && is_followed(bytes, &header) => {
                self.frame(header)
            }
            Some(header) if !header.follows(&first) && is_row(bytes, &header) => {
                Ok(Step::Other(header))
            }
            broken => self.resync(broken.filter(|header| header.follows(&first))),
        }
    }

    fn frame(&mut self, header: FrameHeader) -> io::Result<Step> {
        let bytes: Box<[u8]> = self.window.peek(header.len)?[..header.len].into();
        self.window.skip(header.len as u64)?;
        Ok(Step::Frame(header, bytes))
    }

    fn find_first(&mut self) -> io::Result<Step> {
        while self.junk <= MAX_JUNK_BYTES {
            let bytes = self.window.peek(LOOK_AHEAD)?;
            if bytes.len() < 4 {
                break;
            }
            if let Some(header) = FrameHeader::parse(bytes)
                && is_row(bytes, &header)
            {
                self.first = Some(header);
                return self.frame(header);
            }
            self.junk += self.skip_to_sync()?;
        }
        Ok(self.finish(0, false))
    }

    /// Looks for the next frame; `broken` is a frame here that nothing known follows.
    fn resync(&mut self, broken: Option<FrameHeader>) -> io::Result<Step> {
        let from = self.window.position();
        let bytes = self.window.peek(LOOK_AHEAD)?;
        // perhaps the last one, with something after it
        let whole = broken.and_then(|header| Some((header, Box::from(bytes.get(..header.len)?))));
        self.window.skip(1)?;
        loop {
            let bytes = self.window.peek(LOOK_AHEAD)?;
            if bytes.len() < 4 {
                let rest = bytes.len() as u64;
                let left_over = self.window.position() - from + rest;
                return Ok(match whole {
                    Some((header, bytes)) => {
                        self.finish(left_over - header.len as u64, false);
                        Step::Frame(header, bytes)
                    }
                    None => self.finish(left_over, broken.is_some()),
                });
            }
            if FrameHeader::parse(bytes).is_some_and(|header| is_row(bytes, &header)) {
                let bytes = self.window.position() - from;
                return Ok(Step::Lost { bytes });
            }
            self.skip_to_sync()?;
        }
    }

    /// Moves on to the next byte that may begin a frame; gives the distance.
    fn skip_to_sync(&mut self) -> io::Result<u64> {
        let bytes = self.window.peek(LOOK_AHEAD)?;
        let ahead = bytes.iter().skip(1).position(|&b| b == 0xff);
        let step = ahead.map_or(bytes.len(), |at| at + 1) as u64;
        self.window.skip(step)?;
        Ok(step)
    }

    fn finish(&mut self, left_over: u64, is_cut: bool) -> Step {
        let end = End { left_over, is_cut };
        self.end = Some(end);
        Step::End(end)
    }

    /// Steps over tags, and over zeros in front of everything and behind it.
    fn skip_tags(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.window.peek(32)?;
            let zeros = bytes.iter().take_while(|&&b| b == 0).count() as u64;
            if let Some(len) = tag_len(bytes) {
                self.window.skip(len)?;
                continue;
            }
            if self.first.is_none() && zeros > 0 && self.padding <= MAX_JUNK_BYTES {
                self.padding += zeros;
                self.window.skip(zeros)?;
            } else {
                if zeros > 0 && self.is_zero_to_the_end()? {
                    self.window.skip(u64::MAX)?;
                }
                return Ok(());
            }
        }
    }

    /// Whether nothing but zeros follows, a padding of at most 1 MiB.
    fn is_zero_to_the_end(&mut self) -> io::Result<bool> {
        let reach = MAX_JUNK_BYTES as usize;
        let bytes = self.window.peek(reach)?;
        Ok(bytes.len() < reach && bytes.iter().all(|&b| b == 0))
    }
}

/// Whether what stands after the frame at the start of `bytes` is known.
fn is_followed(bytes: &[u8], header: &FrameHeader) -> bool {
    let Some(rest) = bytes.get(header.len..) else {
        return false;
    };
    if rest.len() < 4 || rest[..4] == [0; 4] || tag_len(rest).is_some() {
        return true;
    }
    FrameHeader::parse(rest).is_some_and(|next| next.follows(header) || is_row(rest, &next))
}

/// Whether frames of one kind follow each other from the start of `bytes`, [`ROW`] of them or up to
/// the end.
fn is_row(bytes: &[u8], header: &FrameHeader) -> bool {
    let mut rest = bytes;
    for count in 1..=ROW {
        let Some(next) = FrameHeader::parse(rest).filter(|next| next.follows(header)) else {
            // the end of the file, or a tag
            return count > 1 && (rest.len() < 4 || tag_len(rest).is_some() || rest[..4] == [0; 4]);
        };
        match rest.get(next.len..) {
            Some(more) => rest = more,
            // the last frame is cut
            None => return count > 1,
        }
    }
    true
}

/// How long the tag at the start of `bytes` is: ID3v2, ID3v1 or APE.
fn tag_len(bytes: &[u8]) -> Option<u64> {
    match bytes {
        [b'I', b'D', b'3', ..] => source::id3_len(bytes),
        [b'T', b'A', b'G', b'+', ..] => Some(227),
        [b'T', b'A', b'G', ..] => Some(128),
        _ if bytes.starts_with(b"APETAGEX") => {
            let at = |i: usize| -> Option<[u8; 4]> { bytes.get(i..i + 4)?.try_into().ok() };
            let size = u64::from(u32::from_le_bytes(at(12)?));
            let is_header = u32::from_le_bytes(at(20)?) & 1 << 29 != 0;
            Some(if is_header { 32 + size } else { 32 })
        }
        _ => None,
    }
}
