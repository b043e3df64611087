//! `nae sweep status`

use anyhow::Result;
use nae_sweep::Store;
use nae_sweep::status::{Status, status};

use super::status_lines::{failures, time_left};
use crate::arguments::SweepFolder;
use crate::console::print;

pub fn run(command: &SweepFolder) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let status = status(&store, &manifest)?;
    let mut lines = vec![format!(
        "models       {}/{}",
        status.trained, status.trainings
    )];
    if status.joinings > 0 {
        let Status {
            joined, joinings, ..
        } = status;
        lines.push(format!("joint        {joined}/{joinings}"));
    }
    lines.extend([
        format!("separations  {}/{}", status.separated, status.separations),
        format!("running      {}", status.running),
        format!("left         {}", time_left(&status)),
    ]);
    lines.extend(failures(&status));
    print(&lines.join("\n"))
}
