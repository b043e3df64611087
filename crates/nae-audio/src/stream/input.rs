//! The bytes of a stream as samples.

use std::io::{self, Read};
use std::path::Path;

use nae_files::count;

use super::coding::SampleCoding;
use crate::AudioError;
use crate::read::pcm::{ByteOrder, Layout, SampleFormat};
use crate::read::spec::Spec;
use crate::read::wav_format::Format;

/// Sizes from here on mean that whoever wrote the header did not know them: 0xFFFFFFFF of ffmpeg,
/// 0x7FFFF… of sox and arecord.
const UNKNOWN: u32 = 0x7fff_0000;
/// Largest `fmt ` chunk that is read.
const MAX_FORMAT: u32 = 4096;

/// How the samples of a stream lie in its bytes.
#[derive(Clone, Copy, Debug)]
pub struct StreamFormat {
    layout: Layout,
    /// Bytes of samples, if a header states them.
    length: Option<u64>,
}

impl StreamFormat {
    /// Samples without a header, channels interleaved.
    ///
    /// - `path`: for errors
    ///
    /// # Errors
    /// [`AudioError::TooManyChannels`], [`AudioError::FileRate`], and [`AudioError::BadClip`] without a channel.
    pub fn raw(
        path: &Path,
        coding: SampleCoding,
        rate: u32,
        channels: usize,
    ) -> Result<Self, AudioError> {
        if channels == 0 {
            let detail = "no channels".into();
            return Err(AudioError::BadClip { detail });
        }
        let format = match coding {
            SampleCoding::U8 => SampleFormat::Unsigned8,
            SampleCoding::S16 => SampleFormat::Int { bytes: 2 },
            SampleCoding::S24 => SampleFormat::Int { bytes: 3 },
            SampleCoding::S32 => SampleFormat::Int { bytes: 4 },
            SampleCoding::F32 => SampleFormat::Float32,
            SampleCoding::F64 => SampleFormat::Float64,
        };
        let spec = Spec {
            sample_rate: rate,
            channels,
        };
        spec.check(path)?;
        let order = ByteOrder::Little;
        let layout = Layout {
            format,
            order,
            spec,
        };
        Ok(Self {
            layout,
            length: None,
        })
    }

    /// Reads a WAV header (RIFF or RF64) up to the first sample, from what cannot be sought. Lengths that
    /// programs write which do not know them (0, 0xFFFFFFFF, …) are taken as unknown.
    ///
    /// - `path`: for errors
    ///
    /// # Errors
    /// [`AudioError::NotAudio`] for anything else, [`AudioError::NoSamples`] for nothing at all,
    /// [`AudioError::Damaged`] and [`AudioError::UnsupportedCodec`] for a header of no use,
    /// [`AudioError::File`] if it cannot be read.
    pub fn wav(path: &Path, input: &mut impl Read) -> Result<Self, AudioError> {
        let mut start = [0; 12];
        let read = fill(input, &mut start).map_err(|e| AudioError::io(path, "read it", e))?;
        if read == 0 {
            return Err(AudioError::NoSamples { path: path.into() });
        }
        let is_wav = read == 12
            && [b"RIFF", b"RF64", b"BW64"].contains(&&start[..4].try_into().unwrap_or([0; 4]))
            && &start[8..] == b"WAVE";
        if !is_wav {
            return Err(AudioError::NotAudio {
                path: path.into(),
                found: "something without a WAV header (for raw samples give --raw FORMAT, --rate HZ and --channels N)".into(),
            });
        }
        let (mut format, mut long) = (None, None);
        loop {
            let mut head = [0; 8];
            let read = fill(input, &mut head).map_err(|e| AudioError::io(path, "read it", e))?;
            if read < head.len() {
                return Err(AudioError::damaged(path, "it ends within its header"));
            }
            let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            match &head[..4] {
                b"fmt " if size > MAX_FORMAT => {
                    let detail = format!("its format chunk has {}", count(size, "byte"));
                    return Err(AudioError::damaged(path, detail));
                }
                b"fmt " => format = Some(chunk(path, input, size)?),
                b"ds64" if size <= MAX_FORMAT => {
                    let bytes = chunk(path, input, size)?;
                    long = bytes
                        .get(8..16)
                        .and_then(|b| b.try_into().ok())
                        .map(u64::from_le_bytes);
                }
                b"data" => {
                    let length = match (size, long) {
                        (u32::MAX, Some(long)) => Some(long).filter(|long| *long > 0),
                        (0, _) | (UNKNOWN.., _) => None,
                        (size, _) => Some(u64::from(size)),
                    };
                    return Self::of_chunk(path, format, length);
                }
                _ => skip(path, input, u64::from(size) + u64::from(size % 2))?,
            }
        }
    }

    fn of_chunk(
        path: &Path,
        format: Option<Vec<u8>>,
        length: Option<u64>,
    ) -> Result<Self, AudioError> {
        let Some(bytes) = format else {
            let detail = "its samples come before their format";
            return Err(AudioError::damaged(path, detail));
        };
        let format = Format::parse(path, &bytes, ByteOrder::Little)?;
        format.spec.check(path)?;
        let mut warnings = Vec::new();
        let layout = format.layout(&[], &mut warnings);
        for warning in warnings {
            log::warn!("{}: {warning}", path.display());
        }
        let Some(layout) = layout else {
            return Err(AudioError::UnsupportedCodec {
                path: path.into(),
                codec: "something other than integers, floats, µ-law and A-law".into(),
            });
        };
        Ok(Self { layout, length })
    }

    /// Sample rate, Hz.
    pub fn rate(&self) -> u32 {
        self.layout.spec.sample_rate
    }

    /// Channels, at least 1.
    pub fn channels(&self) -> usize {
        self.layout.spec.channels
    }

    /// Bytes of one sample of every channel.
    pub fn block(&self) -> usize {
        self.layout.block() as usize
    }

    /// Bytes of all samples, if a header states them.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The coding that keeps what these samples hold.
    pub fn coding(&self) -> SampleCoding {
        match self.layout.format {
            SampleFormat::Unsigned8 => SampleCoding::U8,
            SampleFormat::MuLaw | SampleFormat::ALaw | SampleFormat::Int { bytes: ..=2 } => {
                SampleCoding::S16
            }
            SampleFormat::Int { bytes: 3 } => SampleCoding::S24,
            SampleFormat::Int { .. } => SampleCoding::S32,
            SampleFormat::Float32 => SampleCoding::F32,
            SampleFormat::Float64 => SampleCoding::F64,
        }
    }

    /// Appends the samples of whole blocks of bytes to `channels`; what is left over is ignored.
    pub fn decode(&self, bytes: &[u8], channels: &mut [Vec<f32>]) {
        let whole = bytes.len() / self.block() * self.block();
        self.layout.convert(&bytes[..whole], channels);
    }
}

/// Reads as much as there is, up to the buffer's length.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A chunk's content, with its byte of padding taken as well.
fn chunk(path: &Path, input: &mut impl Read, size: u32) -> Result<Vec<u8>, AudioError> {
    let mut bytes = vec![0; (size + size % 2) as usize];
    let read = fill(input, &mut bytes).map_err(|e| AudioError::io(path, "read it", e))?;
    if read < bytes.len() {
        return Err(AudioError::damaged(path, "it ends within its header"));
    }
    bytes.truncate(size as usize);
    Ok(bytes)
}

fn skip(path: &Path, input: &mut impl Read, bytes: u64) -> Result<(), AudioError> {
    let skipped = io::copy(&mut input.take(bytes), &mut io::sink());
    match skipped.map_err(|e| AudioError::io(path, "read it", e))? {
        skipped if skipped == bytes => Ok(()),
        _ => Err(AudioError::damaged(path, "it ends within its header")),
    }
}
