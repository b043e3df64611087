//! Settings inside files that nae wrote, and in the identities of results.
//!
//! Such a text must stay the same while the settings mean the same. A field that was added after
//! the first such text therefore says in its declaration which value means the behaviour from
//! before (`was`): with that value it is left out here, and where it is missing it has that value,
//! whatever the default is today. In configuration files, which people write, a missing field has
//! its default, and all fields are written.
//!
//! In a struct that is serialised with others: `#[serde(with = "nae_config::canonical")]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::setting::{Setting, Settings};

/// Serialises to the canonical text, fields in the order of the declaration.
#[derive(Clone, Copy, Debug)]
pub struct Canonical<'a, T>(pub &'a T);

impl<T: Setting> Serialize for Canonical<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_canonical(serializer)
    }
}

/// As [`Canonical`], for `#[serde(with = …)]`.
///
/// # Errors
/// The serializer's.
pub fn serialize<T: Settings, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    Canonical(value).serialize(serializer)
}

/// Reads a canonical text. Ranges are not checked.
///
/// # Errors
/// The deserializer's; an unknown field, or a value of the wrong type.
pub fn deserialize<'de, T: Settings, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let mut stored = Value::deserialize(deserializer)?;
    <T as Setting>::restore(&mut stored);
    serde_json::from_value(stored).map_err(D::Error::custom)
}

/// Reads a canonical text from JSON. Ranges are not checked.
///
/// # Errors
/// Text that is not JSON, an unknown field, or a value of the wrong type.
pub fn from_json<T: Settings>(text: &str) -> Result<T, serde_json::Error> {
    deserialize(&mut serde_json::Deserializer::from_str(text))
}

/// One field of a stored object: `was` where it is missing, its own fields restored where it is not.
#[doc(hidden)]
pub fn restore<T: Setting>(stored: &mut Value, name: &str, was: Option<T>) {
    let Value::Object(fields) = stored else {
        return;
    };
    match (fields.get_mut(name), was) {
        (Some(field), _) => T::restore(field),
        (None, Some(was)) => {
            // a setting always serialises; else the file says that the field is missing
            if let Ok(was) = serde_json::to_value(was) {
                fields.insert(name.into(), was);
            }
        }
        (None, None) => {}
    }
}
