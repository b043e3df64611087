//! `nae settings`

use anyhow::Result;

use crate::arguments::Configured;
use crate::console::print;
use crate::settings::Settings;

pub fn run(command: &Configured) -> Result<()> {
    print(&Settings::load(command)?.to_commented_toml())
}
