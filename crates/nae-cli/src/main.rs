//! The command `nae`: trains one model per sound source and separates those sources in mixtures.
#![recursion_limit = "256"] // burn-wgpu's fused types nest deeply

mod against;
mod allocator;
mod arguments;
mod commands;
mod console;
mod device;
mod interrupt;
mod joining;
mod joint_cache;
mod lists;
mod loss_log;
mod model_location;
mod model_training;
mod outputs;
mod parent;
mod progress;
mod ranges;
mod settings;
mod sources;
mod tracks;
mod training_clips;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use interrupt::Interrupted;

fn main() -> ExitCode {
    allocator::keep_pages();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return console::usage_error(&error),
    };
    arguments.terminal.start_log();
    // inside the thread pool, where parallel loops start without waking anybody
    let outcome = interrupt::catch_signals().and_then(|()| rayon::scope(|_| run(&arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error_line(format_args!("nae: {error:#}"));
            match error.downcast_ref::<Interrupted>() {
                Some(interrupted) => ExitCode::from(interrupted.status()),
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let terminal = &arguments.terminal;
    match &arguments.command {
        Command::Train(command) => commands::train::run(command, terminal),
        Command::Adapt(command) => commands::adapt::run(command, terminal),
        Command::Join(command) => commands::join::run(command, terminal),
        Command::Merge(command) => commands::merge::run(command, terminal),
        Command::Pretrain(command) => commands::pretrain::run(command, terminal),
        Command::Separate(command) => commands::separate::run(command, terminal),
        Command::Live(command) => commands::live::run(command, terminal),
        Command::Evaluate(command) => commands::evaluate::run(command, terminal),
        Command::Sweep(command) => commands::sweep::run(command, terminal),
        Command::Demo(command) => commands::demo::run(command, terminal),
        Command::Devices => commands::devices::run(),
        Command::Settings(command) => commands::settings::run(command),
        Command::Completions(command) => commands::completions::run(command),
    }
}
