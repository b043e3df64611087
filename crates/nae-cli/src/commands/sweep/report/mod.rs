//! `nae sweep report`

mod figures;
mod listening;
mod models;
mod observations;
mod systems;

use anyhow::{Result, bail};
use nae_files::{check_writable, count, create_folder};
use nae_report::Page;
use nae_report::comparison::{Comparison, Report};
use nae_sweep::collect::{self, Rows};
use nae_sweep::{Manifest, Store};

use super::status_lines::say_left_out;
use crate::arguments::{SweepReport, Terminal};
use crate::console::log_line;
use crate::lists::{numbers, words};
use observations::observations;
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
            let observations = observations(&table, &manifest);
            Comparison {
                title: manifest.name.clone(),
                lead: lead(&manifest),
                baselines: baselines(&manifest, &observations)?,
                observations,
                players: listening::pages(&store, &manifest, &folder, &device)?,
                seed: 0,
            }
            .report()?
        }
    };
    if manifest.separations.is_empty() {
        models::add(&mut report, &store, &manifest, &device)?;
    }
    for run in &command.with {
        let store = Store::open(run)?;
        models::add(&mut report, &store, &store.manifest()?, &device)?;
    }
    for file in report.files()? {
        nae_files::write_atomically(&folder.join(&file.name), &file.bytes)?;
    }
    nae_files::write_atomically(&page, report.page.render()?.as_bytes())?;
    log_line(terminal, page.display());
    Ok(())
}

fn lead(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.speakers.iter().map(|s| s.name.as_str()).collect();
    let mix = manifest.variants.first().map(|variant| variant.config.data);
    let mix = mix.unwrap_or_default();
    let mut seeds: Vec<u64> = manifest.trainings.iter().map(|cell| cell.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    format!(
        "{} ({}) in {}, {} per pair of {} s at {} dB; up to {} s of training audio per source; seeds {}. Everything on this page was computed by nae {}.",
        count(names.len(), "source"),
        words(&names, 40),
        count(manifest.pairs.len(), "pair"),
        count(manifest.mixtures, "mixture"),
        mix.mixture_s,
        mix.level_db,
        mix.train_s,
        numbers(&seeds),
        manifest.tool_version,
    )
}
