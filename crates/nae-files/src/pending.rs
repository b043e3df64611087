//! The register of what is unfinished.
//!
//! Temporary files go away with the value that owns them; a process that is about to be ended by a
//! signal drops nothing, so it asks here what is left to remove.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static PENDING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn pending() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a path in the register while it lives.
#[derive(Debug)]
pub(crate) struct Registration(PathBuf);

impl Registration {
    pub fn new(path: &Path) -> Self {
        pending().insert(path.into());
        Self(path.into())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        pending().remove(&self.0);
    }
}

/// Removes every unfinished file and folder of this process: for the last moment before it ends.
///
/// What is being written fails after this, and its error says so. Files in place stay. Nothing is
/// reported: there is nobody left to act on it.
pub fn remove_pending() {
    for path in pending().iter() {
        let removed = match path.is_dir() {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        };
        // removed or moved to its place meanwhile
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_registered_as_long_as_its_registration_lives() {
        let path = Path::new("registered/and/gone");
        let registration = Registration::new(path);
        assert!(pending().contains(path));
        drop(registration);
        assert!(!pending().contains(path));
    }
}
