//! The targets.

use std::sync::{Mutex, PoisonError};

use crate::{audio, configuration, heap, joint, manifest, model, score, scratch, start};

/// One file at a time: memory is counted for all threads together, and the files' names are the same.
static TURN: Mutex<()> = Mutex::new(());

/// One kind of file.
pub struct Target {
    /// Its name, which is that of its fuzzer and of its folder in `corpus/`.
    pub name: &'static str,
    check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target::new("wav", audio::wav),
    Target::new("compressed", audio::compressed),
    Target::new("model", model::check),
    Target::new("joint", joint::check),
    Target::new("start", start::check),
    Target::new("configuration", configuration::check),
    Target::new("manifest", manifest::check),
    Target::new("score", score::check),
];

impl Target {
    const fn new(name: &'static str, check: fn(&[u8])) -> Self {
        Self { name, check }
    }

    /// Has nae read a file of these bytes.
    ///
    /// # Panics
    /// If a promise is broken.
    pub fn check(&self, bytes: &[u8]) {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        heap::bounded(bytes.len(), || (self.check)(bytes));
    }
}

/// Has nae read a file of these bytes, for a fuzzer.
///
/// # Panics
/// If a promise is broken, and for a name that is no target's.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.expect("a target").check(bytes);
}

/// Removes the files that were read; the next check makes them again.
pub fn clean() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    scratch::clean();
}
