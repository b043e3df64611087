//! What the command line takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nae_audio::BitDepth;

use crate::device::DeviceChoice;

/// Learns one small model per sound source from clean clips, and pulls those sources apart in
/// mixtures it has never heard.
#[derive(Debug, Parser)]
#[command(name = "nae", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub terminal: Terminal,
    #[command(subcommand)]
    pub command: Command,
}

/// What goes to standard error.
#[derive(Debug, Args)]
pub struct Terminal {
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more (twice: everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Terminal {
    /// Sends log records to standard error at the chosen level.
    pub fn start_log(&self) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => log::LevelFilter::Error,
            (false, 0) => log::LevelFilter::Warn,
            (false, 1) => log::LevelFilter::Info,
            (false, _) => log::LevelFilter::Debug,
        };
        // libraries' own messages are for those who ask for everything
        let others = if self.verbose > 1 {
            level
        } else {
            log::LevelFilter::Off
        };
        env_logger::Builder::new()
            .filter_level(others)
            .filter_module("nae", level)
            .format_timestamp(None)
            .format_target(false)
            .init();
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Learn a model of one source from clean clips
    Train(Train),
    /// Pull the sources of a mixture apart
    Separate(Separate),
    /// Learn to read all sources of a set of models out of a mixture at once
    Join(Join),
    /// Teach a joint encoder to hear any two of some sources apart, for `nae join --start`
    Pretrain(Pretrain),
    /// Score estimates against the true sources
    Evaluate(Evaluate),
    /// Train two voices, separate a mixture of them, and write a page to listen to
    Demo(Demo),
    /// Compare systems over many recordings: an experiment in cells
    Sweep(Sweep),
    /// List the devices this build can use
    Devices,
    /// Print every setting with its value, as a configuration file
    Settings(Configured),
    /// Print a completion script for a shell
    Completions(Completions),
}

/// Where settings come from: defaults, then the file, then each `--set` in turn.
#[derive(Clone, Debug, Default, Args)]
pub struct Configured {
    /// Configuration file (TOML); see `configs/` for examples
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one key, e.g. model.rank=40 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Where and from which numbers to compute.
#[derive(Clone, Debug, Args)]
pub struct Computing {
    /// Device to compute on
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Train {
    /// Sound files, or folders searched for them
    #[arg(required = true, value_name = "CLIP_OR_FOLDER")]
    pub clips: Vec<PathBuf>,
    /// Model file to write
    #[arg(long, value_name = "FILE.safetensors")]
    pub out: PathBuf,
    /// Name of the source [default: the model file's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Write the loss of every window of steps to this file, one JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub log: Option<PathBuf>,
    /// Leave out the memory of the training clips (a few hundred kB), without which the model can
    /// only be joined with others where its clips are at hand
    #[arg(long)]
    pub no_memory: bool,
    /// Print a summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}

#[derive(Debug, Args)]
pub struct Join {
    /// Model of one source, once for every source (2 to 6): FILE or NAME=FILE
    #[arg(long = "model", required = true, value_name = "[NAME=]FILE")]
    pub models: Vec<String>,
    /// Joint file to write
    #[arg(long, value_name = "FILE.safetensors")]
    pub out: PathBuf,
    /// Start from a file that `nae pretrain` wrote, instead of what the settings say (`joint.start`)
    #[arg(long, value_name = "FILE")]
    pub start: Option<PathBuf>,
    /// Learn a source from clips instead of its model's memory (repeatable)
    #[arg(long, value_name = "NAME=CLIP_OR_FOLDER")]
    pub clips: Vec<String>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Write the loss of every window of steps to this file, one JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub log: Option<PathBuf>,
    /// Print a summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}

#[derive(Debug, Args)]
pub struct Pretrain {
    /// Model of one source, once for every source (2 or more): FILE or NAME=FILE
    #[arg(long = "model", required = true, value_name = "[NAME=]FILE")]
    pub models: Vec<String>,
    /// How often each pair of sources comes
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// File to write
    #[arg(long, value_name = "FILE.safetensors")]
    pub out: PathBuf,
    /// Learn a source from clips instead of its model's memory (repeatable)
    #[arg(long, value_name = "NAME=CLIP_OR_FOLDER")]
    pub clips: Vec<String>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}

#[derive(Debug, Args)]
pub struct Separate {
    /// Sound file to separate
    pub mixture: PathBuf,
    /// Model of one source, once for every source: FILE, NAME=FILE, or several models of one
    /// source with commas (their masks are averaged)
    #[arg(
        long = "model",
        required_unless_present = "joint",
        value_name = "[NAME=]FILE[,FILE]"
    )]
    pub models: Vec<String>,
    /// Joint file written by `nae join`: one pass instead of an optimisation; models given beside
    /// it must be those it was made for
    #[arg(long, value_name = "FILE")]
    pub joint: Option<PathBuf>,
    /// Join the models first; the joint file is kept in the user's cache folder
    #[arg(long, conflicts_with = "joint")]
    pub join: bool,
    /// Folder for the stems, made if missing; a stem is DIR/NAME.wav
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Overwrite existing stems
    #[arg(long)]
    pub force: bool,
    /// Sample format of the stems
    #[arg(long, value_enum, default_value_t = Bits::Float)]
    pub bits: Bits,
    /// Print a summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}

/// Sample format of stems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// 32-bit float, never scaled
    #[value(name = "32")]
    Float,
    /// 16-bit integers; one common gain if any stem would clip
    #[value(name = "16")]
    Int16,
    /// 24-bit integers; one common gain if any stem would clip
    #[value(name = "24")]
    Int24,
}

impl Bits {
    /// The file's sample format.
    pub fn depth(self) -> BitDepth {
        match self {
            Self::Float => BitDepth::Float32,
            Self::Int16 => BitDepth::Int16,
            Self::Int24 => BitDepth::Int24,
        }
    }
}

#[derive(Debug, Args)]
pub struct Evaluate {
    /// True source (repeatable), in the order of the estimates
    #[arg(long = "reference", value_name = "FILE", num_args = 1.., required_unless_present = "references_folder")]
    pub references: Vec<PathBuf>,
    /// Estimate (repeatable), in the order of the references
    #[arg(long = "estimate", value_name = "FILE", num_args = 1.., required_unless_present = "estimates_folder")]
    pub estimates: Vec<PathBuf>,
    /// Folder of true sources, matched with estimates by file name; subfolders are further scenes,
    /// and a file called `mixture` is a scene's mixture
    #[arg(long = "references", value_name = "DIR", requires = "estimates_folder", conflicts_with_all = ["references", "estimates"])]
    pub references_folder: Option<PathBuf>,
    /// Folder of estimates, laid out as the references
    #[arg(long = "estimates", value_name = "DIR", requires = "references_folder")]
    pub estimates_folder: Option<PathBuf>,
    /// The mixture: adds its own scores (the floor), the gain over it, and the ideal ratio mask's
    /// scores (the ceiling)
    #[arg(long, value_name = "FILE")]
    pub mixture: Option<PathBuf>,
    /// Assign estimates to references by the highest mean SIR, for unlabelled estimates
    #[arg(long)]
    pub permute: bool,
    /// Score under every definition of SDR and say in words why they differ
    #[arg(long, conflicts_with_all = ["json", "permute"])]
    pub explain: bool,
    /// Print JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "nae-demo")]
    pub out: PathBuf,
    /// Folder with the recordings that come with nae
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Also join the 4-layer models into one network: half a minute more
    #[arg(long)]
    pub joint: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}

/// Compares systems over many recordings, described in one file (see `configs/deck.toml`). Can be
/// killed at any time and goes on where it was; any number of workers may share a run folder.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Sweep {
    #[command(subcommand)]
    pub command: SweepCommand,
}

#[derive(Debug, Subcommand)]
pub enum SweepCommand {
    /// Look at the sound, list all cells, and estimate time and disk
    Plan(SweepPlan),
    /// Work on a run, or on a share of it, until it is finished
    Run(SweepRun),
    /// How far a run is, and what failed
    Status(SweepFolder),
    /// Write results.csv and results.parquet: a row for every mixture and source
    Collect(SweepFolder),
    /// Write the report page of what is finished
    Report(SweepReport),
    /// Write the batch scripts of a Slurm job array
    Slurm(SweepSlurm),
}

#[derive(Debug, Args)]
pub struct SweepPlan {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT.toml")]
    pub experiment: PathBuf,
    /// Run folder; one that exists keeps its finished cells
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Change one key for all systems (repeatable): model.rank=20, a list model.rank=10,20,50 or a
    /// range "model.rank=10..=100 step 10"
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Args)]
pub struct SweepFolder {
    /// Run folder
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
}

#[derive(Debug, Args)]
pub struct SweepReport {
    /// Run folder; the page is RUN/report/index.html, its figures as files lie beside it
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// A run of models alone (such as configs/piano.toml) whose figures go on the same page
    /// (repeatable)
    #[arg(long = "with", value_name = "RUN")]
    pub with: Vec<PathBuf>,
    /// Device to separate on what can be listened to
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
}

#[derive(Debug, Args)]
pub struct SweepRun {
    /// Run folder
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Take only share I, from 0 [default: that of the Slurm array task, if this is one, else all]
    #[arg(long, value_name = "I")]
    pub index: Option<usize>,
    /// Number of shares [default: that of the Slurm array, else one for every separation]
    #[arg(long, value_name = "N", requires = "index")]
    pub of: Option<usize>,
    /// Cells at a time, each on one core [default: the cores there are]; on a GPU always one
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Go on with other cells after one failed [the default]
    #[arg(long, conflicts_with = "fail_fast")]
    pub keep_going: bool,
    /// Begin nothing more after one failed
    #[arg(long)]
    pub fail_fast: bool,
    /// Try cells again that failed before
    #[arg(long)]
    pub retry_failed: bool,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Print a summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SweepSlurm {
    /// Run folder, on a disk that all nodes see
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Tasks of the array [default: enough for ten minutes each, at most 64]
    #[arg(long, value_name = "N")]
    pub tasks: Option<usize>,
    /// Tasks that run at a time at most [default: 16]
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub throttle: usize,
    /// Cores of a task
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub cores: usize,
    /// More options for both scripts (repeatable), e.g. --sbatch=--partition=short
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// Try cells again that failed before
    #[arg(long)]
    pub retry_failed: bool,
    /// Submit them: the array, and the collecting job after it
    #[arg(long)]
    pub submit: bool,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// Shell to complete in
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
