//! Ogg Vorbis and Ogg FLAC.

use nae_audio::AudioError;
use nae_testing::compare::snr_db;

use crate::common::{chirp, read_bytes};
use crate::{LOSSY_DB, SAMPLES, assert_damaged, assert_whole, bytes_of, decoded, junk, says};

/// Where the pages begin.
fn pages(ogg: &[u8]) -> Vec<usize> {
    (0..ogg.len() - 4)
        .filter(|&at| ogg[at..].starts_with(b"OggS"))
        .collect()
}

#[test]
fn chained_ogg_is_one_sound() {
    let (vorbis, flac) = (bytes_of("chirp.ogg"), bytes_of("chirp-flac.ogg"));
    assert_whole("vorbis twice", &vorbis.repeat(2), 2);
    assert_whole("flac twice", &flac.repeat(2), 2);
    assert_whole("both", &[flac.clone(), vorbis.clone()].concat(), 2);
    let (tone, tones) = (bytes_of("tone.ogg"), bytes_of("tone.ogg").repeat(3));
    assert_eq!(
        decoded("tones", &tones).0.len(),
        3 * decoded("tone", &tone).0.len()
    );
}

#[test]
fn a_page_that_is_damaged_or_missing_becomes_silence() {
    for name in ["chirp.ogg", "chirp-flac.ogg"] {
        let ogg = bytes_of(name);
        let pages = pages(&ogg);
        // two pages of headers come first
        for i in 2..pages.len() - 1 {
            let (from, to) = (pages[i], pages[i + 1]);
            let mut flipped = ogg.clone();
            flipped[from + (to - from) / 2] ^= 4;
            assert_damaged(
                &format!("{name}, page {i} flipped"),
                &flipped,
                2 * 1600 + 3000,
            );
            let missing = [&ogg[..from], &ogg[to..]].concat();
            assert_damaged(
                &format!("{name}, page {i} missing"),
                &missing,
                2 * 1600 + 3000,
            );
        }
    }
}

#[test]
fn an_ogg_without_its_end_is_said_to_be_cut() {
    for name in ["chirp.ogg", "chirp-flac.ogg"] {
        let ogg = bytes_of(name);
        let last = *pages(&ogg).last().unwrap();
        for keep in [last, last + 30, ogg.len() * 3 / 4] {
            let (found, warnings) = decoded(name, &ogg[..keep]);
            assert!(
                found.len() < SAMPLES && found.len() > 1000,
                "{}",
                found.len()
            );
            assert!(snr_db(&chirp(found.len()), &found) > LOSSY_DB);
            assert!(says(&warnings, "cut short"), "{warnings:?}");
        }
        let (found, warnings) = decoded(name, &[ogg.clone(), junk(500)].concat());
        assert_eq!(found.len(), SAMPLES);
        assert!(says(&warnings, "left out"), "{warnings:?}");
    }
}

#[test]
fn headers_that_are_damaged_are_named_where_there_is_no_sound_without_them() {
    let mut vorbis = bytes_of("chirp.ogg");
    let second = pages(&vorbis)[1];
    vorbis[second + 100] ^= 1;
    let error = read_bytes(&vorbis).0.unwrap_err();
    assert!(matches!(error, AudioError::Damaged { .. }), "{error}");
    // FLAC keeps only comments there
    let mut flac = bytes_of("chirp-flac.ogg");
    let second = pages(&flac)[1];
    flac[second + 30] ^= 1;
    assert_eq!(decoded("comments", &flac).0.len(), SAMPLES);
}
