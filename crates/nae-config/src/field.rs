//! A setting as help, messages and documents see it.

use serde::Serialize;
use toml::{Table, Value};

/// One field of a settings struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name, the last part of its key.
    pub name: &'static str,
    /// What it means, in sentences.
    pub description: String,
    /// What it is counted in, or nothing.
    pub unit: &'static str,
    /// The values that it may have, in words; nothing for a section.
    pub allowed: String,
    /// Its value, or the fields of a section.
    pub content: Content,
}

/// What is under a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A value.
    Value(Value),
    /// A section.
    Section(Vec<Field>),
}

impl Content {
    /// A value that serialises to words, numbers, lists and tables of such.
    pub fn of(value: &impl Serialize) -> Self {
        let written = Value::try_from(value);
        Self::Value(written.unwrap_or_else(|error| Value::String(error.to_string())))
    }
}

/// All keys of some fields, with their values, as a tree for [`Keys`](crate::Keys).
pub fn known(fields: &[Field]) -> Table {
    let entry = |field: &Field| {
        let value = match &field.content {
            Content::Value(value) => value.clone(),
            Content::Section(fields) => Value::Table(known(fields)),
        };
        (field.name.to_owned(), value)
    };
    fields.iter().map(entry).collect()
}
