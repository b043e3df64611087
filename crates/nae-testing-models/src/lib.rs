//! Tiny models, and the clips that they learn, for the tests and benches of separation and what builds on it.
//!
//! Never published. It is a crate apart from `nae-testing` so that this one can depend on models
//! while the tests of the crates below them need neither Burn nor a build that waits for it, and no
//! crate depends on itself by way of its tests.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub mod clips;
pub mod models;
