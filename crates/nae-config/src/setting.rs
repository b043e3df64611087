//! What a field of a settings struct can be.

use serde::de::value::Error as PlainError;
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserializer, Serialize, Serializer, forward_to_deserialize_any};
use toml::Value;

use crate::error::OutOfRange;
use crate::field::{Content, Field};
use crate::range::{Range, number};

/// What the declaration of a field says besides its type.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Its range.
    pub range: Option<Range>,
    /// What it is counted in.
    pub unit: &'static str,
    /// What to try when it is wrong.
    pub advice: &'static str,
}

impl Rule {
    fn unit(&self) -> String {
        match self.unit {
            "" => String::new(),
            unit => format!(" {unit}"),
        }
    }

    /// The range in words.
    fn words(&self) -> String {
        self.range
            .map(|range| format!("{range}{}", self.unit()))
            .unwrap_or_default()
    }

    fn allows(&self, value: f64) -> bool {
        self.range.is_none_or(|range| range.contains(value))
    }

    fn refuse(&self, key: &str, expected: String, came: String) -> OutOfRange {
        OutOfRange {
            key: key.into(),
            expected,
            came,
            advice: self.advice.into(),
        }
    }
}

/// A type that a field of [`settings!`](crate::settings) can have.
pub trait Setting: Serialize {
    /// The value, or the fields of a section.
    fn content(&self) -> Content;

    /// The values that are allowed, in words; nothing for a section.
    fn allowed(rule: &Rule) -> String;

    /// Checks the value against its rule.
    ///
    /// - `key`: the field's full key
    ///
    /// # Errors
    /// [`OutOfRange`] with what was expected, what came and what to try.
    fn check(&self, key: &str, rule: &Rule) -> Result<(), OutOfRange>;

    /// Serialises the [`canonical`](crate::canonical) text.
    ///
    /// # Errors
    /// The serializer's.
    fn serialize_canonical<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    /// Gives fields that a canonical text left out the value that means the behaviour from before.
    fn restore(_stored: &mut serde_json::Value) {}
}

/// A struct that [`settings!`](crate::settings) declared.
pub trait Settings: Setting + Default + DeserializeOwned + CrossCheck {
    /// Every field with its present value, in the order of the declaration.
    fn fields(&self) -> Vec<Field>;

    /// Checks every range, then what fields ask of each other.
    ///
    /// - `section`: where the fields are, such as `train` or `train.refine`
    ///
    /// # Errors
    /// [`OutOfRange`] naming the first key that is wrong.
    fn check(&self, section: &str) -> Result<(), OutOfRange>;
}

/// What the fields of a settings struct ask of each other, beyond their ranges.
pub trait CrossCheck {
    /// Checks it; ranges have been checked before.
    ///
    /// # Errors
    /// [`OutOfRange`] naming the key that is best changed.
    fn cross_check(&self, _section: &str) -> Result<(), OutOfRange> {
        Ok(())
    }
}

/// An enum of plain words, one of which is the value.
pub trait Choice: Serialize + DeserializeOwned {}

impl<T: Choice> Setting for T {
    fn content(&self) -> Content {
        Content::of(self)
    }

    fn allowed(_: &Rule) -> String {
        let quoted: Vec<String> = words::<T>().iter().map(|w| format!("\"{w}\"")).collect();
        match quoted.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => quoted.concat(),
        }
    }

    fn check(&self, _: &str, _: &Rule) -> Result<(), OutOfRange> {
        Ok(())
    }
}

impl<T: Choice> Setting for Vec<T> {
    fn content(&self) -> Content {
        // a list of plain words always serialises
        let value = Value::try_from(self);
        Content::Value(value.unwrap_or_else(|error| Value::String(error.to_string())))
    }

    fn allowed(rule: &Rule) -> String {
        format!("a list of words, each {}", T::allowed(rule))
    }

    fn check(&self, _: &str, _: &Rule) -> Result<(), OutOfRange> {
        Ok(())
    }
}

/// The words that an enum is written as, in the order of its variants.
pub fn words<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut words: &[&str] = &[];
    // always an error: only the words are wanted
    let _ = T::deserialize(Words(&mut words));
    words
}

/// Records the variants that an enum expects.
struct Words<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Words<'_> {
    type Error = PlainError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, PlainError> {
        Err(PlainError::custom("not an enum"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, PlainError> {
        *self.0 = variants;
        Err(PlainError::custom("only its words are wanted"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A number, and a list of such numbers.
trait Number: Copy {
    fn to_f64(self) -> f64;
    fn to_toml(self) -> Value;
    fn shown(self) -> String;
}

impl Number for f64 {
    fn to_f64(self) -> f64 {
        self
    }

    fn to_toml(self) -> Value {
        Value::Float(self)
    }

    fn shown(self) -> String {
        number(self)
    }
}

macro_rules! integers {
    ($($type:ty)*) => { $(
        impl Number for $type {
            fn to_f64(self) -> f64 {
                self as f64
            }

            fn to_toml(self) -> Value {
                // TOML has no larger integers, and no range reaches them
                Value::Integer(i64::try_from(self).unwrap_or(i64::MAX))
            }

            fn shown(self) -> String {
                self.to_string()
            }
        }
    )* };
}
integers!(u32 u64 usize);

macro_rules! numbers {
    ($($type:ty)*) => { $(
        impl Setting for $type {
            fn content(&self) -> Content {
                Content::Value(self.to_toml())
            }

            fn allowed(rule: &Rule) -> String {
                rule.words()
            }

            fn check(&self, key: &str, rule: &Rule) -> Result<(), OutOfRange> {
                match rule.allows(self.to_f64()) {
                    true => Ok(()),
                    false => Err(rule.refuse(key, rule.words(), self.shown())),
                }
            }
        }

        impl Setting for Vec<$type> {
            fn content(&self) -> Content {
                Content::Value(Value::Array(self.iter().map(|item| item.to_toml()).collect()))
            }

            fn allowed(rule: &Rule) -> String {
                format!("a list of numbers, each {}", rule.words())
            }

            fn check(&self, key: &str, rule: &Rule) -> Result<(), OutOfRange> {
                match self.iter().find(|item| !rule.allows(item.to_f64())) {
                    None => Ok(()),
                    Some(item) => {
                        let came = format!("a list with {} in it", item.shown());
                        Err(rule.refuse(key, Self::allowed(rule), came))
                    }
                }
            }
        }
    )* };
}
numbers!(u32 u64 usize f64);
