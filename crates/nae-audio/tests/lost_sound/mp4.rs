//! MP4.

use nae_audio::AudioError;
use nae_testing::compare::snr_db;

use crate::common::{chirp, read_bytes};
use crate::{LOSSY_DB, SAMPLES, assert_damaged, bytes_of, decoded, junk, says};

#[test]
fn an_m4a_without_its_edit_list_keeps_the_delay_and_nothing_else() {
    let mut m4a = bytes_of("chirp.m4a");
    let at = m4a.windows(4).position(|name| name == b"edts").unwrap();
    m4a[at..at + 4].copy_from_slice(b"free");
    let (found, _) = decoded("no list", &m4a);
    assert_eq!(found.len(), SAMPLES + 1024);
    assert!(snr_db(&chirp(SAMPLES), &found[1024..]) > LOSSY_DB);
}

#[test]
fn an_m4a_whose_boxes_are_wrong_is_read() {
    let m4a = bytes_of("chirp.m4a");
    let box_at = |name: &[u8]| m4a.windows(4).position(|found| found == name).unwrap() - 4;
    let (file_type, media) = (box_at(b"ftyp"), box_at(b"mdat"));
    let len = (m4a.len() - media) as u32;
    for (name, at, wrong) in [
        ("mdat too long", media, len + 100),
        ("mdat far too long", media, 0x7fff_ffff),
        ("mdat too short", media, len / 2),
        ("mdat to the end", media, 0),
        ("ftyp too long", file_type, 1000),
        ("ftyp too short", file_type, 10),
    ] {
        let mut bytes = m4a.clone();
        bytes[at..at + 4].copy_from_slice(&wrong.to_be_bytes());
        let (found, warnings) = decoded(name, &bytes);
        assert_eq!(found.len(), SAMPLES, "{name}");
        assert_eq!(warnings.is_empty(), wrong == 0, "{name}: {warnings:?}");
    }
}

#[test]
fn an_m4a_that_is_cut_says_so() {
    let m4a = bytes_of("chirp.m4a");
    for keep in [m4a.len() / 2 + 500, m4a.len() - 1, m4a.len() - 2000] {
        let error = read_bytes(&m4a[..keep]).0.unwrap_err();
        let is_right =
            matches!(error, AudioError::Truncated { promised, found, .. } if found < promised);
        assert!(is_right, "{keep}: {error}");
    }
    // the index comes last
    let tone = bytes_of("tone.m4a");
    let error = read_bytes(&tone[..tone.len() / 2])
        .0
        .unwrap_err()
        .to_string();
    assert!(error.contains("cut short"), "{error}");
    let fragments = bytes_of("chirp-fragments.m4a");
    let (found, warnings) = decoded("fragments", &fragments[..fragments.len() * 2 / 3]);
    assert!(
        found.len() > SAMPLES / 4 && found.len() < SAMPLES,
        "{}",
        found.len()
    );
    assert!(says(&warnings, "cut short"), "{warnings:?}");
}

#[test]
fn damaged_packets_that_claim_to_last_for_hours_are_as_long_as_others() {
    let mut m4a = bytes_of("chirp-fragments.m4a");
    let second = |name: &[u8]| {
        let mut places = (0..m4a.len() - 4).filter(|&at| &m4a[at..at + 4] == name);
        places.nth(1).unwrap()
    };
    let (header, media) = (second(b"tfhd"), second(b"mdat"));
    // behind flags, track and offset: the samples of every packet of the fragment
    let samples = header + 20;
    assert_eq!(m4a[samples..samples + 4], 1024u32.to_be_bytes());
    m4a[samples..samples + 4].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
    m4a[media + 4..media + 1604].copy_from_slice(&junk(1600));
    assert_damaged("hours", &m4a, 6 * 1024);
}
