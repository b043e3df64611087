//! Self-contained pages and pictures of results.
//!
//! A [`Page`] is plain data: sections of text, tables, players, pictures and charts.
//! [`Page::render`] turns it into one HTML file that needs nothing else: sounds are WAV data URIs,
//! pictures are PNG data URIs, charts are inline SVG, and a content security policy forbids
//! everything from outside. The same page always renders to the same bytes.
//!
//! [`plots`] makes [`Figure`]s, which stand on a page and are SVG and PNG files too; [`comparison`]
//! turns scored mixtures into a page of them, with the paired tests of [`statistics`].
//!
//! This crate knows neither tensors nor sound files; samples and magnitudes come in as numbers.
//!
//! ```
//! use nae_report::{Block, Matrix, Page, Picture, Player, Section, Table, Track};
//!
//! let tone: Vec<f32> = (0..8000).map(|i| (i as f32 * 0.2).sin() * 0.5).collect();
//! let magnitudes = Matrix::new(2, 3, vec![0.1, 0.5, 0.2, 0.0, 0.1, 0.9])?;
//!
//! let mut page = Page::new("One tone", "A player, a picture and a table.");
//! page.sections.push(
//!     Section::new("Results")
//!         .with(Block::Table(Table::new(["stem", "SI-SDR (dB)"]).row(["tone", "12.3"])))
//!         .with(Block::Player(Player::new("Listen").track(Track::mono("tone", tone, 8000))))
//!         .with(Block::Pictures(vec![Picture::spectrogram("tone", magnitudes, 1.0, 4000.0)])),
//! );
//! assert!(page.render()?.starts_with("<!doctype html>"));
//! # Ok::<(), nae_report::ReportError>(())
//! ```

mod canvas;
mod chart;
pub mod comparison;
mod error;
mod figure;
mod heat_map;
mod look;
mod matrix;
mod page;
mod picture;
mod player;
pub mod plots;
mod ruler;
pub mod statistics;
mod table;
mod ticks;
mod track;

pub use chart::{Chart, Curve, CurveScale};
pub use error::ReportError;
pub use figure::{Figure, FigureFile};
pub use matrix::Matrix;
pub use page::{Block, Page, Section, Settings};
pub use picture::{Axis, Picture, Scale};
pub use player::Player;
pub use table::{Cell, Link, Table};
pub use track::Track;
