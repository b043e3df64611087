//! From scored mixtures to a page that compares systems.
//!
//! A [`Comparison`] takes one [`Observation`] per system, seed, mixture and source, and makes a
//! [`Report`]: a page with a summary, box plots, scores over the rank, paired differences against
//! baselines, a table of pairs, costs and the meaning of every score; and its figures as files.
//!
//! # How systems are compared
//!
//! Scores of one mixture are averaged over its sources and over seeds. Differences are taken on the
//! same mixtures, and averaged over the mixtures of one pair of voices, which share the voices'
//! models. With [`ENOUGH_PAIRS`] pairs or more a pair is the unit of the interval and of the test;
//! with fewer, no test over pairs could reach 5 %, so mixtures are, and the page says that they are
//! not independent. See [`statistics`](crate::statistics).
//!
//! ```
//! use nae_report::comparison::{Baseline, Comparison, Observation};
//!
//! let observed = |kind: &str, layers: usize, pair: usize, sdr: f64| Observation {
//!     system: format!("{kind}, rank 20"),
//!     kind: kind.into(),
//!     layers,
//!     rank: 20,
//!     pair: format!("pair {pair}"),
//!     mixture: "1".into(),
//!     source: "a".into(),
//!     scores: [("sdr".to_owned(), sdr)].into(),
//!     ..Observation::default()
//! };
//! let observations = (0..6)
//!     .flat_map(|pair| [observed("NMF", 1, pair, 4.0), observed("NAE", 2, pair, 5.0)])
//!     .collect();
//! let report = Comparison {
//!     title: "NAE against NMF".into(),
//!     observations,
//!     baselines: vec![Baseline::EqualRank { kind: "NMF".into() }],
//!     ..Comparison::default()
//! }
//! .report()?;
//! assert!(report.page.render()?.contains("+1.00"));
//! assert!(report.files()?.iter().any(|file| file.name == "boxes-sdr.png"));
//! # Ok::<(), nae_report::ReportError>(())
//! ```

mod baseline;
mod differences;
mod figures;
mod observation;
mod report;
mod roles;
mod scores;
mod systems;
mod tables;

use std::collections::BTreeMap;

pub use baseline::Baseline;
pub use differences::ENOUGH_PAIRS;
pub use observation::Observation;
pub use report::Report;
pub use scores::Score;

use crate::{Block, Link, Page, ReportError, Section, Table};
use differences::Unit;
use systems::Systems;

/// Everything that a report is made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Heading of the page.
    pub title: String,
    /// A few sentences below it: which voices, how long, which settings.
    pub lead: String,
    /// One per system, seed, mixture and source, in any order; cells that failed are left out.
    pub observations: Vec<Observation>,
    /// What systems are compared with; none: no differences.
    pub baselines: Vec<Baseline>,
    /// Pages with players of mixtures.
    pub players: Vec<PlayerLink>,
    /// Seed of the bootstrap's draws.
    pub seed: u64,
}

/// The page with the players of one mixture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlayerLink {
    /// The pair, as in the observations.
    pub pair: String,
    /// The mixture, as in the observations.
    pub mixture: String,
    /// A path from the page's own folder.
    pub href: String,
}

impl Comparison {
    /// Makes the page and the figures.
    ///
    /// # Errors
    ///
    /// [`ReportError::NoObservations`], [`ReportError::TwoInOne`], [`ReportError::SameSystem`] or
    /// [`ReportError::NoBaseline`] for observations that cannot be compared,
    /// [`ReportError::Chart`] when a drawing fails.
    pub fn report(&self) -> Result<Report, ReportError> {
        let systems = Systems::of(&self.observations)?;
        let scores = Score::of(&self.observations);
        let unit = Unit::of(&self.observations);
        let mut report = Report {
            page: Page::new(&self.title, &self.lead),
            figures: vec![],
        };
        let mut summary =
            Section::new("Summary").with_intro(tables::about(&self.observations, &systems));
        let tables = tables::summary(&systems, &scores);
        summary.blocks.extend(tables.into_iter().map(Block::Table));
        report.page.sections.push(summary);
        if !roles::roles(&self.observations).is_empty() {
            self.add_roles(&mut report, &systems, &scores)?;
        }
        report.add(
            Section::new("Scores of every system").with_intro(BOXES),
            figures::boxes(&systems, &scores)?,
        );
        let charts = figures::over_rank(&systems, &scores)?;
        if !charts.is_empty() {
            report.add(
                Section::new("Score over rank").with_intro(OVER_RANK),
                charts,
            );
        }
        for baseline in &self.baselines {
            let found = differences::against(baseline, &systems, &scores, unit, self.seed)?;
            if found.rows.is_empty() {
                continue;
            }
            let section = Section::new(format!("Differences from {}", found.name))
                .with_intro(differences::method(unit, &found, self.seed));
            report.add(
                section,
                vec![figures::differences(&found, &systems, &scores)?],
            );
            if let Some(section) = report.page.sections.last_mut() {
                let tables = tables::differences(&found, &scores);
                section.blocks.extend(tables.into_iter().map(Block::Table));
            }
        }
        let mut pairs = Section::new("Pairs").with_intro(PAIRS);
        let mut links = self.links();
        for score in tables::main_scores(&scores) {
            let table = tables::pairs(&systems, score, &links);
            links.clear(); // once is enough
            pairs = pairs.with(Block::Table(table));
        }
        report.page.sections.push(pairs);
        report.page.sections.push(
            Section::new("Cost")
                .with_intro(COST)
                .with(Block::Table(tables::costs(&systems))),
        );
        report.page.sections.push(
            Section::new("What the scores are")
                .with_intro("SDR depends on its variant: 512-tap and 1-tap figures of the same sound differ by many dB. Here:")
                .with(Block::Table(tables::meanings(&scores))),
        );
        Ok(report)
    }

    /// The tables that say most, for a page about several comparisons: scores by role where sources have
    /// one, else the summary of those with figures.
    ///
    /// # Errors
    /// [`ReportError`] for observations that cannot be compared.
    pub fn overview(&self) -> Result<Vec<Table>, ReportError> {
        let systems = Systems::of(&self.observations)?;
        let scores = Score::of(&self.observations);
        let of_roles = roles::tables(&systems, &scores, &self.observations);
        Ok(match of_roles.is_empty() {
            true => tables::summary(&systems, &scores)
                .into_iter()
                .take(1)
                .collect(),
            false => of_roles,
        })
    }

    /// A section about known and unknown sources.
    fn add_roles(
        &self,
        report: &mut Report,
        systems: &Systems,
        scores: &[Score],
    ) -> Result<(), ReportError> {
        let observations = &self.observations;
        let mut section = Section::new("Known and unknown sources").with_intro(ROLES);
        let tables = roles::tables(systems, scores, observations);
        section.blocks.extend(tables.into_iter().map(Block::Table));
        let kinds = roles::by_source(systems, scores, observations);
        section.blocks.extend(kinds.map(Block::Table));
        report.add(section, roles::boxes(systems, scores, observations)?);
        Ok(())
    }

    /// Links of every pair, in the order of the mixtures.
    fn links(&self) -> BTreeMap<&str, Vec<Link>> {
        let mut sorted: Vec<&PlayerLink> = self.players.iter().collect();
        sorted.sort_by(|a, b| (&a.pair, &a.mixture).cmp(&(&b.pair, &b.mixture)));
        let mut links: BTreeMap<&str, Vec<Link>> = BTreeMap::new();
        for player in sorted {
            links.entry(&player.pair).or_default().push(Link {
                text: player.mixture.clone(),
                href: player.href.clone(),
            });
        }
        links
    }
}

const BOXES: &str = "Every source of every mixture and seed is one value. A box reaches from the lower to the upper quartile, the line in it is the median, whiskers reach to the last value within 1.5 box heights, circles are values beyond. Dashed lines are medians of the floor (the mixture taken as the estimate) and of the ceiling (the ideal ratio mask made from the true sources).";
const ROLES: &str = "Over all mixtures and seeds. Unknown sources have no model: it depends on the system what stands in for them. The ceiling is the ideal ratio mask made from the true sources.";
const OVER_RANK: &str = "Medians, with the middle half of the values as a band.";
const PAIRS: &str = "Medians over the mixtures, sources and seeds of each pair.";
const COST: &str = "Medians of the seconds that training one model, joining the models of one pair (where they are joined) and separating one mixture took.";

#[cfg(test)]
mod tests;
