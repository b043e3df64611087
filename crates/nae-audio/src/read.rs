//! Sound files of any kind, whole or as a stream.
//!
//! The content decides what a file is, never its name. WAV with integers of 8 to 32 bits or 32-bit
//! floats is read by hound, at any number of bits in between (12, 20 …) as left-justified integers.
//! Other WAV flavours (64-bit float, µ-law, A-law, ADPCM) and FLAC, MP3, Ogg Vorbis, AAC
//! (MP4 or ADTS) and AIFF are read by symphonia, with encoder delay and padding cut off wherever the
//! file tells them; AAC and untagged MP3 keep theirs. WAV of 4 GiB or more (RF64 too) is refused.

use std::path::{Path, PathBuf};

use symphonia::core::io::ReadOnlySource;

use crate::compressed::CompressedDecoder;
use crate::sniff::{self, Container};
use crate::wav::{WavDecoder, clean_stream};
use crate::wav_header::{Encoding, WavHeader};
use crate::{AudioError, Clip};

/// Samples per channel read at once where a file is read whole.
const STEP: usize = 1 << 16;

/// Reads a whole file.
///
/// # Errors
///
/// As [`AudioReader::open`] and [`AudioReader::read`].
pub fn read(path: &Path) -> Result<Clip, AudioError> {
    let mut reader = AudioReader::open(path)?;
    let mut channels = vec![Vec::new(); reader.channel_count()];
    loop {
        let more = reader.read(STEP)?;
        if more[0].is_empty() {
            return Clip::new(channels, reader.sample_rate());
        }
        for (channel, more) in channels.iter_mut().zip(more) {
            channel.extend(more);
        }
    }
}

/// A sound read bit by bit, so that memory does not grow with its length.
pub struct AudioReader {
    path: PathBuf,
    sample_rate: u32,
    channel_count: usize,
    samples: Option<u64>,
    position: u64,
    decoder: Decoder,
}

enum Decoder {
    Wav(Box<WavDecoder>),
    Compressed(Box<CompressedDecoder>),
    Memory(Vec<Vec<f32>>),
}

impl AudioReader {
    /// Opens a file and looks at its header.
    ///
    /// # Errors
    ///
    /// A path that is missing, a folder, a device or not readable; content that is not sound, coded
    /// in an unknown way, damaged, cut short or without a single sample.
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        let mut file = nae_files::open_regular(path)?;
        let head = sniff::first_bytes(path, &mut file)?;
        match sniff::container(&head) {
            Container::Wav => Self::open_wav(path, file, &head),
            Container::Wav64 => Err(AudioError::UnsupportedCodec {
                path: path.into(),
                codec: "RF64, the WAV of 4 GiB or more".into(),
            }),
            Container::Other => {
                let decoder = CompressedDecoder::new(path, &head, Box::new(file))?;
                Ok(Self::compressed(path, decoder))
            }
        }
    }

    /// Streams a clip that is in memory already.
    pub fn from_clip(clip: Clip) -> Self {
        Self {
            path: PathBuf::from("memory"),
            sample_rate: clip.sample_rate(),
            channel_count: clip.channel_count(),
            samples: Some(clip.samples() as u64),
            position: 0,
            decoder: Decoder::Memory(clip.into_channels()),
        }
    }

    fn open_wav(path: &Path, mut file: std::fs::File, head: &[u8]) -> Result<Self, AudioError> {
        let header = WavHeader::read(path, &mut file)?;
        let stream = clean_stream(&header, file);
        if header.encoding == Encoding::Other {
            let source = Box::new(ReadOnlySource::new(stream));
            let decoder = CompressedDecoder::new(path, head, source).map_err(|e| match e {
                AudioError::NotAudio { path, .. } => AudioError::UnsupportedCodec {
                    path,
                    codec: format!("WAV format {:#06x}", header.format_tag()),
                },
                other => other,
            })?;
            return Ok(Self::compressed(path, decoder));
        }
        let decoder = WavDecoder::new(path, &header, stream)?;
        Ok(Self {
            path: path.into(),
            sample_rate: decoder.sample_rate(),
            channel_count: usize::from(header.channels),
            samples: header.samples,
            position: 0,
            decoder: Decoder::Wav(Box::new(decoder)),
        })
    }

    fn compressed(path: &Path, decoder: CompressedDecoder) -> Self {
        Self {
            path: path.into(),
            sample_rate: decoder.sample_rate(),
            channel_count: decoder.channel_count(),
            samples: decoder.samples_hint(),
            position: 0,
            decoder: Decoder::Compressed(Box::new(decoder)),
        }
    }

    /// The file this reads from; `memory` for a clip.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Samples a second, Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// How many channels there are; never 0.
    pub fn channel_count(&self) -> usize {
        self.channel_count
    }

    /// Samples per channel, if the header knows: exact for WAV and FLAC, elsewhere good enough for
    /// a progress bar.
    pub fn samples_hint(&self) -> Option<u64> {
        self.samples
    }

    /// Reads up to `samples` further samples per channel: fewer only at the end of the file, and
    /// then empty channels.
    ///
    /// # Errors
    ///
    /// A file that is damaged, cut short or unreadable; [`AudioError::NonFinite`] for the first NaN
    /// or infinity.
    pub fn read(&mut self, samples: usize) -> Result<Vec<Vec<f32>>, AudioError> {
        let channels = match &mut self.decoder {
            Decoder::Wav(decoder) => decoder.read(&self.path, samples)?,
            Decoder::Compressed(decoder) => decoder.read(&self.path, samples)?,
            Decoder::Memory(channels) => part(channels, self.position as usize, samples),
        };
        self.ensure_finite(&channels)?;
        self.position += channels[0].len() as u64;
        Ok(channels)
    }

    /// Finds the bad sample that comes first in time.
    fn ensure_finite(&self, channels: &[Vec<f32>]) -> Result<(), AudioError> {
        let bad = channels
            .iter()
            .enumerate()
            .filter_map(|(channel, x)| Some((x.iter().position(|x| !x.is_finite())?, channel)))
            .min();
        match bad {
            None => Ok(()),
            Some((sample, channel)) => Err(AudioError::NonFinite {
                path: self.path.clone(),
                channel,
                sample: self.position + sample as u64,
                value: channels[channel][sample],
            }),
        }
    }
}

fn part(channels: &[Vec<f32>], start: usize, samples: usize) -> Vec<Vec<f32>> {
    let end = |c: &Vec<f32>| start.saturating_add(samples).min(c.len());
    channels.iter().map(|c| c[start..end(c)].to_vec()).collect()
}
