//! Pages to listen to.

use std::path::Path;

use anyhow::{Result, bail};
use burn::tensor::Device;
use nae_audio::StftConfig;
use nae_report::comparison::PlayerLink;
use nae_report::{Block, Page, Player, Section};
use nae_sweep::cell::CellKind;
use nae_sweep::cell::Separation;
use nae_sweep::listening::{self, ListeningExample};
use nae_sweep::{Manifest, Store};

use super::systems::describe;
use crate::console::error_line;
use crate::tracks::Tracks;

/// Writes a page for every pair: its first mixture, separated by the middle setting of every system's
/// grid.
///
/// - `folder`: that of the pages
pub fn pages(
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
                && store.is_finished(CellKind::Scores, &cell.id)
        };
        let mut examples = Vec::new();
        for &variant in &middle {
            let of_variant = |cell: &&Separation| is_shown(cell) && cell.variant == variant;
            if let Some(cell) = manifest.separations.iter().find(of_variant) {
                let label = &manifest.variants[variant].label;
                match listening::separation(store, manifest, cell, device) {
                    Ok(example) => examples.push((label.as_str(), example)),
                    // a score outlives the model it was made from
                    Err(error) => error_line(format_args!(
                        "{label} is left out of the examples to listen to: {error}"
                    )),
                }
            }
        }
        if examples.is_empty() {
            continue;
        }
        let name = manifest.pair_name(pair);
        let page = listening_page(&name, &manifest.pairs[pair], manifest, &examples)?;
        let file = format!("listen-{}.html", pair + 1);
        nae_files::write_atomically(&folder.join(&file), page.render()?.as_bytes())?;
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
    examples: &[(&str, ListeningExample)],
) -> Result<Page> {
    let mut section = Section::new("Listen").with_intro(
        "The tracks of a player play in sync; switching between them is instant. All spectrograms share one scale, with 0 dB at the mixture's loudest bin. Each system is shown with the middle setting of its grid.",
    );
    let Some((_, first)) = examples.first() else {
        bail!("no mixture of {pair} is separated");
    };
    let tracks = Tracks::new(StftConfig::default(), &first.mixture)?;
    for (i, &member) in members.iter().enumerate() {
        let mut player = Player::new(manifest.speakers[member].name.as_str())
            .track(tracks.track("mixture", &first.mixture)?);
        for (label, example) in examples {
            player = player.track(tracks.track(label, &example.stems[i])?);
        }
        player = player.track(tracks.track("reference", &first.references[i])?);
        section = section.with(Block::Player(player));
    }
    let mut page = Page::new(pair, format!("Mixture 0 of {pair}, as in the report."));
    page.sections.push(section);
    Ok(page)
}
