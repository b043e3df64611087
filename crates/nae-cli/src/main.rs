//! The command `nae`: learns one model per sound source and pulls sources apart.
#![recursion_limit = "256"] // burn-wgpu's fused types nest deeply

mod arguments;
mod clips;
mod commands;
mod demo_page;
mod device;
mod progress;
mod scores;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// Every tensor operation allocates its result. The C library returns large buffers to the system
/// and gets them back page by page, which costs NMF half its time; this allocator keeps them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.terminal.start_log();
    // inside the thread pool, where parallel loops start without waking anybody
    let outcome = rayon::scope(|_| run(&arguments));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nae: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let terminal = &arguments.terminal;
    match &arguments.command {
        Command::Train(command) => commands::train::run(command, terminal),
        Command::Separate(command) => commands::separate::run(command, terminal),
        Command::Evaluate(command) => commands::evaluate::run(command, terminal),
        Command::Demo(command) => commands::demo::run(command, terminal),
        Command::Devices => commands::devices::run(),
        Command::Settings(command) => commands::settings::run(command),
        Command::Completions(command) => commands::completions::run(command),
    }
}
