//! Pretrained weights of networks.
//!
//! What a network's input layer and temporal model learn hardly depends on the sources: which
//! neighbouring frames and bins belong together. From weights trained on some voices, a network
//! learns others from less sound and in fewer steps than from random ones. Only the output layer,
//! whose rows are the models' activations, is always random at first. The weights that come with nae
//! were trained on the voices in `data/speech` (`scripts/joint/start`); `nae pretrain` trains others,
//! and `nae join --start` uses them.

mod file;
mod train;
mod weights;

pub use weights::PretrainedWeights;
