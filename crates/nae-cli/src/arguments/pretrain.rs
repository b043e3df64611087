//! `nae pretrain`

use std::path::PathBuf;

use clap::Args;

use super::heading::{INPUT, MODEL, OUTPUT};
use super::{Computing, Configured};

/// Pretrain a joint encoder on pairs of sources, as an initialisation for `nae join --start`
#[derive(Debug, Args)]
pub struct Pretrain {
    /// Train on these clips of a source instead of its model's latent cache (repeatable)
    #[arg(long, value_name = "NAME=CLIP_OR_FOLDER", help_heading = INPUT)]
    pub clips: Vec<String>,
    /// File to write
    #[arg(long, value_name = "FILE.safetensors", help_heading = OUTPUT)]
    pub out: PathBuf,
    /// Overwrite an existing file
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
    /// Model file of a source, one per source (2 or more): FILE, or NAME=FILE to rename the source
    #[arg(long = "model", required = true, value_name = "[NAME=]FILE", help_heading = MODEL)]
    pub models: Vec<String>,
    /// Number of times to train on each pair of sources
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..), help_heading = MODEL)]
    pub rounds: u16,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}
