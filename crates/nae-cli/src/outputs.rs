//! Checks of output paths, made before any work is done.

use std::path::Path;

use anyhow::{Result, bail};

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

/// Creates the folder of a file.
pub fn make_parent(path: &Path) -> Result<()> {
    Ok(path.parent().map_or(Ok(()), nae_files::create_folder)?)
}
