//! `nae sweep report`

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use burn::tensor::Device;
use nae_audio::{Clip, Stft, StftConfig};
use nae_metrics::scores::KEYS;
use nae_model::Model;
use nae_model::spectra::bin_major;
use nae_report::comparison::{Comparison, Observation, PlayerLink, Report};
use nae_report::{Block, Matrix, Page, Picture, Player, Scale, Section, Track};
use nae_sweep::cell::{Separation, Training};
use nae_sweep::hear::{self, Heard};
use nae_sweep::store::Kind;
use nae_sweep::table::{Table, Value};
use nae_sweep::{Manifest, Store, collect};

use super::figures;
use super::systems::{baselines, describe, variant_of};
use crate::arguments::{SweepReport, Terminal};
use crate::console::log_line;
use crate::outputs::make_folder;

/// Highest frequency in pictures of bases.
const TOP_HZ: f64 = 4000.0;

pub fn run(command: &SweepReport, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let device = command.device.open()?.device;
    let table = collect::table(&store)?;
    if table.rows().is_empty() {
        bail!(
            "nothing is finished in {0}; run `nae sweep run {0}` first",
            command.run.display()
        );
    }
    let folder = command.run.join("report");
    make_folder(&folder)?;
    let mut report = match manifest.separations.is_empty() {
        true => Report {
            page: Page::new(
                manifest.name.as_str(),
                "Models alone; nothing was separated.",
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
                players: players(&store, &manifest, &folder, &device)?,
                seed: 0,
            }
            .report()?
        }
    };
    if manifest.separations.is_empty() {
        add_models(&mut report, &store, &manifest, &device)?;
    }
    for run in &command.with {
        let store = Store::open(run)?;
        add_models(&mut report, &store, &store.manifest()?, &device)?;
    }
    for file in report.files()? {
        nae_audio::write_atomically(&folder.join(&file.name), &file.bytes)?;
    }
    let page = folder.join("index.html");
    nae_audio::write_atomically(&page, report.page.render()?.as_bytes())?;
    log_line(terminal, page.display());
    Ok(())
}

fn lead(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.speakers.iter().map(|s| s.name.as_str()).collect();
    let amounts = manifest.variants.first().map(|variant| variant.setup.data);
    let amounts = amounts.unwrap_or_default();
    let mut seeds: Vec<u64> = manifest.trainings.iter().map(|cell| cell.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    format!(
        "{} sources ({}) in {} pairs, {} mixtures each of {} s at {} dB; up to {} s of training a source; seeds {seeds:?}. Everything on this page was computed by nae {}.",
        names.len(),
        names.join(", "),
        manifest.pairs.len(),
        manifest.mixtures,
        amounts.mixture_s,
        amounts.level_db,
        amounts.train_s,
        manifest.tool_version,
    )
}

fn observations(table: &Table, manifest: &Manifest) -> Vec<Observation> {
    let described = describe(manifest);
    let text = |row: &[Value], name: &str| match table.get(row, name) {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        _ => String::new(),
    };
    let number = |row: &[Value], name: &str| table.get(row, name).number();
    let scores = |row: &[Value], name: &dyn Fn(&str) -> String| -> BTreeMap<String, f64> {
        let score = |key: &&str| Some(((*key).to_owned(), number(row, &name(key))?));
        KEYS.iter().filter_map(score).collect()
    };
    let observation = |row: &Vec<Value>| {
        let what = described.get(text(row, "label").as_str())?;
        let mixtures = match what.mixtures.as_str() {
            "" => String::new(),
            words => format!(", {words}"),
        };
        Some(Observation {
            system: what.name(),
            kind: what.kind.clone(),
            layers: what.layers,
            rank: what.rank,
            variant: variant_of(what, &described),
            pair: format!("{}{mixtures}", text(row, "pair")),
            mixture: text(row, "mixture"),
            source: text(row, "source"),
            seed: number(row, "seed").unwrap_or(0.0) as u64,
            scores: scores(row, &|key| key.to_owned()),
            floor: scores(row, &|key| format!("{key}_mixture")),
            ceiling: scores(row, &|key| format!("oracle_{key}")),
            train_s: number(row, "train_seconds").unwrap_or(0.0),
            join_s: number(row, "join_seconds"),
            separate_s: number(row, "separate_seconds").unwrap_or(0.0),
        })
    };
    table.rows().iter().filter_map(observation).collect()
}

/// A page to listen to for every pair: its first mixture, separated by the middle of every system's
/// grid.
fn players(
    store: &Store,
    manifest: &Manifest,
    folder: &Path,
    device: &Device,
) -> Result<Vec<PlayerLink>> {
    let mut systems: Vec<(&str, Vec<usize>)> = Vec::new();
    for (i, variant) in manifest.variants.iter().enumerate() {
        match systems.iter_mut().find(|(name, _)| *name == variant.system) {
            Some((_, variants)) => variants.push(i),
            None => systems.push((&variant.system, vec![i])),
        }
    }
    let middle: Vec<usize> = systems
        .iter()
        .map(|(_, variants)| variants[variants.len() / 2])
        .collect();
    let described = describe(manifest);
    let mut links = Vec::new();
    for pair in 0..manifest.pairs.len() {
        let is_shown = |cell: &&Separation| {
            (cell.pair, cell.mixture) == (pair, 0)
                && middle.contains(&cell.variant)
                && store.is_finished(Kind::Scores, &cell.id)
        };
        let mut heard = Vec::new();
        for &variant in &middle {
            let of_variant = |cell: &&Separation| is_shown(cell) && cell.variant == variant;
            if let Some(cell) = manifest.separations.iter().find(of_variant) {
                let label = &manifest.variants[variant].label;
                heard.push((
                    label.as_str(),
                    hear::separation(store, manifest, cell, device)?,
                ));
            }
        }
        if heard.is_empty() {
            continue;
        }
        let name = manifest.pair_name(pair);
        let page = listening_page(&name, &manifest.pairs[pair], manifest, &heard)?;
        let file = format!("listen-{}.html", pair + 1);
        nae_audio::write_atomically(&folder.join(&file), page.render()?.as_bytes())?;
        let mixtures = &described[manifest.variants[middle[0]].label.as_str()].mixtures;
        links.push(PlayerLink {
            pair: match mixtures.as_str() {
                "" => name,
                words => format!("{name}, {words}"),
            },
            mixture: "0".into(),
            href: file,
        });
    }
    Ok(links)
}

fn listening_page(
    pair: &str,
    members: &[usize],
    manifest: &Manifest,
    heard: &[(&str, Heard)],
) -> Result<Page> {
    let mut section = Section::new("Listen").introduced(
        "All tracks of a player run together; switching between them is instant. All spectrograms share one scale, 0 dB being the mixture's loudest bin. Of every system the middle of its grid is shown.",
    );
    let Some((_, first)) = heard.first() else {
        bail!("nothing of {pair} was separated");
    };
    let loudest = matrix(&first.mixture)?.largest().map(f64::from);
    let track = |name: &str, clip: &Clip| -> Result<Track> {
        let nyquist = f64::from(clip.sample_rate()) / 2.0;
        let picture = Picture::spectrogram(name, matrix(clip)?, clip.duration_s(), nyquist);
        let scale = Scale::Decibels {
            reference: loudest,
            range_db: 70.0,
        };
        Ok(
            Track::new(name, clip.channels().to_vec(), clip.sample_rate())
                .pictured(picture.scaled(scale)),
        )
    };
    for (i, &member) in members.iter().enumerate() {
        let mut player = Player::new(manifest.speakers[member].name.as_str())
            .track(track("mixture", &first.mixture)?);
        for (label, heard) in heard {
            player = player.track(track(label, &heard.stems[i])?);
        }
        player = player.track(track("the true source", &first.references[i])?);
        section = section.with(Block::Player(player));
    }
    let mut page = Page::new(pair, format!("Mixture 0 of {pair}, as in the report."));
    page.sections.push(section);
    Ok(page)
}

/// Magnitudes, a row a bin.
fn matrix(clip: &Clip) -> Result<Matrix> {
    let stft = Stft::new(StftConfig::default())?;
    let magnitude = stft.analyze(&clip.mixdown())?.magnitude();
    let values = bin_major(&magnitude);
    Ok(Matrix::new(magnitude.bins(), magnitude.frames(), values)?)
}

/// Every trained model of the first seed in action on its own training sound, and all their bases.
fn add_models(
    report: &mut Report,
    store: &Store,
    manifest: &Manifest,
    device: &Device,
) -> Result<()> {
    let seed = manifest.trainings.first().map(|cell| cell.seed);
    let is_shown =
        |cell: &&Training| Some(cell.seed) == seed && store.is_finished(Kind::Model, &cell.id);
    let mut models = Vec::new();
    let mut figures = Vec::new();
    for (i, cell) in manifest.trainings.iter().filter(is_shown).enumerate() {
        let model = Model::load(&store.model_path(&cell.id), device)?;
        let label = &manifest.variants[cell.variant].label;
        let title = format!(
            "{label} in action on {}",
            manifest.speakers[cell.speaker].name
        );
        let name = format!("{}-action-{}", manifest.name, i + 1);
        let clip = hear::training(manifest, cell)?;
        figures.push(figures::in_action(&name, &title, &model, &clip, device)?);
        models.push((label.as_str(), model));
    }
    if models.is_empty() {
        return Ok(());
    }
    let all: Vec<(&str, &Model)> = models
        .iter()
        .map(|(label, model)| (*label, model))
        .collect();
    let name = format!("{}-bases", manifest.name);
    figures.push(figures::bases(&name, "Bases side by side", &all, TOP_HZ)?);
    let section = Section::new(format!("Models in action: {}", manifest.name))
        .introduced("What a model makes of the sound it was trained on, and what it is made of.");
    report.add(section, figures);
    Ok(())
}
