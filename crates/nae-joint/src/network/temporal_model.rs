//! The temporal model, which uses the context of neighbouring frames.

use burn::module::Module;
use burn::nn::gru::{BiGru, BiGruConfig, Gru, GruConfig};
use burn::nn::{BiLstm, BiLstmConfig, Lstm, LstmConfig};
use burn::tensor::{Device, Tensor};
use nae_model::Output;
use nae_model::layers::Dense;
use rand::rngs::ChaCha8Rng;

use super::conv_block::ConvBlock;
use super::dense::{apply, dense};
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
    /// The temporal model of the settings, with weights drawn from `rng`, and its number of output
    /// units.
    pub fn new(config: &JointConfig, rng: &mut ChaCha8Rng, device: &Device) -> (Self, usize) {
        use TemporalContext::{Bidirectional, Causal};
        let width = config.width;
        match (config.body, config.context) {
            (BodyKind::None, _) => {
                let layer = dense(width, width, Output::Relu, rng, device);
                (Self::None(layer), width)
            }
            (BodyKind::Conv, _) => {
                let block = |i| ConvBlock::new(config, i, rng, device);
                (Self::Conv((0..config.blocks).map(block).collect()), width)
            }
            (BodyKind::Gru, Bidirectional) => {
                let gru = BiGruConfig::new(width, width, true).init(device);
                (Self::BiGru(initialised(gru, rng, device)), 2 * width)
            }
            (BodyKind::Gru, Causal) => {
                let gru = GruConfig::new(width, width, true).init(device);
                (Self::Gru(initialised(gru, rng, device)), width)
            }
            (BodyKind::Lstm, Bidirectional) => {
                let lstm = BiLstmConfig::new(width, width, true).init(device);
                (Self::BiLstm(initialised(lstm, rng, device)), 2 * width)
            }
            (BodyKind::Lstm, Causal) => {
                let lstm = LstmConfig::new(width, width, true).init(device);
                (Self::Lstm(initialised(lstm, rng, device)), width)
            }
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
