//! `nae settings`

use anyhow::Result;

use super::print;
use crate::arguments::Configured;
use crate::settings::Settings;

pub fn run(command: &Configured) -> Result<()> {
    print(&Settings::load(command)?.to_toml()?)
}
