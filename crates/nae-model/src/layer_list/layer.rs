//! One layer as settings have it.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::layers::Recurrence;
use crate::stack_layer::StackLayer;

/// What a layer does; its word is the key of its number of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// Sees every frame by itself.
    Dense,
    /// Sees several successive frames.
    Conv,
    /// Recurrent.
    Cell(Recurrence),
}

impl LayerKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Dense,
        Self::Conv,
        Self::Cell(Recurrence::Rnn),
        Self::Cell(Recurrence::Gru),
        Self::Cell(Recurrence::Lstm),
    ];

    /// Its word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Conv => "conv",
            Self::Cell(cell) => cell.word(),
        }
    }
}

/// Number of a layer's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// A number.
    Count(usize),
    /// `model.rank`.
    Rank,
    /// Frequency bins of the spectrum.
    Bins,
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Rank => f.write_str("\"rank\""),
            Self::Bins => f.write_str("\"bins\""),
        }
    }
}

impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => count.serialize(serializer),
            Self::Rank => serializer.serialize_str("rank"),
            Self::Bins => serializer.serialize_str("bins"),
        }
    }
}

/// One layer: `{ dense = 60 }`, `{ gru = 60 }` or `{ conv = 60, span = 4 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerConfig {
    /// What it does.
    pub kind: LayerKind,
    /// Number of its outputs.
    pub units: Units,
    /// Frames that it sees; 1 but for [`LayerKind::Conv`].
    pub span: usize,
}

impl From<&StackLayer> for LayerConfig {
    fn from(layer: &StackLayer) -> Self {
        Self {
            kind: match (layer.cell, layer.span) {
                (Some(cell), _) => LayerKind::Cell(cell),
                (None, 1) => LayerKind::Dense,
                (None, _) => LayerKind::Conv,
            },
            units: match layer.units {
                0 => Units::Bins,
                units => Units::Count(units),
            },
            span: layer.span,
        }
    }
}

impl fmt::Display for LayerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{ {} = {}", self.kind.word(), self.units)?;
        if self.kind == LayerKind::Conv {
            write!(f, ", span = {}", self.span)?;
        }
        f.write_str(" }")
    }
}

impl Serialize for LayerConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.kind.word(), &self.units)?;
        if self.kind == LayerKind::Conv {
            map.serialize_entry("span", &self.span)?;
        }
        map.end()
    }
}
