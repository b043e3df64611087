//! Samples and headers in the bytes of a stream.
#![allow(clippy::unwrap_used)] // tests may panic

use std::path::Path;

use nae_audio::stream::{SampleCoding, StreamFormat, wav_stream_header};
use nae_audio::{AudioError, BitDepth, Clip, write};

const CODINGS: [&str; 6] = ["u8", "s16le", "s24le", "s32le", "f32le", "f64le"];

fn path() -> &'static Path {
    Path::new("standard input")
}

#[test]
fn samples_come_back_from_their_bytes() {
    for name in CODINGS {
        let coding: SampleCoding = name.parse().unwrap();
        assert_eq!(coding.to_string(), name);
        let format = StreamFormat::raw(path(), coding, 8000, 2).unwrap();
        assert_eq!(
            (format.coding(), format.block()),
            (coding, 2 * coding.bytes())
        );
        let samples = [0.0, 0.5, -0.25, -1.0, 0.75, 0.125f32];
        let mut bytes = Vec::new();
        assert!(!samples.iter().any(|x| coding.encode(*x, &mut bytes)));
        bytes.push(1); // part of a sample
        let mut channels = vec![vec![]; 2];
        format.decode(&bytes, &mut channels);
        assert_eq!(channels, [[0.0, -0.25, 0.75], [0.5, -1.0, 0.125]], "{name}");
        // full scale is just beyond the largest integer
        assert_eq!(coding.encode(1.5, &mut bytes), !coding.is_float());
    }
    let error = "s16be".parse::<SampleCoding>().unwrap_err().to_string();
    assert!(error.contains("s16le"), "{error}");
}

#[test]
fn headers_of_pipes_are_read() {
    for name in CODINGS {
        let coding: SampleCoding = name.parse().unwrap();
        let header = wav_stream_header(coding, 44_100, 3);
        let format = StreamFormat::wav(path(), &mut header.as_slice()).unwrap();
        assert_eq!((format.rate(), format.channels()), (44_100, 3));
        assert_eq!((format.coding(), format.length()), (coding, None));
        // as other programs state what they do not know
        for unknown in [0u32, 0x7fff_ffff, 0x7fff_f024, 0x8000_0000] {
            let mut header = header.clone();
            let at = header.len() - 4;
            header[at..].copy_from_slice(&unknown.to_le_bytes());
            let format = StreamFormat::wav(path(), &mut header.as_slice()).unwrap();
            assert_eq!(format.length(), None, "{unknown:x}");
        }
    }
}

#[test]
fn headers_of_files_are_read_up_to_the_first_sample() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.wav");
    let clip = Clip::new(vec![vec![0.5, 0.25]; 3], 8000).unwrap();
    for depth in [BitDepth::Float32, BitDepth::Int16, BitDepth::Int24] {
        write(&file, &clip, depth).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let mut rest = bytes.as_slice();
        let format = StreamFormat::wav(path(), &mut rest).unwrap();
        assert_eq!(format.length(), Some(rest.len() as u64));
        let mut channels = vec![vec![]; 3];
        format.decode(rest, &mut channels);
        assert_eq!(channels, clip.channels());
    }
}

#[test]
fn what_is_no_header_is_refused() {
    let header = wav_stream_header(SampleCoding::S16, 8000, 1);
    let refused = |bytes: &[u8]| StreamFormat::wav(path(), &mut &*bytes).unwrap_err();
    assert!(matches!(refused(b""), AudioError::NoSamples { .. }));
    assert!(refused(b"fLaC 0123456789").to_string().contains("--raw"));
    for end in 1..header.len() {
        refused(&header[..end]);
    }
    let with = |at: usize, bytes: &[u8]| {
        let mut header = header.clone();
        header[at..at + bytes.len()].copy_from_slice(bytes);
        refused(&header).to_string()
    };
    assert!(with(20, &[85, 0]).contains("coded"));
    assert!(with(22, &[0, 1]).contains("256 channels"));
    assert!(with(24, &[1, 0, 0, 0]).contains("1 Hz"));
    assert!(with(16, &[0, 0, 0, 0x10]).contains("format chunk"));
    assert!(with(12, b"data").contains("before their format"));
    let raw = |rate, channels| StreamFormat::raw(path(), SampleCoding::F32, rate, channels);
    assert!(raw(1, 1).is_err() && raw(8000, 0).is_err() && raw(8000, 65).is_err());
}
