//! `nae demo`

use std::path::PathBuf;

use clap::Args;

use super::heading::{INPUT, MODEL, OUTPUT};
use super::{Computing, Configured};

const EXAMPLES: &str = "\
Example:
  nae demo --joint --out nae-demo    (then open nae-demo/index.html)";

/// Train models of two voices, separate a mixture of them, and write a page to listen to
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Demo {
    /// Folder with the recordings that come with nae
    #[arg(long, value_name = "DIR", default_value = "data", help_heading = INPUT)]
    pub data: PathBuf,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "nae-demo", help_heading = OUTPUT)]
    pub out: PathBuf,
    /// Also train a joint encoder for the 4-layer models (half a minute more)
    #[arg(long, help_heading = MODEL)]
    pub joint: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}
