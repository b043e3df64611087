//! Walking the chunks of RIFF and IFF files that do not keep to the rules.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::pcm::ByteOrder;

/// What a chunk's own name and length take.
pub(crate) const CHUNK_HEADER: u64 = 8;

/// A name and a length, as they stand in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk {
    pub name: [u8; 4],
    /// Where its content begins.
    pub start: u64,
    /// The length it claims.
    pub len: u32,
}

impl Chunk {
    /// The chunk at `position`; none where the file ends before.
    pub fn at(
        file: &mut File,
        position: u64,
        file_len: u64,
        order: ByteOrder,
    ) -> io::Result<Option<Self>> {
        if position + CHUNK_HEADER > file_len {
            return Ok(None);
        }
        let bytes: [u8; 8] = bytes_at(file, position)?;
        let [a, b, c, d, rest @ ..] = bytes;
        Ok(Some(Self {
            name: [a, b, c, d],
            start: position + CHUNK_HEADER,
            len: order.u32(rest),
        }))
    }

    /// Where the next chunk begins if this one has `len` bytes.
    ///
    /// An odd length is followed by a pad byte, which many programs forget: where a chunk begins
    /// without it and none with it, there is none.
    pub fn next(
        self,
        len: u64,
        file: &mut File,
        file_len: u64,
        order: ByteOrder,
    ) -> io::Result<u64> {
        let end = self.start.saturating_add(len);
        if len.is_multiple_of(2) {
            return Ok(end);
        }
        let mut is_chunk = |position| is_chunk(file, position, file_len, order);
        if !is_chunk(end + 1)? && is_chunk(end)? {
            return Ok(end);
        }
        Ok(end + 1)
    }
}

/// Whether the bytes at `position` look like a chunk: a printable name and a length that fits.
pub(crate) fn is_chunk(
    file: &mut File,
    position: u64,
    file_len: u64,
    order: ByteOrder,
) -> io::Result<bool> {
    let chunk = Chunk::at(file, position, file_len, order)?;
    Ok(chunk.is_some_and(|chunk| {
        let is_name = chunk.name.iter().all(|b| (b' '..=b'~').contains(b));
        // one pad byte may be missing at the very end
        is_name && chunk.start + u64::from(chunk.len) <= file_len
    }))
}

/// `N` bytes of a file that is long enough.
pub(crate) fn bytes_at<const N: usize>(file: &mut File, position: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(position))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
