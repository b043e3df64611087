//! `nae sweep`: one file a subcommand.

mod collect;
mod mixtures;
mod plan;
mod report;
mod run;
mod share;
mod slurm;
mod status;
mod status_lines;

use anyhow::Result;

use crate::arguments::{Sweep, SweepCommand, Terminal};

pub fn run(command: &Sweep, terminal: &Terminal) -> Result<()> {
    match &command.command {
        SweepCommand::Plan(command) => plan::run(command),
        SweepCommand::Run(command) => run::run(command, terminal),
        SweepCommand::Status(command) => status::run(command),
        SweepCommand::Collect(command) => collect::run(command, terminal),
        SweepCommand::Report(command) => report::run(command, terminal),
        SweepCommand::Mixtures(command) => mixtures::run(command, terminal),
        SweepCommand::Slurm(command) => slurm::run(command, terminal),
    }
}
