//! Errors of report pages.

use plotters::drawing::DrawingAreaErrorKind;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The number of values is not rows × columns.
    #[error(
        "a matrix of {rows} rows and {cols} columns needs {} values, but got {values}",
        rows.saturating_mul(*cols)
    )]
    MatrixShape {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        cols: usize,
        /// Values given.
        values: usize,
    },
    /// An empty matrix cannot be drawn.
    #[error("a matrix of {rows} rows and {cols} columns has nothing to draw; leave it out")]
    MatrixEmpty {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        cols: usize,
    },
    /// An axis that does not run from one finite value to a larger one.
    #[error(
        "the axis \"{label}\" of the heat map \"{drawing}\" runs from {start} to {end}; it must run \
         from one finite value up to another"
    )]
    Axis {
        /// Title of the heat map.
        drawing: String,
        /// Label of the axis.
        label: String,
        /// Value at the left or lower edge.
        start: f64,
        /// Value at the right or upper edge.
        end: f64,
    },
    /// A decibel range that is not a positive number.
    #[error("the heat map \"{drawing}\" has a range of {range_db} dB; give a positive number")]
    Range {
        /// Title of the heat map.
        drawing: String,
        /// The range asked for, in dB.
        range_db: f64,
    },
    /// A player without tracks.
    #[error("the player \"{player}\" has no track; add one or leave the player out")]
    NoTracks {
        /// Title of the player.
        player: String,
    },
    /// A track without channels or without samples.
    #[error("the track \"{track}\" has no samples; leave it out")]
    TrackEmpty {
        /// Name of the track.
        track: String,
    },
    /// Channels of one track differ in length.
    #[error("the channels of the track \"{track}\" differ in length: {first} and {other} samples")]
    TrackRagged {
        /// Name of the track.
        track: String,
        /// Samples of the first channel.
        first: usize,
        /// Samples of the first channel that differs.
        other: usize,
    },
    /// A sample rate of zero.
    #[error("the track \"{track}\" has a sample rate of 0 Hz; give the rate it was recorded at")]
    TrackRate {
        /// Name of the track.
        track: String,
    },
    /// More channels or samples than a WAV file can state.
    #[error(
        "the track \"{track}\" ({channels} channels of {samples} samples) does not fit into a WAV \
         file; show an excerpt"
    )]
    TrackTooLarge {
        /// Name of the track.
        track: String,
        /// Number of channels.
        channels: usize,
        /// Samples per channel.
        samples: usize,
    },
    /// A row and the header differ in their number of cells.
    #[error("row {row} of a table has {cells} cells, its header has {header}")]
    TableRow {
        /// The row, counted from 1.
        row: usize,
        /// Cells in that row.
        cells: usize,
        /// Cells in the header.
        header: usize,
    },
    /// A figure could not be turned into pixels.
    #[error("the figure \"{figure}\" could not be turned into pixels: {reason}")]
    Raster {
        /// Title of the figure.
        figure: String,
        /// The cause.
        reason: String,
    },
    /// A link to anything but a file beside the page.
    #[error("the link \"{href}\" does not point to a file beside the page; give a relative path")]
    Link {
        /// The address given.
        href: String,
    },
    /// Nothing to compare.
    #[error("there are no observations to compare; run the experiment first")]
    NoObservations,
    /// Observations of one system that describe it differently.
    #[error(
        "the system \"{system}\" is described both as {one} and as {other}; give each its own name"
    )]
    TwoInOne {
        /// Name of the system.
        system: String,
        /// One description.
        one: String,
        /// Another.
        other: String,
    },
    /// Two systems that figures cannot distinguish.
    #[error(
        "\"{one}\" and \"{other}\" are both {described}; give them different variants, so that \
         figures can distinguish them"
    )]
    SameSystem {
        /// Name of one.
        one: String,
        /// Name of the other.
        other: String,
        /// What both are.
        described: String,
    },
    /// A baseline without observations.
    #[error("there is no system \"{baseline}\" to use as the baseline; the systems are {known}")]
    NoBaseline {
        /// The baseline asked for.
        baseline: String,
        /// What there is instead.
        known: String,
    },
    /// A track could not be written as WAV.
    #[error("a track could not be written as WAV")]
    Wav(#[from] hound::Error),
    /// A picture could not be written as PNG.
    #[error("a picture could not be written as PNG")]
    Png(#[from] png::EncodingError),
    /// A chart could not be drawn.
    #[error("a chart could not be drawn")]
    Chart(#[from] DrawingAreaErrorKind<std::io::Error>),
    /// A template could not be filled in.
    #[error("a template of the page could not be filled in")]
    Template(#[from] askama::Error),
}
