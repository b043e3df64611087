//! Pages of an experiment with scenarios: one for each, and one about all.

use std::path::Path;

use anyhow::Result;
use nae_files::{count, create_folder};
use nae_report::comparison::{Comparison, PlayerLink, Report};
use nae_report::{Block, Cell, Link, Page, Section, Table};
use nae_sweep::Manifest;

use super::listening::{PAIRS_EACH, Players};
use super::observations::Set;
use super::systems::baselines;
use super::{lead, write};

/// Writes a page for every set of mixtures into a folder of its own, and makes the page about all: what says
/// most of each, with a link.
///
/// - `folder`: that of the page about all
pub fn pages(
    manifest: &Manifest,
    sets: Vec<Set>,
    players: &[Players],
    folder: &Path,
) -> Result<Report> {
    let lead = format!(
        "{}\n\nEvery scenario has a page of its own, with box plots, paired differences, scores of every pair and players for the first {} of it.",
        lead(manifest),
        count(PAIRS_EACH, "pair")
    );
    let mut page = Page::new(manifest.name.as_str(), lead);
    for (number, set) in (1..).zip(sets) {
        let title = title(&set.mixtures).to_owned();
        let name = folder_name(number, &title);
        let own = players.iter().filter(|page| page.mixtures == set.mixtures);
        let links = own.map(|page| PlayerLink {
            href: format!("../{}", page.link.href),
            ..page.link.clone()
        });
        let comparison = Comparison {
            title: format!("{}: {title}", manifest.name),
            lead: String::new(),
            baselines: baselines(manifest, &set.observations)?,
            observations: set.observations,
            players: links.collect(),
            seed: 0,
        };
        create_folder(&folder.join(&name))?;
        write(&comparison.report()?, &folder.join(&name))?;
        let mut section = Section::new(title);
        for table in comparison.overview()? {
            section = section.with(Block::Table(table));
        }
        let link = Link {
            text: "box plots, differences, pairs, players".into(),
            href: format!("{name}/index.html"),
        };
        let more = Table::new(["more of it"]).row([Cell {
            text: String::new(),
            links: vec![link],
        }]);
        page.sections.push(section.with(Block::Table(more)));
    }
    Ok(Report {
        page,
        figures: Vec::new(),
    })
}

/// A set's name on pages: that of its scenario, and how its mixtures differ from others of it.
fn title(mixtures: &str) -> &str {
    mixtures.strip_prefix("scenario ").unwrap_or(mixtures)
}

/// A set's folder: its number, since names may differ in other characters only, and its name in letters and
/// digits that every file system takes.
fn folder_name(number: usize, title: &str) -> String {
    const MOST: usize = 60;
    let kept = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c,
        _ => '_',
    };
    let words: String = title.chars().take(MOST).map(kept).collect();
    format!("{number}-{words}")
}
