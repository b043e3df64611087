//! Options about the terminal, which every command takes.

use std::io::Write;

use clap::{Arg, ArgAction, Args};
use nae_files::printable;

use super::heading::TERMINAL;

/// What goes to standard error.
#[derive(Debug, Args)]
pub struct Terminal {
    /// Print errors only
    #[arg(short, long, global = true, help_heading = TERMINAL)]
    pub quiet: bool,
    /// Print more messages; -vv prints all
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = TERMINAL)]
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
        // other libraries' records only with -vv
        let others = if self.verbose > 1 {
            level
        } else {
            log::LevelFilter::Off
        };
        env_logger::Builder::new()
            .filter_level(others)
            .filter_module("nae", level)
            .format(|out, record| {
                let message = record.args().to_string();
                writeln!(out, "[{:<5}] {}", record.level(), printable(&message))
            })
            .init();
    }
}

/// `--help`, listed with the other terminal options instead of in a group of its own.
pub fn help_flag() -> Arg {
    Arg::new("help")
        .short('h')
        .long("help")
        .global(true)
        .action(ArgAction::Help)
        .help("Print help; -h prints a summary")
        .help_heading(TERMINAL)
}

/// `--version`, listed with the other terminal options.
pub fn version_flag() -> Arg {
    Arg::new("version")
        .short('V')
        .long("version")
        .action(ArgAction::Version)
        .help("Print the version")
        .help_heading(TERMINAL)
}
