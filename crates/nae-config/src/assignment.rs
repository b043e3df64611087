//! `KEY=VALUE`

use toml::{Table, Value};

use crate::error::ConfigError;
use crate::keys::Keys;

/// A value for one key, as `--set` gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The full key, which is known.
    pub key: String,
    /// The value.
    pub value: Value,
}

impl Assignment {
    /// Reads `KEY=VALUE`.
    ///
    /// - `example`: what such an assignment looks like, for messages
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`], or [`ConfigError::Assignment`] for text without `=` and for a
    /// section.
    pub fn parse(text: &str, keys: &Keys, example: &str) -> Result<Self, ConfigError> {
        let invalid = |message: String| ConfigError::Assignment {
            text: text.into(),
            message,
        };
        let (key, value) = text.split_once('=').ok_or_else(|| {
            invalid(format!(
                "expected KEY=VALUE, such as {example}, and there is no `=`"
            ))
        })?;
        let key = key.trim();
        let known = keys.get(key).ok_or_else(|| keys.unknown(key))?;
        if let Some(first) = first_key(known) {
            return Err(invalid(format!(
                "`{key}` is a section; set one of its keys, such as {key}.{first}"
            )));
        }
        Ok(Self {
            key: key.into(),
            value: value_of(value.trim()),
        })
    }
}

/// Some key of a section or of a list of sections; nothing for a setting.
fn first_key(known: &Value) -> Option<&str> {
    let section = match known {
        Value::Table(section) => section,
        Value::Array(items) => items.first()?.as_table()?,
        _ => return None,
    };
    section.keys().next().map(String::as_str)
}

/// Reads the text after `KEY=`: TOML if it is some, else a string, so that quotes can stay away.
pub fn value_of(text: &str) -> Value {
    let parsed: Result<Table, _> = format!("value = {text}").parse();
    match parsed {
        Ok(mut table) if table.len() == 1 => table.remove("value"),
        _ => None,
    }
    .unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type_and_quotes_can_stay_away() {
        assert_eq!(value_of("3"), Value::Integer(3));
        assert_eq!(value_of("3e-1"), Value::Float(0.3));
        assert_eq!(value_of("adam"), Value::String("adam".into()));
        assert_eq!(value_of("[1, 2]").as_array().unwrap().len(), 2);
    }

    #[test]
    fn only_known_settings_can_be_assigned() {
        let keys = Keys {
            known: "[model]\nrank = 1\n[[system]]\nname = ''".parse().unwrap(),
            hint: "See the manual.",
        };
        let parse = |text: &str| Assignment::parse(text, &keys, "model.rank=40");
        let assignment = parse(" model.rank = 7").unwrap();
        assert_eq!(assignment.key, "model.rank");
        assert_eq!(assignment.value, Value::Integer(7));
        for (text, message) in [
            ("model.rnak=3", "Did you mean `model.rank`?"),
            ("model.rank", "such as model.rank=40"),
            ("model=3", "such as model.rank"),
            ("system=3", "such as system.name"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
