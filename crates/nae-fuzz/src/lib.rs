//! What must hold of every file that nae reads, whoever wrote it.
//!
//! Each [`Target`] takes the bytes of one file, has nae read it, and panics where a promise is broken:
//! a file is refused with one clear message, or it is read and what comes out makes sense; either way
//! within bounded memory. Fuzzers (`scripts/fuzz`) search for bytes that break a promise; the tests of
//! this crate replay the inputs that are kept in `corpus/` and try a bounded number of mutations.
//!
//! | target | reads | beyond not crashing |
//! |---|---|---|
//! | `wav` | WAV and AIFF | equal channels, finite samples, as many as announced, no more than the file can hold; the same in steps of any size |
//! | `compressed` | FLAC, MP3, ADTS, Ogg, MP4 | the same |
//! | `model` | model files | written and read again, the same bytes and fingerprint; stems are finite and sum to the mixture |
//! | `joint` | joint files | the same; names are names of files |
//! | `start` | pretrained weights | written and read again, the same bytes |
//! | `configuration` | settings, experiments, `--set`, grids | written and read again, the same settings |
//! | `manifest` | the plan of a run | every cell can be named, counted and collected |
//! | `score` | records of a cell | rows that can be written as CSV and Parquet |
//!
//! Never published: it depends on all that reads files, and nothing depends on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the report"
)]

mod audio;
mod configuration;
mod heap;
mod joint;
mod manifest;
mod message;
mod model;
mod ogg;
mod run;
mod score;
mod scratch;
mod separation;
mod start;
mod target;

pub use target::{TARGETS, Target, check, clean};
