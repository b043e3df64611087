//! `nae evaluate`

use std::path::PathBuf;

use clap::Args;

use super::heading::{INPUT, OUTPUT};

const EXAMPLES: &str = "\
Examples:
  Two stems and their mixture:
    nae evaluate --reference voice.wav fan.wav --estimate stems/voice.wav stems/fan.wav --mixture call.wav
  Many mixtures, one subfolder each, as JSON:
    nae evaluate --references truth/ --estimates stems/ --json

A mixture with a file that cannot be scored (silent, unreadable, of another length, or two of one
name) is left out; the table, or `left_out` in JSON, says which and why. The exit status is 0 if any
mixture was scored, 1 if none was.";

/// Score estimates against the reference sources: SDR, SIR, SAR, SI-SDR, STOI, ESTOI
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Evaluate {
    /// Reference source (repeatable), in the order of the estimates
    #[arg(
        long = "reference",
        value_name = "FILE",
        num_args = 1..,
        required_unless_present = "references_folder",
        help_heading = INPUT
    )]
    pub references: Vec<PathBuf>,
    /// Estimate (repeatable), in the order of the references
    #[arg(
        long = "estimate",
        value_name = "FILE",
        num_args = 1..,
        required_unless_present = "estimates_folder",
        help_heading = INPUT
    )]
    pub estimates: Vec<PathBuf>,
    /// Folder of references, matched with the estimates by file name; every subfolder is a further
    /// set of references, and a file named `mixture` is a set's mixture
    #[arg(
        long = "references",
        value_name = "DIR",
        requires = "estimates_folder",
        conflicts_with_all = ["references", "estimates"],
        help_heading = INPUT
    )]
    pub references_folder: Option<PathBuf>,
    /// Folder of estimates, with the same layout as the references
    #[arg(long = "estimates", value_name = "DIR", requires = "references_folder", help_heading = INPUT)]
    pub estimates_folder: Option<PathBuf>,
    /// Mixture: adds its own scores (lower bound), the improvement over them, and the scores of the
    /// ideal ratio mask (upper bound)
    #[arg(long, value_name = "FILE", help_heading = INPUT)]
    pub mixture: Option<PathBuf>,
    /// Assign estimates to references by the highest mean SIR, for estimates in unknown order
    #[arg(long, help_heading = INPUT)]
    pub permute: bool,
    /// Print every definition of SDR and why they differ
    #[arg(long, conflicts_with_all = ["json", "permute"], help_heading = OUTPUT)]
    pub explain: bool,
    /// Print the scores as JSON on standard output
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}
