//! One file a command.

pub mod completions;
pub mod demo;
pub mod devices;
pub mod evaluate;
pub mod join;
pub mod pretrain;
pub mod separate;
pub mod settings;
pub mod sweep;
pub mod sweep_report;
pub mod sweep_systems;
pub mod train;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Prints a line to standard output; a closed pipe is an error, not a panic.
pub fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{}", text.trim_end()).context("cannot write to standard output")
}

/// Refuses a path that exists, before any work is done.
pub fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    if path.exists() && !force {
        bail!(
            "{} exists already; give another path, or --force to overwrite it",
            path.display()
        );
    }
    Ok(())
}

/// Makes a folder with its parents.
pub fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| {
        format!(
            "cannot make the folder {}; check its parent's permissions, or give another path",
            path.display()
        )
    })
}
