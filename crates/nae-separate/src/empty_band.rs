//! Mixtures that end below what the models cover.

use crate::separator::Separator;

/// A band that the models cover and the mixture leaves empty, because it is sampled at a lower rate.
///
/// Models learn what stands where in a spectrum. Where a mixture has nothing at all they have less to
/// tell the sources by: models of speech at 16 kHz lose 2 dB on mixtures at 8 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmptyBand {
    /// Sample rate of the mixture, in Hz.
    pub mixture_rate: u32,
    /// Sample rate of the models, in Hz.
    pub model_rate: u32,
}

impl std::fmt::Display for EmptyBand {
    /// What is empty, and what to do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "sampled at {} Hz, it ends at {} Hz, but the models cover up to {} Hz; the band in between is empty, which reduces the quality: use a recording or models of the same sample rate",
            self.mixture_rate,
            self.mixture_rate / 2,
            self.model_rate / 2
        )
    }
}

impl EmptyBand {
    /// The band between a mixture's highest frequency and its models', if there is one.
    ///
    /// - `mixture_rate`, `model_rate`: sample rates in Hz
    pub fn between(mixture_rate: u32, model_rate: u32) -> Option<Self> {
        (mixture_rate < model_rate).then_some(Self {
            mixture_rate,
            model_rate,
        })
    }
}

impl Separator {
    /// The band that a mixture of a rate leaves empty, if there is one.
    ///
    /// - `rate`: of the mixture, in Hz
    pub fn empty_band(&self, rate: u32) -> Option<EmptyBand> {
        EmptyBand::between(rate, self.audio().sample_rate)
    }
}
