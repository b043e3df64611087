//! WAV headers: RIFF, RIFX (most significant byte first) and RF64 or BW64 (64-bit lengths).
//!
//! A header is compared with the file before it is believed, so that a file cut short is an error
//! instead of a short sound, and a wrong field does not become noise. Where two statements disagree,
//! the one that the rest of the file supports counts and a [`Warning`] says so. Lengths that programs
//! leave behind when they write into a pipe mean: up to the end of the file.
//!
//! What is neither plain samples nor G.711 (ADPCM …) goes to symphonia, behind a small clean header
//! ([`WavHeader::clean`]).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::chunks::{CHUNK_HEADER, Chunk, bytes_at, is_chunk};
use super::pcm::{ByteOrder, Layout, SampleFormat};
use super::spec::Spec;
use crate::AudioError;
use crate::warning::Warning;

/// No `fmt `, `fact` or `ds64` chunk in the wild comes near this.
const MAX_FORMAT_BYTES: u32 = 4096;
/// How far a lost `data` chunk is searched for.
const SEARCHED_BYTES: u64 = 1 << 20;
/// WAV counts bytes in 32 bits; a clean header must fit in as well.
const MAX_CLEAN_BYTES: u64 = u32::MAX as u64 - 3 * MAX_FORMAT_BYTES as u64;
/// Samples looked at to tell 24 bits in 32 from 24 bits by themselves.
const SAMPLES_LOOKED_AT: usize = 256;
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
/// What follows the format tag in the sub-format GUIDs of extensible files.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
/// The same in Ambisonic B-format files.
const GUID_TAIL_AMBISONIC: [u8; 14] = [
    0, 0, 0x21, 7, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0,
];

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
    /// Samples per channel, where the encoding allows to tell.
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
                        "the file ends after {} bytes, within its header, before any samples",
                        self.file_len
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
                format!("a format chunk claims {} bytes", chunk.len),
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
        let mut peeked = vec![0; 4 * SAMPLES_LOOKED_AT];
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
            format: format.little_endian,
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
                    "its sound is said to take {len} bytes, but the file holds {available}, which is what the outer length says too; all of them are used"
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

/// What a `data` chunk says, and what surrounds it.
struct Claim {
    start: u64,
    len: u64,
    is_unset: bool,
    outer_end: Option<u64>,
    file_len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Stated(u64),
    ToTheEnd,
}

impl Claim {
    /// Believes the stated length unless it was left unset or everything else contradicts it.
    ///
    /// A length of 0 is also what an interrupted or piping writer leaves; it is told from a truly
    /// empty file by the outer length, which such a writer left unset as well or which counts the
    /// samples, and by what follows: nothing, or another chunk.
    fn extent(&self, is_followed: bool) -> Extent {
        let end = self.start.saturating_add(self.len);
        let outer_is_unset = self.outer_end.is_none_or(|outer| outer < self.start);
        // a pad byte may be missing, or be left out of the count
        let outer_is = |end: u64| self.outer_end.is_some_and(|outer| outer.abs_diff(end) <= 1);
        let outer_ends_here = outer_is(self.file_len) && self.outer_end <= Some(self.file_len);
        let is_beyond = end > self.file_len;
        let is_unset = self.is_unset && (is_beyond || (outer_is_unset && !is_followed));
        // an empty file has nothing here
        let is_filled = self.len == 0 && self.file_len > self.start;
        let is_unknown = is_unset || (is_filled && (outer_is_unset || !is_followed));
        let ends_here =
            is_followed || outer_is(end) || self.file_len.saturating_sub(end) < CHUNK_HEADER;
        if is_unknown || (outer_ends_here && (is_beyond || !ends_here)) {
            Extent::ToTheEnd
        } else {
            Extent::Stated(self.len)
        }
    }
}

/// Lengths that writers leave behind which could not come back to correct them: the largest number
/// or the largest signed one, less some bytes for the header.
fn is_unset(len: u32) -> bool {
    const ROOM: u32 = 0x1_0000;
    len >= u32::MAX - ROOM || (0x8000_0000 - ROOM..=0x8000_0000 + ROOM).contains(&len)
}

/// A `fmt ` chunk.
struct Format {
    tag: u16,
    spec: Spec,
    byte_rate: u32,
    block_align: u16,
    bits: u16,
    order: ByteOrder,
    little_endian: Vec<u8>,
}

impl Format {
    fn parse(path: &Path, bytes: &[u8], order: ByteOrder) -> Result<Self, AudioError> {
        if bytes.len() < 16 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "its format chunk has {} bytes instead of 16 or more",
                    bytes.len()
                ),
            ));
        }
        let u16_at = |at: usize| order.u16([bytes[at], bytes[at + 1]]);
        let u32_at =
            |at: usize| order.u32([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut tag = u16_at(0);
        if tag == EXTENSIBLE
            && let Some(guid) = bytes.get(24..40)
            && (guid[2..] == GUID_TAIL
                || guid[2..] == GUID_TAIL_AMBISONIC
                || order == ByteOrder::Big)
        {
            tag = u16_at(24);
        }
        let (channels, sample_rate) = (u16_at(2), u32_at(4));
        if channels == 0 || sample_rate == 0 {
            return Err(AudioError::damaged(
                path,
                format!("its header speaks of {channels} channels at {sample_rate} Hz"),
            ));
        }
        Ok(Self {
            tag,
            spec: Spec {
                sample_rate,
                channels: usize::from(channels),
            },
            byte_rate: u32_at(8),
            block_align: u16_at(12),
            bits: u16_at(14),
            order,
            little_endian: bytes.to_vec(),
        })
    }

    /// How the samples lie, if they are plain; `peeked` are the first of them.
    ///
    /// Samples narrower than their bytes (12 in 16, 20 in 24, 24 in 32 bits) are left-justified, as
    /// the WAVE specification has it, so the whole container is read as one integer. Where the bits
    /// of a sample and the size of a block disagree otherwise, the bits count.
    fn layout(&self, peeked: &[u8], warnings: &mut Vec<Warning>) -> Option<Layout> {
        let channels = self.spec.channels;
        let block = usize::from(self.block_align);
        let from_block = (block.is_multiple_of(channels) && block > 0).then_some(block / channels);
        let from_bits = usize::from(self.bits.div_ceil(8));
        let format = match self.tag {
            PCM => {
                let bytes = match (from_block, from_bits) {
                    (Some(bytes @ 1..=4), 0) => bytes,
                    (Some(bytes), bits) if bytes == bits => bytes,
                    (Some(4), 3) if !self.is_packed_24(peeked) => 4,
                    (_, bits) => bits,
                };
                match bytes {
                    1 => SampleFormat::Unsigned8,
                    2..=4 => SampleFormat::Int { bytes: bytes as u8 },
                    _ => return None,
                }
            }
            FLOAT => match (from_bits, from_block) {
                (4, _) => SampleFormat::Float32,
                (8, _) => SampleFormat::Float64,
                (_, Some(4)) => SampleFormat::Float32,
                (_, Some(8)) => SampleFormat::Float64,
                _ => return None,
            },
            MU_LAW => SampleFormat::MuLaw,
            A_LAW => SampleFormat::ALaw,
            _ => return None,
        };
        let layout = Layout {
            format,
            order: self.order,
            spec: self.spec,
        };
        let bits = usize::from(self.bits);
        let is_odd = match format {
            SampleFormat::Float32 | SampleFormat::Float64 => bits != 8 * format.bytes(),
            _ => bits == 0,
        };
        if layout.block() != block as u64 || is_odd {
            warnings.push(Warning::Header {
                detail: format!(
                    "it speaks of {bits} bits and blocks of {block} bytes for {channels} channels; the sound was read as {} bytes a sample instead",
                    format.bytes()
                ),
            });
        }
        Some(layout)
    }

    /// Whether what says 24 bits in blocks of 32 really has no unused byte: the byte rate says so, or
    /// the least byte of every four is not zero.
    fn is_packed_24(&self, peeked: &[u8]) -> bool {
        let packed = u64::from(self.spec.sample_rate) * 3 * self.spec.channels as u64;
        let (samples, _) = peeked.as_chunks::<4>();
        let least = match self.order {
            ByteOrder::Little => 0,
            ByteOrder::Big => 3,
        };
        u64::from(self.byte_rate) == packed || samples.iter().any(|bytes| bytes[least] != 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(len: u32, riff_len: u32, start: u64, file_len: u64) -> Extent {
        Claim {
            start,
            len: len.into(),
            is_unset: is_unset(len),
            outer_end: (!is_unset(riff_len)).then(|| u64::from(riff_len) + 8),
            file_len,
        }
        .extent(false)
    }

    #[test]
    fn a_true_length_is_believed_even_if_the_file_is_shorter() {
        assert_eq!(extent(100, 136, 44, 144), Extent::Stated(100));
        assert_eq!(extent(100, 136, 44, 90), Extent::Stated(100));
        assert_eq!(extent(100, 136, 44, 143), Extent::Stated(100));
    }

    #[test]
    fn a_length_left_unset_means_up_to_the_end() {
        for len in [
            u32::MAX,
            0xffff_fff8,
            0x7fff_f000,
            0x7fff_ffff,
            0x7fff_ff00,
            0x8000_0000,
        ] {
            assert_eq!(extent(len, len, 44, 144), Extent::ToTheEnd, "{len:#x}");
            assert_eq!(extent(len, 0, 44, 144), Extent::ToTheEnd, "{len:#x}");
        }
        assert_eq!(
            extent(u32::MAX, u32::MAX, 44, 5_000_000_044),
            Extent::ToTheEnd
        );
        assert_eq!(extent(0, 0, 44, 144), Extent::ToTheEnd);
        assert_eq!(extent(0, u32::MAX, 44, 144), Extent::ToTheEnd);
        assert_eq!(extent(0, 136, 44, 144), Extent::ToTheEnd);
    }

    #[test]
    fn a_length_that_file_and_outer_length_contradict_is_not_believed() {
        assert_eq!(extent(150, 136, 44, 144), Extent::ToTheEnd);
        assert_eq!(extent(50, 136, 44, 144), Extent::ToTheEnd);
        // without such a witness it is
        assert_eq!(extent(50, 86, 44, 144), Extent::Stated(50));
        assert_eq!(extent(50, 70, 44, 144), Extent::Stated(50));
    }

    #[test]
    fn a_zero_length_in_a_finished_header_is_a_sound_without_samples() {
        assert_eq!(extent(0, 36, 44, 44), Extent::Stated(0));
        let claim = Claim {
            start: 44,
            len: 0,
            is_unset: false,
            outer_end: Some(68),
            file_len: 68,
        };
        assert_eq!(claim.extent(true), Extent::Stated(0));
        // unless it was never finished
        assert_eq!(extent(0, 36, 44, 144), Extent::ToTheEnd);
    }

    fn layout(tag: u16, channels: u16, block: u16, bits: u16) -> Option<SampleFormat> {
        let mut bytes = tag.to_le_bytes().to_vec();
        bytes.extend(channels.to_le_bytes());
        bytes.extend(8000u32.to_le_bytes());
        bytes.extend((8000 * u32::from(block)).to_le_bytes());
        bytes.extend(block.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        let format = Format::parse(Path::new("a.wav"), &bytes, ByteOrder::Little).unwrap();
        format
            .layout(&[0, 1, 2, 3], &mut Vec::new())
            .map(|layout| layout.format)
    }

    #[test]
    fn narrow_samples_take_their_whole_container() {
        let int = |bytes| Some(SampleFormat::Int { bytes });
        assert_eq!(layout(PCM, 1, 2, 12), int(2));
        assert_eq!(layout(PCM, 2, 6, 20), int(3));
        assert_eq!(layout(PCM, 1, 4, 24), int(4));
        assert_eq!(layout(PCM, 1, 8, 64), None);
        assert_eq!(layout(FLOAT, 1, 8, 64), Some(SampleFormat::Float64));
        assert_eq!(layout(FLOAT, 2, 8, 32), Some(SampleFormat::Float32));
        assert_eq!(layout(MU_LAW, 1, 1, 8), Some(SampleFormat::MuLaw));
    }

    #[test]
    fn the_bits_of_a_sample_outweigh_the_size_of_a_block() {
        let int = |bytes| Some(SampleFormat::Int { bytes });
        assert_eq!(layout(PCM, 1, 4, 16), int(2));
        assert_eq!(layout(PCM, 1, 0, 16), int(2));
        assert_eq!(layout(PCM, 2, 3, 16), int(2));
        assert_eq!(layout(PCM, 2, 2, 24), int(3));
        assert_eq!(layout(FLOAT, 1, 2, 32), Some(SampleFormat::Float32));
        // without bits the block is all there is
        assert_eq!(layout(FLOAT, 1, 4, 0), Some(SampleFormat::Float32));
        assert_eq!(layout(PCM, 2, 6, 0), int(3));
    }
}
