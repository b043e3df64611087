//! All settings as a commented file.

use std::fmt::Write;

use crate::error::full_key;
use crate::field::{Content, Field};

/// Characters of a comment line, at most where words allow it.
const COLUMNS: usize = 100;

/// A TOML file with these settings, each under its description, range and unit. It can be read back
/// as a configuration file.
pub fn document(fields: &[Field]) -> String {
    let mut text = String::new();
    section(fields, "", &mut text);
    // no empty line at the end
    text.truncate(text.trim_end().len() + 1);
    text
}

/// The values of a section come before the sections inside it, as TOML wants it.
fn section(fields: &[Field], prefix: &str, text: &mut String) {
    for field in fields {
        if let Content::Value(value) = &field.content {
            comment(&field.description, text);
            comment(&allowed(field), text);
            // writing to a string cannot fail
            let _ = writeln!(text, "{} = {value}\n", field.name);
        }
    }
    for field in fields {
        if let Content::Section(inner) = &field.content {
            let key = full_key(prefix, field.name);
            comment(&field.description, text);
            let _ = writeln!(text, "[{key}]\n");
            section(inner, &key, text);
        }
    }
}

/// The allowed values as a sentence.
fn allowed(field: &Field) -> String {
    let mut letters = field.allowed.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

fn comment(words: &str, text: &mut String) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() > 1 && line.chars().count() + word.chars().count() >= COLUMNS {
            let _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.len() > 1 {
        let _ = writeln!(text, "{line}");
    }
}
