//! Untrusted text for a terminal.

use std::borrow::Cow;

/// The text with everything escaped that could steer a terminal or disguise what is shown: control
/// characters but line breaks and tabs, and the characters that override the direction of writing.
///
/// Names, paths and error messages may contain anything, since files are untrusted; all that is
/// written to a terminal goes through this, or [`printable_json`].
///
/// ```
/// assert_eq!(nae_files::printable("a\x1b[2Jb"), "a\\u{1b}[2Jb");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c, shown| shown.extend(c.escape_unicode()))
}

/// JSON with the same characters escaped in JSON's way, so that it says the same.
///
/// ```
/// assert_eq!(nae_files::printable_json("\"a\u{9b}b\""), r#""a\u009bb""#);
/// ```
pub fn printable_json(json: &str) -> Cow<'_, str> {
    // all of them fit four digits
    escaped(json, |c, shown| {
        shown.push_str(&format!("\\u{:04x}", u32::from(c)))
    })
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let is_shown = |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || is_disguise(c));
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_shown(c) {
            true => shown.push(c),
            false => escape(c, &mut shown),
        }
    }
    Cow::Owned(shown)
}

/// `1 cell`, `2 cells`: a number of things in a message.
///
/// - `noun`: in the singular, with a regular plural
///
/// ```
/// assert_eq!(nae_files::count(1_u64, "sample"), "1 sample");
/// assert_eq!(nae_files::count(0_usize, "byte"), "0 bytes");
/// ```
pub fn count<N: std::fmt::Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    match number == N::from(1) {
        true => format!("1 {noun}"),
        false => format!("{number} {noun}s"),
    }
}

/// Whether a character changes how others are shown without being shown itself: embeddings,
/// overrides and isolates of the writing direction, line and paragraph separators.
pub(crate) fn is_disguise(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["", "Zoë\tthe 2nd\n", "鳥 שלום", "a\\b", "−150 dB"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        for text in [
            "\x1b[2J",
            "\u{9b}31m",
            "a\rb",
            "\x07",
            "\x7f",
            "\0",
            "\u{202e}gnp.exe",
            "\u{2066}x",
        ] {
            for shown in [printable(text), printable_json(text)] {
                assert!(
                    shown.is_ascii() && !shown.contains(char::is_control),
                    "{shown:?}"
                );
            }
        }
    }
}
