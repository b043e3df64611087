//! symphonia's decoders, and what their errors mean here.

use std::io::ErrorKind;
use std::path::Path;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known as codec;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
};
use symphonia::core::errors::Error;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::guard::guarded;
use super::spec::Spec;
use crate::AudioError;

/// Decodes packets of one stream.
///
/// Nothing is trimmed here: packets are given without their trims. The decoder of Vorbis still leaves
/// out the first packet, which only prepares the second.
pub(crate) struct Codec {
    decoder: Box<dyn AudioDecoder>,
    /// Whether a packet could be decoded; from then on what is unknown is damage.
    has_decoded: bool,
}

/// What became of a packet.
pub(crate) enum Decoded {
    /// Its samples, channel by channel; perhaps none.
    Sound(Spec, Vec<Vec<f32>>),
    /// Nothing: it is damaged.
    Damaged {
        /// What the decoder says.
        reason: String,
        /// Whether it ends too early.
        is_short: bool,
    },
}

impl Codec {
    pub fn new(path: &Path, parameters: &AudioCodecParameters) -> Result<Self, AudioError> {
        let options = AudioDecoderOptions::default().gapless(true);
        let codecs = symphonia::default::get_codecs();
        let decoder = guarded(path, || codecs.make_audio_decoder(parameters, &options))?.map_err(
            |error| match error {
                Error::Unsupported(_) => AudioError::UnsupportedCodec {
                    path: path.into(),
                    codec: codec_name(parameters.codec),
                },
                other => AudioError::damaged(path, other.to_string()),
            },
        )?;
        Ok(Self {
            decoder,
            has_decoded: false,
        })
    }

    /// Forgets the packets before, after which the next one does not follow.
    pub fn reset(&mut self) {
        self.decoder.reset();
    }

    /// Decodes one packet, which should hold `samples` samples per channel.
    pub fn decode(
        &mut self,
        path: &Path,
        data: Box<[u8]>,
        samples: u64,
    ) -> Result<Decoded, AudioError> {
        let packet = Packet::new(0, Timestamp::ZERO, Duration::new(samples), data);
        let decoder = &mut self.decoder;
        let decoded = guarded(path, || decoder.decode(&packet).map(|sound| planar(&sound)))?;
        match decoded {
            Ok(sound) => {
                self.has_decoded = true;
                Ok(sound)
            }
            Err(Error::Unsupported(what)) if !self.has_decoded => {
                Err(AudioError::UnsupportedCodec {
                    path: path.into(),
                    codec: format!("something its decoder does not support ({what})"),
                })
            }
            Err(error) => Ok(Decoded::Damaged {
                is_short: is_end(&error),
                reason: error.to_string(),
            }),
        }
    }
}

fn planar(buffer: &GenericAudioBufferRef<'_>) -> Decoded {
    let mut channels = Vec::new();
    buffer.copy_to_vecs_planar::<f32>(&mut channels);
    let spec = Spec {
        sample_rate: buffer.spec().rate(),
        channels: buffer.spec().channels().count(),
    };
    Decoded::Sound(spec, channels)
}

/// Whether a stream ended where more was expected.
pub(crate) fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::Other))
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
