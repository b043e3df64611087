//! Files to be read.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One folder for the process, which the system's cleaning of temporary files takes away.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("nae-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
});

/// The folder of the process.
pub(crate) fn folder() -> &'static Path {
    &FOLDER
}

/// Writes a file, which replaces the one of the same name.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
