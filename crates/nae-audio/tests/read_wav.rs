//! WAV in every depth, flavour and shape of header.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::{SEED, fixture};
use nae_audio::{AudioReader, read};
use nae_testing::compare::{largest_difference, snr_db};
use nae_testing::noise::white;
use nae_testing::tones::sine;
use nae_testing::wav::RawWav;

fn write_ints(path: &std::path::Path, bits: u16, values: &[i32]) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    values.iter().for_each(|&x| writer.write_sample(x).unwrap());
    writer.finalize().unwrap();
}

#[test]
fn integers_of_8_to_32_bits_are_read_as_fractions_of_full_scale() {
    let folder = tempfile::tempdir().unwrap();
    for bits in [8, 16, 24, 32] {
        let full = 2f64.powi(bits - 1);
        let values: Vec<i32> = [-1.0, 0.0, 0.5, -0.25, (full - 1.0) / full, 0.125]
            .iter()
            .map(|x| (x * full) as i32)
            .collect();
        let path = folder.path().join(format!("{bits}.wav"));
        write_ints(&path, bits as u16, &values);
        let clip = read(&path).unwrap();
        assert_eq!(
            (clip.channel_count(), clip.samples(), clip.sample_rate()),
            (2, 3, 44_100)
        );
        for (i, value) in values.iter().enumerate() {
            let expected = (f64::from(*value) / full) as f32;
            assert_eq!(
                clip.channels()[i % 2][i / 2],
                expected,
                "{bits} bits, value {i}"
            );
        }
    }
}

#[test]
fn floats_are_read_bit_by_bit_also_beyond_full_scale() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("float.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut samples = white(1000, SEED);
    samples[7] = 3.5;
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    samples
        .iter()
        .for_each(|&x| writer.write_sample(x).unwrap());
    writer.finalize().unwrap();
    assert_eq!(read(&path).unwrap().channels(), [samples]);
}

#[test]
fn twelve_bits_in_sixteen_are_left_justified() {
    let folder = tempfile::tempdir().unwrap();
    let raw = RawWav {
        bits: 12,
        ..RawWav::pcm16(&[0x4000, -0x8000])
    };
    let clip = read(&raw.save(folder.path(), "12.wav")).unwrap();
    assert_eq!(clip.channels()[0], [0.5, -1.0]);
}

#[test]
fn twenty_bits_in_an_extensible_header_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut extra = vec![22, 0, 20, 0, 4, 0, 0, 0, 1, 0];
    extra.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    let raw = RawWav {
        tag: 0xfffe,
        bits: 24,
        block_align: 3,
        format_extra: extra,
        data: vec![0, 0, 0x40, 0, 0, 0x80],
        ..RawWav::pcm16(&[])
    };
    let clip = read(&raw.save(folder.path(), "20.wav")).unwrap();
    assert_eq!(clip.channels()[0], [0.5, -1.0]);
}

#[test]
fn a_32_bit_integer_header_with_an_empty_extension_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let raw = RawWav {
        bits: 32,
        block_align: 4,
        format_extra: vec![0, 0],
        data: (1i32 << 30).to_le_bytes().to_vec(),
        ..RawWav::pcm16(&[])
    };
    assert_eq!(
        read(&raw.save(folder.path(), "a.wav")).unwrap().channels()[0],
        [0.5]
    );
}

#[test]
fn odd_chunks_before_and_after_the_samples_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let raw = RawWav {
        chunks_before: vec![(b"LIST", vec![b'x'; 7]), (b"junk", vec![0; 4])],
        after: b"id3 \x03\0\0\0abc\0".to_vec(),
        ..RawWav::pcm16(&[16384, -16384])
    };
    let clip = read(&raw.save(folder.path(), "a.wav")).unwrap();
    assert_eq!(clip.channels()[0], [0.5, -0.5]);
}

#[test]
fn a_header_from_a_pipe_is_read_to_the_end_of_the_file() {
    let clip = read(&fixture("tone-piped.wav")).unwrap();
    // 16-bit rounding.
    let error = largest_difference(&clip.channels()[0], &sine(440.0, 0.5, 16_000, 800));
    assert!(error <= 1.0 / 32768.0, "{error}");

    let folder = tempfile::tempdir().unwrap();
    for (data_len, riff_len) in [
        (u32::MAX, u32::MAX),
        (0x7fff_f000, 0x7fff_f024),
        (0, 0),
        (0, u32::MAX),
    ] {
        let raw = RawWav {
            data_len: Some(data_len),
            riff_len: Some(riff_len),
            after: vec![9], // half a sample, from an interrupted writer
            ..RawWav::pcm16(&[16384, 0, -16384])
        };
        let path = raw.save(folder.path(), "piped.wav");
        assert_eq!(AudioReader::open(&path).unwrap().samples_hint(), Some(3));
        assert_eq!(
            read(&path).unwrap().channels()[0],
            [0.5, 0.0, -0.5],
            "{data_len:#x}"
        );
    }
}

#[test]
fn other_wav_flavours_fall_back_to_the_general_decoder() {
    let tone = |samples| sine(440.0, 0.5, 16_000, samples);
    let double = read(&fixture("tone-f64.wav")).unwrap();
    // Both are the nearest f32; the generator's sine may round another way.
    assert!(largest_difference(&double.channels()[0], &tone(800)) < 1e-6);
    let mulaw = read(&fixture("tone-mulaw.wav")).unwrap();
    // µ-law steps at this level are 1/64 of full scale, errors half of it.
    assert!(largest_difference(&mulaw.channels()[0], &tone(4800)) < 1.0 / 64.0);
    let adpcm = read(&fixture("tone-adpcm.wav")).unwrap();
    // Four bits a sample; blocks make it a little longer.
    assert!(adpcm.samples() >= 4800);
    assert!(snr_db(&tone(4800), &adpcm.channels()[0][..4800]) > 20.0);
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not-really.mp3");
    std::fs::write(&path, RawWav::pcm16(&[16384]).bytes()).unwrap();
    assert_eq!(read(&path).unwrap().channels()[0], [0.5]);
    let path = folder.path().join("not-really.wav");
    std::fs::copy(fixture("tone.flac"), &path).unwrap();
    assert_eq!(read(&path).unwrap().channel_count(), 2);
}

#[test]
fn a_stream_gives_what_the_whole_file_gives() {
    fn assert_send<T: Send>(_: &T) {}
    for name in ["tone-piped.wav", "tone-mulaw.wav", "tone.flac", "tone.mp3"] {
        let whole = read(&fixture(name)).unwrap();
        let mut reader = AudioReader::open(&fixture(name)).unwrap();
        assert_send(&reader);
        assert_eq!(reader.sample_rate(), whole.sample_rate());
        let mut channels = vec![vec![]; reader.channel_count()];
        loop {
            let more = reader.read(333).unwrap();
            if more[0].is_empty() {
                break;
            }
            let left = whole.samples() - channels[0].len();
            assert_eq!(more[0].len(), 333.min(left), "{name}");
            for (channel, more) in channels.iter_mut().zip(more) {
                channel.extend(more);
            }
        }
        assert_eq!(channels, whole.channels(), "{name}");
        assert!(reader.read(10).unwrap().iter().all(Vec::is_empty));
    }
}
