//! One file or folder a command; code that commands share is beside this folder.

pub mod adapt;
pub mod completions;
pub mod demo;
pub mod devices;
pub mod evaluate;
pub mod join;
pub mod live;
pub mod merge;
pub mod pretrain;
pub mod separate;
pub mod settings;
pub mod sweep;
pub mod train;
