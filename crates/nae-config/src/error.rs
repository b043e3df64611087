//! Errors of settings.

use std::path::PathBuf;

use nae_files::FileError;

use crate::field::Content;

/// A setting outside its range, or at odds with another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {came}, but it must be {expected}. Try {advice}.")]
pub struct OutOfRange {
    /// The full key, such as `model.rank`.
    pub key: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub came: String,
    /// What to try instead.
    pub advice: String,
}

impl OutOfRange {
    /// The error that the key `name` of `section` is not what was expected.
    pub fn new(
        section: &str,
        name: &str,
        expected: impl Into<String>,
        came: impl ToString,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            key: full_key(section, name),
            expected: expected.into(),
            came: came.to_string(),
            advice: advice.into(),
        }
    }

    /// Without other advice, the default.
    #[doc(hidden)]
    #[must_use]
    pub fn advise(mut self, default: &Content) -> Self {
        if let (true, Content::Value(default)) = (self.advice.is_empty(), default) {
            self.advice = format!("{default}, the default");
        }
        self
    }
}

/// The full key of `name` in `section`, which is empty for the topmost.
pub fn full_key(section: &str, name: &str) -> String {
    if section.is_empty() {
        name.into()
    } else {
        format!("{section}.{name}")
    }
}

/// A key that does not exist, with the nearest one that does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}there is no setting `{key}`.{} {hint}", .place.as_ref().map_or_else(String::new, |(path, line)| format!("{}:{line}: ", path.display())), .nearest.as_ref().map_or_else(String::new, |key| format!(" Did you mean `{key}`?")))]
pub struct UnknownKey {
    /// The key, with its sections.
    pub key: String,
    /// The nearest known key.
    pub nearest: Option<String>,
    /// File and line (from 1).
    pub place: Option<(PathBuf, usize)>,
    /// Where all keys can be looked up.
    pub hint: &'static str,
}

/// Errors of reading settings files and assignments.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not TOML, or a value has the wrong type.
    #[error("{path}: {message}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// The parser's words, with the line where it has one.
        message: String,
    },
    /// A key that does not exist.
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    /// An assignment that sets nothing.
    #[error("--set {text}: {message}")]
    Assignment {
        /// The assignment.
        text: String,
        /// What was expected.
        message: String,
    },
    /// An invalid range of values.
    #[error(
        "`{text}` is not a range: expected FROM..=TO or FROM..=TO step BY with FROM ≤ TO and BY above 0, at most {most} numbers. Try \"10..=100 step 10\", or a list: [10, 20, 50]."
    )]
    Range {
        /// What came.
        text: String,
        /// The longest list a range may stand for.
        most: usize,
    },
    /// A setting outside its range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}
