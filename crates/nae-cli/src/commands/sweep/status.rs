//! `nae sweep status`

use anyhow::Result;
use nae_files::command;
use nae_sweep::Store;
use nae_sweep::status::{Status, status};

use super::status_lines::{counts, failures, paths, time_left};
use crate::arguments::SweepFolder;
use crate::console::print;

pub fn run(command_line: &SweepFolder) -> Result<()> {
    let store = Store::open(&command_line.run)?;
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
    if !status.unreadable.is_empty() {
        lines.push(format!(
            "unreadable   {}; made again by: {}",
            counts(&status.unreadable),
            command("sweep run", &command_line.run, "")
        ));
        let paths = paths(&status.unreadable).into_iter();
        lines.extend(paths.map(|line| format!("             {line}")));
    }
    lines.extend(failures(&status));
    print(&lines.join("\n"))
}
