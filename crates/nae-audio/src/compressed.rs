//! Everything that is not plain WAV, by symphonia.

use std::io::ErrorKind;
use std::path::Path;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as codec;
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};

use crate::AudioError;
use crate::sniff;

/// Streams any container and codec that symphonia knows.
///
/// Encoder delay and padding are cut off wherever the file tells them (MP3 with a LAME tag, Ogg
/// Vorbis, FLAC). AAC does not tell in a way symphonia reads, and an MP3 without a tag not at all:
/// those begin with the silence that their encoder added (about 1000 to 2000 samples).
pub(crate) struct CompressedDecoder {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    sample_rate: u32,
    channel_count: usize,
    samples: Option<u64>,
    /// The length that the header promises, where it can be trusted.
    promised: Option<u64>,
    decoded: u64,
    packet: Vec<Vec<f32>>,
    pending: Vec<Vec<f32>>,
}

impl CompressedDecoder {
    /// Finds the container by its content (`head` is its start) and decodes up to the first samples.
    pub fn new(path: &Path, head: &[u8], source: Box<dyn MediaSource>) -> Result<Self, AudioError> {
        let stream = MediaSourceStream::new(source, Default::default());
        let format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, Default::default(), Default::default())
            .map_err(|e| probe_error(path, head, e))?;
        let unknown = || AudioError::UnsupportedCodec {
            path: path.into(),
            codec: "something unknown".into(),
        };
        let track = format.default_track(TrackType::Audio).ok_or_else(unknown)?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(unknown());
        };
        let options = AudioDecoderOptions::default().gapless(true);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &options)
            .map_err(|e| codec_error(path, parameters.codec, e))?;
        // Elsewhere the count is an estimate, or in units of the container's clock.
        let counted = parameters.codec == codec::CODEC_ID_FLAC;
        let (track, samples) = (track.id, track.num_frames);
        let mut this = Self {
            track,
            samples: samples.filter(|&n| n > 0),
            promised: samples.filter(|&n| counted && n > 0),
            sample_rate: 0,
            channel_count: 0,
            decoded: 0,
            packet: Vec::new(),
            pending: Vec::new(),
            format,
            decoder,
        };
        while this.available() == 0 {
            if !this.decode_packet(path)? {
                return Err(AudioError::NoSamples { path: path.into() });
            }
        }
        Ok(this)
    }

    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    pub fn channel_count(&self) -> usize {
        self.channel_count
    }

    pub fn samples_hint(&self) -> Option<u64> {
        self.samples
    }

    /// Up to `samples` further samples per channel.
    pub fn read(&mut self, path: &Path, samples: usize) -> Result<Vec<Vec<f32>>, AudioError> {
        while self.available() < samples && self.decode_packet(path)? {}
        let count = samples.min(self.available());
        Ok(self
            .pending
            .iter_mut()
            .map(|c| c.drain(..count).collect())
            .collect())
    }

    fn available(&self) -> usize {
        self.pending.first().map_or(0, Vec::len)
    }

    /// Decodes one packet into `pending`; false at the end of the file.
    fn decode_packet(&mut self, path: &Path) -> Result<bool, AudioError> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) if packet.track_id == self.track => packet,
            Ok(Some(_)) => return Ok(true),
            Ok(None) => return self.at_end(path),
            Err(e) => return Err(self.stream_error(path, e)),
        };
        let buffer = match self.decoder.decode(&packet) {
            Ok(buffer) => buffer,
            Err(e) => return Err(self.stream_error(path, e)),
        };
        let (rate, count) = (buffer.spec().rate(), buffer.spec().channels().count());
        if self.channel_count == 0 {
            (self.sample_rate, self.channel_count) = (rate, count);
            self.pending = vec![Vec::new(); count];
        }
        if (rate, count) != (self.sample_rate, self.channel_count) || rate == 0 || count == 0 {
            return Err(AudioError::damaged(
                path,
                format!(
                    "it changes from {} channels at {} Hz to {count} channels at {rate} Hz on the way",
                    self.channel_count, self.sample_rate
                ),
            ));
        }
        buffer.copy_to_vecs_planar::<f32>(&mut self.packet);
        self.decoded += self.packet[0].len() as u64;
        for (pending, new) in self.pending.iter_mut().zip(&self.packet) {
            pending.extend_from_slice(new);
        }
        Ok(true)
    }

    fn at_end(&self, path: &Path) -> Result<bool, AudioError> {
        match self.truncation(path) {
            Some(error) => Err(error),
            None => Ok(false),
        }
    }

    fn truncation(&self, path: &Path) -> Option<AudioError> {
        let promised = self.promised.filter(|&n| n > self.decoded)?;
        Some(AudioError::Truncated {
            path: path.into(),
            promised,
            found: self.decoded,
            unit: "samples per channel",
        })
    }

    fn stream_error(&self, path: &Path, error: Error) -> AudioError {
        let place = format!("after {} samples per channel", self.decoded);
        match error {
            Error::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => {
                self.truncation(path).unwrap_or_else(|| {
                    AudioError::damaged(path, format!("it ends too early, {place}"))
                })
            }
            Error::IoError(e) => AudioError::io(path, "read its samples", e),
            Error::Unsupported(what) => AudioError::UnsupportedCodec {
                path: path.into(),
                codec: format!("something its decoder does not know ({what})"),
            },
            other => AudioError::damaged(path, format!("{other}, {place}")),
        }
    }
}

fn probe_error(path: &Path, head: &[u8], error: Error) -> AudioError {
    match error {
        Error::IoError(e) if e.kind() != ErrorKind::UnexpectedEof => {
            AudioError::io(path, "read it", e)
        }
        Error::Unsupported(_) | Error::IoError(_) => AudioError::NotAudio {
            path: path.into(),
            found: sniff::describe(head),
        },
        other => AudioError::damaged(path, other.to_string()),
    }
}

fn codec_error(path: &Path, id: AudioCodecId, error: Error) -> AudioError {
    match error {
        Error::Unsupported(_) => AudioError::UnsupportedCodec {
            path: path.into(),
            codec: codec_name(id),
        },
        other => AudioError::damaged(path, other.to_string()),
    }
}

fn codec_name(id: AudioCodecId) -> String {
    let name = match id {
        codec::CODEC_ID_OPUS => "Opus",
        codec::CODEC_ID_ALAC => "Apple Lossless (ALAC)",
        codec::CODEC_ID_AAC => "a kind of AAC other than AAC-LC",
        codec::CODEC_ID_MP1 => "MPEG layer 1",
        codec::CODEC_ID_MP2 => "MPEG layer 2",
        codec::CODEC_ID_SPEEX => "Speex",
        codec::CODEC_ID_AC3 => "AC-3",
        codec::CODEC_ID_EAC3 => "E-AC-3",
        codec::CODEC_ID_WAVPACK => "WavPack",
        codec::CODEC_ID_WMA => "Windows Media Audio",
        other => return format!("codec number {other}"),
    };
    name.into()
}
