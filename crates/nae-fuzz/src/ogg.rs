//! Checksums of Ogg pages: they keep nearly every mutation from being looked at.

/// Bytes of a page's header before its lacing values.
const HEADER: usize = 27;

/// Where a page's checksum is.
const CHECKSUM: std::ops::Range<usize> = 22..26;

/// The file with the checksums of all its pages put right; nothing if there are no pages.
pub(crate) fn repaired(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = bytes.to_vec();
    let (mut at, mut pages) = (0, 0);
    while at + HEADER <= file.len() {
        match page_length(&file[at..]) {
            Some(length) => {
                let page = &mut file[at..at + length];
                page[CHECKSUM].fill(0);
                let sum = checksum(page);
                page[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
                (at, pages) = (at + length, pages + 1);
            }
            None => at += 1,
        }
    }
    (pages > 0).then_some(file)
}

/// The length of the page that `bytes` begin with.
fn page_length(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(..HEADER)?;
    if !header.starts_with(b"OggS") {
        return None;
    }
    let lacing = bytes.get(HEADER..HEADER + usize::from(header[26]))?;
    let body: usize = lacing.iter().map(|&length| usize::from(length)).sum();
    let length = HEADER + lacing.len() + body;
    (length <= bytes.len()).then_some(length)
}

/// CRC-32 with the polynomial 0x04c11db7, neither reflected nor inverted (RFC 3533).
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| match sum >> 31 {
            1 => sum << 1 ^ 0x04c1_1db7,
            _ => sum << 1,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_file_stays_as_it_is_and_a_broken_checksum_is_put_right() {
        let file = include_bytes!("../../nae-audio/tests/fixtures/tone.ogg");
        assert_eq!(repaired(file).unwrap(), file);
        let mut broken = file.to_vec();
        broken[CHECKSUM.start] ^= 1;
        assert_eq!(repaired(&broken).unwrap(), file);
        assert!(repaired(b"OggS").is_none());
    }
}
