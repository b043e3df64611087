//! MP3 and ADTS.

use nae_audio::AudioError;
use nae_testing::compare::snr_db;

use crate::common::{chirp, read_bytes};
use crate::{LOSSY_DB, SAMPLES, assert_damaged, assert_whole, bytes_of, decoded, junk, says};

/// The length of the tag's frame, which comes first (16 kHz, MPEG-2).
fn tag_len(mp3: &[u8]) -> usize {
    let kbit = [0, 8, 16, 24, 32, 40, 48, 56, 64][usize::from(mp3[2] >> 4)];
    72 * kbit * 1000 / 16_000 + usize::from(mp3[2] >> 1 & 1)
}

fn untagged(mp3: &[u8]) -> Vec<u8> {
    mp3[tag_len(mp3)..].to_vec()
}

/// Silent MP3 frames: one header, its frame's length, how many.
fn silent_frames(header: [u8; 4], len: usize, count: usize) -> Vec<u8> {
    let mut frame = header.to_vec();
    frame.resize(len, 0);
    frame.repeat(count)
}

#[test]
fn an_mp3_without_a_tag_is_read_to_its_end() {
    let mp3 = bytes_of("chirp.mp3");
    let (found, warnings) = decoded("untagged", &untagged(&mp3));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(
        found.len() >= SAMPLES && found.len() % 576 == 0,
        "{}",
        found.len()
    );
    let delay = (0..2000)
        .max_by_key(|&at| {
            (1000.0 * snr_db(&chirp(SAMPLES - 2000), &found[at..][..SAMPLES - 2000])) as i64
        })
        .unwrap();
    assert!(snr_db(&chirp(20_000), &found[delay..][..20_000]) > LOSSY_DB);
    // constant frames at first, longer ones after: an estimate from the first would stop short
    let grows = [
        silent_frames([0xff, 0xf3, 0x18, 0xc4], 36, 60),
        silent_frames([0xff, 0xf3, 0x88, 0xc4], 288, 60),
    ];
    let shrinks = [grows[1].clone(), grows[0].clone()].concat();
    for bytes in [grows.concat(), shrinks] {
        assert_eq!(decoded("rates", &bytes).0.len(), 120 * 576);
    }
}

#[test]
fn joined_mp3_is_read_part_by_part() {
    let mp3 = bytes_of("chirp.mp3");
    let id3v2 = [&b"ID3\x04\0\0\0\0\x01\x00"[..], &[0xff; 128]].concat();
    let mut id3v1 = b"TAG".to_vec();
    id3v1.resize(128, b'x');
    let mut ape = b"APETAGEX\xd0\x07\0\0\x40\0\0\0\x01\0\0\0\0\0\0\xa0".to_vec();
    ape.resize(32 + 64, 0);
    assert_whole("twice", &mp3.repeat(2), 2);
    assert_whole("three times", &mp3.repeat(3), 3);
    let tagged = [&id3v2[..], &mp3, &ape, &id3v1].concat();
    assert_whole("with tags", &tagged, 1);
    assert_whole("twice with tags", &tagged.repeat(2), 2);
    // the second part's tag is missing: it counts as more of the first
    let (found, warnings) = decoded("half tagged", &[mp3.clone(), untagged(&mp3)].concat());
    assert!(found.len() > 2 * SAMPLES, "{}", found.len());
    assert!(says(&warnings, "states only 24000"), "{warnings:?}");
    let (found, warnings) = decoded("untagged twice", &untagged(&mp3).repeat(2));
    assert_eq!(found.len(), 2 * decoded("", &untagged(&mp3)).0.len());
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn parts_of_two_rates_are_refused_by_name() {
    let mp3 = bytes_of("chirp.mp3");
    for (header, len, rates) in [
        ([0xff, 0xe3, 0x88, 0xc4], 576, (16_000, 8000)),
        ([0xff, 0xfb, 0x50, 0xc4], 208, (16_000, 44_100)),
        ([0xff, 0xf3, 0x88, 0x44], 288, (16_000, 16_000)), // stereo
    ] {
        let bytes = [mp3.clone(), silent_frames(header, len, 20)].concat();
        let error = read_bytes(&bytes).0.unwrap_err();
        let AudioError::Changes { rates: found, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(found, rates);
    }
}

#[test]
fn a_count_that_the_frames_contradict_is_said() {
    let mp3 = bytes_of("chirp.mp3");
    for keep in [mp3.len() / 2 + 37, mp3.len() - 1, mp3.len() - 500] {
        let (found, warnings) = decoded("cut", &mp3[..keep]);
        assert!(found.len() < SAMPLES);
        assert!(snr_db(&chirp(found.len() - 600), &found[..found.len() - 600]) > LOSSY_DB);
        assert!(says(&warnings, "cut short"), "{warnings:?}");
    }
    let at = mp3
        .windows(4)
        .position(|name| name == b"Info" || name == b"Xing")
        .unwrap()
        + 8;
    for (count, word) in [
        (5u32, "states only"),
        (500, "cut short"),
        (u32::MAX, "cut short"),
    ] {
        let mut bytes = mp3.clone();
        bytes[at..at + 4].copy_from_slice(&count.to_be_bytes());
        let (found, warnings) = decoded("count", &bytes);
        assert!(found.len() >= SAMPLES, "{count}: {}", found.len());
        assert!(says(&warnings, word), "{count}: {warnings:?}");
    }
    // left unset
    let mut bytes = mp3.clone();
    bytes[at..at + 4].copy_from_slice(&[0; 4]);
    let (found, warnings) = decoded("unset", &bytes);
    assert!(
        found.len() >= SAMPLES && warnings.is_empty(),
        "{warnings:?}"
    );
}

#[test]
fn holes_become_silence_of_the_same_length() {
    let mp3 = bytes_of("chirp.mp3");
    for len in [300, 700, 2000] {
        for fill in [junk(len), vec![0; len]] {
            let mut bytes = mp3.clone();
            bytes[3000..3000 + len].copy_from_slice(&fill);
            assert_damaged(&format!("{len}"), &bytes, (len / 144 + 5) * 576);
        }
    }
    // two holes
    let mut bytes = mp3.clone();
    for at in [2000, 4500] {
        bytes[at..at + 300].copy_from_slice(&junk(300));
    }
    assert_damaged("two", &bytes, 14 * 576);
    let aac = bytes_of("chirp.aac");
    let whole = decoded("aac", &aac).0.len();
    let mut bytes = aac.clone();
    bytes[4000..5000].copy_from_slice(&junk(1000));
    let (found, warnings) = decoded("aac with a hole", &bytes);
    // the lengths of its frames vary
    assert!(
        found.len().abs_diff(whole) <= 2048,
        "{} of {whole}",
        found.len()
    );
    assert!(says(&warnings, "damaged"), "{warnings:?}");
}

#[test]
fn bytes_around_the_frames_are_no_sound() {
    let mp3 = bytes_of("chirp.mp3");
    for (name, bytes) in [
        ("before", [junk(700), mp3.clone()].concat()),
        ("behind", [mp3.clone(), junk(700)].concat()),
    ] {
        let (found, warnings) = decoded(name, &bytes);
        assert_eq!(found.len(), SAMPLES, "{name}");
        assert!(says(&warnings, "left out"), "{name}: {warnings:?}");
    }
    let padded = [vec![0; 3000], mp3.clone(), vec![0; 3000]].concat();
    assert_whole("zeros", &padded, 1);
    let aac = bytes_of("chirp.aac");
    let (found, warnings) = decoded("aac", &[aac.clone(), aac.clone()].concat());
    assert_eq!(
        (found.len(), warnings.len()),
        (2 * decoded("", &aac).0.len(), 0)
    );
    let (_, warnings) = decoded("aac cut", &aac[..aac.len() - 20]);
    assert!(says(&warnings, "cut short"), "{warnings:?}");
}
