//! WAV headers: RIFF, RIFX (most significant byte first) and RF64 or BW64 (64-bit lengths).
//!
//! A header is compared with the file before it is used, so that a file cut short is an error
//! instead of a short sound, and a wrong field does not become noise. Where two statements
//! disagree, the one that the rest of the file supports counts and a [`Warning`] says so. Lengths
//! that programs leave behind when they write into a pipe mean: up to the end of the file.
//!
//! What is neither plain samples nor G.711 (ADPCM …) goes to symphonia, behind a small clean header
//! ([`WavHeader::clean`]).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use nae_files::count;

use super::chunks::{CHUNK_HEADER, Chunk, bytes_at, is_chunk};
use super::pcm::{ByteOrder, Layout};
use super::wav_extent::{Claim, Extent, is_unset};
use super::wav_format::{BYTES_LOOKED_AT, Format};
use crate::AudioError;
use crate::warning::Warning;

/// No `fmt `, `fact` or `ds64` chunk in the wild comes near this.
const MAX_FORMAT_BYTES: u32 = 4096;
/// How far a lost `data` chunk is searched for.
const SEARCHED_BYTES: u64 = 1 << 20;
/// WAV counts bytes in 32 bits; a clean header must fit in as well.
const MAX_CLEAN_BYTES: u64 = u32::MAX as u64 - 3 * MAX_FORMAT_BYTES as u64;

/// How the samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As they are.
    Pcm(Layout),
    /// ADPCM and others.
    Other,
}

/// A header that agrees with its file.
#[derive(Debug)]
pub(crate) struct WavHeader {
    pub encoding: Encoding,
    /// Samples per channel, where they follow from the encoding.
    pub samples: Option<u64>,
    pub warnings: Vec<Warning>,
    /// Bytes of sound.
    pub data_len: u64,
    format: Vec<u8>,
    fact: Option<Vec<u8>>,
}

/// Lengths of an RF64 file.
struct Lengths64 {
    riff: u64,
    data: u64,
}

/// The chunks in front of the samples.
struct Chunks {
    order: ByteOrder,
    file_len: u64,
    /// Where the outermost chunk says that it ends; none where that was left unset.
    outer_end: Option<u64>,
    format: Option<Vec<u8>>,
    fact: Option<Vec<u8>>,
    lengths: Option<Lengths64>,
    warnings: Vec<Warning>,
}

impl WavHeader {
    /// Walks the chunks up to the samples and leaves `file` at the first one.
    pub fn read(path: &Path, file: &mut File) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read its header", e);
        let file_len = file.metadata().map_err(io)?.len();
        let [a, b, c, d, riff_len @ ..]: [u8; 8] = bytes_at(file, 0).map_err(io)?;
        let order = match &[a, b, c, d] {
            b"RIFX" => ByteOrder::Big,
            _ => ByteOrder::Little,
        };
        let riff_len = order.u32(riff_len);
        let mut chunks = Chunks {
            order,
            file_len,
            outer_end: (!is_unset(riff_len)).then(|| u64::from(riff_len) + CHUNK_HEADER),
            format: None,
            fact: None,
            lengths: None,
            warnings: Vec::new(),
        };
        let data = chunks.find_data(path, file)?;
        let header = chunks.checked(path, file, data)?;
        file.seek(SeekFrom::Start(data.start)).map_err(io)?;
        Ok(header)
    }

    /// A header of nothing but `fmt `, perhaps `fact`, and `data`, with true lengths.
    pub fn clean(&self) -> Vec<u8> {
        let mut body = b"WAVE".to_vec();
        push_chunk(&mut body, b"fmt ", &self.format);
        if let Some(fact) = &self.fact {
            push_chunk(&mut body, b"fact", fact);
        }
        body.extend(b"data");
        // Both fit: MAX_CLEAN_BYTES leaves room for the chunks before.
        body.extend((self.data_len as u32).to_le_bytes());
        let riff_len = body.len() as u64 + self.data_len;
        let mut header = b"RIFF".to_vec();
        header.extend((riff_len as u32).to_le_bytes());
        header.extend(body);
        header
    }

    /// The number by which WAV names a way of storing samples.
    pub fn format_tag(&self) -> u16 {
        u16::from_le_bytes([self.format[0], self.format[1]])
    }
}

impl Chunks {
    /// Reads chunks until the one with the samples.
    fn find_data(&mut self, path: &Path, file: &mut File) -> Result<Chunk, AudioError> {
        let io = |e| AudioError::io(path, "read its header", e);
        let (mut position, mut last) = (12, 12);
        loop {
            let chunk = Chunk::at(file, position, self.file_len, self.order).map_err(io)?;
            let Some(chunk) = chunk else {
                if let Some(data) = self.search_data(file, last).map_err(io)? {
                    return Ok(data);
                }
                return Err(AudioError::damaged(
                    path,
                    format!(
                        "the file ends after {}, within its header, before any samples",
                        count(self.file_len, "byte")
                    ),
                ));
            };
            last = position;
            match &chunk.name {
                b"data" => return Ok(chunk),
                b"fmt " => self.format = Some(self.content(path, file, chunk)?),
                b"fact" => self.fact = Some(self.content(path, file, chunk)?),
                b"ds64" => {
                    let bytes = self.content(path, file, chunk)?;
                    self.lengths = bytes.first_chunk().map(|bytes: &[u8; 16]| {
                        let value = u128::from_le_bytes(*bytes);
                        Lengths64 {
                            riff: value as u64,
                            data: (value >> 64) as u64,
                        }
                    });
                }
                _ => {}
            }
            let len = u64::from(chunk.len);
            position = chunk
                .next(len, file, self.file_len, self.order)
                .map_err(io)?;
        }
    }

    fn content(&self, path: &Path, file: &mut File, chunk: Chunk) -> Result<Vec<u8>, AudioError> {
        if chunk.len > MAX_FORMAT_BYTES || chunk.start + u64::from(chunk.len) > self.file_len {
            return Err(AudioError::damaged(
                path,
                format!("a format chunk claims {}", count(chunk.len, "byte")),
            ));
        }
        let mut bytes = vec![0; chunk.len as usize];
        file.seek(SeekFrom::Start(chunk.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| AudioError::io(path, "read its header", e))?;
        Ok(bytes)
    }

    /// Looks for a `data` chunk behind a chunk whose length leads out of the file.
    fn search_data(&mut self, file: &mut File, from: u64) -> std::io::Result<Option<Chunk>> {
        if self.format.is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(SEARCHED_BYTES).read_to_end(&mut bytes)?;
        let Some(at) = bytes.windows(4).position(|name| name == b"data") else {
            return Ok(None);
        };
        self.warnings.push(Warning::Header {
            detail: format!(
                "the length of the chunk at byte {from} leads out of the file, so the sound at byte {} was searched for",
                from + at as u64
            ),
        });
        Chunk::at(file, from + at as u64, self.file_len, self.order)
    }

    fn checked(
        mut self,
        path: &Path,
        file: &mut File,
        data: Chunk,
    ) -> Result<WavHeader, AudioError> {
        let io = |e| AudioError::io(path, "read its header", e);
        let Some(format) = self.format.take() else {
            return Err(AudioError::damaged(
                path,
                "the samples come before the chunk that says how they are stored",
            ));
        };
        let mut peeked = vec![0; BYTES_LOOKED_AT];
        file.seek(SeekFrom::Start(data.start)).map_err(io)?;
        let count = read_up_to(file, &mut peeked).map_err(io)?;
        let format = Format::parse(path, &format, self.order)?;
        format.spec.check(path)?;
        let layout = format.layout(&peeked[..count], &mut self.warnings);
        let extent = self.extent(file, data).map_err(io)?;
        let available = self.file_len - data.start;
        let mut header = WavHeader {
            encoding: layout.map_or(Encoding::Other, Encoding::Pcm),
            samples: None,
            warnings: self.warnings,
            data_len: 0,
            format: format.bytes,
            fact: self.fact,
        };
        let (block, unit) = match layout {
            Some(layout) => (layout.block(), "samples per channel"),
            None => (1, "bytes of sound"),
        };
        let (len, is_stated) = match extent {
            Extent::Stated(len) => (len, true),
            Extent::ToTheEnd => (available, false),
        };
        if len > available {
            return Err(AudioError::Truncated {
                path: path.into(),
                promised: len / block,
                found: available / block,
                unit,
            });
        }
        header.data_len = len / block * block;
        // an interrupted writer leaves part of a sample where the length was left unset
        if len > header.data_len && is_stated {
            header.warnings.push(Warning::LeftOver {
                bytes: len - header.data_len,
            });
        }
        if header.data_len == 0 {
            return Err(AudioError::NoSamples { path: path.into() });
        }
        if layout.is_none() && (header.data_len > MAX_CLEAN_BYTES || self.order == ByteOrder::Big) {
            return Err(AudioError::UnsupportedCodec {
                path: path.into(),
                codec: format!(
                    "WAV format {:#06x} in a file of 4 GiB or more, or with the most significant byte first",
                    header.format_tag()
                ),
            });
        }
        header.samples = layout.map(|_| header.data_len / block);
        Ok(header)
    }

    /// How far the samples reach.
    fn extent(&mut self, file: &mut File, data: Chunk) -> std::io::Result<Extent> {
        let (mut len, mut is_unset) = (u64::from(data.len), is_unset(data.len));
        if let Some(lengths) = &self.lengths {
            if data.len == u32::MAX {
                len = lengths.data;
                is_unset = len == u64::MAX;
            }
            if self.outer_end.is_none() && lengths.riff != 0 && lengths.riff < u64::MAX - 8 {
                self.outer_end = Some(lengths.riff + CHUNK_HEADER);
            }
        }
        let claim = Claim {
            start: data.start,
            len,
            is_unset,
            outer_end: self.outer_end,
            file_len: self.file_len,
        };
        let end = data.start.saturating_add(len);
        let is_followed = end < self.file_len && {
            let next = data.next(len, file, self.file_len, self.order)?;
            is_chunk(file, next, self.file_len, self.order)?
        };
        let extent = claim.extent(is_followed);
        let available = self.file_len - data.start;
        match extent {
            Extent::ToTheEnd if !is_unset && len != 0 => self.warnings.push(Warning::Header {
                detail: format!(
                    "its data chunk states {}, but the file holds {available}, as the outer length states too; all of them are used",
                    count(len, "byte")
                ),
            }),
            Extent::Stated(len) if len > 0 && available > len + 1 && !is_followed => {
                self.warnings.push(Warning::LeftOver {
                    bytes: available - len,
                });
            }
            _ => {}
        }
        Ok(extent)
    }
}

fn push_chunk(body: &mut Vec<u8>, name: &[u8; 4], bytes: &[u8]) {
    body.extend(name);
    body.extend((bytes.len() as u32).to_le_bytes());
    body.extend(bytes);
    if bytes.len() % 2 == 1 {
        body.push(0);
    }
}

fn read_up_to(file: &mut File, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while count < bytes.len() {
        match file.read(&mut bytes[count..])? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}
