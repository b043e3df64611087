//! Messages about files.

use std::fmt::Display;

/// Checks a message that people are shown.
///
/// # Panics
/// If it is empty, or would steer a terminal.
pub(crate) fn check(message: &impl Display) {
    let text = message.to_string();
    assert!(!text.trim().is_empty(), "an error without a message");
    let shown = nae_files::printable(&text);
    assert!(
        shown == text,
        "a message that steers the terminal: {text:?}"
    );
}

/// Checks the message of an error about a file, which it names.
///
/// # Panics
/// As [`check`], and if the file is not named.
pub(crate) fn check_naming(message: &impl Display, path: &std::path::Path) {
    check(message);
    let (text, path) = (message.to_string(), path.display().to_string());
    assert!(text.contains(&path), "the file is not named: {text}");
}
