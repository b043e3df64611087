//! The network that maps a mixture's compressed magnitudes to all sources' activations.

mod conv_block;
mod dense;
mod encoder_network;
mod recurrent;
mod temporal_model;

pub use conv_block::ConvBlock;
pub use encoder_network::EncoderNetwork;
pub use temporal_model::TemporalModel;
