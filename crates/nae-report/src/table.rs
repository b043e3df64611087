//! Tables of results.

use askama::Template;

use crate::ReportError;

/// A table; columns of numbers are set flush right.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// A line above it; may be empty.
    pub caption: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells, row after row, each row as long as the header.
    pub rows: Vec<Vec<Cell>>,
}

/// What stands in a row under a column: a text, links, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// The text; may be empty.
    pub text: String,
    /// Links behind it.
    pub links: Vec<Link>,
}

/// A link to a file beside the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// What to click on.
    pub text: String,
    /// Where it leads: a path from the page's own folder.
    pub href: String,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            links: vec![],
        }
    }
}

impl Link {
    fn check(&self) -> Result<(), ReportError> {
        // neither "https:…" nor "javascript:…" nor "//host/…"
        let first = self.href.split('/').next().unwrap_or_default();
        if self.href.is_empty() || first.is_empty() || first.contains(':') {
            return Err(ReportError::Link {
                href: self.href.clone(),
            });
        }
        Ok(())
    }
}

impl Table {
    /// A table with these columns and no rows yet.
    pub fn new<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Self {
        Self {
            header: header.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The same table with a line above it.
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same table with one more row.
    pub fn row<T: Into<Cell>>(mut self, cells: impl IntoIterator<Item = T>) -> Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    pub(crate) fn render(&self) -> Result<String, ReportError> {
        let columns = self.header.len();
        for (index, row) in self.rows.iter().enumerate() {
            if row.len() != columns {
                return Err(ReportError::TableRow {
                    row: index + 1,
                    cells: row.len(),
                    header: columns,
                });
            }
        }
        let links = self.rows.iter().flatten().flat_map(|cell| &cell.links);
        links.into_iter().try_for_each(Link::check)?;
        let numeric: Vec<bool> = (0..columns).map(|c| self.is_numeric(c)).collect();
        let view = View {
            caption: &self.caption,
            header: self
                .header
                .iter()
                .zip(&numeric)
                .map(|(text, &is_numeric)| CellView {
                    text,
                    links: &[],
                    is_numeric,
                })
                .collect(),
            rows: self.rows.iter().map(|r| cells(r, &numeric)).collect(),
        };
        Ok(view.render()?)
    }

    fn is_numeric(&self, column: usize) -> bool {
        let mut filled = self
            .rows
            .iter()
            .map(|row| row[column].text.as_str())
            .filter(|cell| !matches!(*cell, "" | "–" | "—" | "-"))
            .peekable();
        filled.peek().is_some() && filled.all(starts_as_number)
    }
}

fn starts_as_number(cell: &str) -> bool {
    let unsigned = cell.trim_start_matches(['+', '-', '−', '±', ' ']);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit());
    is_number || matches!(unsigned, "inf" | "NaN" | "∞")
}

fn cells<'a>(row: &'a [Cell], numeric: &[bool]) -> Vec<CellView<'a>> {
    let cell = |(cell, &is_numeric): (&'a Cell, &bool)| CellView {
        text: &cell.text,
        links: &cell.links,
        is_numeric,
    };
    row.iter().zip(numeric).map(cell).collect()
}

/// Cells with more letters are broken into lines.
const LONG: usize = 40;

impl CellView<'_> {
    fn class(&self) -> &'static str {
        match self.is_numeric {
            _ if !self.links.is_empty() => " class=\"links\"",
            true => " class=\"number\"",
            false if self.text.chars().count() > LONG => " class=\"long\"",
            false => "",
        }
    }
}

struct CellView<'a> {
    text: &'a str,
    links: &'a [Link],
    is_numeric: bool,
}

#[derive(Template)]
#[template(path = "table.html")]
struct View<'a> {
    caption: &'a str,
    header: Vec<CellView<'a>>,
    rows: Vec<Vec<CellView<'a>>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_numbers_are_set_flush_right() {
        let html = Table::new(["voice", "gain"])
            .row(["a", "+9.2 dB"])
            .row(["b", "−0.1"])
            .row(["c", "–"])
            .render()
            .unwrap();
        assert!(html.contains("<td class=\"number\">+9.2 dB</td>"), "{html}");
        assert!(html.contains("<th scope=\"row\">a</th>"), "{html}");
    }

    #[test]
    fn cells_are_escaped() {
        let html = Table::new(["<b>"]).row(["a & b"]).render().unwrap();
        assert!(!html.contains("<b>"));
        assert!(html.contains("a &#38; b"), "{html}");
    }

    #[test]
    fn a_short_row_is_an_error_that_names_it() {
        let error = Table::new(["a", "b"])
            .row(["1", "2"])
            .row(["3"])
            .render()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 2 of a table has 1 cells, its header has 2"
        );
    }

    #[test]
    fn links_lead_to_files_beside_the_page_alone() {
        let table = |href: &str| {
            let link = Link {
                text: "<play>".into(),
                href: href.into(),
            };
            Table::new(["a"]).row([Cell {
                text: "1".into(),
                links: vec![link],
            }])
        };
        let html = table("players/a & b.html").render().unwrap();
        assert!(
            html.contains("<a href=\"players/a &#38; b.html\">&#60;play&#62;</a>"),
            "{html}"
        );
        for href in ["", "javascript:alert(1)", "https://a/b", "//a/b", "/etc/x"] {
            let error = table(href).render().unwrap_err();
            assert!(matches!(error, ReportError::Link { .. }), "{href}");
        }
    }

    #[test]
    fn a_table_without_rows_renders() {
        Table::new(["a"]).render().unwrap();
        Table::default().render().unwrap();
    }
}
