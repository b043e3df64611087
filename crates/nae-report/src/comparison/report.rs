//! A page and its figures.

use crate::ReportError;
use crate::figure::{Figure, FigureFile};
use crate::page::{Block, Page, Section};

/// A page and its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The page; sections may be added before it is rendered.
    pub page: Page,
    /// The figures on it.
    pub figures: Vec<Figure>,
}

impl Report {
    /// All figures as SVG and PNG files.
    ///
    /// # Errors
    ///
    /// [`ReportError`] names the figure that cannot be drawn.
    pub fn files(&self) -> Result<Vec<FigureFile>, ReportError> {
        let mut files = Vec::new();
        for figure in &self.figures {
            files.extend(figure.files()?);
        }
        Ok(files)
    }

    /// Adds a section with figures to the end of the page, and the figures to the files.
    pub fn add(&mut self, mut section: Section, figures: Vec<Figure>) {
        for figure in &figures {
            section.blocks.push(Block::Figure(figure.clone()));
        }
        self.page.sections.push(section);
        self.figures.extend(figures);
    }
}
