//! What a training writes besides its result.

use std::path::PathBuf;

use clap::Args;

use super::heading::OUTPUT;

/// Overwriting, the loss and the summary.
#[derive(Clone, Debug, Args)]
pub struct Written {
    /// Overwrite existing files
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
    /// Write the training loss to this file: a JSON object per line, one for every window of steps
    #[arg(long, value_name = "FILE.jsonl", help_heading = OUTPUT)]
    pub log: Option<PathBuf>,
    /// Print a summary as JSON on standard output
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}
