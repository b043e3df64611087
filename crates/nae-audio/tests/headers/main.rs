//! Headers that the file contradicts: what is right is read, and what is wrong is said.
#![allow(clippy::unwrap_used, clippy::panic)] // tests may panic

mod aiff;
#[path = "../common/mod.rs"]
mod common;

use common::read_bytes;
use nae_testing::compare::largest_difference;

const SAMPLES: [f32; 6] = [0.5, -0.5, 0.25, -0.25, 0.125, 0.0];

/// A file put together by hand, in either byte order.
#[derive(Clone, Copy)]
struct Order {
    is_big: bool,
}

const LE: Order = Order { is_big: false };
const BE: Order = Order { is_big: true };

impl Order {
    fn u16(self, x: u16) -> [u8; 2] {
        if self.is_big {
            x.to_be_bytes()
        } else {
            x.to_le_bytes()
        }
    }

    fn u32(self, x: u32) -> [u8; 4] {
        if self.is_big {
            x.to_be_bytes()
        } else {
            x.to_le_bytes()
        }
    }

    fn pcm16(self) -> Vec<u8> {
        let ints = SAMPLES.map(|x| (x * 32768.0) as i16 as u16);
        ints.into_iter().flat_map(|x| self.u16(x)).collect()
    }

    fn float32(self) -> Vec<u8> {
        SAMPLES
            .into_iter()
            .flat_map(|x| self.u32(x.to_bits()))
            .collect()
    }

    /// A chunk that claims `len` bytes, without a pad byte.
    fn claiming(self, name: &[u8; 4], len: u32, content: &[u8]) -> Vec<u8> {
        [name.as_slice(), &self.u32(len), content].concat()
    }

    fn chunk(self, name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut bytes = self.claiming(name, content.len() as u32, content);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    }

    fn format(self, tag: u16, channels: u16, block: u16, bits: u16) -> Vec<u8> {
        let parts = [
            self.u16(tag).to_vec(),
            self.u16(channels).to_vec(),
            self.u32(8000).to_vec(),
            self.u32(8000 * u32::from(block)).to_vec(),
            self.u16(block).to_vec(),
            self.u16(bits).to_vec(),
        ];
        self.chunk(b"fmt ", &parts.concat())
    }

    fn file(self, name: &[u8; 4], len: Option<u32>, kind: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = [kind.as_slice(), &chunks.concat()].concat();
        self.claiming(name, len.unwrap_or(body.len() as u32), &body)
    }
}

fn wav(chunks: &[Vec<u8>]) -> Vec<u8> {
    LE.file(b"RIFF", None, b"WAVE", chunks)
}

fn plain() -> Vec<u8> {
    LE.format(1, 1, 2, 16)
}

/// The sound in one channel, and whether something is said.
fn assert_reads(name: &str, bytes: &[u8], expected: &[f32], is_said: bool) {
    let (clip, warnings) = read_bytes(bytes);
    let clip = clip.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(clip.channels(), [expected], "{name}");
    assert_eq!(!warnings.is_empty(), is_said, "{name}: {warnings:?}");
}

#[test]
fn the_bits_of_a_sample_outweigh_the_size_of_a_block() {
    let cases = [
        ("block 4 of mono 16", LE.format(1, 1, 4, 16), LE.pcm16()),
        ("block 0", LE.format(1, 1, 0, 16), LE.pcm16()),
        ("block 1", LE.format(1, 1, 1, 16), LE.pcm16()),
        ("block 3", LE.format(1, 1, 3, 16), LE.pcm16()),
        ("block 65535", LE.format(1, 1, u16::MAX, 16), LE.pcm16()),
        ("bits 0", LE.format(1, 1, 2, 0), LE.pcm16()),
        ("float of bits 0", LE.format(3, 1, 4, 0), LE.float32()),
        ("float of block 0", LE.format(3, 1, 0, 32), LE.float32()),
        ("float of block 8", LE.format(3, 1, 8, 32), LE.float32()),
        ("float of bits 16", LE.format(3, 1, 4, 16), LE.float32()),
    ];
    for (name, format, data) in cases {
        let bytes = wav(&[format, LE.chunk(b"data", &data)]);
        assert_reads(name, &bytes, &SAMPLES, true);
    }
}

#[test]
fn stereo_blocks_of_one_channel_are_put_right() {
    let bytes = wav(&[LE.format(1, 2, 2, 16), LE.chunk(b"data", &LE.pcm16())]);
    let (clip, warnings) = read_bytes(&bytes);
    assert_eq!(
        clip.unwrap().channels(),
        [[0.5, 0.25, 0.125], [-0.5, -0.25, 0.0]]
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn twenty_four_bits_in_blocks_of_four_are_told_by_the_samples() {
    let packed: Vec<u8> = SAMPLES
        .iter()
        .flat_map(|x| ((x * 8_388_608.0) as i32 | 1).to_le_bytes()[..3].to_vec())
        .collect();
    let (clip, warnings) = read_bytes(&wav(&[LE.format(1, 1, 4, 24), LE.chunk(b"data", &packed)]));
    let clip = clip.unwrap();
    assert!(largest_difference(&clip.channels()[0], &SAMPLES) < 1e-6);
    assert_eq!(warnings.len(), 1);
    let padded: Vec<u8> = SAMPLES
        .iter()
        .flat_map(|x| ((x * 8_388_608.0) as i32 * 256).to_le_bytes())
        .collect();
    let bytes = wav(&[LE.format(1, 1, 4, 24), LE.chunk(b"data", &padded)]);
    assert_reads("24 in 32", &bytes, &SAMPLES, false);
}

#[test]
fn ragged_ends_are_left_out() {
    let odd = |more: &[u8]| wav(&[plain(), LE.chunk(b"data", &[&LE.pcm16(), more].concat())]);
    assert_reads("a byte", &odd(&[1]), &SAMPLES, true);
    let mut unpadded = odd(&[1]);
    unpadded.pop();
    assert_reads("a byte without its pad", &unpadded, &SAMPLES, true);
    let stereo = wav(&[
        LE.format(1, 2, 4, 16),
        LE.chunk(b"data", &[&LE.pcm16()[..], &[1, 2, 3]].concat()),
    ]);
    let (clip, warnings) = read_bytes(&stereo);
    assert_eq!((clip.unwrap().samples(), warnings.len()), (3, 1));
    let float = wav(&[
        LE.format(3, 1, 4, 32),
        LE.chunk(b"data", &[&LE.float32()[..], &[1, 2]].concat()),
    ]);
    assert_reads("half a float", &float, &SAMPLES, true);
    let junk = [
        wav(&[plain(), LE.chunk(b"data", &LE.pcm16())]),
        vec![0xfe; 100],
    ]
    .concat();
    assert_reads("junk behind everything", &junk, &SAMPLES, true);
}

#[test]
fn chunks_without_their_pad_byte_are_passed_over() {
    let data = || LE.chunk(b"data", &LE.pcm16());
    for (name, chunk) in [
        ("list", LE.claiming(b"LIST", 13, b"INFOISFT\x05abcd")),
        ("one byte", LE.claiming(b"junk", 1, b"x")),
        ("unknown", LE.claiming(b"abcd", 3, b"xyz")),
    ] {
        let before = wav(&[chunk.clone(), plain(), data()]);
        assert_reads(name, &before, &SAMPLES, false);
        assert_reads(
            name,
            &wav(&[plain(), chunk.clone(), data()]),
            &SAMPLES,
            false,
        );
        assert_reads(name, &wav(&[plain(), data(), chunk]), &SAMPLES, false);
    }
    // padded as it should be
    let padded = wav(&[plain(), LE.chunk(b"LIST", b"INFOISFT\x05"), data()]);
    assert_reads("padded", &padded, &SAMPLES, false);
}

#[test]
fn a_chunk_that_leads_out_of_the_file_does_not_hide_the_sound() {
    let list = LE.claiming(b"LIST", 5_000_000, b"INFO");
    let bytes = wav(&[plain(), list, LE.chunk(b"data", &LE.pcm16())]);
    assert_reads("long list", &bytes, &SAMPLES, true);
}

#[test]
fn lengths_that_a_pipe_leaves_behind_mean_up_to_the_end() {
    for len in [
        0,
        u32::MAX,
        0xffff_ff00,
        0xffff_fff8,
        0xffff_ffda,
        0x7fff_ffff,
        0x7fff_ff00,
        0x7fff_f000,
        0x7fff_ffdb,
        0x8000_0000,
        0x8000_0024,
    ] {
        for outer in [0, len.saturating_add(36), u32::MAX, 36 + 12] {
            for rest in [&[][..], &[9]] {
                let data = LE.claiming(b"data", len, &[&LE.pcm16(), rest].concat());
                let bytes = LE.file(b"RIFF", Some(outer), b"WAVE", &[plain(), data]);
                assert_reads(&format!("{len:#x} in {outer:#x}"), &bytes, &SAMPLES, false);
            }
        }
    }
}

#[test]
fn a_length_that_everything_else_contradicts_is_not_believed() {
    for (name, len) in [
        ("too long", 1000),
        ("too short", 4),
        ("far too long", 0x4000_0000),
    ] {
        let data = LE.claiming(b"data", len, &LE.pcm16());
        assert_reads(name, &wav(&[plain(), data]), &SAMPLES, true);
    }
}

#[test]
fn files_with_the_most_significant_byte_first_are_read() {
    let rifx = |chunks: &[Vec<u8>]| BE.file(b"RIFX", None, b"WAVE", chunks);
    let list = BE.chunk(b"LIST", b"INFOx");
    let int = rifx(&[BE.format(1, 1, 2, 16), list, BE.chunk(b"data", &BE.pcm16())]);
    assert_reads("16 bits", &int, &SAMPLES, false);
    let float = rifx(&[BE.format(3, 1, 4, 32), BE.chunk(b"data", &BE.float32())]);
    assert_reads("float", &float, &SAMPLES, false);
    let double: Vec<u8> = SAMPLES
        .iter()
        .flat_map(|&x| f64::from(x).to_be_bytes())
        .collect();
    let double = rifx(&[BE.format(3, 1, 8, 64), BE.chunk(b"data", &double)]);
    assert_reads("double", &double, &SAMPLES, false);
    let piped = BE.claiming(b"data", u32::MAX, &BE.pcm16());
    let piped = BE.file(
        b"RIFX",
        Some(u32::MAX),
        b"WAVE",
        &[BE.format(1, 1, 2, 16), piped],
    );
    assert_reads("piped", &piped, &SAMPLES, false);
}

fn lengths(riff: u64, data: u64) -> Vec<u8> {
    let content = [riff, data, 6].map(u64::to_le_bytes).concat();
    LE.chunk(b"ds64", &[content, vec![0; 4]].concat())
}

#[test]
fn rf64_and_bw64_are_read_small_ones_too() {
    for name in [b"RF64", b"BW64"] {
        let data = || LE.claiming(b"data", u32::MAX, &LE.pcm16());
        let file = |chunks: &[Vec<u8>]| LE.file(name, Some(u32::MAX), b"WAVE", chunks);
        assert_reads(
            "small",
            &file(&[lengths(84, 12), plain(), data()]),
            &SAMPLES,
            false,
        );
        // an interrupted writer
        for unset in [0, u64::MAX] {
            let bytes = file(&[lengths(unset, unset), plain(), data()]);
            assert_reads("unset", &bytes, &SAMPLES, false);
        }
        assert_reads("without ds64", &file(&[plain(), data()]), &SAMPLES, false);
        let followed = file(&[lengths(96, 12), plain(), data(), LE.chunk(b"LIST", b"INFO")]);
        assert_reads("followed", &followed, &SAMPLES, false);
        let (clip, _) = read_bytes(&file(&[lengths(8084, 8012), plain(), data()]));
        let error = clip.unwrap_err().to_string();
        assert!(
            error.contains("4006 samples") && error.contains("only 6"),
            "{error}"
        );
    }
}
