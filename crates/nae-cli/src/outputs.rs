//! Checks of output paths, made before any work is done.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use nae_files::Outputs;

/// Checks and reserves the file that a command makes, and its log.
///
/// - `out`: its folder is created
/// - `log`: its folder must exist
/// - `inputs`: all files that the command reads
pub fn reserve(
    out: &Path,
    log: Option<&Path>,
    inputs: impl IntoIterator<Item = PathBuf>,
    force: bool,
) -> Result<Outputs> {
    for path in std::iter::once(out).chain(log) {
        refuse_existing(path, force)?;
    }
    let mut outputs = Outputs::new(inputs);
    outputs.add_with_folder(out)?;
    if let Some(log) = log {
        outputs.add(log)?;
    }
    Ok(outputs)
}

/// Refuses a path that exists, unless it may be overwritten.
pub fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    // a link that leads nowhere would be replaced too
    let exists = path.symlink_metadata().is_ok();
    if exists && !force {
        bail!(
            "{} exists already; give another path, or --force to overwrite it",
            path.display()
        );
    }
    Ok(())
}
