//! `nae sweep plan`

use anyhow::Result;
use nae_files::{OutputFolder, check_writable, count};
use nae_sweep::manifest::PlannedScenario;
use nae_sweep::status::{Status, status};
use nae_sweep::store::{MANIFEST, check_path, set_folder_aside};
use nae_sweep::{Experiment, Manifest, Store};

use super::status_lines::{counts, failures, paths, time_left};
use crate::arguments::SweepPlan;
use crate::console::print;
use crate::lists::numbers;

pub fn run(command: &SweepPlan) -> Result<()> {
    let experiment = Experiment::load(&command.experiment, &command.set)?;
    check_path(&command.out)?;
    // before the recordings are read
    let _folder = OutputFolder::create(&command.out)?;
    let manifest = command.out.join(MANIFEST);
    set_folder_aside(&manifest)?;
    check_writable(&manifest)?;
    let manifest = Manifest::plan(&experiment)?;
    let store = Store::create(&command.out, &experiment.to_toml()?, &manifest)?;
    let status = status(&store, &manifest)?;
    let out = command.out.display();
    let mut lines = vec![
        format!("experiment  {} in {out}", manifest.name),
        match manifest.scenarios.is_empty() {
            true => format!(
                "speakers    {} in {}, {} each",
                manifest.speakers.len(),
                count(manifest.pairs.len(), "pair"),
                count(manifest.mixtures, "mixture")
            ),
            false => format!("sources     {}", manifest.speakers.len()),
        },
        format!(
            "systems     {}; {} with their grids",
            experiment.systems.len(),
            manifest.variants.len()
        ),
        format!("seeds       {}", numbers(&experiment.seeds)),
        format!("cells       {}", cells(&status)),
        format!("time        {}", time_left(&status)),
        format!("disk        about {:.1} MB", status.bytes as f64 / 1e6),
    ];
    let scenarios = manifest.scenarios.iter().map(scenario);
    lines.splice(2..2, scenarios);
    let notes = manifest.notes.iter();
    lines.extend(notes.map(|note| format!("note        {note}")));
    if !status.unreadable.is_empty() {
        let found = counts(&status.unreadable);
        lines.push(format!("unreadable  {found}; to be made again"));
        let paths = paths(&status.unreadable).into_iter();
        lines.extend(paths.map(|line| format!("            {line}")));
    }
    lines.extend(failures(&status));
    lines.push(format!(
        "next        {}",
        nae_files::command("sweep run", &command.out, "")
    ));
    print(&lines.join("\n"))
}

/// How many mixtures a scenario has.
fn scenario(scenario: &PlannedScenario) -> String {
    format!(
        "scenario    {}: {}, {} each",
        scenario.name,
        count(scenario.pairs.len(), "pair"),
        count(scenario.mixtures, "mixture")
    )
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
