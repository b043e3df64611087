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
    pub rows: Vec<Vec<String>>,
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
    pub fn captioned(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same table with one more row.
    pub fn row<T: Into<String>>(mut self, cells: impl IntoIterator<Item = T>) -> Self {
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
        let numeric: Vec<bool> = (0..columns).map(|c| self.is_numeric(c)).collect();
        let view = View {
            caption: &self.caption,
            header: cells(&self.header, &numeric),
            rows: self.rows.iter().map(|r| cells(r, &numeric)).collect(),
        };
        Ok(view.render()?)
    }

    fn is_numeric(&self, column: usize) -> bool {
        let mut filled = self
            .rows
            .iter()
            .map(|row| row[column].as_str())
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

fn cells<'a>(texts: &'a [String], numeric: &[bool]) -> Vec<Cell<'a>> {
    let cell = |(text, &is_numeric): (&'a String, &bool)| Cell { text, is_numeric };
    texts.iter().zip(numeric).map(cell).collect()
}

struct Cell<'a> {
    text: &'a str,
    is_numeric: bool,
}

#[derive(Template)]
#[template(path = "table.html")]
struct View<'a> {
    caption: &'a str,
    header: Vec<Cell<'a>>,
    rows: Vec<Vec<Cell<'a>>>,
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
    fn a_table_without_rows_renders() {
        Table::new(["a"]).render().unwrap();
        Table::default().render().unwrap();
    }
}
