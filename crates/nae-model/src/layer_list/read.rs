//! Reading lists of layers. What a layer table says is refused here if it is no layer, with what a
//! layer looks like; whether numbers are in range, and layers fit together, is checked later.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::layer::{LayerConfig, LayerKind, Units};
use super::{EXAMPLE, LayerList};

/// The word for a list that other settings describe.
pub const AUTO: &str = "auto";
/// Where layers stand, for messages.
const WHERE: &str = "a layer of `model.decoder` or `model.encoder`";
/// The words of a layer, for messages.
const KINDS: &str = "`dense`, `conv`, `rnn`, `gru` or `lstm`";
/// What layers look like, for messages.
const FORMS: &str = "{ dense = 60 }, { gru = 60 } or { conv = 60, span = 4 }";
/// The key of the frames that a layer sees.
const SPAN: &str = "span";

impl<'de> Deserialize<'de> for LayerList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = LayerList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{AUTO}\" or a list of layers such as {EXAMPLE} for `model.decoder` or `model.encoder`"
        )
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<LayerList, E> {
        if word == AUTO {
            return Ok(LayerList::Auto);
        }
        Err(E::custom(format!(
            "`model.decoder` or `model.encoder` is \"{word}\", but it must be \"{AUTO}\" or a list of layers. Try {EXAMPLE}; on a command line, with single quotes around the whole setting."
        )))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<LayerList, A::Error> {
        let mut layers = Vec::new();
        while let Some(layer) = items.next_element()? {
            layers.push(layer);
        }
        Ok(LayerList::Layers(layers))
    }
}

impl<'de> Deserialize<'de> for LayerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LayerVisitor)
    }
}

struct LayerVisitor;

impl<'de> Visitor<'de> for LayerVisitor {
    type Value = LayerConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WHERE}, such as {FORMS}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<LayerConfig, A::Error> {
        let mut kind: Option<(LayerKind, Amount)> = None;
        let mut span: Option<Amount> = None;
        while let Some(word) = entries.next_key::<String>()? {
            let named = LayerKind::ALL.into_iter().find(|kind| kind.word() == word);
            match named {
                Some(named) => {
                    if let Some((first, _)) = kind {
                        return Err(A::Error::custom(format!(
                            "{WHERE} has both `{}` and `{word}`, but it must have one of {KINDS}. Try two layers: {{ {} = 60 }}, {{ {word} = 60 }}.",
                            first.word(),
                            first.word()
                        )));
                    }
                    kind = Some((named, entries.next_value()?));
                }
                None if word == SPAN && span.is_none() => span = Some(entries.next_value()?),
                None => {
                    return Err(A::Error::custom(format!(
                        "{WHERE} has `{word}`, but it must have one of {KINDS}, and `{SPAN}` with `conv`. Try {FORMS}."
                    )));
                }
            }
        }
        layer(kind, span).map_err(A::Error::custom)
    }
}

/// The layer that its entries describe.
fn layer(kind: Option<(LayerKind, Amount)>, span: Option<Amount>) -> Result<LayerConfig, String> {
    let Some((kind, units)) = kind else {
        return Err(format!(
            "{WHERE} has none of {KINDS}, but it must have one of them. Try {FORMS}."
        ));
    };
    let word = kind.word();
    let units = match units {
        Amount::Word(ref own) if own == "rank" => Units::Rank,
        Amount::Word(ref own) if own == "bins" => Units::Bins,
        Amount::Number(number) if number >= 0 => Units::Count(saturated(number)),
        other => {
            return Err(format!(
                "`{word}` in {WHERE} is {other}, but it must be a number of outputs, \"rank\" or \"bins\". Try {{ {word} = 60 }}."
            ));
        }
    };
    let span = match (kind, span) {
        (LayerKind::Conv, Some(Amount::Number(span))) if span >= 0 => saturated(span),
        (LayerKind::Conv, Some(other)) => {
            return Err(format!(
                "`{SPAN}` in {WHERE} is {other}, but it must be a number of frames, 1 to 64. Try 4."
            ));
        }
        (LayerKind::Conv, None) => {
            return Err(format!(
                "`conv` in {WHERE} comes without `{SPAN}`, but it must come with the number of frames that it sees. Try {{ conv = {units}, span = 4 }}, or {{ dense = {units} }} for one frame."
            ));
        }
        (_, None) => 1,
        (_, Some(_)) => {
            return Err(format!(
                "{WHERE} has `{SPAN}` beside `{word}`, but it must be beside `conv`. Try {{ {word} = {units} }}, or {{ conv = {units}, span = 4 }}."
            ));
        }
    };
    Ok(LayerConfig { kind, units, span })
}

fn saturated(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A number or a word.
enum Amount {
    Number(i64),
    Word(String),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => write!(f, "\"{word}\""),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number, \"rank\" or \"bins\" in {WHERE}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
        Ok(Amount::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount::Number(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Amount, E> {
        Ok(Amount::Word(word.into()))
    }
}
