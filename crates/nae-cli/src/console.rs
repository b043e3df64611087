//! The two places where text is written: standard output for results, standard error for the rest.
//! Names and messages may come from untrusted files, so all text is made [`printable`].

use std::fmt::Display;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use nae_files::{printable, printable_json};

use crate::arguments::{Arguments, Terminal};

/// Prints a result to standard output, with one line break at its end.
///
/// # Errors
/// If standard output is closed or full.
pub fn print(text: &str) -> Result<()> {
    writeln!(stdout(), "{}", printable(text.trim_end())).context("cannot write to standard output")
}

/// Prints what the command line's parser says: help, the version, or what is wrong with the arguments.
pub fn usage_error(error: &clap::Error) -> ExitCode {
    let given = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let given: Vec<String> = given.collect();
    let escaped: Vec<String> = given.iter().map(|a| printable(a).into_owned()).collect();
    if escaped == given {
        error.exit();
    }
    // the parser repeats arguments as they are, or without what looks like its own colours
    if let Err(error) = Arguments::try_parse_from(escaped) {
        error.exit();
    }
    write!(stderr(), "{}", printable(&error.render().to_string())).ok();
    ExitCode::from(2)
}

/// Prints JSON to standard output.
///
/// # Errors
/// As [`print()`].
pub fn print_json(json: &str) -> Result<()> {
    writeln!(stdout(), "{}", printable_json(json)).context("cannot write to standard output")
}

/// Writes a line to standard error, unless `-q` was given.
pub fn log_line(terminal: &Terminal, text: impl Display) {
    if !terminal.quiet {
        error_line(text);
    }
}

/// Writes a line to standard error, also with `-q`. Where standard error is closed or full the line
/// is lost and the work goes on: results and the exit status do not depend on it.
pub fn error_line(text: impl Display) {
    writeln!(stderr(), "{}", printable(&text.to_string())).ok();
}
