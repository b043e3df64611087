//! Lists of layers in settings: `[{ dense = 60 }, { gru = 60 }, { conv = "bins", span = 4 }]`.

mod check;
mod layer;
mod read;
mod resolve;

use std::fmt;
use std::ops::RangeInclusive;

use nae_config::{Content, OutOfRange, Rule, Setting};
use serde::{Serialize, Serializer};

pub(crate) use check::{ShortForms, check, check_bins};
pub use layer::{LayerConfig, LayerKind, Units};
pub(crate) use resolve::resolve;

use read::AUTO;

/// Layers that a list may have; the other side of the bottleneck has one at least.
const LAYERS: RangeInclusive<usize> = 1..=63;
/// Numbers of outputs that a layer may have.
const UNITS: RangeInclusive<usize> = 1..=16_384;
/// Frames that a layer may see.
const SPANS: RangeInclusive<usize> = 1..=64;

/// What lists look like, for messages.
const EXAMPLE: &str = "[{ dense = 60 }, { conv = \"bins\", span = 4 }]";

/// The layers of one side of the bottleneck, in the order in which sound goes through them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerList {
    /// Those that other settings describe; `"auto"` in files.
    Auto,
    /// These.
    Layers(Vec<LayerConfig>),
}

impl LayerList {
    /// The layers, if they are given.
    pub fn layers(&self) -> Option<&[LayerConfig]> {
        match self {
            Self::Auto => None,
            Self::Layers(layers) => Some(layers),
        }
    }
}

impl fmt::Display for LayerList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Layers(layers) => {
                let layers: Vec<String> = layers.iter().map(LayerConfig::to_string).collect();
                write!(f, "[{}]", layers.join(", "))
            }
        }
    }
}

impl Serialize for LayerList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(AUTO),
            Self::Layers(layers) => layers.serialize(serializer),
        }
    }
}

impl Setting for LayerList {
    fn content(&self) -> Content {
        Content::of(self)
    }

    fn allowed(_: &Rule) -> String {
        format!(
            "\"{AUTO}\", or a list of {} to {} layers such as {EXAMPLE}",
            LAYERS.start(),
            LAYERS.end()
        )
    }

    fn check(&self, key: &str, rule: &Rule) -> Result<(), OutOfRange> {
        let Self::Layers(layers) = self else {
            return Ok(());
        };
        if !LAYERS.contains(&layers.len()) {
            let came = match layers.len() {
                0 => "an empty list".to_owned(),
                count => format!("a list of {count} layers"),
            };
            let advice = format!("\"{AUTO}\", or {EXAMPLE}");
            return Err(refusal(key, &Self::allowed(rule), came, &advice));
        }
        layers.iter().enumerate().try_for_each(|(i, layer)| {
            let is_last = i + 1 == layers.len();
            check_layer(layer, is_last)
                .map_err(|expected| refusal(key, &expected, place(layer, i), EXAMPLE))
        })
    }
}

/// What a layer must be if it is not, whatever the others are.
fn check_layer(layer: &LayerConfig, is_last: bool) -> Result<(), String> {
    match layer.units {
        Units::Count(units) if !UNITS.contains(&units) => {
            return Err(format!(
                "of {} to {} outputs, \"rank\" or, in the decoder's last layer, \"bins\"",
                UNITS.start(),
                UNITS.end()
            ));
        }
        Units::Bins if !is_last => {
            return Err("of a number of outputs or \"rank\": \"bins\" are those of the decoder's last layer".into());
        }
        _ => {}
    }
    match SPANS.contains(&layer.span) {
        true => Ok(()),
        false => Err(format!(
            "of a span of {} to {} frames",
            SPANS.start(),
            SPANS.end()
        )),
    }
}

/// A layer and its number from 1, as what came.
fn place(layer: &LayerConfig, index: usize) -> String {
    format!("{layer} in layer {}", index + 1)
}

/// The error that `key`, a full key, is not what was expected.
fn refusal(key: &str, expected: &str, came: String, advice: &str) -> OutOfRange {
    OutOfRange::new("", key, expected, came, advice)
}

#[cfg(test)]
mod tests;
