//! Strict keys: every key of a TOML file must be known, and a wrong one is answered with the
//! nearest right one.

use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use crate::error::UnknownKey;

/// In a tree of known keys: any name may stand here.
pub const ANY: &str = "*";

/// A tree of known keys: tables are sections, an array of one table stands for `[[…]]`, the key
/// [`ANY`] for any name, and everything else is a setting.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The tree.
    pub known: Table,
    /// Where all keys can be looked up, as a sentence.
    pub hint: &'static str,
}

impl Keys {
    /// Refuses a file with a key that is not known.
    ///
    /// # Errors
    /// [`UnknownKey`] with the file and line of the first one.
    pub fn check(&self, file: &DeTable<'_>, text: &str, path: &Path) -> Result<(), UnknownKey> {
        self.check_table(file, &self.known, "", text, path)
    }

    fn check_table(
        &self,
        table: &DeTable<'_>,
        known: &Table,
        prefix: &str,
        text: &str,
        path: &Path,
    ) -> Result<(), UnknownKey> {
        for (key, value) in table {
            let name = key.get_ref();
            let full = format!("{prefix}{name}");
            match (
                known.get(name.as_ref()).or_else(|| known.get(ANY)),
                value.get_ref(),
            ) {
                (None, _) => {
                    let line = 1 + text[..key.span().start].matches('\n').count();
                    return Err(UnknownKey {
                        place: Some((path.into(), line)),
                        ..self.unknown(&full)
                    });
                }
                (Some(Value::Table(known)), DeValue::Table(inner)) => {
                    self.check_table(inner, known, &format!("{full}."), text, path)?;
                }
                (Some(Value::Array(items)), DeValue::Array(inner)) => {
                    let Some(Value::Table(known)) = items.first() else {
                        continue;
                    };
                    for item in inner {
                        if let DeValue::Table(item) = item.get_ref() {
                            self.check_table(item, known, &format!("{full}."), text, path)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is known under a dotted key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let mut found = self.known.get(parts.next()?)?;
        for part in parts {
            let table = found.as_table()?;
            found = table.get(part).or_else(|| table.get(ANY))?;
        }
        Some(found)
    }

    /// The error for a key that is not known: nearness counts for the whole key, or for its last
    /// part when the section is wrong.
    pub fn unknown(&self, key: &str) -> UnknownKey {
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let nearness = |known: &str| {
            let whole = strsim::jaro_winkler(key, known);
            whole.max(0.95 * strsim::jaro_winkler(&last(key), &last(known)))
        };
        let nearest = leaves(&self.known).into_iter().max_by(|a, b| {
            // of equally near ones the least nested
            let depth = |key: &str| key.matches('.').count();
            let order = nearness(a).total_cmp(&nearness(b));
            order.then_with(|| depth(b).cmp(&depth(a)))
        });
        UnknownKey {
            key: key.into(),
            nearest,
            place: None,
            hint: self.hint,
        }
    }
}

/// The full keys of all settings in a tree.
fn leaves(known: &Table) -> Vec<String> {
    let mut keys = Vec::new();
    collect(known, "", &mut keys);
    keys
}

fn collect(table: &Table, prefix: &str, keys: &mut Vec<String>) {
    for (name, value) in table {
        let full = format!("{prefix}{name}");
        match value {
            Value::Table(inner) => collect(inner, &format!("{full}."), keys),
            Value::Array(items) => match items.first() {
                Some(Value::Table(inner)) => collect(inner, &format!("{full}."), keys),
                _ => keys.push(full),
            },
            _ => keys.push(full),
        }
    }
}

/// Puts a value under a dotted key, making sections on the way; a setting in the way is replaced.
pub fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.into(), value);
        }
        Some((section, rest)) => {
            let inner = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Lays one tree over another: sections are joined, settings replaced.
pub fn overlay(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => overlay(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let known = "rank = 1\n[model]\nlayers = 2\n[names.'*']\nsex = ''\n[[system]]\nname = ''\n";
        Keys {
            known: known.parse().unwrap(),
            hint: "See the manual.",
        }
    }

    fn check(text: &str) -> Result<(), UnknownKey> {
        let parsed = DeTable::parse(text).unwrap();
        keys().check(parsed.get_ref(), text, Path::new("a.toml"))
    }

    #[test]
    fn known_keys_pass_in_sections_lists_and_under_any_name() {
        check("rank = 3\n[model]\nlayers = 1\n[names.bob]\nsex = 'm'\n[[system]]\nname = 'x'")
            .unwrap();
    }

    #[test]
    fn a_wrong_key_names_its_line_and_the_nearest_right_one() {
        for (text, key, nearest) in [
            ("[model]\nlayer = 1", "model.layer", "model.layers"),
            ("rank = 1\nrnak = 1", "rnak", "rank"),
            ("[[system]]\nnmae = 'x'", "system.nmae", "system.name"),
            ("[names.bob]\nsexx = 'm'", "names.bob.sexx", "names.*.sex"),
        ] {
            let error = check(text).unwrap_err();
            assert_eq!(
                (error.key.as_str(), error.nearest.as_deref()),
                (key, Some(nearest))
            );
            assert!(error.to_string().starts_with("a.toml:2: "), "{error}");
        }
    }

    #[test]
    fn layers_join_sections_and_replace_settings() {
        let mut base: Table = "[a]\nx = 1\ny = 2".parse().unwrap();
        overlay(&mut base, &"[a]\ny = 3\n[b]\nz = 4".parse().unwrap());
        put(&mut base, "b.c.d", Value::Integer(5));
        let expected: Table = "[a]\nx = 1\ny = 3\n[b]\nz = 4\nc = { d = 5 }"
            .parse()
            .unwrap();
        assert_eq!(base, expected);
    }
}
