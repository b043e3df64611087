//! A file's first bytes.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use crate::AudioError;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// RIFF/WAVE.
    Wav,
    /// RF64 or BW64: WAV with 64-bit lengths.
    Wav64,
    /// Anything else, for the prober to find out.
    Other,
}

/// Reads the start of `file` and leaves it rewound.
pub(crate) fn first_bytes(path: &Path, file: &mut File) -> Result<Vec<u8>, AudioError> {
    let mut head = Vec::new();
    file.take(512)
        .read_to_end(&mut head)
        .and_then(|_| file.rewind())
        .map_err(|e| AudioError::io(path, "read it", e))?;
    Ok(head)
}

pub(crate) fn container(head: &[u8]) -> Container {
    let form = head.get(8..12);
    match head.get(..4) {
        Some(b"RIFF") if form == Some(b"WAVE") => Container::Wav,
        Some(b"RF64" | b"BW64") if form == Some(b"WAVE") => Container::Wav64,
        _ => Container::Other,
    }
}

/// Says in words what a file that is not sound looks like.
pub(crate) fn describe(head: &[u8]) -> String {
    if head.is_empty() {
        return "an empty file (0 bytes)".into();
    }
    if looks_like_text(head) {
        return "plain text".into();
    }
    let bytes: Vec<String> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!(
        "unknown data that starts with the bytes {}",
        bytes.join(" ")
    )
}

fn looks_like_text(head: &[u8]) -> bool {
    let printable = |text: &str| {
        text.chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
    };
    match std::str::from_utf8(head) {
        Ok(text) => printable(text),
        // 512 bytes may cut the last character in two.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&head[..e.valid_up_to()]).is_ok_and(printable)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_name_the_container() {
        assert_eq!(container(b"RIFF....WAVEfmt "), Container::Wav);
        assert_eq!(container(b"RF64....WAVEds64"), Container::Wav64);
        assert_eq!(container(b"RIFF....AVI LIST"), Container::Other);
        assert_eq!(container(b"fLaC"), Container::Other);
        assert_eq!(container(b""), Container::Other);
    }

    #[test]
    fn text_is_called_text_even_if_cut_within_a_character() {
        assert_eq!(describe("größe".as_bytes()), "plain text");
        assert_eq!(describe(&"größe".as_bytes()[..3]), "plain text");
        assert!(describe(b"\x89PNG\r\n\x1a\n").contains("89 50 4e 47"));
        assert!(describe(b"").contains("empty"));
    }
}
