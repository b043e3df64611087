//! Words and numbers as pages print them.

use crate::ticks::number;

/// Two texts as one, with a space between them where both say something.
pub(crate) fn joined(first: &str, second: &str) -> String {
    [first, second]
        .iter()
        .filter(|text| !text.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The words of a text in small letters with hyphens between them; `is_kept` decides which characters
/// belong to words.
pub(crate) fn slug(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !is_kept(c))
        .filter(|word| !word.is_empty())
        .collect();
    words.join("-")
}

/// A level in dB with its sign and unit.
pub(crate) fn decibels(value: f64) -> String {
    format!("{} dB", number(value, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(slug("A/B-../x y", char::is_alphanumeric), "a-b-x-y");
        assert_eq!(slug("λ = 0.1", |c| c.is_ascii_alphanumeric()), "0-1");
        assert_eq!(slug("…", char::is_alphanumeric), "");
    }

    #[test]
    fn texts_that_say_nothing_leave_no_space() {
        assert_eq!(joined("a.", "b."), "a. b.");
        assert_eq!(joined("", "b."), "b.");
        assert_eq!(joined("a.", ""), "a.");
    }
}
