//! Sound files of any kind, whole or as a stream.
//!
//! The content decides what a file is, never its name. WAV (RIFF, RIFX, RF64, BW64) and AIFF are read
//! here; FLAC, MP3, Ogg Vorbis, Ogg FLAC and AAC (MP4 or ADTS) are decoded by symphonia. Integers of
//! 8 to 32 bits (12, 20 … left-justified), floats of 32 and 64, µ-law, A-law and ADPCM are known.
//!
//! # Damage, and what is reported
//!
//! - Encoder delay and padding are removed wherever the file states them (MP3 with a LAME tag, Ogg,
//!   FLAC, an edit list in MP4), and only there: an estimate never trims.
//! - A packet that is damaged or missing is replaced by silence of the same length.
//! - Where a header contradicts the file, the interpretation that fits the file is used.
//! - WAV, AIFF, FLAC and MP4 files that hold less than their headers count are refused as cut short,
//!   when they are opened; MP3, ADTS and Ogg, which are often cut on purpose, are read as far as they
//!   go.
//! - Files joined one after another (MP3, chained Ogg) are one sound; of two sample rates they are
//!   refused.
//!
//! All of this is a [`Warning`], logged once for a file with [`log::warn!`].
//!
//! At most 64 channels and sample rates of 100 Hz to 1 MHz are read; memory does not grow with length.

mod aiff;
mod chunks;
mod codec;
mod demuxed;
mod demuxer;
mod flac;
mod flac_end;
mod frame_header;
mod framed;
mod frames;
mod guard;
mod mp3_tag;
mod mp4;
mod mp4_sound;
mod ogg;
mod ogg_link;
mod ogg_page;
mod packets;
pub(crate) mod pcm;
mod source;
pub(crate) mod spec;
mod timeline;
mod wav;
mod wav_extent;
pub(crate) mod wav_format;
mod window;

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use symphonia::core::io::ReadOnlySource;

use crate::warning::{Warning, warn_once};
use crate::{AudioError, Clip};

use aiff::AiffHeader;
use demuxed::Demuxed;
use flac::Flac;
use framed::Framed;
use mp4_sound::Mp4;
use ogg::Ogg;
use packets::{PacketReader, Packets};
use pcm::PcmReader;
use source::Container;
use spec::Spec;
use wav::{Encoding, WavHeader};

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

/// A sound file read as a stream, so that memory does not grow with its length.
///
/// ```no_run
/// # fn main() -> Result<(), nae_audio::AudioError> {
/// let mut reader = nae_audio::AudioReader::open("call.mp3".as_ref())?;
/// loop {
///     let channels = reader.read(4096)?;
///     if channels[0].is_empty() {
///         break;
///     }
/// }
/// for warning in reader.warnings() {
///     println!("call.mp3: {warning}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct AudioReader {
    path: PathBuf,
    spec: Spec,
    samples: Option<u64>,
    position: u64,
    decoder: Decoder,
    /// What the header got wrong.
    warnings: Vec<Warning>,
    is_reported: bool,
}

enum Decoder {
    Pcm(PcmReader),
    Packets(PacketReader),
    Memory(Vec<Vec<f32>>),
}

impl AudioReader {
    /// Opens a file and looks at its header, and at all of it where only that gives its length
    /// (MP3, ADTS, Ogg).
    ///
    /// # Errors
    ///
    /// A path that is missing, a folder, a device or not readable; content that is not sound, coded
    /// in an unknown way, damaged beyond its sound, cut short, of several sample rates, or without a
    /// single sample; more than 64 channels, or a rate outside 100 Hz to 1 MHz.
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        let mut file = nae_files::open_regular(path)?;
        let bytes = length(path, &file)?;
        let (start, head) = source::first_bytes(path, &mut file)?;
        let packets: Box<dyn Packets> = match source::container(&head) {
            Container::Wav if start == 0 => return Self::open_wav(path, file, &head),
            Container::Aiff if start == 0 => return Self::open_aiff(path, file),
            Container::Flac => Box::new(Flac::open(path, start, &head, file)?),
            Container::Ogg => Box::new(Ogg::open(path, file)?),
            Container::Mp4 if start == 0 => Box::new(Mp4::open(path, &head, file)?),
            _ => {
                let again = file
                    .try_clone()
                    .map_err(|e| AudioError::io(path, "read it", e))?;
                match Framed::open(path, file)? {
                    Some(framed) => Box::new(framed),
                    None => Box::new(Demuxed::open(path, &head, Box::new(rewound(path, again)?))?),
                }
            }
        };
        Self::packets(path, packets, bytes)
    }

    /// Streams a clip that is in memory already.
    pub fn from_clip(clip: Clip) -> Self {
        Self {
            path: PathBuf::from("memory"),
            spec: Spec {
                sample_rate: clip.sample_rate(),
                channels: clip.channel_count(),
            },
            samples: Some(clip.samples() as u64),
            position: 0,
            decoder: Decoder::Memory(clip.into_channels()),
            warnings: Vec::new(),
            is_reported: false,
        }
    }

    fn open_wav(path: &Path, mut file: File, head: &[u8]) -> Result<Self, AudioError> {
        let bytes = length(path, &file)?;
        let header = WavHeader::read(path, &mut file)?;
        if let Encoding::Pcm(layout) = header.encoding {
            let samples = header.samples.unwrap_or(0);
            let reader = PcmReader::new(file, layout, samples);
            return Ok(Self::pcm(
                path,
                layout.spec,
                samples,
                reader,
                header.warnings,
            ));
        }
        let stream = Cursor::new(header.clean()).chain(file.take(header.data_len));
        let source = ReadOnlySource::new(BufReader::new(stream));
        let packets = Demuxed::open(path, head, Box::new(source)).map_err(|e| match e {
            AudioError::NotAudio { path, .. } | AudioError::Damaged { path, .. } => {
                AudioError::UnsupportedCodec {
                    path,
                    codec: format!("WAV format {:#06x}", header.format_tag()),
                }
            }
            other => other,
        })?;
        let mut this = Self::packets(path, Box::new(packets), bytes)?;
        this.warnings = header.warnings;
        Ok(this)
    }

    fn open_aiff(path: &Path, mut file: File) -> Result<Self, AudioError> {
        let AiffHeader {
            layout,
            samples,
            warnings,
        } = AiffHeader::read(path, &mut file)?;
        let reader = PcmReader::new(file, layout, samples);
        Ok(Self::pcm(path, layout.spec, samples, reader, warnings))
    }

    fn pcm(
        path: &Path,
        spec: Spec,
        samples: u64,
        reader: PcmReader,
        warnings: Vec<Warning>,
    ) -> Self {
        Self {
            path: path.into(),
            spec,
            samples: Some(samples),
            position: 0,
            decoder: Decoder::Pcm(reader),
            warnings,
            is_reported: false,
        }
    }

    fn packets(path: &Path, packets: Box<dyn Packets>, bytes: u64) -> Result<Self, AudioError> {
        packets.spec().check(path)?;
        let reader = PacketReader::new(path, packets, bytes)?;
        Ok(Self {
            path: path.into(),
            spec: reader.spec(),
            samples: reader.samples(),
            position: 0,
            decoder: Decoder::Packets(reader),
            warnings: Vec::new(),
            is_reported: false,
        })
    }

    /// The file this reads from; `memory` for a clip.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Samples a second, Hz.
    pub fn sample_rate(&self) -> u32 {
        self.spec.sample_rate
    }

    /// How many channels there are; never 0.
    pub fn channel_count(&self) -> usize {
        self.spec.channels
    }

    /// Samples per channel, if they are known: exact for WAV, AIFF, FLAC, MP3 and ADTS, elsewhere good
    /// enough for a progress bar.
    pub fn samples_hint(&self) -> Option<u64> {
        self.samples
    }

    /// What is wrong with the file; complete once everything was read.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        if let Decoder::Packets(reader) = &self.decoder {
            warnings.extend(reader.warnings());
        }
        warnings
    }

    /// Reads up to `samples` further samples per channel: fewer only at the end of the file, and
    /// then empty channels. At the end the file's [`warnings`](Self::warnings) are logged.
    ///
    /// # Errors
    ///
    /// A file that changes or cannot be read on the way; [`AudioError::NonFinite`] for the first NaN
    /// or infinity.
    pub fn read(&mut self, samples: usize) -> Result<Vec<Vec<f32>>, AudioError> {
        let channels = match &mut self.decoder {
            Decoder::Pcm(reader) => reader.read(&self.path, samples)?,
            Decoder::Packets(reader) => reader.read(&self.path, samples)?,
            Decoder::Memory(channels) => part(channels, self.position as usize, samples),
        };
        self.ensure_finite(&channels)?;
        self.position += channels[0].len() as u64;
        if channels[0].len() < samples && !self.is_reported {
            self.is_reported = true;
            for warning in self.warnings() {
                warn_once(&format!("{}: {warning}", self.path.display()));
            }
        }
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

fn length(path: &Path, file: &File) -> Result<u64, AudioError> {
    let metadata = file.metadata();
    Ok(metadata
        .map_err(|e| AudioError::io(path, "read it", e))?
        .len())
}

fn rewound(path: &Path, mut file: File) -> Result<File, AudioError> {
    std::io::Seek::rewind(&mut file).map_err(|e| AudioError::io(path, "read it", e))?;
    Ok(file)
}
