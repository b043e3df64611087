//! The two places where text is written: standard output for results, standard error for the rest.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};

use anyhow::{Context, Result};

use crate::arguments::Terminal;

/// Prints a result to standard output, with one line break at its end.
///
/// # Errors
/// If standard output is closed or full.
pub fn print(text: &str) -> Result<()> {
    writeln!(stdout(), "{}", text.trim_end()).context("cannot write to standard output")
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
    writeln!(stderr(), "{text}").ok();
}
