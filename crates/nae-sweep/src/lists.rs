//! Values with a shorthand: seeds and pairs.

use nae_config::grid;
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::pair_rule::PairRule;

/// A number, a list or a range such as `"0..=4"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct Seeds(pub Vec<u64>);

impl Default for Seeds {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl TryFrom<Value> for Seeds {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let seed = |value: &Value| {
            let seed = value.as_integer().and_then(|seed| u64::try_from(seed).ok());
            seed.ok_or_else(|| format!("`seeds` contains {value}: expected whole numbers from 0 on, such as [0, 1] or \"0..=4\""))
        };
        let values = grid::values(&value, None).map_err(|error| error.to_string())?;
        values.iter().map(seed).collect::<Result<_, _>>().map(Self)
    }
}

/// Which speakers are mixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Pairs {
    /// Every woman with every man.
    MixedSex,
    /// Every speaker with every other.
    All,
    /// No pairs: models are trained, nothing is separated.
    None,
    /// Just these, each two or more names.
    List(Vec<Vec<String>>),
    /// Sources of pools.
    Rule(PairRule),
}

impl TryFrom<Value> for Pairs {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let split = |text: &str| text.split('+').map(|name| name.trim().to_owned()).collect();
        let expected = |came: &dyn std::fmt::Display| {
            format!(
                "`data.pairs` is {came}: expected \"mixed-sex\", \"all\", \"none\", a list such as [\"alice+bob\"], or a rule such as {{ of = [\"speakers\", \"noises\"], each = \"noises\" }}"
            )
        };
        match &value {
            Value::String(text) => match text.as_str() {
                "mixed-sex" => Ok(Self::MixedSex),
                "all" => Ok(Self::All),
                "none" => Ok(Self::None),
                pair if pair.contains('+') => Ok(Self::List(vec![split(pair)])),
                _ => Err(expected(&value)),
            },
            Value::Array(items) if items.is_empty() => Ok(Self::None),
            Value::Array(items) => {
                let pair = |item: &Value| item.as_str().map(split).ok_or_else(|| expected(item));
                items
                    .iter()
                    .map(pair)
                    .collect::<Result<_, _>>()
                    .map(Self::List)
            }
            Value::Table(rule) => PairRule::deserialize(rule.clone())
                .map(Self::Rule)
                .map_err(|error| format!("{}; {}", expected(&value), error.message())),
            _ => Err(expected(&value)),
        }
    }
}

impl From<Pairs> for Value {
    fn from(pairs: Pairs) -> Self {
        match pairs {
            Pairs::MixedSex => Self::String("mixed-sex".into()),
            Pairs::All => Self::String("all".into()),
            Pairs::None => Self::String("none".into()),
            Pairs::List(pairs) => Self::Array(
                pairs
                    .iter()
                    .map(|pair| Self::String(pair.join("+")))
                    .collect(),
            ),
            Pairs::Rule(rule) => {
                // words and numbers always serialise
                Self::try_from(&rule).unwrap_or_else(|error| Self::String(error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers_lists_or_ranges() {
        let seeds = |text: &str| Seeds::try_from(nae_config::value_of(text)).map(|seeds| seeds.0);
        assert_eq!(seeds("3"), Ok(vec![3]));
        assert_eq!(seeds("[1, 5]"), Ok(vec![1, 5]));
        assert_eq!(seeds("0..=3"), Ok(vec![0, 1, 2, 3]));
        for wrong in ["[-1]", "many", "1.5", "3..=1"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_are_rules_or_lists_and_come_back_as_written() {
        for text in [
            "\"all\"",
            "\"mixed-sex\"",
            "\"none\"",
            "[\"a+b\", \"a+c+d\"]",
            "{ of = [\"speakers\", \"noises\"] }",
            "{ of = [\"noises\", \"speakers\"], each = \"noises\", every = 2, shift = 3 }",
        ] {
            let value = nae_config::value_of(text);
            assert_eq!(Value::from(Pairs::try_from(value.clone()).unwrap()), value);
        }
        assert!(
            Pairs::try_from(Value::String("mixed".into()))
                .unwrap_err()
                .contains("mixed-sex")
        );
        for wrong in [
            "{ of = [\"voices\"] }",
            "{ off = [\"noises\"] }",
            "{ of = 3 }",
            "{}",
        ] {
            let error = Pairs::try_from(nae_config::value_of(wrong)).unwrap_err();
            assert!(error.contains("speakers"), "{wrong}: {error}");
        }
    }
}
