//! The command line: one file a command, and the options that commands share.

mod adapt;
mod completions;
mod computing;
mod configured;
mod demo;
mod evaluate;
mod heading;
mod join;
mod live;
mod merge;
mod pretrain;
mod separate;
mod sweep;
mod terminal;
mod train;
mod written;

use clap::{Parser, Subcommand};

pub use adapt::Adapt;
pub use completions::Completions;
pub use computing::Computing;
pub use configured::Configured;
pub use demo::Demo;
pub use evaluate::Evaluate;
pub use join::Join;
pub use live::Live;
pub use merge::Merge;
pub use pretrain::Pretrain;
pub use separate::Separate;
pub use sweep::{
    Sweep, SweepCommand, SweepFolder, SweepMixtures, SweepPlan, SweepReport, SweepRun, SweepSlurm,
};
pub use terminal::Terminal;
pub use train::Train;
pub use written::Written;

const EXAMPLES: &str = "\
Examples:
  nae train my-voice/ --out voice.safetensors
  nae train fan.wav --out fan.safetensors
  nae separate call.wav --model voice.safetensors --model fan.safetensors --out stems/

`nae COMMAND --help` explains the options of a command.";

/// Supervised source separation: one small non-negative model per sound source
///
/// Models are trained one by one on clean recordings and combined freely to separate unseen
/// mixtures.
#[derive(Debug, Parser)]
#[command(
    name = "nae",
    version,
    arg_required_else_help = true,
    disable_help_flag = true,
    disable_version_flag = true,
    arg = terminal::help_flag(),
    arg = terminal::version_flag(),
    after_help = EXAMPLES
)]
pub struct Arguments {
    #[command(flatten)]
    pub terminal: Terminal,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Train(Train),
    Adapt(Adapt),
    Separate(Separate),
    Live(Live),
    Join(Join),
    Merge(Merge),
    Pretrain(Pretrain),
    Evaluate(Evaluate),
    Demo(Demo),
    Sweep(Sweep),
    /// List the devices this build can compute on
    Devices,
    /// Print every setting with its value, as a configuration file
    Settings(Configured),
    Completions(Completions),
}
