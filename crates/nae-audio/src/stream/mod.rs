//! Sound that is still coming: the transforms of this crate frame by frame, with a stated delay.
//!
//! ```text
//! push ─▶ StreamResampler ─▶ StreamAnalysis ─▶ frames ─▶ masks ─▶ StreamSynthesis ─▶ StreamResampler ─▶ pull
//! ```
//!
//! [`MaskStream`] is all of it: it takes blocks of any size, down to one sample, asks a
//! [`StreamMasks`] for every frame's masks, and gives as many samples as it took, exactly
//! [`MaskStream::latency`] later. The numbers are those of [`Stft`](crate::Stft) and
//! [`resample`](crate::resample()), bit by bit where both use the same filter. Memory is taken when a
//! stream is made; what comes later needs none, whatever its length.
//!
//! [`StreamFormat`] and [`SampleCoding`] are between samples and the bytes of a pipe.
//!
//! # Delay
//!
//! A sample is complete once the last frame that it lies in has come: `n_fft − 1` samples later, and a
//! hop more for every frame of look-ahead. Between different rates both resamplers add a block and
//! half a filter each ([`StreamResampler::latency`]).

mod analysis;
mod coding;
mod frames;
mod input;
mod latency;
mod mask_stream;
mod mask_stream_config;
mod masks;
mod offset;
mod output;
mod queue;
mod resampler;
mod residual;
mod samples;
mod synthesis;

pub use analysis::StreamAnalysis;
pub use coding::{SampleCoding, UnknownCoding};
pub use input::StreamFormat;
pub use mask_stream::MaskStream;
pub use mask_stream_config::MaskStreamConfig;
pub use masks::StreamMasks;
pub use output::wav_stream_header;
pub use resampler::StreamResampler;
pub use synthesis::StreamSynthesis;

use crate::AudioError;

/// Samples that all channels have.
///
/// # Errors
/// [`AudioError::BlockShape`] for another number of channels than expected, or unequal lengths.
fn common_length(channels: &[impl AsRef<[f32]>], expected: usize) -> Result<usize, AudioError> {
    let samples = channels.first().map_or(0, |channel| channel.as_ref().len());
    let mut lengths = channels.iter().map(|channel| channel.as_ref().len());
    let unequal = lengths.find(|&length| length != samples);
    if channels.len() == expected && unequal.is_none() {
        return Ok(samples);
    }
    Err(AudioError::BlockShape {
        channels: channels.len(),
        samples: unequal.unwrap_or(samples),
        expected: format!("{} of one length", nae_files::count(expected, "channel")),
    })
}
