//! AIFF and AIFF-C.

use crate::common::read_bytes;
use crate::{BE, SAMPLES, assert_reads};

/// `counted` frames in `COMM`, `len` bytes in `SSND` (for what there is), `form` more in `FORM`.
fn aiff(
    codec: Option<&[u8; 4]>,
    bits: u16,
    data: &[u8],
    counted: u32,
    len: i64,
    form: i64,
) -> Vec<u8> {
    let mut common = [
        &1u16.to_be_bytes()[..],
        &counted.to_be_bytes(),
        &bits.to_be_bytes(),
    ]
    .concat();
    common.extend([0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0]); // 8000 Hz
    if let Some(codec) = codec {
        common.extend(codec);
        common.extend([0, 0]);
    }
    let kind = if codec.is_some() { b"AIFC" } else { b"AIFF" };
    let sound = [&[0; 8][..], data].concat();
    let sound = BE.claiming(b"SSND", (sound.len() as i64 + len) as u32, &sound);
    let chunks = [
        BE.chunk(b"COMM", &common),
        sound,
        BE.chunk(b"NAME", b"tone"),
    ];
    let body: usize = chunks.iter().map(Vec::len).sum();
    BE.file(
        b"FORM",
        Some((body as i64 + 4 + form) as u32),
        kind,
        &chunks,
    )
}

#[test]
fn aiff_whose_lengths_disagree_is_read() {
    let data = BE.pcm16();
    for (name, counted, len, form, is_said) in [
        ("right", 6, 0, 0, false),
        ("FORM too long", 6, 0, 100, false),
        ("FORM too short", 6, 0, -40, false),
        ("FORM of nothing", 6, 0, -70, false),
        ("SSND too long", 6, 1000, 0, true),
        ("SSND too short", 6, -8, 0, true),
        ("SSND of nothing", 6, -20, 0, true),
        ("COMM too long", 9000, 0, 0, true),
        ("COMM too short", 2, 0, 0, true),
        ("COMM left unset", 0, 0, 0, false),
    ] {
        assert_reads(
            name,
            &aiff(None, 16, &data, counted, len, form),
            &SAMPLES,
            is_said,
        );
    }
}

#[test]
fn aiff_cut_short_is_a_sound_file_that_is_cut_short() {
    let whole = aiff(None, 16, &BE.pcm16(), 6, 0, 0);
    let at = whole.windows(4).position(|name| name == b"SSND").unwrap() + 16;
    for keep in at..at + 12 {
        let (clip, _) = read_bytes(&whole[..keep]);
        let error = clip.unwrap_err();
        let promised = matches!(error, nae_audio::AudioError::Truncated { promised: 6, .. });
        assert!(promised, "{keep}: {error}");
    }
    for keep in 12..at {
        let error = read_bytes(&whole[..keep]).0.unwrap_err().to_string();
        assert!(!error.contains("not a sound file"), "{keep}: {error}");
    }
}

#[test]
fn every_plain_coding_of_aiff_is_read() {
    let ints = |bytes: usize, is_big: bool| -> Vec<u8> {
        let scale = 2f64.powi(8 * bytes as i32 - 1);
        let all = SAMPLES.iter().map(|&x| (f64::from(x) * scale) as i64);
        if is_big {
            all.flat_map(|x| x.to_be_bytes()[8 - bytes..].to_vec())
                .collect()
        } else {
            all.flat_map(|x| x.to_le_bytes()[..bytes].to_vec())
                .collect()
        }
    };
    let double: Vec<u8> = SAMPLES
        .iter()
        .flat_map(|&x| f64::from(x).to_be_bytes())
        .collect();
    for (codec, bits, data) in [
        (None, 8, ints(1, true)),
        (None, 12, ints(2, true)),
        (None, 24, ints(3, true)),
        (None, 32, ints(4, true)),
        (Some(b"NONE"), 16, ints(2, true)),
        (Some(b"twos"), 24, ints(3, true)),
        (Some(b"sowt"), 16, ints(2, false)),
        (Some(b"in24"), 24, ints(3, true)),
        (Some(b"in32"), 32, ints(4, true)),
        (Some(b"23ni"), 32, ints(4, false)),
        (Some(b"fl32"), 32, BE.float32()),
        (Some(b"FL32"), 32, BE.float32()),
        (Some(b"fl64"), 64, double),
    ] {
        let bytes = aiff(codec, bits, &data, 6, 0, 0);
        assert_reads(&format!("{codec:?} {bits}"), &bytes, &SAMPLES, false);
    }
    let error = read_bytes(&aiff(Some(b"ima4"), 16, &[0; 34], 64, 0, 0))
        .0
        .unwrap_err();
    assert!(error.to_string().contains("ima4"), "{error}");
}
