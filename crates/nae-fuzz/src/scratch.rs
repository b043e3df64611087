//! Files to be read.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

/// One folder for all of them.
static FOLDER: Mutex<Option<TempDir>> = Mutex::new(None);

/// The folder, which is made if it is not there.
pub(crate) fn folder() -> PathBuf {
    let mut folder = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        tempfile::Builder::new()
            .prefix("nae-fuzz-")
            .tempdir()
            .unwrap()
    };
    folder.get_or_insert_with(make).path().into()
}

/// Removes the folder.
pub(crate) fn clean() {
    drop(FOLDER.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Writes a file, which replaces the one of the same name.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
