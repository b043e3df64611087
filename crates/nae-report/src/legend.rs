//! The legend of a figure: names and styles of its series.

use crate::ReportError;
use crate::canvas::{
    Anchor, Area, FONT, Frame, MARKER, WIDTH, dashed, hatched, line, marker, text, text_width,
};
use crate::series_style::SeriesStyle;

/// How a legend shows a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swatch {
    Box,
    Line,
    Marker,
}

/// Height of a legend with these names, in units of the figure.
pub(crate) fn legend_height(names: &[String]) -> u32 {
    rows(names).len() as u32 * LEGEND_LINE as u32 + FONT / 2
}

const LEGEND_LINE: i32 = 60;
const SWATCH: i32 = 84;

/// Names and styles in rows from the top of `area`.
pub(crate) fn legend(
    area: &Area,
    left: i32,
    names: &[String],
    styles: &[SeriesStyle],
    swatch: Swatch,
) -> Result<(), ReportError> {
    for (row, members) in rows(names).iter().enumerate() {
        let middle = LEGEND_LINE * row as i32 + LEGEND_LINE / 2 + 6;
        let mut x = left;
        for &index in members {
            let style = styles[index];
            let frame = Frame {
                left: x,
                top: middle - 17,
                right: x + SWATCH - 20,
                bottom: middle + 17,
            };
            let across = [(frame.left, middle), (frame.right, middle)];
            match swatch {
                Swatch::Box => hatched(area, frame, style)?,
                Swatch::Line => dashed(area, &across, style.colour, 6, style.dash)?,
                Swatch::Marker => line(area, across.to_vec(), style.colour, 5)?,
            }
            if swatch != Swatch::Box {
                marker(
                    area,
                    ((frame.left + frame.right) / 2, middle),
                    style,
                    MARKER,
                )?;
            }
            text(area, &names[index], (x + SWATCH, middle), Anchor::Left)?;
            x += entry_width(&names[index]) as i32;
        }
    }
    Ok(())
}

fn entry_width(name: &str) -> u32 {
    SWATCH as u32 + text_width(name) + FONT * 3 / 2
}

/// Indices of names, row by row as they fit.
fn rows(names: &[String]) -> Vec<Vec<usize>> {
    let room = WIDTH - FONT * 4;
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let mut used = room + 1;
    for (index, name) in names.iter().enumerate() {
        let width = entry_width(name);
        match rows.last_mut() {
            Some(row) if used + width <= room => row.push(index),
            _ => {
                rows.push(vec![index]);
                used = 0;
            }
        }
        used += width;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_breaks_where_it_is_full() {
        let names = vec!["a name of about thirty letters".to_owned(); 7];
        let rows = rows(&names);
        assert!(rows.len() > 1);
        assert_eq!(rows.concat(), [0, 1, 2, 3, 4, 5, 6]);
        assert!(legend_height(&names) > legend_height(&names[..1]));
    }
}
