//! Checks of output paths, made before any work is done.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// Refuses a path that exists, unless it may be overwritten.
pub fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    if path.exists() && !force {
        bail!(
            "{} exists already; give another path, or --force to overwrite it",
            path.display()
        );
    }
    Ok(())
}

/// Creates a folder with its parents.
pub fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| {
        format!(
            "cannot create the folder {}; check its parent's permissions, or give another path",
            path.display()
        )
    })
}

/// Creates the folder of a file.
pub fn make_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), make_folder)
}
