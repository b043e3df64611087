//! Reading a settings file.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Table;
use toml::de::DeTable;

use crate::error::ConfigError;
use crate::keys::Keys;

/// Reads a TOML file of which every key must be known and every value have the type that `T` gives
/// it. Ranges are not checked.
///
/// Returns what the file says as a `T`, and as the tree that it is written as.
///
/// # Errors
/// [`ConfigError`] naming the file, and the line where there is one.
pub fn read<T: DeserializeOwned>(path: &Path, keys: &Keys) -> Result<(T, Table), ConfigError> {
    let text = nae_files::read_text(path)?;
    let invalid = |message: String| ConfigError::Toml {
        path: path.into(),
        message,
    };
    let parsed =
        DeTable::parse(&text).map_err(|error| invalid(format!("this is not TOML:\n{error}")))?;
    keys.check(parsed.get_ref(), &text, path)?;
    let shown = |error: toml::de::Error| invalid(format!("\n{error}"));
    Ok((
        toml::from_str(&text).map_err(shown)?,
        text.parse().map_err(shown)?,
    ))
}
