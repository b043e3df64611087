//! `nae sweep plan`

use anyhow::Result;
use nae_files::{OutputFolder, check_writable};
use nae_sweep::status::{Status, status};
use nae_sweep::{Experiment, Manifest, Store};

use super::status_lines::{failures, time_left};
use crate::arguments::SweepPlan;
use crate::console::print;
use crate::counts::count;

pub fn run(command: &SweepPlan) -> Result<()> {
    let experiment = Experiment::load(&command.experiment, &command.set)?;
    // before the recordings are read
    let _folder = OutputFolder::create(&command.out)?;
    check_writable(&command.out.join("manifest.json"))?;
    let manifest = Manifest::plan(&experiment)?;
    let store = Store::create(&command.out, &experiment.to_toml()?, &manifest)?;
    let status = status(&store, &manifest)?;
    let out = command.out.display();
    let mut lines = vec![
        format!("experiment  {} in {out}", manifest.name),
        format!(
            "speakers    {} in {}, {} each",
            manifest.speakers.len(),
            count(manifest.pairs.len(), "pair"),
            count(manifest.mixtures, "mixture")
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
        ("model", status.trainings, status.trained),
        ("joint encoder", status.joinings, status.joined),
        ("separation", status.separations, status.separated),
    ];
    // most runs have no joint encoders
    let counts = counts
        .iter()
        .filter(|(cell, cells, _)| *cells > 0 || *cell != "joint encoder");
    let words = counts.map(|(cell, cells, done)| format!("{} ({done} done)", count(*cells, cell)));
    words.collect::<Vec<_>>().join(", ")
}
