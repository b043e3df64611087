//! Plots of results as [`Figure`](crate::Figure)s: on a page, as SVG and as PNG.
//!
//! Series differ in colour, hatch, marker and dashes, so that a print in grey and a reader of any
//! colour vision distinguish them.

mod axes;
mod boxes;
mod chart;
mod curve_stack;
mod differences;
mod panel_layout;
mod panels;
mod reference_line;
mod spectrogram_row;

pub use boxes::{BoxEntry, BoxPlot};
pub use chart::{Chart, Point, Series, YScale};
pub use curve_stack::CurveStack;
pub use differences::{DifferencePlot, DifferenceRow, DifferenceScale};
pub use panels::{Panel, Panels};
pub use reference_line::ReferenceLine;
pub use spectrogram_row::SpectrogramRow;
