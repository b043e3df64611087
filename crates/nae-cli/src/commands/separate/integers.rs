//! Float stems as integers.

use std::path::PathBuf;

use anyhow::Result;
use nae_audio::{AudioReader, BitDepth, WavSink};
use nae_separate::ResidualLevel;

use crate::interrupt::bail_if_interrupted;

/// Samples converted at once.
const BLOCK: usize = 1 << 16;

/// Writes float stems as integers, all attenuated by the same gain if the loudest would clip.
/// Returns the files, to be completed, the gain, and the residual with the rounding errors included.
///
/// - `peak`: largest magnitude of any sample
/// - `residual`: that of the float stems
pub fn to_integers(
    from: &[PathBuf],
    to: &[PathBuf],
    depth: BitDepth,
    peak: f32,
    residual: ResidualLevel,
) -> Result<(Vec<WavSink>, f32, ResidualLevel)> {
    let full_scale = (1u32 << (depth.bits() - 1)) as f32;
    let largest = (full_scale - 1.0) / full_scale;
    let gain = if peak > largest { largest / peak } else { 1.0 };
    let mut readers = from
        .iter()
        .map(|path| AudioReader::open(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut sinks = Vec::new();
    for (reader, path) in readers.iter().zip(to) {
        sinks.push(WavSink::create(
            path,
            reader.channel_count(),
            reader.sample_rate(),
            depth,
        )?);
    }
    // the stems' rounding errors add up; they are independent of the residual before
    let mut residual = residual;
    loop {
        bail_if_interrupted("no stem was written")?;
        let mut errors: Vec<Vec<f64>> = Vec::new();
        for (reader, sink) in readers.iter_mut().zip(&mut sinks) {
            let mut channels = reader.read(BLOCK)?;
            errors.resize(channels.len(), Vec::new());
            for (channel, errors) in channels.iter_mut().zip(&mut errors) {
                errors.resize(channel.len(), 0.0);
                scale(channel, gain, full_scale, errors);
            }
            sink.write(&channels)?;
        }
        if errors.iter().all(Vec::is_empty) {
            break;
        }
        residual.residual_energy += errors
            .iter()
            .flatten()
            .map(|error| error * error)
            .sum::<f64>();
    }
    Ok((sinks, gain, residual))
}

/// Applies the gain, and adds what rounding to integers of this full scale will change, referred to
/// the samples before the gain.
fn scale(samples: &mut [f32], gain: f32, full_scale: f32, errors: &mut [f64]) {
    for (x, error) in samples.iter_mut().zip(errors) {
        let scaled = *x * gain;
        let rounded = (scaled * full_scale).round() / full_scale;
        *error += f64::from(rounded - scaled) / f64::from(gain);
        *x = scaled;
    }
}
