//! `nae completions`

use anyhow::Result;
use clap::CommandFactory;

use crate::arguments::{Arguments, Completions};

pub fn run(command: &Completions) -> Result<()> {
    clap_complete::generate(
        command.shell,
        &mut Arguments::command(),
        "nae",
        &mut std::io::stdout(),
    );
    Ok(())
}
