//! The format of a file, from its first bytes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::AudioError;

/// Bytes that are looked at.
const HEAD_BYTES: u64 = 512;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// WAV: RIFF, RIFX, RF64 or BW64.
    Wav,
    /// AIFF or AIFF-C.
    Aiff,
    /// FLAC.
    Flac,
    /// Ogg.
    Ogg,
    /// MP4, M4A, MOV.
    Mp4,
    /// Anything else: MP3 and ADTS, which begin with no name, and what is no sound.
    Other,
}

/// Reads the start of `file`, behind a tag that some programs put before any format, and where that
/// start is.
pub(crate) fn first_bytes(path: &Path, file: &mut File) -> Result<(u64, Vec<u8>), AudioError> {
    let mut read = |at: u64| -> std::io::Result<Vec<u8>> {
        let mut head = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        Read::by_ref(file).take(HEAD_BYTES).read_to_end(&mut head)?;
        file.rewind()?;
        Ok(head)
    };
    let io = |e| AudioError::io(path, "read it", e);
    let head = read(0).map_err(io)?;
    if let Some(start) = id3_len(&head) {
        let behind = read(start).map_err(io)?;
        if container(&behind) != Container::Other {
            return Ok((start, behind));
        }
    }
    Ok((0, head))
}

pub(crate) fn container(head: &[u8]) -> Container {
    let form = head.get(8..12);
    match head.get(..4) {
        Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64") if form == Some(b"WAVE") => Container::Wav,
        Some(b"FORM") if form == Some(b"AIFF") || form == Some(b"AIFC") => Container::Aiff,
        Some(b"fLaC") => Container::Flac,
        Some(b"OggS") => Container::Ogg,
        Some(_) if is_mp4(head) => Container::Mp4,
        _ => Container::Other,
    }
}

/// Whether a file begins as an MP4 does: with a box that is known to stand there.
fn is_mp4(head: &[u8]) -> bool {
    match head.get(4..8) {
        Some(b"ftyp") => true,
        Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip") => head[0] == 0,
        _ => false,
    }
}

/// How long an ID3v2 tag at the start is.
pub(crate) fn id3_len(head: &[u8]) -> Option<u64> {
    let header = head.first_chunk::<10>()?;
    let (size, flags) = (&header[6..], header[5]);
    if !header.starts_with(b"ID3") || header[3] == 0xff || size.iter().any(|&b| b >= 0x80) {
        return None;
    }
    let size = size.iter().fold(0u64, |sum, &b| sum << 7 | u64::from(b));
    let footer = if flags & 0x10 != 0 { 10 } else { 0 };
    Some(10 + size + footer)
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
        assert_eq!(container(b"RF64....WAVEds64"), Container::Wav);
        assert_eq!(container(b"RIFX....WAVEfmt "), Container::Wav);
        assert_eq!(container(b"FORM....AIFCCOMM"), Container::Aiff);
        assert_eq!(container(b"\0\0\0\x1cftypM4A "), Container::Mp4);
        assert_eq!(container(b"RIFF....AVI LIST"), Container::Other);
        assert_eq!(container(b"fLaC"), Container::Flac);
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
