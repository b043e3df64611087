//! FLAC.

use nae_audio::AudioError;

use crate::{assert_damaged, assert_whole, bytes_of, decoded, says};

/// Where the frames begin: a sync code, and one channel of 16 bits.
fn frames(flac: &[u8]) -> Vec<usize> {
    (42..flac.len() - 5)
        .filter(|&at| flac[at] == 0xff && flac[at + 1] == 0xf8 && flac[at + 2] >> 4 != 0)
        .filter(|&at| flac[at + 3] == 0x08)
        .collect()
}

#[test]
fn a_damaged_frame_of_flac_becomes_silence_and_the_rest_is_exact() {
    let flac = bytes_of("chirp.flac");
    let frames = frames(&flac);
    assert!(frames.len() >= 20, "{}", frames.len());
    for i in 0..frames.len() {
        let end = frames.get(i + 1).copied().unwrap_or(flac.len());
        let mut bytes = flac.clone();
        // within the sound; in the last frame so that it still decodes to its end
        bytes[end - 5] ^= 1;
        assert_damaged(&format!("frame {i}"), &bytes, 2 * 1024 + 500);
    }
    // a header costs the frame before as well
    let mut bytes = flac.clone();
    bytes[frames[5] + 2] ^= 0x10;
    assert_damaged("a header", &bytes, 2 * 1024 + 500);
}

#[test]
fn flac_that_is_cut_is_refused_at_once_where_it_counts_its_samples() {
    let flac = bytes_of("chirp.flac");
    for keep in [flac.len() - 40, flac.len() - 300, flac.len() * 3 / 4] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.flac");
        std::fs::write(&path, &flac[..keep]).unwrap();
        let error = nae_audio::AudioReader::open(&path).err().unwrap();
        let is_right = matches!(error, AudioError::Truncated { promised: 24_000, found, .. } if found < 24_000 && found > 8000);
        assert!(is_right, "{error}");
    }
    let mut uncounted = flac.clone();
    uncounted[21] &= 0xf0;
    uncounted[22..26].fill(0);
    assert_whole("uncounted", &uncounted, 1);
    let keep = frames(&flac)[15] + 200;
    let (found, warnings) = decoded("uncounted and cut", &uncounted[..keep]);
    assert_eq!(found.len(), 15 * 1024);
    assert!(says(&warnings, "cut short"), "{warnings:?}");
}

#[test]
fn tags_around_flac_do_not_cost_a_frame() {
    let flac = bytes_of("chirp.flac");
    let mut id3v1 = b"TAG".to_vec();
    id3v1.resize(128, b'x');
    let id3v2 = [&b"ID3\x04\0\0\0\0\x01\x00"[..], &[1; 128]].concat();
    assert_whole("behind", &[flac.clone(), id3v1].concat(), 1);
    assert_whole("before", &[id3v2, flac.clone()].concat(), 1);
}
