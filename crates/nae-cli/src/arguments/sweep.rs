//! `nae sweep`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::heading::{COMPUTE, INPUT, MODEL, OUTPUT};
use crate::device::DeviceChoice;

const EXAMPLES: &str = "\
Examples:
  Plan an experiment, run it on all cores, and collect its rows and its report:
    nae sweep plan configs/smoke.toml --out run
    nae sweep run run
    nae sweep collect run
    nae sweep report run
  Sources without a model, the stems of other programs among the systems:
    nae sweep plan configs/open.toml --out run
    nae sweep mixtures run --out data/full/open/mixtures
    scripts/bench/peers.py data/full/open
    nae sweep plan configs/open.toml --out run
    nae sweep run run
  On a Slurm cluster:
    nae sweep slurm run --tasks 32 --sbatch=--partition=short --submit";

/// Run an experiment: many systems, recordings and seeds
///
/// An experiment is one TOML file (see `configs/deck.toml`); every model, joint encoder and
/// separation in it is a cell. A run can be interrupted at any time and resumed, and any number of
/// workers may share its folder.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_long_help = EXAMPLES)]
pub struct Sweep {
    #[command(subcommand)]
    pub command: SweepCommand,
}

#[derive(Debug, Subcommand)]
pub enum SweepCommand {
    Plan(SweepPlan),
    Run(SweepRun),
    /// Print how far a run is, and what failed
    Status(SweepFolder),
    /// Write results.csv and results.parquet, with a row per mixture and source
    Collect(SweepFolder),
    Report(SweepReport),
    Mixtures(SweepMixtures),
    Slurm(SweepSlurm),
}

/// Check the recordings, list all cells, and estimate time and disk space
#[derive(Debug, Args)]
pub struct SweepPlan {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT.toml", help_heading = INPUT)]
    pub experiment: PathBuf,
    /// Run folder; an existing one keeps its finished cells
    #[arg(long, value_name = "RUN", help_heading = OUTPUT)]
    pub out: PathBuf,
    /// Change one key for all systems (repeatable): a value model.rank=20, a list
    /// model.rank=10,20,50 or a range "model.rank=10..=100 step 10"
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = MODEL)]
    pub set: Vec<String>,
}

#[derive(Debug, Args)]
pub struct SweepFolder {
    /// Run folder
    #[arg(value_name = "RUN", help_heading = INPUT)]
    pub run: PathBuf,
}

/// Write a report page of all finished cells
#[derive(Debug, Args)]
pub struct SweepReport {
    /// Run folder; the page is RUN/report/index.html, with its figures as files beside it
    #[arg(value_name = "RUN", help_heading = INPUT)]
    pub run: PathBuf,
    /// Run that trains models only (such as configs/piano.toml), whose figures are added to the page
    /// (repeatable)
    #[arg(long = "with", value_name = "RUN", help_heading = INPUT)]
    pub with: Vec<PathBuf>,
    /// Device to separate the listening examples on
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto, help_heading = COMPUTE)]
    pub device: DeviceChoice,
}

/// Write the mixtures of a run as sound files, for programs whose stems are to be compared
///
/// Every mixture has a folder NAME with mixture.wav, the sources that it is the sum of in sources/, and
/// mixture.json, which says what they are. A system of the experiment with `stems = "FOLDER"` scores
/// FOLDER/NAME/SOURCE.wav: plan the experiment again when they are there.
#[derive(Debug, Args)]
pub struct SweepMixtures {
    /// Run folder
    #[arg(value_name = "RUN", help_heading = INPUT)]
    pub run: PathBuf,
    /// Folder to write to; mixtures that are there stay
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub out: PathBuf,
}

/// Compute the cells of a run, or of a share of it, until all are finished
#[derive(Debug, Args)]
pub struct SweepRun {
    /// Run folder
    #[arg(value_name = "RUN", help_heading = INPUT)]
    pub run: PathBuf,
    /// Print a summary as JSON on standard output
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Compute share I only, counted from 0 [default: the share of the Slurm array task, otherwise
    /// everything]
    #[arg(long, value_name = "I", help_heading = COMPUTE)]
    pub index: Option<usize>,
    /// Number of shares [default: the size of the Slurm array, otherwise one per separation]
    #[arg(long, value_name = "N", requires = "index", help_heading = COMPUTE)]
    pub of: Option<usize>,
    /// Cells computed in parallel, each on one core [default: the number of cores]; always 1 on a GPU
    #[arg(long, value_name = "N", help_heading = COMPUTE)]
    pub jobs: Option<usize>,
    /// Continue with other cells after one failed [the default]
    #[arg(long, conflicts_with = "fail_fast", help_heading = COMPUTE)]
    pub keep_going: bool,
    /// Start no further cell after one failed
    #[arg(long, help_heading = COMPUTE)]
    pub fail_fast: bool,
    /// Retry cells that failed before
    #[arg(long, help_heading = COMPUTE)]
    pub retry_failed: bool,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto, help_heading = COMPUTE)]
    pub device: DeviceChoice,
}

/// Write the batch scripts of a Slurm job array
#[derive(Debug, Args)]
pub struct SweepSlurm {
    /// Run folder, on a file system that all nodes share
    #[arg(value_name = "RUN", help_heading = INPUT)]
    pub run: PathBuf,
    /// Number of tasks in the array [default: about ten minutes of work per task, at most 64 tasks]
    #[arg(long, value_name = "N", help_heading = COMPUTE)]
    pub tasks: Option<usize>,
    /// Maximum number of tasks that run at the same time
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = COMPUTE)]
    pub throttle: usize,
    /// Cores per task
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = COMPUTE)]
    pub cores: usize,
    /// Further option for both scripts (repeatable), e.g. --sbatch=--partition=short
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true, help_heading = COMPUTE)]
    pub sbatch: Vec<String>,
    /// Retry cells that failed before
    #[arg(long, help_heading = COMPUTE)]
    pub retry_failed: bool,
    /// Submit both jobs: the array, and the collecting job that follows it
    #[arg(long, help_heading = COMPUTE)]
    pub submit: bool,
}
