//! `nae sweep plan`

use anyhow::Result;
use nae_sweep::status::{Status, status};
use nae_sweep::{Experiment, Manifest, Store};

use super::status_lines::{failures, time_left};
use crate::arguments::SweepPlan;
use crate::console::print;
use crate::outputs::make_folder;

pub fn run(command: &SweepPlan) -> Result<()> {
    let experiment = Experiment::load(&command.experiment, &command.set)?;
    let manifest = Manifest::plan(&experiment)?;
    make_folder(&command.out)?;
    let store = Store::create(&command.out, &experiment.to_toml()?, &manifest)?;
    let status = status(&store, &manifest)?;
    let out = command.out.display();
    let mut lines = vec![
        format!("experiment  {} in {out}", manifest.name),
        format!(
            "speakers    {} in {} pairs, {} mixtures each",
            manifest.speakers.len(),
            manifest.pairs.len(),
            manifest.mixtures
        ),
        format!(
            "systems     {}; {} with their grids",
            experiment.systems.len(),
            manifest.variants.len()
        ),
        format!("seeds       {:?}", experiment.seeds),
        format!("cells       {}", cells(&status)),
        format!("time        {}", time_left(&status)),
        format!("disk        about {:.1} MB", status.bytes as f64 / 1e6),
    ];
    lines.extend(failures(&status));
    lines.push(format!("next        nae sweep run {out}"));
    print(&lines.join("\n"))
}

/// Counts of cells.
fn cells(status: &Status) -> String {
    let counts = [
        ("models", status.trainings, status.trained),
        ("joint encoders", status.joinings, status.joined),
        ("separations", status.separations, status.separated),
    ];
    // most runs have no joint encoders
    let counts = counts
        .iter()
        .filter(|(what, count, _)| *count > 0 || *what != "joint encoders");
    let words = counts.map(|(what, count, done)| format!("{count} {what} ({done} done)"));
    words.collect::<Vec<_>>().join(", ")
}
