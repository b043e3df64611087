//! Options that change settings.

use std::path::PathBuf;

use clap::Args;

use super::heading::MODEL;

/// Where settings come from: defaults, then the file, then each `--set` in turn.
#[derive(Clone, Debug, Default, Args)]
pub struct Configured {
    /// Configuration file (TOML); `nae settings` prints every key, `configs/` has examples
    #[arg(long, value_name = "FILE", help_heading = MODEL)]
    pub config: Option<PathBuf>,
    /// Set one key, e.g. model.rank=40 (repeatable; overrides the file)
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = MODEL)]
    pub set: Vec<String>,
}
