//! What a stream is made for.

use crate::StftConfig;

/// What a [`MaskStream`](super::MaskStream) is made for.
#[derive(Clone, Debug)]
pub struct MaskStreamConfig {
    /// Sample rate of the mixture, Hz.
    pub rate: u32,
    /// Channels of the mixture, at least 1; all get the same masks.
    pub channels: usize,
    /// Sample rate of the frames, Hz.
    pub model_rate: u32,
    /// The frames.
    pub stft: StftConfig,
    /// The sources whose stems are made, by number.
    pub stems: Vec<usize>,
    /// Length of the resamplers' filters ([`StreamResampler::new`](super::StreamResampler::new)).
    pub filter: usize,
}
