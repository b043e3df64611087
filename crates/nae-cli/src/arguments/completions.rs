//! `nae completions`

use clap::Args;

use super::heading::OUTPUT;

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// Shell to print it for
    #[arg(value_enum, help_heading = OUTPUT)]
    pub shell: clap_complete::Shell,
}
