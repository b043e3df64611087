//! RNNoise (the crate nnnoiseless) as a filter: 48 kHz mono, 32-bit little-endian floats of full scale 1, from standard input
//! to standard output, sample for sample.
use std::io::{Read, Write, stdin, stdout};

use nnnoiseless::DenoiseState;

/// The network was trained on samples of 16 bits.
const FULL_SCALE: f32 = 32768.0;

fn main() -> std::io::Result<()> {
    let mut bytes = Vec::new();
    stdin().read_to_end(&mut bytes)?;
    let (samples, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty(), "expected 32-bit floats");
    let mut input: Vec<f32> = samples.iter().map(|x| f32::from_le_bytes(*x) * FULL_SCALE).collect();
    let count = input.len();
    // what comes out is one frame late
    let frame = DenoiseState::FRAME_SIZE;
    input.resize((count.div_ceil(frame) + 1) * frame, 0.0);
    let mut state = DenoiseState::new();
    let mut output = vec![0.0; input.len()];
    for (from, to) in input.chunks_exact(frame).zip(output.chunks_exact_mut(frame)) {
        state.process_frame(to, from);
    }
    let output = output[frame..][..count].iter();
    stdout().write_all(&output.flat_map(|x| (x / FULL_SCALE).to_le_bytes()).collect::<Vec<u8>>())
}
