//! Sources that nobody recorded alone: learnt on the mixture, beside the models of those that are known.
//!
//! An unknown source is a factorisation whose bases and activations are learnt together with the known
//! sources' activations ([`learn`]; Smaragdis, Raj & Shashanka, ICA 2007). Its bases are then frozen, and
//! it is separated like any other source, so that a stem means the same from start to end, however long
//! the recording is. A penalty on the known sources' spectra keeps models of high rank, which could explain
//! noise as well, from doing so.

mod excerpts;
mod learn;
mod voicing;

pub use excerpts::{Excerpts, excerpts};
pub use learn::{Learnt, Unknown, components, learn};
pub use voicing::Voicing;
