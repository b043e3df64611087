//! Drawing in units of a figure: lines, boxes, hatches, markers and text.

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::ReportError;
use crate::series_style::{Hatch, INK, Marker, PAPER, SeriesStyle};

/// Width of every figure in its own units, of which lines take whole numbers; also the width of its
/// PNG file in pixels.
pub(crate) const WIDTH: u32 = 2400;
/// Size of text; plotters makes letters 1.24 times smaller than requested.
pub(crate) const FONT: u32 = 40;
/// Distance of hatch lines.
const HATCH_STEP: i32 = 14;
/// Mean width of a letter as a share of [`FONT`], a little more than DejaVu Sans has.
const LETTER: f64 = 0.46;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Point = (i32, i32);

/// About how wide a text is, in the figure's units.
pub(crate) fn text_width(text: &str) -> u32 {
    (text.chars().count() as f64 * LETTER * f64::from(FONT)).ceil() as u32
}

/// A text that is at most about `room` wide; what is cut off shows as an ellipsis.
pub(crate) fn shortened(text: &str, room: u32) -> String {
    if text_width(text) <= room {
        return text.to_owned();
    }
    let letters = f64::from(room) / (LETTER * f64::from(FONT)) - 1.0;
    let kept: String = text.chars().take(letters.max(0.0) as usize).collect();
    format!("{}…", kept.trim_end())
}

/// Which side of a text its position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Left,
    Right,
}

/// A rectangle; `top < bottom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

/// Text at the height of `at`.
pub(crate) fn text(area: &Area, text: &str, at: Point, anchor: Anchor) -> Result<(), ReportError> {
    let h_pos = match anchor {
        Anchor::Left => HPos::Left,
        Anchor::Right => HPos::Right,
    };
    let style = ("sans-serif", FONT)
        .into_font()
        .color(&INK)
        .pos(Pos::new(h_pos, VPos::Center));
    Ok(area.draw(&Text::new(text.to_owned(), at, style))?)
}

/// A line of the given width through the points.
pub(crate) fn line(
    area: &Area,
    points: Vec<Point>,
    colour: RGBColor,
    width: u32,
) -> Result<(), ReportError> {
    Ok(area.draw(&PathElement::new(points, colour.stroke_width(width)))?)
}

/// A line of dashes and gaps `dash` through the points; no gap: a solid line.
pub(crate) fn dashed(
    area: &Area,
    points: &[Point],
    colour: RGBColor,
    width: u32,
    dash: (i32, i32),
) -> Result<(), ReportError> {
    let (length, gap) = dash;
    match gap {
        0 => line(area, points.to_vec(), colour, width),
        _ => Ok(area.draw(&DashedPathElement::new(
            points.to_vec(),
            length,
            gap,
            colour.stroke_width(width),
        ))?),
    }
}

/// A box filled with a tint of the series' colour, hatched and outlined.
pub(crate) fn hatched(area: &Area, frame: Frame, style: SeriesStyle) -> Result<(), ReportError> {
    let Frame {
        left,
        top,
        right,
        bottom,
    } = frame;
    let corners = [(left, top), (right, bottom)];
    area.draw(&Rectangle::new(corners, PAPER.filled()))?;
    area.draw(&Rectangle::new(corners, style.colour.mix(0.3).filled()))?;
    for (from, to) in hatch_lines(frame, style.hatch) {
        line(area, vec![from, to], style.colour, 3)?;
    }
    let outline = vec![
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        (left, top),
    ];
    line(area, outline, style.colour, 4)
}

/// The lines of a hatch, clipped to the frame.
fn hatch_lines(frame: Frame, hatch: Hatch) -> Vec<(Point, Point)> {
    let rising = || diagonals(frame);
    let mirrored = |(x, y): Point| (frame.left + frame.right - x, y);
    let falling = || {
        diagonals(frame)
            .into_iter()
            .map(|(a, b)| (mirrored(a), mirrored(b)))
    };
    match hatch {
        Hatch::None => vec![],
        Hatch::Rising => rising(),
        Hatch::Falling => falling().collect(),
        Hatch::Crossed => rising().into_iter().chain(falling()).collect(),
        Hatch::Level => (frame.top + HATCH_STEP..frame.bottom)
            .step_by(HATCH_STEP as usize)
            .map(|y| ((frame.left, y), (frame.right, y)))
            .collect(),
    }
}

/// Lines at 45° from the lower left to the upper right.
fn diagonals(frame: Frame) -> Vec<(Point, Point)> {
    let Frame {
        left,
        top,
        right,
        bottom,
    } = frame;
    let (width, height) = (right - left, bottom - top);
    // the line x − left + (y − top) = along, from its lower end to its upper one
    let step = HATCH_STEP * 3 / 2;
    (step..width + height)
        .step_by(step as usize)
        .map(|along| {
            let low = (along - height).max(0);
            let high = along.min(width);
            (
                (left + low, top + along - low),
                (left + high, top + along - high),
            )
        })
        .collect()
}

/// A filled marker that reaches about `size` units from its middle.
pub(crate) fn marker(
    area: &Area,
    at: Point,
    style: SeriesStyle,
    size: i32,
) -> Result<(), ReportError> {
    let fill = style.colour.filled();
    match style.marker {
        Marker::Circle => area.draw(&Circle::new(at, size, fill))?,
        // equal areas look equal
        Marker::Triangle => area.draw(&TriangleMarker::new(at, size * 4 / 3, fill))?,
        Marker::Square => {
            let half = size * 6 / 7;
            area.draw(&Rectangle::new(
                [(at.0 - half, at.1 - half), (at.0 + half, at.1 + half)],
                fill,
            ))?
        }
    }
    Ok(())
}

/// Size of a marker on a line.
pub(crate) const MARKER: i32 = 13;

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        left: 10,
        top: 20,
        right: 70,
        bottom: 200,
    };

    #[test]
    fn hatches_stay_inside_their_frame() {
        for hatch in [Hatch::Rising, Hatch::Falling, Hatch::Level, Hatch::Crossed] {
            let lines = hatch_lines(FRAME, hatch);
            assert!(lines.len() > 3, "{hatch:?}");
            for (x, y) in lines.into_iter().flat_map(|(a, b)| [a, b]) {
                assert!(
                    (10..=70).contains(&x) && (20..=200).contains(&y),
                    "{hatch:?} {x} {y}"
                );
            }
        }
    }

    #[test]
    fn diagonals_rise_at_45_degrees() {
        for ((x0, y0), (x1, y1)) in hatch_lines(FRAME, Hatch::Rising) {
            assert!(x1 >= x0);
            assert_eq!(x1 - x0, y0 - y1);
        }
    }

    #[test]
    fn long_texts_are_cut_to_their_room() {
        assert_eq!(shortened("rank 20", 1000), "rank 20");
        let cut = shortened("a name that goes on and on", 200);
        assert!(cut.ends_with('…') && cut.starts_with("a name"), "{cut}");
        assert!(text_width(&cut) <= 200);
    }
}
