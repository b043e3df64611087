//! `nae completions`

use anyhow::Result;
use clap::CommandFactory;

use crate::arguments::{Arguments, Completions};
use crate::console::print;

pub fn run(command: &Completions) -> Result<()> {
    // by way of a buffer: the generator panics where it cannot write
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), "nae", &mut script);
    print(&String::from_utf8(script)?)
}
