//! Masks of one frame after the other.

use nae_model::frame::FrameLayers;
use nae_separate::mask::frame_ratio_masks;
use nae_separate::{FrameEstimator, Live, LiveConfig, SeparateError};

use super::network::{FrameNetwork, full_look_ahead};
use crate::decoders::EPS;
use crate::encoder::JointEncoder;
use crate::error::JointError;

/// How many later frames a frame's masks wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookAhead {
    /// All that the network was trained with: the masks of whole sounds.
    Full,
    /// At most so many frames; what convolutions read beyond is left out. `joint.look_ahead` is the least.
    AtMost(usize),
}

/// Estimates masks with a joint encoder, frame by frame.
pub struct JointFrames {
    networks: Vec<FrameNetwork>,
    /// Every source's decoder for each of them, as decoders may remember frames too.
    decoders: Vec<Vec<FrameLayers>>,
    /// From every source's spectra to amplitudes whose squares enter the ratio masks.
    exponents: Vec<f64>,
    compression: f64,
    look_ahead: usize,
    bins: usize,
    input: Vec<f32>,
    amplitudes: Vec<f32>,
    masks: Vec<f32>,
}

impl JointFrames {
    /// Reads the weights of a joint encoder.
    ///
    /// # Errors
    /// [`JointError::NotLive`] if it cannot work frame by frame.
    pub fn new(encoder: &JointEncoder, look_ahead: LookAhead) -> Result<Self, JointError> {
        let bins = encoder.metadata.audio.stft().bins();
        let full = encoder.networks.iter().map(full_look_ahead);
        let full = full.flatten().max().unwrap_or(0);
        let trained = encoder.metadata.config.look_ahead;
        let look_ahead = match look_ahead {
            LookAhead::Full => full,
            LookAhead::AtMost(frames) => frames.clamp(trained, full),
        };
        let networks = encoder.networks.iter();
        let networks = networks.map(|network| FrameNetwork::new(network, look_ahead));
        let networks = networks.collect::<Result<Vec<_>, _>>()?;
        let device = encoder
            .networks
            .first()
            .map(|network| network.mean.val().device());
        let decoders = encoder.frozen_decoders(&device.unwrap_or_default());
        let decoders = decoders.frame_layers()?;
        let sources = decoders.len();
        Ok(Self {
            decoders: vec![
                decoders.iter().map(|(layers, _)| layers.clone()).collect();
                networks.len()
            ],
            exponents: decoders.iter().map(|(_, exponent)| *exponent).collect(),
            networks,
            compression: encoder.metadata.config.compression,
            look_ahead,
            bins,
            input: vec![0.0; bins],
            amplitudes: vec![0.0; sources * bins],
            masks: vec![0.0; sources * bins],
        })
    }
}

impl FrameEstimator for JointFrames {
    fn sources(&self) -> usize {
        self.exponents.len()
    }

    fn look_ahead(&self) -> usize {
        self.look_ahead
    }

    fn estimate(
        &mut self,
        magnitude: Option<&[f32]>,
        gain: f64,
        masks: &mut [f32],
    ) -> Result<(), SeparateError> {
        if let Some(magnitude) = magnitude {
            let gain = gain / ((self.bins.max(2) - 1) as f64).sqrt();
            for (x, &magnitude) in self.input.iter_mut().zip(magnitude) {
                let scaled = f64::from(magnitude) * gain;
                *x = match self.compression {
                    0.25 => scaled.sqrt().sqrt(),
                    0.5 => scaled.sqrt(),
                    other => scaled.powf(other),
                } as f32;
            }
        }
        masks.fill(0.0);
        let weight = 1.0 / self.networks.len() as f32;
        for (network, decoders) in self.networks.iter_mut().zip(&mut self.decoders) {
            let input = magnitude.is_some().then_some(self.input.as_slice());
            let Some(activations) = network.step(input) else {
                continue;
            };
            let mut first = 0;
            let sources = decoders.iter_mut().zip(&self.exponents);
            for ((decoder, &exponent), amplitudes) in
                sources.zip(self.amplitudes.chunks_exact_mut(self.bins))
            {
                let rank = decoder.inputs();
                amplitudes.copy_from_slice(decoder.step(&activations[first..first + rank]));
                first += rank;
                if exponent != 1.0 {
                    for x in amplitudes {
                        *x = (*x + EPS as f32).powf(exponent as f32);
                    }
                }
            }
            // the exponents leave a square
            frame_ratio_masks(&self.amplitudes, self.bins, 2.0, &mut self.masks);
            for (mask, own) in masks.iter_mut().zip(&self.masks) {
                *mask += weight * own;
            }
        }
        Ok(())
    }
}

impl JointEncoder {
    /// A separator of sound that is still coming.
    ///
    /// # Errors
    /// [`JointError::NotLive`] if the encoder cannot work frame by frame, [`JointError::Separate`] for rates,
    /// channels or stems that are not possible.
    pub fn live(&self, config: &LiveConfig, look_ahead: LookAhead) -> Result<Live, JointError> {
        let sources = self.metadata.sources.iter();
        let names = sources.map(|source| source.name.clone()).collect();
        let frames = Box::new(JointFrames::new(self, look_ahead)?);
        Ok(Live::new(names, self.metadata.audio, frames, config)?)
    }
}
