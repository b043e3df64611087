//! Pages of Ogg (RFC 3533), each with its checksum.

use std::io;

use super::window::Window;

const HEADER_BYTES: usize = 27;
const MAX_PAGE_BYTES: usize = HEADER_BYTES + 255 + 255 * 255;

/// A page whose checksum is right.
pub(crate) struct Page {
    /// Bytes before it that are no page.
    pub lost_before: u64,
    /// Whether its first packet began on an earlier page.
    pub is_continued: bool,
    /// Whether a stream begins.
    pub is_first: bool,
    /// Whether a stream ends.
    pub is_last: bool,
    /// Position at the end of the last packet that ends here, in units of the codec.
    pub granule: Option<i64>,
    pub serial: u32,
    pub sequence: u32,
    /// What lies on it: packets, of which the last may go on on the next page.
    pub packets: Vec<Box<[u8]>>,
    /// Whether the last packet goes on.
    pub is_open: bool,
}

/// Steps from page to page.
pub(crate) struct Pages {
    window: Window,
    /// Bytes at the end of the file that are no page.
    pub left_over: u64,
}

impl Pages {
    pub fn new(window: Window) -> Self {
        Self {
            window,
            left_over: 0,
        }
    }

    /// Begins anew.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.left_over = 0;
        self.window.rewind()
    }

    /// The next page, or none at the end of the file.
    pub fn next(&mut self) -> io::Result<Option<Page>> {
        let from = self.window.position();
        loop {
            let lost_before = self.window.position() - from;
            let bytes = self.window.peek(MAX_PAGE_BYTES)?;
            if bytes.len() < HEADER_BYTES {
                self.left_over = lost_before + bytes.len() as u64;
                return Ok(None);
            }
            if let Some((page, len)) = Page::parse(bytes, lost_before) {
                self.window.skip(len as u64)?;
                return Ok(Some(page));
            }
            let ahead = bytes.iter().skip(1).position(|&b| b == b'O');
            let step = ahead.map_or(bytes.len(), |at| at + 1);
            self.window.skip(step as u64)?;
        }
    }
}

impl Page {
    /// The page at the start of `bytes` and its length.
    fn parse(bytes: &[u8], lost_before: u64) -> Option<(Self, usize)> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        if !header.starts_with(b"OggS\0") {
            return None;
        }
        let lacing = bytes.get(HEADER_BYTES..HEADER_BYTES + usize::from(header[26]))?;
        let body = HEADER_BYTES + lacing.len();
        let len = body + lacing.iter().map(|&b| usize::from(b)).sum::<usize>();
        let stated = u32::from_le_bytes(*header[22..].first_chunk()?);
        if checksum(bytes.get(..len)?) != stated {
            return None;
        }
        let mut packets: Vec<Box<[u8]>> = Vec::new();
        let (mut start, mut end) = (body, body);
        for &part in lacing {
            end += usize::from(part);
            if part < 255 {
                packets.push(bytes[start..end].into());
                start = end;
            }
        }
        let is_open = lacing.last() == Some(&255);
        if is_open {
            packets.push(bytes[start..end].into());
        }
        let granule = i64::from_le_bytes(*header[6..].first_chunk()?);
        let page = Self {
            lost_before,
            is_continued: header[5] & 1 != 0,
            is_first: header[5] & 2 != 0,
            is_last: header[5] & 4 != 0,
            granule: (granule != -1).then_some(granule),
            serial: u32::from_le_bytes(*header[14..].first_chunk()?),
            sequence: u32::from_le_bytes(*header[18..].first_chunk()?),
            packets,
            is_open,
        };
        Some((page, len))
    }
}

/// CRC-32 of a page, its own checksum taken as 0: polynomial 0x04c11db7, neither reflected nor
/// inverted.
fn checksum(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0u32, |sum, (i, &byte)| {
        let byte = if (22..26).contains(&i) { 0 } else { byte };
        sum << 8 ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)]
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut sum = (i as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[i] = sum;
        i += 1;
    }
    table
};
