//! The temporal model, which uses the context of neighbouring frames.

use burn::module::Module;
use burn::nn::gru::{BiGru, BiGruConfig, Gru, GruConfig};
use burn::nn::{BiLstm, BiLstmConfig, Lstm, LstmConfig};
use burn::tensor::{Device, Tensor};
use nae_model::Output;
use nae_model::layers::Dense;
use rand::rngs::ChaCha8Rng;

use super::conv_block::ConvBlock;
use super::dense::{apply, dense, parameter_count};
use super::recurrent::{from_sequences, initialised, to_sequences};
use crate::settings::{BodyKind, JointConfig, TemporalContext};

/// The middle of a network, along time.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a network has one temporal model, and Burn has no boxed modules"
)]
pub enum TemporalModel {
    /// No context: a dense layer over each frame.
    None(Dense),
    /// Convolutions along time.
    Conv(Vec<ConvBlock>),
    /// A GRU in both directions.
    BiGru(BiGru),
    /// A causal GRU.
    Gru(Gru),
    /// An LSTM in both directions.
    BiLstm(BiLstm),
    /// A causal LSTM.
    Lstm(Lstm),
}

impl TemporalModel {
    /// The temporal model of the settings, with weights drawn from `rng`.
    pub fn new(config: &JointConfig, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        use TemporalContext::{Bidirectional, Causal};
        let width = config.width;
        match (config.body, config.context) {
            (BodyKind::None, _) => Self::None(dense(width, width, Output::Relu, rng, device)),
            (BodyKind::Conv, _) => {
                let block = |i| ConvBlock::new(config, i, rng, device);
                Self::Conv((0..config.blocks).map(block).collect())
            }
            (BodyKind::Gru, Bidirectional) => {
                let gru = BiGruConfig::new(width, width, true).init(device);
                Self::BiGru(initialised(gru, rng, device))
            }
            (BodyKind::Gru, Causal) => {
                let gru = GruConfig::new(width, width, true).init(device);
                Self::Gru(initialised(gru, rng, device))
            }
            (BodyKind::Lstm, Bidirectional) => {
                let lstm = BiLstmConfig::new(width, width, true).init(device);
                Self::BiLstm(initialised(lstm, rng, device))
            }
            (BodyKind::Lstm, Causal) => {
                let lstm = LstmConfig::new(width, width, true).init(device);
                Self::Lstm(initialised(lstm, rng, device))
            }
        }
    }

    /// Its output units.
    pub fn units(config: &JointConfig) -> usize {
        config.width * directions(config)
    }

    /// Numbers that it has.
    pub fn parameter_count(config: &JointConfig) -> usize {
        let width = config.width;
        let layer = parameter_count(width, width);
        // every gate reads the input and the state
        let recurrent = |gates: usize| directions(config) * gates * 2 * layer;
        match config.body {
            BodyKind::None => layer,
            BodyKind::Conv => config.blocks * (width * config.kernel + layer),
            BodyKind::Gru => recurrent(3),
            BodyKind::Lstm => recurrent(4),
        }
    }

    /// - `frames`: frames of one sequence
    ///
    /// # Shapes
    /// - `x`: `[width, sequences·frames]`
    /// - output: `[units, sequences·frames]`
    pub fn forward(&self, x: Tensor<2>, frames: usize) -> Tensor<2> {
        match self {
            Self::None(dense) => apply(dense, x),
            Self::Conv(blocks) => blocks.iter().fold(x, |x, block| block.forward(x, frames)),
            Self::BiGru(gru) => from_sequences(gru.forward(to_sequences(x, frames), None).0),
            Self::Gru(gru) => from_sequences(gru.forward(to_sequences(x, frames), None)),
            Self::BiLstm(lstm) => from_sequences(lstm.forward(to_sequences(x, frames), None).0),
            Self::Lstm(lstm) => from_sequences(lstm.forward(to_sequences(x, frames), None).0),
        }
    }
}

/// Directions along time in which it works, each with units of its own.
fn directions(config: &JointConfig) -> usize {
    match (config.body, config.context) {
        (BodyKind::Gru | BodyKind::Lstm, TemporalContext::Bidirectional) => 2,
        _ => 1,
    }
}
