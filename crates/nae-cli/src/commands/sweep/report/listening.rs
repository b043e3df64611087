//! Pages to listen to.

use std::collections::{BTreeMap, HashSet};
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

/// Pairs of a scenario that have a page at most: a page takes as long as separating its mixture with all systems.
pub const PAIRS_EACH: usize = 3;

/// The page of a mixture, and what labels say of the mixtures that it is one of.
pub struct Players {
    pub mixtures: String,
    pub link: PlayerLink,
}

/// Writes a page for every pair, or for the first pairs of every scenario: its first mixture, separated by
/// the middle setting of every system's grid.
///
/// - `folder`: that of the pages
pub fn pages(
    store: &Store,
    manifest: &Manifest,
    folder: &Path,
    device: &Device,
) -> Result<Vec<Players>> {
    let middle = middle(manifest);
    let described = describe(manifest);
    let has_scenarios = !manifest.scenarios.is_empty();
    let mut pages = Vec::new();
    for pair in shown_pairs(manifest) {
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
                    Ok(example) => examples.push((variant, example)),
                    // a score outlives the model it was made from
                    Err(error) => error_line(format_args!(
                        "{label} is left out of the examples to listen to: {error}"
                    )),
                }
            }
        }
        let Some((first, _)) = examples.first() else {
            continue;
        };
        let mixtures = &described[manifest.variants[*first].label.as_str()].mixtures;
        let name = manifest.pair_name(pair);
        let shown: Vec<(&str, &ListeningExample)> = examples
            .iter()
            .map(|(variant, example)| {
                let variant = &manifest.variants[*variant];
                let name = match has_scenarios {
                    true => &variant.system,
                    false => &variant.label,
                };
                (name.as_str(), example)
            })
            .collect();
        let page = listening_page(&name, &manifest.pairs[pair], manifest, &shown)?;
        let file = format!("listen-{}.html", pair + 1);
        nae_files::write_atomically(&folder.join(&file), page.render()?.as_bytes())?;
        pages.push(Players {
            link: PlayerLink {
                pair: match mixtures.as_str() {
                    words if has_scenarios || words.is_empty() => name,
                    words => format!("{name}, {words}"),
                },
                mixture: "0".into(),
                href: file,
            },
            mixtures: mixtures.clone(),
        });
    }
    Ok(pages)
}

/// The middle setting of every system's grid, in every scenario.
fn middle(manifest: &Manifest) -> Vec<usize> {
    let mut systems: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, variant) in manifest.variants.iter().enumerate() {
        let key = (variant.system.as_str(), variant.scenario);
        systems.entry(key).or_default().push(i);
    }
    let middle = systems.values();
    let mut middle: Vec<usize> = middle.map(|own| own[own.len() / 2]).collect();
    // in the order of the experiment
    middle.sort_unstable();
    middle
}

/// All pairs, or the first few of every scenario.
fn shown_pairs(manifest: &Manifest) -> Vec<usize> {
    match manifest.scenarios.as_slice() {
        [] => (0..manifest.pairs.len()).collect(),
        scenarios => {
            let separated: HashSet<usize> =
                manifest.separations.iter().map(|cell| cell.pair).collect();
            let first = scenarios.iter().flat_map(|scenario| {
                let own = scenario.pairs.iter().copied();
                own.filter(|pair| separated.contains(pair)).take(PAIRS_EACH)
            });
            first.collect()
        }
    }
}

fn listening_page(
    pair: &str,
    members: &[usize],
    manifest: &Manifest,
    examples: &[(&str, &ListeningExample)],
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
