//! Pretrained weights of networks.
//!
//! A network's input layer and temporal model learn which neighbouring frames and bins belong
//! together, which hardly depends on the sources. A network that starts from weights trained on
//! some voices needs less training material and fewer steps for other voices than one that starts
//! from random weights. Only the output layer, whose rows are the models' activations, is always
//! initialised at random. The weights that come with nae were trained on the voices in
//! `data/speech` (`scripts/joint/start`); `nae pretrain` trains others, and `nae join --start` uses
//! them.

mod file;
mod train;
mod weights;

pub use weights::PretrainedWeights;
