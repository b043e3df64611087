//! One file or folder a command; what commands share lies beside this folder.

pub mod completions;
pub mod demo;
pub mod devices;
pub mod evaluate;
pub mod join;
pub mod pretrain;
pub mod separate;
pub mod settings;
pub mod sweep;
pub mod train;
