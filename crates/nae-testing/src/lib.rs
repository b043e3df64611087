//! Signals and fixtures that the tests, examples and benches of the workspace share.
//!
//! It is never published and depends on none of the other crates: signals are plain samples, so
//! that every crate can have it as a development dependency without a circle, and no crate's tests
//! wait for another's build.
//!
//! | Module | What |
//! |---|---|
//! | [`tones`] | sines, chords, notes, chirps |
//! | [`noise`] | white, red, modulated and resonant noise, uniform numbers |
//! | [`speech`] | speech-like signals from a recipe in integers, the same in `scripts/metrics/golden.py` |
//! | [`lcg`] | the generator behind numbers that other languages make too |
//! | [`compare`] | the difference between two signals |
//! | [`wav`] | WAV files put together by hand |
//! | [`folders`] | what a folder holds, the files of the package under test, the recordings of the repository |
//!
//! Signals are the same bit for bit on every machine up to the last digits of its `sin`. Where a signal is drawn
//! at random, the caller passes a seed or the generator.
//!
//! A development dependency on this crate has a path and no version (`nae-testing = { path = "../nae-testing" }`):
//! cargo leaves it out of what is published.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

pub mod compare;
pub mod folders;
pub mod lcg;
pub mod noise;
pub mod speech;
pub mod tones;
pub mod wav;
