//! `nae sweep report`

mod figures;
mod listening;
mod models;
mod observations;
mod scenarios;
mod systems;

use std::path::Path;

use anyhow::{Result, bail};
use nae_files::{check_writable, count, create_folder};
use nae_report::Page;
use nae_report::comparison::{Comparison, Observation, Report};
use nae_sweep::collect::{self, Rows};
use nae_sweep::{Manifest, Store};

use super::status_lines::say_left_out;
use crate::arguments::{SweepReport, Terminal};
use crate::console::log_line;
use crate::lists::{numbers, words};
use observations::{Set, sets};
use systems::baselines;

pub fn run(command: &SweepReport, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let device = command.device.open()?.device;
    let Rows { table, unreadable } = collect::rows(&store, &manifest)?;
    say_left_out(&unreadable, &command.run);
    if table.rows().is_empty() {
        bail!(
            "no cell of {} is finished; run `{}` first",
            command.run.display(),
            nae_files::command("sweep run", &command.run, "")
        );
    }
    let folder = command.run.join("report");
    create_folder(&folder)?;
    let page = folder.join("index.html");
    // before the listening examples are separated
    check_writable(&page)?;
    let mut report = match manifest.separations.is_empty() {
        true => Report {
            page: Page::new(
                manifest.name.as_str(),
                "Trained models only; nothing was separated.",
            ),
            figures: Vec::new(),
        },
        false => {
            let players = listening::pages(&store, &manifest, &folder, &device)?;
            let sets = sets(&table, &manifest);
            match manifest.scenarios.is_empty() {
                true => one_page(&manifest, sets, players)?,
                false => scenarios::pages(&manifest, sets, &players, &folder)?,
            }
        }
    };
    if manifest.separations.is_empty() {
        models::add(&mut report, &store, &manifest, &device)?;
    }
    for run in &command.with {
        let store = Store::open(run)?;
        models::add(&mut report, &store, &store.manifest()?, &device)?;
    }
    write(&report, &folder)?;
    log_line(terminal, page.display());
    Ok(())
}

/// Everything in one comparison.
fn one_page(
    manifest: &Manifest,
    sets: Vec<Set>,
    players: Vec<listening::Players>,
) -> Result<Report> {
    let sets = sets.into_iter();
    let observations: Vec<Observation> = sets.flat_map(|set| set.observations).collect();
    Ok(Comparison {
        title: manifest.name.clone(),
        lead: lead(manifest),
        baselines: baselines(manifest, &observations)?,
        observations,
        players: players.into_iter().map(|page| page.link).collect(),
        seed: 0,
    }
    .report()?)
}

/// Writes a page and its figures into a folder.
fn write(report: &Report, folder: &Path) -> Result<()> {
    for file in report.files()? {
        nae_files::write_atomically(&folder.join(&file.name), &file.bytes)?;
    }
    let page = folder.join("index.html");
    Ok(nae_files::write_atomically(
        &page,
        report.page.render()?.as_bytes(),
    )?)
}

/// What was compared, in a few sentences, and what was left out.
fn lead(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.speakers.iter().map(|s| s.name.as_str()).collect();
    let mix = manifest.variants.first();
    let mix = mix
        .map(|variant| variant.config.data.clone())
        .unwrap_or_default();
    let mut seeds: Vec<u64> = manifest.separations.iter().map(|cell| cell.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let sources = format!("{} ({})", count(names.len(), "source"), words(&names, 40));
    let mixtures = match manifest.scenarios.is_empty() {
        true => format!(
            " in {}, {} per pair of {} s at {} dB",
            count(manifest.pairs.len(), "pair"),
            count(manifest.mixtures, "mixture"),
            mix.mixture_s,
            mix.level_db
        ),
        false => format!(
            " in {}, mixtures of {} s",
            count(manifest.scenarios.len(), "scenario"),
            mix.mixture_s
        ),
    };
    let notes = match manifest.notes.as_slice() {
        [] => String::new(),
        notes => format!("\n\nNot everything was compared: {}.", notes.join("; ")),
    };
    format!(
        "{sources}{mixtures}; up to {} s of training audio per source; seeds {}. Everything on this page was computed by nae {}.{notes}",
        mix.train_s,
        numbers(&seeds),
        manifest.tool_version,
    )
}
