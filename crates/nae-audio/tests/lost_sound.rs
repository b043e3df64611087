//! Coded files that are damaged, cut, joined or miscounted: nothing is dropped unsaid, and what is
//! there stays in its place.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::{chirp, fixture, noise, read_bytes, snr_db};
use nae_audio::AudioError;

/// Samples of the fixtures' sound.
const SAMPLES: usize = 24_000;
/// What coders leave of the chirp at these rates; a sample out of place would cost more.
const LOSSY_DB: f64 = 15.0;

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// The only channel, and what was said.
fn heard(name: &str, bytes: &[u8]) -> (Vec<f32>, Vec<String>) {
    let (clip, warnings) = read_bytes(bytes);
    let clip = clip.unwrap_or_else(|error| panic!("{name}: {error}"));
    (clip.channels()[0].clone(), warnings)
}

/// Exactly the chirp, again and again, and nothing said.
fn assert_whole(name: &str, bytes: &[u8], times: usize) {
    let (found, warnings) = heard(name, bytes);
    assert_eq!(found.len(), times * SAMPLES, "{name}");
    let snr = snr_db(&chirp(SAMPLES).repeat(times), &found);
    assert!(snr > LOSSY_DB, "{name}: {snr} dB");
    assert!(warnings.is_empty(), "{name}: {warnings:?}");
}

/// As long as the chirp, like it but for `lost` samples at most, which are said to be damaged.
fn assert_damaged(name: &str, bytes: &[u8], lost: usize) {
    let (found, warnings) = heard(name, bytes);
    assert_eq!(found.len(), SAMPLES, "{name}: {warnings:?}");
    let is_near = |(a, b): (&[f32], &[f32])| snr_db(a, b) > LOSSY_DB - 5.0;
    let chirp = chirp(SAMPLES);
    let good = chirp
        .chunks(250)
        .zip(found.chunks(250))
        .filter(|&pair| is_near(pair))
        .count();
    let least = (SAMPLES - lost) / 250;
    assert!(good >= least, "{name}: {good} of {least} pieces");
    assert!(
        warnings.iter().any(|said| said.contains("damaged")),
        "{name}: {warnings:?}"
    );
}

fn says(warnings: &[String], word: &str) -> bool {
    warnings.iter().any(|said| said.contains(word))
}

#[test]
fn undamaged_files_are_exactly_the_sound_that_went_in() {
    for name in [
        "chirp.mp3",
        "chirp.ogg",
        "chirp.flac",
        "chirp-flac.ogg",
        "chirp.m4a",
        "chirp-fragments.m4a",
    ] {
        assert_whole(name, &bytes_of(name), 1);
    }
}

// --- MP3 and ADTS

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
    let (found, warnings) = heard("untagged", &untagged(&mp3));
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
        assert_eq!(heard("rates", &bytes).0.len(), 120 * 576);
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
    let (found, warnings) = heard("half tagged", &[mp3.clone(), untagged(&mp3)].concat());
    assert!(found.len() > 2 * SAMPLES, "{}", found.len());
    assert!(says(&warnings, "promises only 24000"), "{warnings:?}");
    let (found, warnings) = heard("untagged twice", &untagged(&mp3).repeat(2));
    assert_eq!(found.len(), 2 * heard("", &untagged(&mp3)).0.len());
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
        let (found, warnings) = heard("cut", &mp3[..keep]);
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
        (5u32, "promises only"),
        (500, "cut short"),
        (u32::MAX, "cut short"),
    ] {
        let mut bytes = mp3.clone();
        bytes[at..at + 4].copy_from_slice(&count.to_be_bytes());
        let (found, warnings) = heard("count", &bytes);
        assert!(found.len() >= SAMPLES, "{count}: {}", found.len());
        assert!(says(&warnings, word), "{count}: {warnings:?}");
    }
    // left unset
    let mut bytes = mp3.clone();
    bytes[at..at + 4].copy_from_slice(&[0; 4]);
    let (found, warnings) = heard("unset", &bytes);
    assert!(
        found.len() >= SAMPLES && warnings.is_empty(),
        "{warnings:?}"
    );
}

/// Noise as bytes.
fn junk(count: usize) -> Vec<u8> {
    noise(count, common::SEED)
        .iter()
        .map(|x| (x * 128.0) as i8 as u8)
        .collect()
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
    let whole = heard("aac", &aac).0.len();
    let mut bytes = aac.clone();
    bytes[4000..5000].copy_from_slice(&junk(1000));
    let (found, warnings) = heard("aac with a hole", &bytes);
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
        let (found, warnings) = heard(name, &bytes);
        assert_eq!(found.len(), SAMPLES, "{name}");
        assert!(says(&warnings, "left out"), "{name}: {warnings:?}");
    }
    let padded = [vec![0; 3000], mp3.clone(), vec![0; 3000]].concat();
    assert_whole("zeros", &padded, 1);
    let aac = bytes_of("chirp.aac");
    let (found, warnings) = heard("aac", &[aac.clone(), aac.clone()].concat());
    assert_eq!(
        (found.len(), warnings.len()),
        (2 * heard("", &aac).0.len(), 0)
    );
    let (_, warnings) = heard("aac cut", &aac[..aac.len() - 20]);
    assert!(says(&warnings, "cut short"), "{warnings:?}");
}

// --- Ogg

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
        heard("tones", &tones).0.len(),
        3 * heard("tone", &tone).0.len()
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
            let (found, warnings) = heard(name, &ogg[..keep]);
            assert!(
                found.len() < SAMPLES && found.len() > 1000,
                "{}",
                found.len()
            );
            assert!(snr_db(&chirp(found.len()), &found) > LOSSY_DB);
            assert!(says(&warnings, "cut short"), "{warnings:?}");
        }
        let (found, warnings) = heard(name, &[ogg.clone(), junk(500)].concat());
        assert_eq!(found.len(), SAMPLES);
        assert!(says(&warnings, "left out"), "{warnings:?}");
        // without its headers there is no sound
        let mut bytes = ogg.clone();
        bytes[pages(&ogg)[1] + 100] ^= 1;
        let error = read_bytes(&bytes).0.unwrap_err();
        assert!(matches!(error, AudioError::Damaged { .. }), "{error}");
    }
}

// --- FLAC

/// Where the frames begin.
fn frames(flac: &[u8]) -> Vec<usize> {
    (42..flac.len() - 5)
        .filter(|&at| flac[at] == 0xff && flac[at + 1] == 0xf8 && flac[at + 2] >> 4 != 0)
        .filter(|&at| flac[at + 3] == flac_kind(flac))
        .collect()
}

/// The byte that says channels and bits, the same in all frames.
fn flac_kind(_: &[u8]) -> u8 {
    0x08 // mono, 16 bits
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
    let (found, warnings) = heard("uncounted and cut", &uncounted[..keep]);
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

// --- MP4

#[test]
fn an_m4a_without_its_edit_list_keeps_the_delay_and_nothing_else() {
    let mut m4a = bytes_of("chirp.m4a");
    let at = m4a.windows(4).position(|name| name == b"edts").unwrap();
    m4a[at..at + 4].copy_from_slice(b"free");
    let (found, _) = heard("no list", &m4a);
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
        let (found, warnings) = heard(name, &bytes);
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
    let (found, warnings) = heard("fragments", &fragments[..fragments.len() * 2 / 3]);
    assert!(
        found.len() > SAMPLES / 4 && found.len() < SAMPLES,
        "{}",
        found.len()
    );
    assert!(says(&warnings, "cut short"), "{warnings:?}");
}
