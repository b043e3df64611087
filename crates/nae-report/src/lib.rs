//! Self-contained pages and pictures of results.
//!
//! A [`Page`] is plain data: sections of text, tables, players, heat maps and figures.
//! [`Page::render`] turns it into one HTML file that needs nothing else: sounds are WAV data URIs,
//! heat maps are PNG data URIs, figures are inline SVG, and a content security policy forbids
//! everything from outside. The same page always renders to the same bytes.
//!
//! [`plots`] makes [`Figure`]s, which stand on a page and are SVG and PNG files too; [`comparison`]
//! turns scored mixtures into a page of them, with the paired tests of [`statistics`].
//!
//! This crate uses neither tensors nor sound files; samples and magnitudes are plain numbers.
//!
//! ```
//! use nae_report::{Block, HeatMap, Matrix, Page, Player, Section, Table, Track};
//!
//! let tone: Vec<f32> = (0..8000).map(|i| (i as f32 * 0.2).sin() * 0.5).collect();
//! let magnitudes = Matrix::new(2, 3, vec![0.1, 0.5, 0.2, 0.0, 0.1, 0.9])?;
//!
//! let mut page = Page::new("One tone", "A player, a heat map and a table.");
//! page.sections.push(
//!     Section::new("Results")
//!         .with(Block::Table(Table::new(["stem", "SI-SDR (dB)"]).row(["tone", "12.3"])))
//!         .with(Block::Player(Player::new("Listen").track(Track::mono("tone", tone, 8000))))
//!         .with(Block::HeatMaps(vec![HeatMap::spectrogram("tone", magnitudes, 1.0, 4000.0)])),
//! );
//! assert!(page.render()?.starts_with("<!doctype html>"));
//! # Ok::<(), nae_report::ReportError>(())
//! ```

mod axis;
mod canvas;
pub mod comparison;
mod drawing;
mod error;
mod figure;
mod heat_map;
mod legend;
mod page;
mod player;
pub mod plots;
mod series_style;
pub mod statistics;
mod table;
mod text;
mod ticked_range;
mod ticks;
mod track;

pub use axis::Axis;
pub use error::ReportError;
pub use figure::{Figure, FigureFile};
pub use heat_map::{ColourScale, HeatMap, Matrix};
pub use page::{Block, Listing, Page, Section};
pub use player::Player;
pub use table::{Cell, Link, Table};
pub use track::Track;
