//! What distinguishes series: colour, dashes, markers and hatches, never colour alone.

use plotters::style::RGBColor;

/// Placeholders that the style sheet replaces by the colours of the reader's theme, and files by
/// black on white.
pub(crate) const INK: RGBColor = RGBColor(1, 1, 1);
pub(crate) const GRID: RGBColor = RGBColor(2, 2, 2);
pub(crate) const PAPER: RGBColor = RGBColor(3, 3, 3);

/// Colours that readers of any colour vision can distinguish (Okabe and Ito, without black, which
/// is the ink, and yellow, which is lost on white).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
];
/// Length of dashes and of the gaps between them; no gap: a solid line.
const DASHES: [(i32, i32); 4] = [(1, 0), (32, 16), (10, 12), (56, 20)];
const MARKERS: [Marker; 3] = [Marker::Circle, Marker::Triangle, Marker::Square];
const HATCHES: [Hatch; 5] = [
    Hatch::None,
    Hatch::Rising,
    Hatch::Level,
    Hatch::Falling,
    Hatch::Crossed,
];

/// How a series is drawn: colour, dashes, markers and hatches all differ from neighbour to
/// neighbour, and no two of the first twelve series look alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SeriesStyle {
    pub colour: RGBColor,
    pub dash: (i32, i32),
    pub marker: Marker,
    pub hatch: Hatch,
}

impl SeriesStyle {
    pub(crate) fn of(index: usize) -> Self {
        Self {
            colour: COLOURS[index % COLOURS.len()],
            dash: DASHES[index % DASHES.len()],
            marker: MARKERS[index % MARKERS.len()],
            hatch: HATCHES[index % HATCHES.len()],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Triangle,
    Square,
}

/// Lines across a filled shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hatch {
    None,
    Rising,
    Level,
    Falling,
    Crossed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_twelve_series_look_alike() {
        let styles: Vec<SeriesStyle> = (0..12).map(SeriesStyle::of).collect();
        for (index, style) in styles.iter().enumerate() {
            assert!(!styles[..index].contains(style), "{index}");
        }
    }
}
