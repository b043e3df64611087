//! The command `nae`: learns one model per sound source and pulls sources apart.
#![recursion_limit = "256"] // burn-wgpu's fused types nest deeply

mod arguments;
mod clips;
mod commands;
mod demo_page;
mod device;
#[allow(dead_code, reason = "called by `nae sweep report`")]
mod figures;
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

/// Tells the allocator never to give pages back while the program runs (by itself it does after
/// 10 ms without use): a tenth of the time of training.
#[allow(unsafe_code, reason = "the allocator's options are a C function")]
fn keep_pages() {
    /// `mi_option_purge_delay` in `mimalloc.h`, in milliseconds; −1: never.
    const PURGE_DELAY: i32 = 15;
    // SAFETY: sets a number; called before any other thread exists.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

fn main() -> ExitCode {
    keep_pages();
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
        Command::Join(command) => commands::join::run(command, terminal),
        Command::Pretrain(command) => commands::pretrain::run(command, terminal),
        Command::Separate(command) => commands::separate::run(command, terminal),
        Command::Evaluate(command) => commands::evaluate::run(command, terminal),
        Command::Sweep(command) => commands::sweep::run(command, terminal),
        Command::Demo(command) => commands::demo::run(command, terminal),
        Command::Devices => commands::devices::run(),
        Command::Settings(command) => commands::settings::run(command),
        Command::Completions(command) => commands::completions::run(command),
    }
}
