//! `data.unknown`: which sources of a mixture have no model.

use nae_config::{Content, OutOfRange, Rule, Setting};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pool::Pool;

/// Most sources of a mixture that a place may count to.
const MOST_PLACES: u64 = 64;

/// Which sources of a mixture have no model: one or a list of pools (`"noises"`, `"speakers"`), names, and
/// places in the mixture, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct UnknownSources(pub Vec<UnknownSource>);

/// One of [`UnknownSources`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownSource {
    /// All of a pool.
    Pool(Pool),
    /// The source with this number in a mixture, from 1.
    Place(usize),
    /// One source.
    Name(String),
}

impl UnknownSource {
    /// Whether it stands for a source.
    ///
    /// - `place`: the source's in its mixture, from 0
    pub(crate) fn is(&self, place: usize, name: &str, pool: Pool) -> bool {
        match self {
            Self::Pool(own) => *own == pool,
            Self::Place(number) => *number == place + 1,
            Self::Name(own) => own == name,
        }
    }
}

impl UnknownSources {
    /// Places of a mixture's sources that have no model, from 0.
    ///
    /// - `members`: names and pools of its sources
    pub(crate) fn places<'a>(
        &self,
        members: impl IntoIterator<Item = (&'a str, Pool)>,
    ) -> Vec<usize> {
        let members = members.into_iter().enumerate();
        let is_unknown = |(place, (name, pool)): &(usize, (&str, Pool))| {
            self.0.iter().any(|own| own.is(*place, name, *pool))
        };
        members.filter(is_unknown).map(|(place, _)| place).collect()
    }
}

impl TryFrom<Value> for UnknownSources {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let item = |item: &Value| match item {
            Value::String(text) if text.trim() == Pool::Noises.word() => {
                Ok(UnknownSource::Pool(Pool::Noises))
            }
            Value::String(text) if text.trim() == Pool::Speakers.word() => {
                Ok(UnknownSource::Pool(Pool::Speakers))
            }
            Value::String(text) if !text.trim().is_empty() => {
                Ok(UnknownSource::Name(text.trim().into()))
            }
            Value::Number(number) => match number.as_u64() {
                Some(place @ 1..=MOST_PLACES) => Ok(UnknownSource::Place(place as usize)),
                _ => Err(expected(item)),
            },
            item => Err(expected(item)),
        };
        match &value {
            Value::Array(items) => items.iter().map(item).collect::<Result<_, _>>().map(Self),
            one => Ok(Self(vec![item(one)?])),
        }
    }
}

fn expected(came: &Value) -> String {
    format!(
        "{came} is no source of a mixture: expected \"noises\", \"speakers\", a name, or a place in the mixture (1 for the first), one or a list of them"
    )
}

impl From<UnknownSources> for Value {
    fn from(sources: UnknownSources) -> Self {
        let item = |source: UnknownSource| match source {
            UnknownSource::Pool(pool) => Self::from(pool.word()),
            UnknownSource::Place(place) => Self::from(place),
            UnknownSource::Name(name) => Self::from(name),
        };
        Self::Array(sources.0.into_iter().map(item).collect())
    }
}

impl Setting for UnknownSources {
    fn content(&self) -> Content {
        Content::of(self)
    }

    fn allowed(_: &Rule) -> String {
        "a list of \"noises\", \"speakers\", names of sources and places in the mixture from 1 on"
            .into()
    }

    fn check(&self, _: &str, _: &Rule) -> Result<(), OutOfRange> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(value: Value) -> Vec<usize> {
        let sources = UnknownSources::try_from(value).unwrap();
        sources.places([
            ("anna", Pool::Speakers),
            ("ben", Pool::Speakers),
            ("wind", Pool::Noises),
        ])
    }

    #[test]
    fn sources_are_named_by_pool_name_or_place() {
        assert_eq!(places(json!("noises")), [2]);
        assert_eq!(places(json!(["speakers"])), [0, 1]);
        assert_eq!(places(json!(["ben", "rain"])), [1]);
        assert_eq!(places(json!(2)), [1]);
        assert_eq!(places(json!([1, "wind"])), [0, 2]);
        assert!(places(json!([])).is_empty());
    }

    #[test]
    fn they_come_back_as_written_and_anything_else_is_refused() {
        for value in [json!([]), json!(["noises", 2, "ben"])] {
            let sources = UnknownSources::try_from(value.clone()).unwrap();
            assert_eq!(Value::from(sources.clone()), value);
            let text =
                toml::to_string(&std::collections::BTreeMap::from([("a", &sources)])).unwrap();
            let back: std::collections::BTreeMap<String, UnknownSources> =
                toml::from_str(&text).unwrap();
            assert_eq!(back["a"], sources);
        }
        for wrong in [
            json!(0),
            json!(-1),
            json!([1.5]),
            json!([""]),
            json!([["a"]]),
            json!(true),
        ] {
            let error = UnknownSources::try_from(wrong.clone()).unwrap_err();
            assert!(error.contains("a place in the mixture"), "{wrong}: {error}");
        }
    }
}
